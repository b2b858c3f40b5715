# METADATA
# title: Pushed by
# description: |
#   Where `pushers` is not empty, whoever pushed is a CI job whose verified claims meet one of its entries: each claim
#   that an entry names has a value that matches the entry's pattern. Such an entry says "this workflow on this branch".
#   Persons and robots have no claims, and so meet none. Judges the manifest itself, of whatever kind.
# custom:
#   code: PUSH001
#   level: enforce
#   solution: Let the pipeline push it; nobody else may here.
# schemas:
#   - input: schema.admission
package registry.rules.pushed_by

import data.registry.lib.judge
import data.registry.lib.match
import data.registry.lib.settings

rule := {"id": "pushed_by", "code": "PUSH001", "effect": "deny"}

kinds := {"pushers": "pushers"}

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
	count(met) == count(lists)
}

verdict(subject) := {"is": "violation", "message": message} if {
	subject.root == true
	count(met) < count(lists)
	message := concat("", ["only certain CI jobs may push here, and ", input.who.name, " is none of them"])
}

lists := settings.values("PUSH001", "pushers")

# Counted from what is met, never from what is not. Strict: an entry of the floor's list, and one of the project's.
met := [position | some position, entries in lists; meets(entries)] if {
	is_object(input.who.claims)
	is_string(input.who.kind)
}

meets(entries) if count(entries) == 0

meets(entries) if {
	input.who.kind == "workload"
	some entry in entries
	every claim, pattern in entry.claims {
		some name, value in input.who.claims
		name == claim
		count(match.hits([pattern], value)) == 1
	}
}
