package registry.rules.pushed_by_test

import data.registry.rules.pushed_by
import data.registry.testing

claims := {"repository_id": "74", "ref": "refs/heads/main", "job_workflow_ref": "octo/app/.github/workflows/release.yml@refs/heads/main"}

job(given) := object.union(testing.document, {"who": {"id": "w:1", "kind": "workload", "name": "ci+shop", "claims": given}})

release := {"claims": {"repository_id": "74", "job_workflow_ref": "octo/app/.github/workflows/release.yml@refs/heads/*"}}

verdicts(document, config, projects) := [finding.verdict |
	some finding in pushed_by.findings with input as document
		with data.registry.config as config
		with data.registry.projects as projects
]

allowing(entries) := testing.with_rule("PUSH001", {"pushers": entries})

test_no_entry_lets_everybody_push if verdicts(testing.document, allowing([]), {}) == ["pass"]

test_this_workflow_on_this_branch if {
	verdicts(job(claims), allowing([release]), {}) == ["pass"]
	verdicts(job(object.union(claims, {"job_workflow_ref": "octo/app/.github/workflows/other.yml@refs/heads/main"})), allowing([release]), {}) == ["deny"]
	verdicts(job(object.union(claims, {"repository_id": "75"})), allowing([release]), {}) == ["deny"]
}

test_a_claim_that_is_missing_is_not_met if verdicts(job({"repository_id": "74"}), allowing([release]), {}) == ["deny"]

test_one_of_several_entries if {
	verdicts(job(claims), allowing([{"claims": {"ref": "refs/tags/*"}}, release]), {}) == ["pass"]
}

test_nobody_else if {
	verdicts(testing.document, allowing([release]), {}) == ["deny"]
	robot := object.union(testing.document, {"who": {"id": "r:1", "kind": "robot", "name": "robot+payments+ci", "claims": claims}})
	verdicts(robot, allowing([release]), {}) == ["deny"]
}

test_a_project_tightens if {
	main := testing.overriding("PUSH001", {"pushers": [{"claims": {"ref": "refs/heads/main"}}]})
	verdicts(job(claims), allowing([release]), main) == ["pass"]
	verdicts(job(object.union(claims, {"ref": "refs/heads/x"})), allowing([release]), main) == ["deny"]
	verdicts(job({"ref": "refs/heads/main"}), allowing([release]), main) == ["deny"]
	verdicts(job(claims), allowing([release]), testing.overriding("PUSH001", {"pushers": []})) == ["pass"]
	verdicts(testing.document, allowing([release]), testing.overriding("PUSH001", {"pushers": []})) == ["deny"]
}

test_the_message_names_who_pushed if {
	findings := pushed_by.findings with input as testing.document
		with data.registry.config as allowing([release])
		with data.registry.projects as {}
	some finding in findings
	finding.message == "only certain CI jobs may push here, and anna is none of them"
}

test_children_are_not_judged if {
	sort(verdicts(testing.about([testing.index, testing.child]), allowing([]), {})) == ["na", "pass"]
}
