package registry.rules.immutable_tag_test

import data.registry.rules.immutable_tag
import data.registry.testing

verdicts(document, config, projects) := [finding.verdict |
	some finding in immutable_tag.findings with input as document
		with data.registry.config as config
		with data.registry.projects as projects
]

test_a_new_tag_passes if verdicts(testing.tagging(null, false), testing.parameters, {}) == ["pass"]

test_the_same_target_passes if {
	verdicts(testing.tagging(testing.digest("a"), true), testing.parameters, {}) == ["pass"]
}

test_another_target_is_denied if {
	verdicts(testing.tagging(testing.digest("b"), false), testing.parameters, {}) == ["deny"]
}

test_a_tag_outside_the_patterns_passes if {
	config := testing.with_rule("TAG001", {"immutable_tags": ["release-*"]})
	verdicts(testing.tagging(testing.digest("b"), false), config, {}) == ["pass"]
}

test_a_project_adds_patterns_and_takes_none_away if {
	config := testing.with_rule("TAG001", {"immutable_tags": ["release-*"]})
	document := testing.tagging(testing.digest("b"), false)
	verdicts(document, config, testing.overriding("TAG001", {"immutable_tags": ["v1*"]})) == ["deny"]
	verdicts(document, testing.parameters, testing.overriding("TAG001", {"immutable_tags": []})) == ["deny"]
}

test_a_pattern_that_is_none_decides_nothing if {
	config := testing.with_rule("TAG001", {"immutable_tags": ["v[0-9]"]})
	verdicts(testing.tagging(testing.digest("b"), false), config, {}) == []
}

test_no_tag_no_verdict if verdicts(testing.document, testing.parameters, {}) == ["na"]

test_children_are_not_judged if {
	document := object.union(
		testing.tagging(testing.digest("b"), false),
		{"subjects": [testing.index, testing.child]},
	)
	sort(verdicts(document, testing.parameters, {})) == ["deny", "na"]
}
