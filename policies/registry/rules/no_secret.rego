# METADATA
# title: No secrets in the config
# description: |
#   The gateway's detectors found nothing in the annotations, nor in any text of the config: environment, labels, history,
#   entrypoint, command, health check, author and all the rest, also of members that nothing else reads. The input
#   names the detector and the place, never the value. `ignored_detectors` lists detectors that do not count.
#   Judges everything that is pushed.
# custom:
#   code: SEC001
#   level: enforce
#   solution: Remove the value, rotate the secret (it has left your machine), and pass it when the container starts.
# schemas:
#   - input: schema.admission
package registry.rules.no_secret

import data.registry.lib.judge
import data.registry.lib.settings

rule := {"id": "no_secret", "code": "SEC001", "effect": "deny"}

kinds := {"ignored_detectors": "texts"}

findings contains judge.not_applicable(rule, subject) if {
	judge.off(rule)
	some subject in input.subjects
}

findings contains judge.finding(rule, subject, verdict(subject)) if {
	judge.on(rule)
	settings.sound(rule.code, kinds)
	some subject in input.subjects
}

verdict(subject) := {"is": "pass"} if count(counted(subject)) == 0

verdict(subject) := {"is": "violation", "message": message} if {
	count(counted(subject)) > 0
	message := concat("", ["looks like a secret: ", concat(", ", counted(subject))])
}

# What cannot be named cannot be ignored: a finding without a detector counts.
counted(subject) := {place | some place in places} if {
	is_array(subject.secret_findings)
	is_set(ignored)
	places := [place |
		some finding in subject.secret_findings
		detector := object.get(finding, "detector", "unnamed")
		count([name | some name in ignored; name == detector]) == 0
		place := concat("", [detector, " in ", object.get(finding, "where", "an unnamed place")])
	]
}

# Strict: ignored only where every value in force ignores it.
ignored := intersection({{name | some name in names} | some names in lists}) if {
	lists := settings.values("SEC001", "ignored_detectors")
}
