package registry.rules.required_annotations_test

import data.registry.rules.required_annotations
import data.registry.testing

verdicts(document, config, projects) := [finding.verdict |
	some finding in required_annotations.findings with input as document
		with data.registry.config as config
		with data.registry.projects as projects
]

requiring(place, value) := testing.with_rule("ANN001", {"required": [{"key": "team", "in": place, "value": value}]})

test_in[place] if {
	some place, verdict in {"label": "pass", "annotation": "deny", "either": "pass"}
	verdicts(testing.document, requiring(place, "*"), {}) == [verdict]
}

test_value if {
	verdicts(testing.document, requiring("label", "pay*"), {}) == ["pass"]
	verdicts(testing.document, requiring("label", "pay"), {}) == ["deny"]
}

test_the_message_names_the_key if {
	findings := required_annotations.findings with input as testing.configured({"labels": {"team": "x"}})
		with data.registry.config as requiring("label", "y")
		with data.registry.projects as {}
	some finding in findings
	finding.message == "missing or with another value than required: team"
}

test_an_annotation_counts if {
	document := testing.changed({"annotations": {"team": "payments"}})
	verdicts(document, requiring("annotation", "payments"), {}) == ["pass"]
}

test_no_config_has_no_labels if {
	verdicts(testing.changed({"config": null}), requiring("label", "*"), {}) == ["deny"]
}

test_nothing_required_passes if {
	verdicts(testing.document, testing.with_rule("ANN001", {"required": []}), {}) == ["pass"]
}

test_a_project_adds if {
	projects := testing.overriding("ANN001", {"required": [{"key": "owner", "in": "label", "value": "*"}]})
	verdicts(testing.document, testing.parameters, projects) == ["deny"]
	verdicts(testing.changed({"config": null}), testing.parameters, testing.overriding("ANN001", {"required": []})) == ["deny"]
}

test_an_index_is_not_judged if {
	sort(verdicts(testing.about([testing.index, testing.child]), testing.parameters, {})) == ["na", "pass"]
}
