package registry.rules.no_root_test

import data.registry.rules.no_root
import data.registry.testing

verdicts(document, config, projects) := [finding.verdict |
	some finding in no_root.findings with input as document
		with data.registry.config as config
		with data.registry.projects as projects
]

test_user[user] if {
	some user, verdict in {
		"": "deny", "0": "deny", "00": "deny", "+0": "deny", "-0": "deny", "0:0": "deny", "0:1000": "deny",
		":1000": "deny", "root": "deny", "root:x": "deny", " root": "deny", "Root": "deny",
		"ContainerAdministrator": "deny", "containeradministrator": "deny",
		"10001": "pass", "10001:0": "pass", "app": "pass", "nobody:nogroup": "pass", "0x1": "pass", "10": "pass",
	}
	verdicts(testing.configured({"user": user}), testing.parameters, {}) == [verdict]
}

test_a_masked_user_is_denied if {
	every user in {"[masked: password]", "[masked: too-many-candidates]"} {
		verdicts(testing.configured({"user": user}), testing.parameters, {}) == ["deny"]
	}
}

test_no_config_is_denied if verdicts(testing.changed({"config": null}), testing.parameters, {}) == ["deny"]

test_each_platform_is_judged if {
	root := object.union(testing.child, {"digest": testing.digest("d"), "config": object.union(testing.config, {"user": "0"})})
	document := testing.about([testing.index, testing.child, testing.attestation, root])
	sort(verdicts(document, testing.parameters, {})) == ["deny", "na", "na", "pass"]
}

test_exempt_repository if {
	config := testing.with_rule("CFG001", {"exempt_repositories": ["payments/*"]})
	verdicts(testing.configured({"user": "0"}), config, {}) == ["na"]
}

test_a_project_exempts_itself_only_where_delegated if {
	projects := testing.overriding("CFG001", {"exempt_repositories": ["*"]})
	verdicts(testing.configured({"user": "0"}), testing.parameters, projects) == ["deny"]
	delegating := object.union(testing.parameters, {"delegated": {"CFG001": ["exempt_repositories"]}})
	verdicts(testing.configured({"user": "0"}), delegating, projects) == ["na"]
}

test_a_project_raises_the_level_and_does_not_lower_it if {
	root := testing.configured({"user": "0"})
	warning := testing.with_rule("CFG001", {"level": "warn"})
	verdicts(root, warning, testing.overriding("CFG001", {"level": "enforce"})) == ["deny"]
	verdicts(root, warning, testing.overriding("CFG001", {"level": "off"})) == ["warn"]
}
