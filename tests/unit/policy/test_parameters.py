"""A schema of one's own frees no parameter of a shipped rule: each of a wrong type is refused, without `opa` too."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy import pack
from gateway.policy.build import build
from gateway.policy.pack import copy_policies, shipped_revision
from gateway.policy.parameters import check_shipped_parameters
from gateway.policy.values import RuleInfo


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped directory, on a machine without opa."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    copy_policies(tmp_path / "policies")
    return tmp_path / "policies"


def loosened(policies: Path, data: JsonObject) -> Path:
    """Describe the data with a schema that takes anything, and write ``data``."""
    (policies / "schemas" / "config.json").write_text('{"type": "object"}')
    (policies / "data" / "config.json").write_text(json.dumps(data))
    (policies / "data" / "projects.json").unlink()
    return policies


def shipped_data() -> dict[str, Any]:
    return cast(dict[str, Any], pack.data())


def _floor(code: str, name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data["registry"]["config"]["rules"][code].update({name: value})


def _projects(projects: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data["registry"].update(projects=projects)


def _delegated(delegated: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda data: data["registry"]["config"].update(delegated=delegated)


def _without(code: str, *name: str) -> Callable[[dict[str, Any]], Any]:
    def spoil(data: dict[str, Any]) -> None:
        rules = data["registry"]["config"]["rules"]
        del (rules[code] if name else rules)[name[0] if name else code]

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(_floor("TAG001", "immutable_tags", "v*"), "TAG001/immutable_tags", id="a-text-for-patterns"),
        pytest.param(_floor("CFG001", "root_names", "root"), "CFG001/root_names", id="a-text-for-names"),
        pytest.param(_floor("ANN001", "required", "team"), "ANN001/required", id="a-text-for-requirements"),
        pytest.param(_floor("SIG001", "minimum_signers", None), "SIG001/minimum_signers", id="null"),
        pytest.param(_floor("SIG001", "binding", "true"), "SIG001/binding", id="a-text-for-a-flag"),
        pytest.param(_floor("SIZE001", "max_bytes", "1"), "SIZE001/max_bytes", id="a-text-for-a-number"),
        pytest.param(_floor("TAG001", "immutable_tag", ["v*"]), "rules/TAG001", id="a-misspelt-name"),
        pytest.param(_without("TAG001", "immutable_tags"), "rules/TAG001", id="one-is-missing"),
        pytest.param(_without("TAG001"), "config/rules", id="all-are-missing"),
        pytest.param(
            _projects({"p": {"rules": {"TAG001": {"immutable_tags": None}}}}),
            "projects/p/rules/TAG001/immutable_tags",
            id="null-in-a-project",
        ),
        pytest.param(_projects({"p": {"rules": {"TAG001": ["v*"]}}}), "p/rules/TAG001", id="a-list-in-a-project"),
        pytest.param(_projects({"p": {"rules": "TAG001"}}), "projects/p/rules", id="a-text-for-a-project-s-rules"),
        pytest.param(_projects({"p": {"TAG001": {}}}), "projects/p", id="no-rules-in-between"),
        pytest.param(_projects({"p": []}), "projects/p", id="a-list-for-a-project"),
        pytest.param(_projects([]), "registry/projects", id="a-list-for-the-projects"),
        pytest.param(lambda data: data["registry"].pop("projects"), "registry", id="no-projects"),
        pytest.param(_delegated({"TAG001": "immutable_tags"}), "delegated/TAG001", id="a-text-for-what-is-delegated"),
        pytest.param(_delegated({"TAG001": ["immutable_tag"]}), "TAG001/0", id="a-misspelt-name-is-delegated"),
        pytest.param(_delegated([]), "delegated", id="a-list-for-what-is-delegated"),
        pytest.param(lambda data: data["registry"].update(config=[]), "registry/config", id="a-list-for-the-config"),
        pytest.param(lambda data: data.update(registry=[]), "registry", id="a-list-for-it-all"),
        pytest.param(lambda data: data.clear(), "the document", id="nothing"),
    ],
)
def test_a_schema_of_ones_own_frees_no_parameter_of_a_shipped_rule(
    policies: Path, spoil: Callable[[dict[str, Any]], Any], says: str
) -> None:
    data = shipped_data()
    spoil(data)
    with pytest.raises(PolicyInvalid) as caught:
        build(loosened(policies, data))
    assert f"{says} violates" in caught.value.message
    assert "schemas/config.json" in caught.value.message


def test_what_is_ones_own_is_for_ones_own_schema(policies: Path) -> None:
    data = shipped_data()
    data["registry"]["calendar"] = ["2026-12-24"]
    data["registry"]["config"]["freeze"] = True
    data["registry"]["config"]["rules"]["ACME001"] = {"level": "enforce", "days": "sunday"}
    data["registry"]["config"]["delegated"]["ACME001"] = ["days"]
    data["registry"]["projects"] = {"p": {"rules": {"ACME001": {"days": []}, "TAG001": {"immutable_tags": ["v*"]}}}}
    assert build(loosened(policies, data)).rules == shipped_revision().rules


def test_a_shipped_rule_that_is_not_there_needs_no_parameters() -> None:
    data = shipped_data()
    del data["registry"]["config"]["rules"]["TAG001"]
    rules = shipped_revision().rules
    with pytest.raises(PolicyInvalid):
        check_shipped_parameters(data, rules)
    without = [rule for rule in rules if rule.code != "TAG001"]
    check_shipped_parameters(data, without)
    data["registry"]["config"]["rules"]["TAG001"] = "of nobody"
    data["registry"]["projects"] = {"p": {"rules": {"TAG001": "of nobody"}}}
    check_shipped_parameters(data, without)


def test_another_rule_with_a_shipped_code_has_the_shipped_parameters() -> None:
    data = shipped_data()
    mine = [RuleInfo(id="my_tags", code="TAG001", title="mine")]
    check_shipped_parameters(data, mine)
    data["registry"]["config"]["rules"]["TAG001"] = {"level": "enforce", "frozen": ["v*"]}
    with pytest.raises(PolicyInvalid, match="takes a code of its own"):
        check_shipped_parameters(data, mine)
