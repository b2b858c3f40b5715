# METADATA
# title: Parameters in force
# description: |
#   A rule's parameter has a floor, in `data.registry.config`, and may have an override for the project at hand, in
#   `data.registry.projects`. An override tightens. It may loosen only where the organisation's list
#   `data.registry.config.delegated[<code>]` names the parameter; then the override alone is in force.
#
#   `values` therefore answers with one or two values, and each rule says in one line how two of them combine in the
#   strict direction: the smaller limit, both allow-lists, the union of what is required. No generic merge: it could
#   not know which direction is strict.
#
#   A rule binds what `values` answers before it walks over it: inside a comprehension a parameter that is not there reads
#   as an empty list, and an empty list of what is forbidden forbids nothing. A text in the place of a list reads as an
#   empty one too, so a rule says with `sound` what each of its parameters must be, before it judges anything.
# schemas:
#   - input: schema.admission
package registry.lib.settings

values(code, key) := [floor(code, key)] if count(overriding(code, key)) == 0

values(code, key) := overriding(code, key) if {
	count(overriding(code, key)) == 1
	key in delegated(code)
}

values(code, key) := array.concat([floor(code, key)], overriding(code, key)) if {
	count(overriding(code, key)) == 1
	count([name | some name in delegated(code); name == key]) == 0
}

# Undefined, and with it the finding and the decision, where a parameter has no floor.
floor(code, key) := data.registry.config.rules[code][key]

# A list, since `null` in the data is a value, and a wrong one, not the absence of an override.
overriding(code, key) := [value | some name, value in own; name == key] if own := overrides(code)

# Step by step: a path through something else than an object would read as no override. Undefined is what it must be.
overrides(code) := own if {
	is_object(data.registry.projects)
	project := object.get(data.registry.projects, input.where.project, {})
	is_object(project)
	rules := object.get(project, "rules", {})
	is_object(rules)
	own := object.get(rules, code, {})
	is_object(own)
}

delegated(code) := names if {
	is_object(data.registry.config.delegated)
	names := object.get(data.registry.config.delegated, code, [])
	is_array(names)
}

rank := {"off": 0, "warn": 1, "enforce": 2}

# METADATA
# description: |
#   The strictest of the levels in force, `off`, `warn` or `enforce`. Undefined where one of them is none of the three.
level(code) := name if {
	levels := values(code, "level")
	every value in levels {
		rank[value] >= 0
	}
	strictest := max([rank[value] | some value in levels])
	some name, position in rank
	position == strictest
}

# METADATA
# description: |
#   True where the rule has the parameters that `kinds` names, no other, and each value in force is of its kind. A rule
#   that asks for it first has no finding otherwise, and then there is no decision.
sound(code, kinds) if {
	wanted := object.union(kinds, {"level": "level"})
	given := data.registry.config.rules[code]
	is_object(given)
	object.keys(given) == object.keys(wanted)
	own := overrides(code)
	every name in object.keys(own) {
		name in object.keys(wanted)
	}
	loose := delegated(code)
	every name in loose {
		name in object.keys(wanted)
	}
	every name, kind in wanted {
		every value in values(code, name) {
			is_a(kind, value)
		}
	}
}

is_a("level", value) if rank[value] >= 0

is_a("flag", value) if is_boolean(value)

is_a("choice", value) if value in {"allow", "deny"}

is_a("amount", value) if {
	is_number(value)
	value >= 0
}

is_a("number from one", value) if {
	is_number(value)
	value >= 1
}

is_a("texts", value) if {
	is_array(value)
	every item in value {
		is_string(item)
		item != ""
	}
}

is_a("patterns", value) if {
	is_array(value)
	every item in value {
		is_pattern(item)
	}
}

is_a("requirements", value) if {
	is_array(value)
	every item in value {
		is_object(item)
		object.keys(item) == {"key", "in", "value"}
		is_string(item.key)
		item.key != ""
		item["in"] in {"annotation", "label", "either"}
		is_pattern(item.value)
	}
}

is_a("pushers", value) if {
	is_array(value)
	every item in value {
		is_object(item)
		object.keys(item) == {"claims"}
		is_object(item.claims)
		count(item.claims) > 0
		every name, pattern in item.claims {
			name != ""
			is_pattern(pattern)
		}
	}
}

# METADATA
# description: True of what `registry.lib.match` takes for a pattern; anything else would mean something else than itself.
is_pattern(text) if {
	is_string(text)
	regex.match(`^[A-Za-z0-9_.,/:@=+ *-]+$`, text)
}
