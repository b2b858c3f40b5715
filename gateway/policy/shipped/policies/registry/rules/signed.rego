# METADATA
# title: Signed by a trusted signer
# description: |
#   The trust policy of the project is satisfied by evidence that the gateway verified, by the signatures of at least
#   `minimum_signers` different keys. A key counts where a policy in `mode: enforce` rests on it; an attestation is no
#   signature, and is enough for one signer where the policy asks for nothing else. A project whose trust policy says
#   `static: pass` passes where `accept_static_pass` is true. Judges the manifest itself: its signature covers the
#   children by their digests.
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

kinds := {"binding": "flag", "minimum_signers": "number from one", "accept_static_pass": "flag"}

findings contains judge.not_applicable(rule, subject) if {
	judge.off(rule)
	some subject in input.subjects
}

findings contains judge.finding(rule, subject, verdict(subject)) if {
	judge.on(rule)
	settings.sound(rule.code, kinds)
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
	counted >= minimum_signers
}

verdict(subject) := {"is": "violation", "message": message} if {
	subject.root == true
	input.trust.static_pass == false
	input.trust.satisfied == true
	counted < minimum_signers
	message := concat("", [
		json.marshal(counted), " trusted signer(s), ", json.marshal(minimum_signers), " are required",
	])
}

verdict(subject) := {"is": "violation", "message": "not signed by a signer whom the project's trust policy trusts"} if {
	subject.root == true
	input.trust.static_pass == false
	input.trust.satisfied == false
}

# Without evidence that a policy rests on nobody is counted, whatever else is verified: a policy in `mode: warn` is in
# `evidence.verified` too, and not in `trust.policies`. A policy may ask for attestations alone; they are worth the one
# signer that every policy asks for, and never a second one, since an attestation is no signature.
counted := 0 if count(relied_on) == 0

counted := max([count(signers), 1]) if count(relied_on) > 0

relied_on := {evidence.evidence | some evidence in verified; evidence.policy in policies} if {
	verified := input.evidence.verified
	policies := input.trust.policies
	is_array(verified)
	is_array(policies)
}

# Keys, once each, whatever names and authorities the trust policy has for one.
signers := {signer | some signer in listed} if {
	listed := input.trust.signers
	is_array(listed)
}

# Strict: the larger number.
minimum_signers := max(settings.values("SIG001", "minimum_signers"))

# Strict: accepted only where every value in force accepts it.
static_pass_accepted := accepted if {
	accepts := settings.values("SIG001", "accept_static_pass")
	accepted := count([value | some value in accepts; value == false]) == 0
}
