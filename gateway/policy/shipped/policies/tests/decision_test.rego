package registry.admission_test

import data.registry.admission
import data.registry.testing

decide(document) := decision if {
	decision := admission.decision with input as document
		with data.registry.config as testing.parameters
		with data.registry.projects as {}
		with data.registry.revision as "sha256:data"
		with data.registry.compiled as {"rules": "sha256:rules"}
}

test_the_revision_is_shown if decide(testing.document).revision == {"rules": "sha256:rules", "data": "sha256:data"}

test_every_rule_speaks_once_of_every_subject if {
	decision := decide(testing.about([testing.index, testing.child, testing.attestation]))
	pairs := {[finding.rule, finding.subject] | some finding in decision.evaluated}
	count(pairs) == count(decision.evaluated)
	count(pairs) == 3 * count(object.keys(testing.parameters.rules))
}

test_an_admissible_document_has_no_other_verdict_than_pass_and_na if {
	every document in [testing.document, testing.tagging(null, false), testing.about([testing.index, testing.child])] {
		every finding in decide(document).evaluated {
			finding.verdict in {"pass", "na"}
		}
	}
}

# The build generates `registry.compiled`; a bundle without it, or without a revision in its data, decides nothing.
test_no_revision_no_decision if {
	without_rules := [decision |
		decision := admission.decision with input as testing.document
			with data.registry.config as testing.parameters
			with data.registry.projects as {}
			with data.registry.revision as "sha256:data"
			with data.registry.compiled as {}
	]
	without_data := [decision |
		decision := admission.decision with input as testing.document
			with data.registry.config as testing.parameters
			with data.registry.projects as {}
			with data.registry.compiled as {"rules": "sha256:rules"}
	]
	count(without_rules) + count(without_data) == 0
}

test_nothing_is_obliged if decide(testing.document).obligations == []
