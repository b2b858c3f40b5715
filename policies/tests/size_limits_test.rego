package registry.rules.size_limits_test

import data.registry.rules.size_limits
import data.registry.testing

verdicts(document, config, projects) := [finding.verdict |
	some finding in size_limits.findings with input as document
		with data.registry.config as config
		with data.registry.projects as projects
]

message(document) := finding.message if {
	some finding in size_limits.findings with input as document
		with data.registry.config as testing.parameters
		with data.registry.projects as {}
}

layer := testing.image.layers[0]

test_at_the_limit_passes if verdicts(testing.document, testing.parameters, {}) == ["pass"]

test_one_byte_over if message(testing.changed({"size": 1001})) == "1001 bytes, the limit is 1000"

test_layers if {
	verdicts(testing.changed({"layers": [layer, layer]}), testing.parameters, {}) == ["pass"]
	message(testing.changed({"layers": [layer, layer, layer]})) == "3 layers, the limit is 2"
}

test_manifest_media_type if {
	message(testing.changed({"media_type": "text/x"})) == "manifest media type not allowed: text/x"
}

test_layer_media_type if {
	odd := object.union(layer, {"media_type": "text/x"})
	message(testing.changed({"layers": [layer, odd]})) == "layer media type not allowed: text/x"
}

test_foreign_layer if {
	document := testing.changed({"layers": [object.union(layer, {"foreign": true})]})
	verdicts(document, testing.parameters, {}) == ["deny"]
	verdicts(document, testing.with_rule("SIZE001", {"foreign_layers": "allow"}), {}) == ["pass"]
}

test_every_problem_is_named if {
	document := testing.changed({"size": 1001, "media_type": "text/x"})
	message(document) == "1001 bytes, the limit is 1000; manifest media type not allowed: text/x"
}

test_a_project_lowers_and_does_not_raise if {
	verdicts(testing.document, testing.parameters, testing.overriding("SIZE001", {"max_bytes": 999})) == ["deny"]
	larger := testing.changed({"size": 1001})
	projects := testing.overriding("SIZE001", {"max_bytes": 2000})
	verdicts(larger, testing.parameters, projects) == ["deny"]
	delegating := object.union(testing.parameters, {"delegated": {"SIZE001": ["max_bytes"]}})
	verdicts(larger, delegating, projects) == ["pass"]
}

test_everything_is_judged if {
	document := testing.about([testing.index, testing.child, testing.attestation])
	sort(verdicts(document, testing.parameters, {})) == ["pass", "pass", "pass"]
}
