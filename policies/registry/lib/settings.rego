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
#   as an empty list, and an empty list of what is forbidden forbids nothing.
# schemas:
#   - input: schema.admission
package registry.lib.settings

values(code, key) := [floor(code, key)] if override(code, key) == null

values(code, key) := [override(code, key)] if {
	override(code, key) != null
	key in delegated(code)
}

values(code, key) := [floor(code, key), override(code, key)] if {
	override(code, key) != null
	count([name | some name in delegated(code); name == key]) == 0
}

# Undefined, and with it the finding and the decision, where a parameter has no floor.
floor(code, key) := data.registry.config.rules[code][key]

override(code, key) := object.get(data.registry.projects, [input.where.project, "rules", code, key], null)

delegated(code) := object.get(data.registry.config.delegated, code, [])

rank := {"off": 0, "warn": 1, "enforce": 2}

# METADATA
# description: The strictest of the levels in force, `off`, `warn` or `enforce`.
level(code) := name if {
	strictest := max([rank[value] | some value in values(code, "level")])
	some name, position in rank
	position == strictest
}
