# METADATA
# title: Tags that never move
# description: |
#   A tag that matches a pattern of `immutable_tags` may be set once. Setting it again to the same manifest is fine.
#   Judges the manifest itself in a tag decision; a tag is only a pointer, so a pull by digest is not protected by it.
# custom:
#   code: TAG001
#   level: enforce
#   solution: Push under a new tag; an immutable one can only be deleted, by somebody who may.
# schemas:
#   - input: schema.admission
package registry.rules.immutable_tag

import data.registry.lib.judge
import data.registry.lib.match
import data.registry.lib.settings

rule := {"id": "immutable_tag", "code": "TAG001", "effect": "deny"}

kinds := {"immutable_tags": "patterns"}

findings contains judge.not_applicable(rule, subject) if {
	judge.off(rule)
	some subject in input.subjects
}

findings contains judge.finding(rule, subject, verdict(subject)) if {
	judge.on(rule)
	settings.sound(rule.code, kinds)
	some subject in input.subjects
}

verdict(subject) := {"is": "na"} if {
	subject.root == true
	input.decision == "manifest"
	input.tag == null
}

verdict(subject) := {"is": "na"} if subject.root == false

verdict(subject) := {"is": "pass"} if {
	judged(subject)
	count(match.hits(immutable_tags, input.tag.name)) == 0
}

verdict(subject) := {"is": "pass"} if {
	judged(subject)
	count(match.hits(immutable_tags, input.tag.name)) > 0
	stays
}

verdict(subject) := {"is": "violation", "message": message} if {
	judged(subject)
	count(match.hits(immutable_tags, input.tag.name)) > 0
	input.tag.target != null
	input.tag.target_is_this == false
	message := concat("", ["the tag ", input.tag.name, " is immutable and points at ", input.tag.target])
}

judged(subject) if {
	subject.root == true
	input.decision == "tag"
}

stays if {
	input.tag.target == null
	is_boolean(input.tag.target_is_this)
}

stays if {
	input.tag.target != null
	input.tag.target_is_this == true
}

# Strict: the union of what must not move.
immutable_tags := {pattern | some patterns in lists; some pattern in patterns} if {
	lists := settings.values("TAG001", "immutable_tags")
}
