package registry.rules.signed_test

import data.registry.rules.signed
import data.registry.testing

verdicts(document, config) := [finding.verdict |
	some finding in signed.findings with input as document
		with data.registry.config as config
		with data.registry.projects as {}
]

trust(patch) := object.union(testing.document, {"trust": patch})

test_signed_passes if verdicts(testing.document, testing.parameters) == ["pass"]

test_unsatisfied_holds if {
	verdicts(trust({"satisfied": false}), testing.parameters) == ["hold"]
}

test_the_finding_is_complete if {
	findings := signed.findings with input as trust({"satisfied": false})
		with data.registry.config as testing.with_rule("SIG001", {"binding": true})
		with data.registry.projects as {}
	findings == {{
		"rule": "signed",
		"subject": testing.digest("a"),
		"verdict": "hold",
		"code": "SIG001",
		"message": "not signed by a signer whom the project's trust policy trusts",
		"binding": true,
	}}
}

test_satisfied_without_evidence_holds if {
	document := object.union(testing.document, {"evidence": {"verified": [], "rejected": []}})
	verdicts(document, testing.parameters) == ["hold"]
}

test_one_signer_where_two_are_required_holds if {
	verdicts(testing.document, testing.with_rule("SIG001", {"minimum_signers": 2})) == ["hold"]
}

test_two_signatures_of_one_signer_are_one_signer if {
	signature := testing.document.evidence.verified[0]
	again := object.union(signature, {"evidence": testing.digest("f")})
	document := object.union(testing.document, {"evidence": {"verified": [signature, again], "rejected": []}})
	verdicts(document, testing.with_rule("SIG001", {"minimum_signers": 2})) == ["hold"]
}

test_static_pass if {
	document := trust({"static_pass": true, "satisfied": true})
	verdicts(document, testing.parameters) == ["pass"]
	verdicts(document, testing.with_rule("SIG001", {"accept_static_pass": false})) == ["hold"]
}

test_children_are_not_judged if {
	document := testing.about([testing.index, testing.child])
	sort(verdicts(document, testing.parameters)) == ["na", "pass"]
}

test_levels if {
	verdicts(trust({"satisfied": false}), testing.with_rule("SIG001", {"level": "warn"})) == ["warn"]
	verdicts(trust({"satisfied": false}), testing.with_rule("SIG001", {"level": "off"})) == ["na"]
}
