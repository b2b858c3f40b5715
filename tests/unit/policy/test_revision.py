"""A revision is named by what it is made of, and read back only if every digest in it is true."""

import base64
import dataclasses
import json
from collections.abc import Callable
from typing import cast

import pytest

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy import canonical
from gateway.policy.pack import shipped_revision
from gateway.policy.revision import COMPILED_MODULE, PolicyRevision, digest_of_sources
from gateway.policy.values import PolicyRevisionId

REVISION = shipped_revision()


def rebuilt(**changes: object) -> PolicyRevision:
    parts: dict[str, object] = {
        "sources": REVISION.sources,
        "data": {"registry": {"config": {}, "projects": {}}},
        "schema": REVISION.schema,
        "wasm": REVISION.wasm,
        "rules": REVISION.rules,
    }
    return PolicyRevision.of(**{**parts, **changes})  # type: ignore[arg-type]  # The parts differ in type.


def test_it_survives_storage_byte_for_byte() -> None:
    stored = REVISION.to_bytes()
    assert PolicyRevision.from_bytes(stored) == REVISION
    assert PolicyRevision.from_bytes(stored).to_bytes() == stored
    assert shipped_revision().to_bytes() == stored


def test_the_order_of_parts_changes_nothing() -> None:
    sources = dict(sorted(REVISION.sources.items(), reverse=True))
    assert rebuilt(sources=sources, rules=tuple(reversed(REVISION.rules))).to_bytes() == rebuilt().to_bytes()


def test_data_and_rules_are_named_apart() -> None:
    other_data = rebuilt(data={"registry": {"config": {}, "projects": {"p": {}}}})
    assert other_data.rules_digest == rebuilt().rules_digest
    assert other_data.data_digest != rebuilt().data_digest
    other_rules = rebuilt(sources={**REVISION.sources, "registry/rules/x.rego": "package x"})
    assert other_rules.data_digest == rebuilt().data_digest
    assert other_rules.rules_digest != rebuilt().rules_digest
    assert len({rebuilt().id, other_data.id, other_rules.id}) == 3


def test_the_path_of_a_module_is_part_of_its_name() -> None:
    assert digest_of_sources({"a": "x", "b": "y"}) != digest_of_sources({"a": "y", "b": "x"})


def test_the_revision_in_the_data_is_its_digest_without_it() -> None:
    registry = cast(JsonObject, REVISION.data["registry"])
    unmarked: JsonObject = {"registry": {name: value for name, value in registry.items() if name != "revision"}}
    assert registry["revision"] == REVISION.data_digest == canonical.digest(canonical.encode(unmarked))


def test_the_name_of_a_pair() -> None:
    # printf '{"data":"b","rules":"a"}' | sha256sum
    pair = PolicyRevisionId(rules="a", data="b")
    assert str(pair) == pair.id == "sha256:c5503a8cd6b2df0eead5aa6d20a5e45a118ef82d8a431e53c4ef7be38d8193ff"


def test_the_bundle_for_a_server_holds_the_same_modules_and_data() -> None:
    files = REVISION.opa_files()
    assert {path for path in files if path.endswith(".rego")} == {*REVISION.sources, COMPILED_MODULE}
    assert json.loads(files["data.json"]) == REVISION.data
    assert REVISION.rules_digest.encode() in files[COMPILED_MODULE]
    assert json.loads(files[".manifest"])["revision"] == REVISION.id


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="empty"),
        pytest.param({"registry": {}, "other": {}}, id="another-root"),
        pytest.param({"registry": []}, id="a-list"),
        pytest.param({"registry": {"revision": "sha256:x"}}, id="its-own-revision"),
        pytest.param({"registry": {"compiled": {"rules": "x"}}}, id="its-own-compiled"),
        pytest.param({"registry": {"rules": {"no_root": {"findings": []}}}}, id="findings-as-data"),
        pytest.param({"registry": {"config": {"x": 0.5}}}, id="a-fraction"),
        pytest.param({"registry": {"config": {"x": ["\ud800"]}}}, id="a-surrogate"),
    ],
)
def test_data_that_is_refused(data: JsonObject) -> None:
    with pytest.raises(PolicyInvalid):
        rebuilt(data=data)


def _stored() -> JsonObject:
    return cast(JsonObject, json.loads(REVISION.to_bytes()))


def _changed_wasm(stored: JsonObject) -> None:
    stored["wasm"] = base64.b64encode(b"\x00asm").decode()


def _changed_source(stored: JsonObject) -> None:
    sources = cast(JsonObject, stored["sources"])
    sources["registry/rules/no_root.rego"] = "package registry.rules.no_root"


def _changed_data(stored: JsonObject) -> None:
    cast(JsonObject, cast(JsonObject, stored["data"])["registry"])["projects"] = {"payments": {}}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_changed_wasm, id="wasm"),
        pytest.param(_changed_source, id="source"),
        pytest.param(_changed_data, id="data"),
        pytest.param(lambda s: s.update(id="sha256:" + "0" * 64), id="id"),
        pytest.param(lambda s: s.update(format="v0"), id="format"),
        pytest.param(lambda s: s.update(more=1), id="another-member"),
        pytest.param(lambda s: s.pop("rules"), id="no-rules"),
        pytest.param(lambda s: s.update(rules=[{"id": "x"}]), id="odd-rule"),
        pytest.param(lambda s: s.update(rules=[1]), id="no-rule"),
        pytest.param(lambda s: s.update(wasm="!"), id="no-base64"),
        pytest.param(lambda s: s.update(sources=[]), id="odd-sources"),
        pytest.param(lambda s: s.update(sources={"a": 1}), id="odd-source"),
        pytest.param(lambda s: s.update(data=[]), id="odd-data"),
        pytest.param(lambda s: s.update(data={"registry": 1}), id="odd-registry"),
    ],
)
def test_a_stored_revision_that_lies_is_refused(change: Callable[[JsonObject], object]) -> None:
    stored = _stored()
    change(stored)
    with pytest.raises(PolicyInvalid):
        PolicyRevision.from_bytes(canonical.encode(stored))


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{", b"\x80\x04N.", REVISION.to_bytes() + b" ", b'{"format":"a","format":"b"}']
)
def test_bytes_that_are_no_revision(document: bytes) -> None:
    with pytest.raises(PolicyInvalid):
        PolicyRevision.from_bytes(document)


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        REVISION.wasm = b""  # type: ignore[misc]  # What is tested.
