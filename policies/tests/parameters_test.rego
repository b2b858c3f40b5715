# METADATA
# title: A parameter that a rule cannot read
# description: |
#   Whatever is in the place of a parameter, a rule that cannot read it has no finding, and then there is no decision. The
#   fixture sets every parameter, so a new one is tried too.
package registry.parameters_test

import data.registry.lib.settings
import data.registry.rules
import data.registry.testing

# Wrong for every kind of parameter, and what is wrong for some.
misfits := [{}, {"v*": "v*"}, null, "v*", "", -1, "7", [7], [null], [{}], [[]], [{"v*": "v*"}], [""], ["v*", 7], [["v*"]]]

misfits_of := {
	"binding": ["true", 1, 0, []],
	"minimum_signers": [0, true, [1], []],
	"max_bytes": [true, [1], []],
	"immutable_tags": [7, true, ["v[0-9]"]],
	"required": [7, true, ["team"], [{"key": "team", "in": "label"}], [{"key": "team", "in": "Label", "value": "*"}]],
	"undeclared": ["Allow", true, [], ["allow"]],
	"level": ["Enforce", true, [], ["off"]],
}

wrong(name) := array.concat(misfits, object.get(misfits_of, name, []))

speaks(document, code, config, projects) if {
	some id, rule in rules
	rule.rule.code == code
	some finding in rules[id].findings with input as document
		with data.registry.config as config
		with data.registry.projects as projects
	finding.rule == id
}

test_every_rule_speaks_where_its_parameters_are_right if {
	every code, _ in testing.parameters.rules {
		speaks(testing.document, code, testing.parameters, {})
	}
}

test_a_wrong_floor_is_no_finding if {
	silent := [name |
		some code, parameters in testing.parameters.rules
		some name, _ in parameters
		some value in wrong(name)
		speaks(testing.tagging(null, false), code, testing.with_rule(code, {name: value}), {})
	]
	silent == []
}

test_a_wrong_override_is_no_finding if {
	silent := [name |
		some code, parameters in testing.parameters.rules
		some name, _ in parameters
		some value in wrong(name)
		some config in [testing.parameters, object.union(testing.parameters, {"delegated": {code: [name]}})]
		speaks(testing.tagging(null, false), code, config, testing.overriding(code, {name: value}))
	]
	silent == []
}

test_overrides_of_another_shape_are_no_finding if {
	silent := [value |
		some code, _ in testing.parameters.rules
		some value in ["x", null, 7, ["x"], true]
		some projects in [{"payments": value}, {"payments": {"rules": value}}, {"payments": {"rules": {code: value}}}]
		speaks(testing.document, code, testing.parameters, projects)
	]
	silent == []
}

test_a_misspelt_name_is_no_finding if {
	silent := [code |
		some code, _ in testing.parameters.rules
		some [config, projects] in [
			[testing.with_rule(code, {"Level": "enforce"}), {}],
			[testing.parameters, testing.overriding(code, {"Level": "enforce"})],
			[object.union(testing.parameters, {"delegated": {code: ["Level"]}}), {}],
			[object.union(testing.parameters, {"delegated": {code: "level"}}), {}],
		]
		speaks(testing.document, code, config, projects)
	]
	silent == []
}

test_kinds if {
	settings.is_a("flag", false)
	settings.is_a("amount", 0)
	settings.is_a("texts", [])
	settings.is_a("patterns", ["v*"])
}
