package registry.rules.no_secret_test

import data.registry.rules.no_secret
import data.registry.testing

verdicts(document, config, projects) := [finding.verdict |
	some finding in no_secret.findings with input as document
		with data.registry.config as config
		with data.registry.projects as projects
]

found := testing.changed({"secret_findings": [{"detector": "aws-access-key", "where": "env:KEY"}]})

test_nothing_found_passes if verdicts(testing.document, testing.parameters, {}) == ["pass"]

test_found_is_denied_and_named if {
	findings := no_secret.findings with input as found
		with data.registry.config as testing.parameters
		with data.registry.projects as {}
	findings == {{
		"rule": "no_secret",
		"subject": testing.digest("a"),
		"verdict": "deny",
		"code": "SEC001",
		"message": "looks like a secret: aws-access-key in env:KEY",
	}}
}

test_ignored_detector if {
	verdicts(found, testing.with_rule("SEC001", {"ignored_detectors": ["aws-access-key"]}), {}) == ["pass"]
	verdicts(found, testing.with_rule("SEC001", {"ignored_detectors": ["jwt"]}), {}) == ["deny"]
}

test_a_project_does_not_ignore_by_itself if {
	projects := testing.overriding("SEC001", {"ignored_detectors": ["aws-access-key"]})
	verdicts(found, testing.parameters, projects) == ["deny"]
}

test_a_finding_without_detector_counts if {
	document := testing.changed({"secret_findings": [{"where": "env:KEY"}]})
	verdicts(document, testing.with_rule("SEC001", {"ignored_detectors": ["aws-access-key"]}), {}) == ["deny"]
}

test_everything_is_judged if {
	document := testing.about([testing.index, testing.child, testing.attestation])
	sort(verdicts(document, testing.parameters, {})) == ["pass", "pass", "pass"]
}
