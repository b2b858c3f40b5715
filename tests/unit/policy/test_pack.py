"""What is shipped is what lies in `policies/`, and what its METADATA says."""

import json
from pathlib import Path
from typing import cast

import pytest

from gateway.errors import Conflict, PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy import pack, sources
from gateway.policy.build import build
from gateway.policy.document import API_VERSION
from gateway.policy.pack import copy_policies, merged, shipped_revision
from gateway.policy.revision import digest_of_sources
from tests.support.policy import POLICIES, RULES


def files(directory: Path) -> dict[str, bytes]:
    return {f.relative_to(directory).as_posix(): f.read_bytes() for f in sorted(directory.rglob("*")) if f.is_file()}


def test_the_packaged_directory_is_the_tree_s() -> None:
    assert files(pack.SHIPPED / "policies") == files(POLICIES)


def test_the_packaged_wasm_is_compiled_from_the_tree_s_rules() -> None:
    digest = digest_of_sources(sources.read(POLICIES).modules)
    assert json.loads((pack.SHIPPED / "compiled.json").read_bytes())["rules_digest"] == digest
    # The constant that an answer shows is in the module itself; the engines' contract then checks the answers.
    assert digest.encode() in (pack.SHIPPED / "admission.wasm").read_bytes()


def test_the_rules_are_those_of_the_documentation() -> None:
    assert {rule.id: rule.code for rule in shipped_revision().rules} == RULES
    for rule in shipped_revision().rules:
        assert rule.title
        assert rule.description
        assert rule.solution


def test_every_code_has_its_heading() -> None:
    headings = (POLICIES.parent / "docs" / "policy.md").read_text().splitlines()
    for code in RULES.values():
        assert f"### {code}" in headings


def test_every_rule_has_its_module_and_its_tests() -> None:
    read = sources.read(POLICIES)
    for rule in RULES:
        assert f"registry/rules/{rule}.rego" in read.modules
        assert f"tests/{rule}_test.rego" in read.tests


def test_the_shipped_levels_are_those_of_the_metadata() -> None:
    config = cast(JsonObject, cast(JsonObject, shipped_revision().data["registry"])["config"])
    levels = {code: cast(JsonObject, own)["level"] for code, own in cast(JsonObject, config["rules"]).items()}
    for rule, code in RULES.items():
        text = sources.read(POLICIES).modules[f"registry/rules/{rule}.rego"]
        assert f"#   code: {code}\n#   level: {levels[code]}\n" in text


def test_the_input_schema_is_of_this_version() -> None:
    schema = pack.input_schema()
    assert cast(JsonObject, cast(JsonObject, schema["properties"])["api_version"])["const"] == API_VERSION
    assert schema == shipped_revision().schema


def test_every_object_of_the_input_schema_is_closed() -> None:
    def check(schema: object, place: str) -> None:
        if isinstance(schema, list):
            for number, inner in enumerate(schema):
                check(inner, f"{place}/{number}")
        if not isinstance(schema, dict):
            return
        if "properties" in schema and schema.get("type") == "object" and "/contains" not in place:
            assert schema.get("additionalProperties") is False, place
            if "if" not in place and "then" not in place and "else" not in place:
                assert set(schema["required"]) == set(schema["properties"]), place
        if schema.get("type") == "string" and "enum" not in schema and "const" not in schema:
            assert "maxLength" in schema, place
        if schema.get("type") == "array":
            assert "maxItems" in schema, place
        for name, inner in schema.items():
            check(inner, f"{place}/{name}")

    check(pack.input_schema(), "")


def test_the_capabilities_have_no_way_out() -> None:
    names = {cast(str, b["name"]) for b in cast(list[JsonObject], pack.capabilities()["builtins"])}
    forbidden = {"http.send", "net.lookup_ip_addr", "opa.runtime", "time.now_ns", "rand.intn", "uuid.rfc4122", "trace"}
    # The last two differ between the engines, as the golden cases and the fuzz comparison found.
    assert names.isdisjoint({*forbidden, "sprintf", "glob.match", "format_int"})
    assert pack.capabilities()["allow_net"] == []


def test_overrides_change_what_they_name() -> None:
    changed = shipped_revision({"registry": {"config": {"rules": {"CFG001": {"level": "enforce"}}}}})
    before, after = (cast(JsonObject, r.data["registry"]) for r in (shipped_revision(), changed))
    rules = cast(JsonObject, cast(JsonObject, after["config"])["rules"])
    assert cast(JsonObject, rules["CFG001"])["level"] == "enforce"
    cast(JsonObject, rules["CFG001"])["level"] = "warn"
    assert after["config"] == before["config"]
    assert changed.rules_digest == shipped_revision().rules_digest


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param({"registry": {"config": {"rules": {"CFG01": {"level": "off"}}}}}, id="misspelt-code"),
        pytest.param({"registry": {"config": {"rules": {"CFG001": {"levle": "off"}}}}}, id="misspelt-parameter"),
        pytest.param({"registry": {"config": {"rules": {"CFG001": {"level": "on"}}}}}, id="unknown-level"),
        pytest.param({"registry": {"projects": {"p": {"rules": {"CFG001": {"x": 1}}}}}}, id="misspelt-override"),
        pytest.param({"registry": {"config": {"delegated": {"CFG001": ["x"]}}}}, id="misspelt-delegation"),
        pytest.param({"registry": {"config": {"rules": {"BASE001": {"allowed": ["a[b]"]}}}}}, id="no-pattern"),
        pytest.param({"registry": {"config": {"rules": {"SIZE001": {"max_bytes": -1}}}}}, id="negative"),
        pytest.param({"registry": {"other": {}}}, id="another-part"),
    ],
)
def test_overrides_that_the_schema_refuses(overrides: JsonObject) -> None:
    with pytest.raises(PolicyInvalid):
        shipped_revision(overrides)


def test_merging_leaves_its_arguments_alone() -> None:
    base: JsonObject = {"a": {"b": 1, "c": 2}}
    assert merged(base, {"a": {"b": 3}, "d": 4}) == {"a": {"b": 3, "c": 2}, "d": 4}
    assert base == {"a": {"b": 1, "c": 2}}


def test_a_copy_builds_to_the_shipped_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    copy_policies(tmp_path / "policies")
    assert build(tmp_path / "policies") == shipped_revision()


def test_a_copy_never_overwrites(tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        copy_policies(tmp_path)
