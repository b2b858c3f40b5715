# METADATA
# title: Signed by a trusted signer
# description: |
#   The trust policy of the project is satisfied by evidence that the gateway verified, by at least
#   `minimum_signers` different signers. A project whose trust policy says `static: pass` passes where
#   `accept_static_pass` is true. Judges the manifest itself: its signature covers the children by their digests.
#
#   The gateway demands the trust policy too, with or without this rule: deleting it removes no floor. It is here for
#   what goes beyond: two signers for `prod`, no `static: pass` for a project, a hold that `warn` mode does not lift.
# custom:
#   code: SIG001
#   level: enforce
#   solution: Sign the digest with a key that the project's trust policy names; the manifest is then admitted by itself.
# schemas:
#   - input: schema.admission
package registry.rules.signed

import data.registry.lib.judge
import data.registry.lib.settings

rule := {"id": "signed", "code": "SIG001", "effect": "hold"}

findings contains judge.not_applicable(rule, subject) if {
	judge.off(rule)
	some subject in input.subjects
}

findings contains judge.finding(rule, subject, verdict(subject)) if {
	judge.on(rule)
	some subject in input.subjects
}

verdict(subject) := {"is": "na"} if subject.root == false

verdict(subject) := {"is": "pass"} if {
	subject.root == true
	input.trust.static_pass == true
	static_pass_accepted == true
}

verdict(subject) := {"is": "violation", "message": "the project's trust policy says static: pass, which is not accepted here"} if {
	subject.root == true
	input.trust.static_pass == true
	static_pass_accepted == false
}

verdict(subject) := {"is": "pass"} if {
	subject.root == true
	input.trust.static_pass == false
	input.trust.satisfied == true
	count(signers) >= minimum_signers
}

verdict(subject) := {"is": "violation", "message": message} if {
	subject.root == true
	input.trust.static_pass == false
	input.trust.satisfied == true
	count(signers) < minimum_signers
	message := concat("", [
		json.marshal(count(signers)), " trusted signer(s), ", json.marshal(minimum_signers), " are required",
	])
}

verdict(subject) := {"is": "violation", "message": "not signed by a signer whom the project's trust policy trusts"} if {
	subject.root == true
	input.trust.static_pass == false
	input.trust.satisfied == false
}

signers := {evidence.signer | some evidence in input.evidence.verified}

# Strict: the larger number.
minimum_signers := max(settings.values("SIG001", "minimum_signers"))

# Strict: accepted only where every value in force accepts it.
static_pass_accepted := accepted if {
	accepts := settings.values("SIG001", "accept_static_pass")
	accepted := count([value | some value in accepts; value == false]) == 0
}
