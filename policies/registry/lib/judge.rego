# METADATA
# title: From a verdict to a finding
# description: |
#   A rule says `{"is": "na"}`, `{"is": "pass"}` or `{"is": "violation", "message": ...}` of a subject; its level makes
#   that a finding. A rule is described by `{"id", "code", "effect"}`, the effect (`deny` or `hold`) being what an
#   enforced violation does.
package registry.lib.judge

import data.registry.lib.settings

# METADATA
# description: True where the rule is switched off. Its verdict is then not even computed.
off(rule) if settings.level(rule.code) == "off"

# METADATA
# description: True where the rule is to be judged. Not the negation of `off`, which would hold for an undefined level.
on(rule) if settings.level(rule.code) in {"warn", "enforce"}

not_applicable(rule, subject) := {"rule": rule.id, "subject": subject.digest, "verdict": "na"}

finding(rule, subject, verdict) := not_applicable(rule, subject) if verdict.is == "na"

finding(rule, subject, verdict) := {"rule": rule.id, "subject": subject.digest, "verdict": "pass"} if {
	verdict.is == "pass"
}

finding(rule, subject, verdict) := {
	"rule": rule.id,
	"subject": subject.digest,
	"verdict": "warn",
	"code": rule.code,
	"message": verdict.message,
} if {
	verdict.is == "violation"
	settings.level(rule.code) == "warn"
}

finding(rule, subject, verdict) := {
	"rule": rule.id,
	"subject": subject.digest,
	"verdict": "deny",
	"code": rule.code,
	"message": verdict.message,
} if {
	verdict.is == "violation"
	rule.effect == "deny"
	settings.level(rule.code) == "enforce"
}

# A binding hold is one that a project in `warn` mode does not turn into an admission.
finding(rule, subject, verdict) := {
	"rule": rule.id,
	"subject": subject.digest,
	"verdict": "hold",
	"code": rule.code,
	"message": verdict.message,
	"binding": true in settings.values(rule.code, "binding"),
} if {
	verdict.is == "violation"
	rule.effect == "hold"
	settings.level(rule.code) == "enforce"
}
