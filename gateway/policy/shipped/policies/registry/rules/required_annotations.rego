# METADATA
# title: Required labels and annotations
# description: |
#   Each entry of `required`, `{"key", "in", "value"}`, is met by a text that matches the pattern `value`: the manifest's
#   annotation (`"in": "annotation"`), the config's label (`"label"`), or one of the two (`"either"`). Judges images.
# custom:
#   code: ANN001
#   level: enforce
#   solution: Build with --label KEY=VALUE, or with --annotation KEY=VALUE.
# schemas:
#   - input: schema.admission
package registry.rules.required_annotations

import data.registry.lib.judge
import data.registry.lib.match
import data.registry.lib.settings

rule := {"id": "required_annotations", "code": "ANN001", "effect": "deny"}

kinds := {"required": "requirements"}

findings contains judge.not_applicable(rule, subject) if {
	judge.off(rule)
	some subject in input.subjects
}

findings contains judge.finding(rule, subject, verdict(subject)) if {
	judge.on(rule)
	settings.sound(rule.code, kinds)
	some subject in input.subjects
}

verdict(subject) := {"is": "na"} if subject.kind in {"index", "artifact", "attestation", "chart"}

verdict(subject) := {"is": "pass"} if {
	subject.kind == "image"
	count(required) == count(met(subject))
}

verdict(subject) := {"is": "violation", "message": message} if {
	subject.kind == "image"
	unmet := required - met(subject)
	count(unmet) > 0
	message := concat("", ["missing or with another value than required: ", concat(", ", {entry.key | some entry in unmet})])
}

# Counted from what is met, never from what is not: what cannot be evaluated is then unmet.
met(subject) := {entry | some entry in entries} if {
	annotations := subject.annotations
	labels := labels_of(subject)
	entries := [entry |
		some entry in required
		some text in texts(entry, annotations, labels)
		match.like(entry.value, text)
	]
}

texts(entry, annotations, _) := under(annotations, entry.key) if entry["in"] == "annotation"

texts(entry, _, labels) := under(labels, entry.key) if entry["in"] == "label"

texts(entry, annotations, labels) := under(annotations, entry.key) | under(labels, entry.key) if {
	entry["in"] == "either"
}

under(pairs, key) := {text | some name, text in pairs; name == key}

labels_of(subject) := {} if subject.config == null

labels_of(subject) := subject.config.labels if subject.config != null

# Strict: the union of what is required.
required := {entry | some entries in lists; some entry in entries} if lists := settings.values("ANN001", "required")
