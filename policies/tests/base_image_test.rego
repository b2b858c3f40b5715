package registry.rules.base_image_test

import data.registry.rules.base_image
import data.registry.testing

verdicts(document, config, projects) := [finding.verdict |
	some finding in base_image.findings with input as document
		with data.registry.config as config
		with data.registry.projects as projects
]

based_on(name) := testing.changed({"annotations": {"org.opencontainers.image.base.name": name}})

undeclared := testing.about([object.remove(testing.image, ["annotations"])])

test_allowed if verdicts(testing.document, testing.parameters, {}) == ["pass"]

test_refused if verdicts(based_on("docker.io/somebody/alpine:3"), testing.parameters, {}) == ["deny"]

test_a_pattern_matches_whole_texts if {
	verdicts(based_on("evil/docker.io/library/alpine"), testing.parameters, {}) == ["deny"]
}

test_a_star_matches_a_line_break_and_anchors_hold if {
	verdicts(based_on("docker.io/library/a\nb"), testing.parameters, {}) == ["pass"]
	verdicts(based_on("x\ndocker.io/library/a"), testing.parameters, {}) == ["deny"]
	verdicts(based_on("dockerXio/library/a"), testing.parameters, {}) == ["deny"]
}

test_a_pattern_that_is_none_decides_nothing if {
	verdicts(testing.document, testing.with_rule("BASE001", {"allowed": ["docker[.]io/*"]}), {}) == []
}

test_undeclared if {
	bare := testing.about([object.union(object.remove(testing.image, ["annotations"]), {"annotations": {}})])
	verdicts(bare, testing.parameters, {}) == ["deny"]
	verdicts(bare, testing.with_rule("BASE001", {"undeclared": "allow"}), {}) == ["pass"]
}

test_annotation_and_label_must_both_be_allowed if {
	document := testing.configured({"labels": {"org.opencontainers.image.base.name": "ghcr.io/x/y"}})
	verdicts(document, testing.parameters, {}) == ["deny"]
}

test_a_missing_field_says_nothing if verdicts(undeclared, testing.with_rule("BASE001", {"undeclared": "allow"}), {}) == []

test_a_project_tightens if {
	projects := testing.overriding("BASE001", {"allowed": ["*debian*"]})
	verdicts(testing.document, testing.parameters, projects) == ["deny"]
}

test_a_project_does_not_loosen if {
	document := based_on("ghcr.io/x/y")
	projects := testing.overriding("BASE001", {"allowed": ["*"]})
	verdicts(document, testing.parameters, projects) == ["deny"]
	delegating := object.union(testing.parameters, {"delegated": {"BASE001": ["allowed"]}})
	verdicts(document, delegating, projects) == ["pass"]
}

test_an_index_is_not_judged_its_children_are if {
	document := testing.about([testing.index, testing.child, testing.attestation])
	sort(verdicts(document, testing.parameters, {})) == ["na", "na", "pass"]
}
