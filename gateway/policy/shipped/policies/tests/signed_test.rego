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

signature := testing.document.evidence.verified[0]

verified(trust, evidence) := object.union(
	testing.document,
	{"trust": trust, "evidence": {"verified": evidence, "rejected": []}},
)

two := testing.with_rule("SIG001", {"minimum_signers": 2})

other := object.union(signature, {"evidence": testing.digest("f"), "signer": "key:2", "authority": "other"})

test_two_signatures_of_one_signer_are_one_signer if {
	again := object.union(signature, {"evidence": testing.digest("f")})
	verdicts(verified({}, [signature, again]), two) == ["hold"]
}

test_two_signers if verdicts(verified({"signers": ["key:1", "key:2"]}, [signature, other]), two) == ["pass"]

test_the_same_key_is_one_signer_however_often_it_is_listed if {
	document := verified(
		{"policies": ["payments", "more"], "signers": ["key:1", "key:1"]},
		[signature, object.union(signature, {"policy": "more", "authority": "again"})],
	)
	verdicts(document, two) == ["hold"]
}

test_evidence_of_a_policy_in_warn_mode_is_nobody_s if {
	every predicate_type in [null, "https://anything.example/at-all"] {
		trial := object.union(other, {"policy": "trial", "predicate_type": predicate_type})
		verdicts(verified({}, [signature, trial]), two) == ["hold"]
		verdicts(verified({"signers": []}, [trial]), testing.parameters) == ["hold"]
	}
}

test_an_attestation_is_no_second_signer if {
	attested := object.union(other, {"policy": "bom", "predicate_type": "https://spdx.dev/Document"})
	verdicts(verified({"policies": ["payments", "bom"]}, [signature, attested]), two) == ["hold"]
}

test_attestations_are_enough_where_the_trust_policy_asks_for_nothing_else if {
	attested := object.union(signature, {"predicate_type": "https://spdx.dev/Document"})
	verdicts(verified({"signers": []}, [attested]), testing.parameters) == ["pass"]
	verdicts(verified({"signers": []}, [attested, other]), two) == ["hold"]
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
