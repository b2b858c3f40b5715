"""A policies directory without `opa`: parameters change, rules do not; what is wrong is said with the file's name.

With `opa`, `tests/services/test_policy_build.py`.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import PolicyInvalid, Unavailable
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy.build import build, check_levels, rules_of
from gateway.policy.pack import copy_policies, shipped_revision


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped directory, on a machine without opa."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    copy_policies(tmp_path / "policies")
    return tmp_path / "policies"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_parameter_changes_without_opa(policies: Path) -> None:
    edit(policies / "data" / "config.json", '"level": "warn"', '"level": "enforce"')
    revision = build(policies)
    assert revision == shipped_revision({"registry": {"config": {"rules": {"CFG001": {"level": "enforce"}}}}})
    assert revision.rules_digest == shipped_revision().rules_digest
    assert revision.wasm == shipped_revision().wasm


def test_a_project_may_have_a_file_of_its_own(policies: Path) -> None:
    (policies / "data" / "payments.json").write_text(
        json.dumps({"registry": {"projects": {"payments": {"rules": {"CFG001": {"level": "enforce"}}}}}})
    )
    assert build(policies).data_digest != shipped_revision().data_digest


def test_a_rule_changes_only_with_opa_and_the_error_says_how_to_get_it(policies: Path) -> None:
    edit(policies / "registry" / "rules" / "no_root.rego", "Not root", "Not  root")
    with pytest.raises(Unavailable) as caught:
        build(policies)
    assert "github.com/open-policy-agent/opa" in caught.value.message


def test_an_opa_that_was_named_is_not_silently_replaced(policies: Path) -> None:
    with pytest.raises(PolicyInvalid, match="not a program"):
        build(policies, opa=policies / "no-opa")


def _two_sayings(policies: Path) -> None:
    (policies / "data" / "more.json").write_text('{"registry": {"config": {"rules": {"CFG001": {"level": "off"}}}}}')


def _no_level(policies: Path) -> None:
    edit(policies / "data" / "config.json", '{"level": "enforce", "immutable_tags": []}', '{"immutable_tags": []}')


def _link(policies: Path) -> None:
    (policies / "data" / "link.json").symlink_to("/etc/hostname")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(lambda p: (p / "data" / "config.json").write_text("{"), "data/config.json", id="not-json"),
        pytest.param(lambda p: (p / "data" / "config.json").unlink(), "data/", id="no-data"),
        pytest.param(lambda p: (p / "data" / "x.yaml").write_text("a: 1"), "data/x.yaml", id="data-in-yaml"),
        pytest.param(lambda p: (p / "data" / "x.json").write_text('{"a": 1, "a": 2}'), "x.json", id="a-member-twice"),
        pytest.param(lambda p: (p / "data" / "x.json").write_bytes(b" " * 1024 * 1024 + b"{}"), "larger", id="large"),
        pytest.param(_two_sayings, "data/more.json", id="two-files-say-it"),
        pytest.param(_no_level, "TAG001", id="no-level"),
        pytest.param(_link, "link.json", id="a-link"),
        pytest.param(
            lambda p: edit(p / "schemas" / "admission.json", '"maxItems": 8192', '"maxItems": 8193'),
            "schemas/admission.json",
            id="another-input-schema",
        ),
        pytest.param(
            lambda p: edit(p / "capabilities.json", '"name": "abs"', '"name": "http.send"'),
            "capabilities.json",
            id="another-builtin",
        ),
        pytest.param(
            lambda p: (p / "registry" / "rules" / "x_test.rego").write_text("package x"),
            "x_test.rego",
            id="a-test-inside",
        ),
        pytest.param(
            lambda p: (p / "registry" / "compiled.rego").write_text("package registry.compiled"),
            "compiled.rego",
            id="generated",
        ),
        pytest.param(lambda p: (p / "registry" / "x.rego~").write_text("x"), "x.rego~", id="left-over"),
        pytest.param(lambda p: (p / "registry" / "rules" / "x.rego").write_bytes(b"\xff"), "not UTF-8", id="not-utf8"),
        pytest.param(lambda p: (p / "schemas" / "config.json").write_text('{"type": 1}'), "Schema", id="no-schema"),
        pytest.param(
            lambda p: (p / "schemas" / "config.json").write_text('{"$ref": "https://example.com/s"}'),
            "Schema",
            id="schema-elsewhere",
        ),
    ],
)
def test_a_directory_that_is_refused(policies: Path, spoil: Callable[[Path], object], says: str) -> None:
    spoil(policies)
    with pytest.raises(PolicyInvalid) as caught:
        build(policies)
    assert says in caught.value.message


def test_a_path_that_is_no_directory(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid):
        build(tmp_path / "nothing")


def inspected(*rules: tuple[str, JsonObject]) -> JsonObject:
    annotations: list[JsonValue] = []
    for name, metadata in rules:
        path: list[JsonValue] = [{"value": part} for part in f"data.registry.rules.{name}".split(".")]
        annotations.append({"annotations": {"scope": "package", **metadata}, "path": path})
    files: JsonObject = {f"data.registry.rules.{name}": [f"registry/rules/{name}.rego"] for name, _ in rules}
    return {"namespaces": files, "annotations": annotations}


GOOD: JsonObject = {"title": "T", "description": "D", "custom": {"code": "X001", "solution": "S"}}


def test_the_rule_list_is_the_metadata() -> None:
    (rule,) = rules_of(inspected(("x", GOOD)))
    assert (rule.id, rule.code, rule.title, rule.description, rule.solution) == ("x", "X001", "T", "D", "S")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="nothing"),
        pytest.param(inspected(), id="no-rule"),
        pytest.param(inspected(("x", {"title": "T"})), id="no-code"),
        pytest.param(inspected(("x", {**GOOD, "title": ""})), id="empty-title"),
        pytest.param(inspected(("x.y", GOOD)), id="nested"),
        pytest.param(inspected(("x", GOOD), ("y", GOOD)), id="one-code-twice"),
        pytest.param({**inspected(("x", GOOD)), "annotations": []}, id="no-metadata"),
        pytest.param({"namespaces": {"data.other": ["other.rego"]}}, id="another-root"),
        pytest.param({"namespaces": {"data.registry.compiled": ["registry/mine.rego"]}}, id="its-own-constant"),
    ],
)
def test_a_rule_list_that_is_refused(answer: JsonObject) -> None:
    with pytest.raises(PolicyInvalid):
        rules_of(answer)


@pytest.mark.parametrize("data", [{}, {"registry": {}}, {"registry": {"config": {"rules": {"X001": {"level": "on"}}}}}])
def test_a_rule_without_a_level(data: JsonObject) -> None:
    with pytest.raises(PolicyInvalid, match=r"X001\.level"):
        check_levels(data, rules_of(inspected(("x", GOOD))))
