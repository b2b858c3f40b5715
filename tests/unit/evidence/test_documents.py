"""YAML and JSON with one reading, and errors that say where."""

from typing import Final

import pytest

from gateway.errors import TrustPolicyInvalid
from gateway.evidence import documents
from gateway.evidence.documents import Field


def _read(text: str, file: str = "policy.yaml") -> tuple[Field, ...]:
    return documents.read(file, text.encode())


def test_read_yaml_values() -> None:
    (document,) = _read("a: text\nb: [x, 'yes', \"1.10\"]\nc: {d: true, e: false, f: null, g: ~, h: }\n")
    assert document.value == {
        "a": "text",
        "b": ["x", "yes", "1.10"],
        "c": {"d": True, "e": False, "f": None, "g": None, "h": None},
    }


def test_read_several_documents() -> None:
    first, second = _read("a: x\n---\nb: y\n")
    assert (first.file, second.file) == ("policy.yaml (document 1)", "policy.yaml (document 2)")
    assert second.member("b").where == "policy.yaml (document 2): b"


def test_read_json() -> None:
    (document,) = _read('{"a": ["x"]}', "policy.json")
    assert [item.where for item in document.member("a").items()] == ["policy.json: a[0]"]


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        pytest.param("", "policy.yaml", "there is no document", id="empty"),
        pytest.param("a: x\na: y\n", "policy.yaml: a", "is there twice", id="key-twice"),
        pytest.param("a:\n  - b: {c: x, c: y}\n", "policy.yaml: a[0].b.c", "is there twice", id="key-twice-deep"),
        pytest.param("a: &x {b: c}\nd: *x\n", "policy.yaml (line 1)", "an anchor", id="anchor"),
        pytest.param("d: *x\n", "policy.yaml (line 1)", "an alias", id="alias"),
        pytest.param("a: !!python/name:os.system x\n", "policy.yaml (line 1)", "a type tag", id="python-tag"),
        pytest.param("a: !!str x\n", "policy.yaml (line 1)", "a type tag", id="harmless-tag"),
        pytest.param("%YAML 1.1\n---\na: x\n", "policy.yaml (line 1)", "a YAML directive", id="version-directive"),
        pytest.param("%TAG ! tag:x,2000:\n---\na: x\n", "policy.yaml (line 1)", "a YAML directive", id="tag-directive"),
        pytest.param("<<: {a: x}\n", "policy.yaml", "not a plain word", id="merge-key"),
        pytest.param("1: x\n", "policy.yaml", "not a plain word", id="number-as-key"),
        pytest.param("? [a]\n: x\n", "policy.yaml", "not a plain word", id="array-as-key"),
        pytest.param("a: yes\n", "policy.yaml: a", "quote it", id="yes"),
        pytest.param("a: on\n", "policy.yaml: a", "quote it", id="on"),
        pytest.param("a: True\n", "policy.yaml: a", "quote it", id="capital-true"),
        pytest.param("a: 1.10\n", "policy.yaml: a", "quote it", id="float"),
        pytest.param("a: [0x1f]\n", "policy.yaml: a[0]", "quote it", id="number"),
        pytest.param("a: 2026-01-01\n", "policy.yaml: a", "quote it", id="date"),
        pytest.param("[" * 40, "policy.yaml (line 1)", "nested deeper than 32", id="deep"),
        pytest.param("a: [x\n", "policy.yaml", "not YAML", id="malformed"),
        pytest.param("a: \x00\n", "policy.yaml", "not YAML", id="control-character"),
        pytest.param("a: '" + "x" * (256 << 10) + "'\n", "policy.yaml", "larger than", id="large"),
    ],
)
def test_read_refuses(text: str, where: str, reason: str) -> None:
    with pytest.raises(TrustPolicyInvalid) as caught:
        _read(text)
    assert caught.value.where == where
    assert reason in caught.value.reason


def test_read_refuses_other_encodings() -> None:
    with pytest.raises(TrustPolicyInvalid) as caught:
        documents.read("policy.yaml", b"a: \xff\n")
    assert caught.value.reason == "not UTF-8"


@pytest.mark.parametrize(
    "text",
    [pytest.param('{"a": 1, "a": 2}', id="twice"), pytest.param("{'a': 1}", id="quotes"), pytest.param("", id="empty")],
)
def test_read_refuses_json(text: str) -> None:
    with pytest.raises(TrustPolicyInvalid) as caught:
        _read(text, "policy.json")
    assert caught.value.where == "policy.json"


FIELD: Final = Field("f", "a.b", {"text": "x", "empty": "", "number": 1, "list": ["x"], "none": []})


def test_a_field_reads_its_members() -> None:
    assert FIELD.where == "f: a.b"
    assert FIELD.member("text").text() == "x"
    assert FIELD.has("text")
    assert not FIELD.has("other")
    assert not Field("f", "", "text").has("t")
    assert FIELD.member("text").one_of("x", "y") == "x"
    assert [item.where for item in FIELD.member("list").items()] == ["f: a.b.list[0]"]
    FIELD.known({"text", "empty", "number", "list", "none"})


@pytest.mark.parametrize(
    ("read", "where", "reason"),
    [
        pytest.param(lambda: FIELD.member("other"), "f: a.b.other", "is missing", id="missing"),
        pytest.param(lambda: FIELD.member("text").member("x"), "f: a.b.text", "is not an object", id="member-of-text"),
        pytest.param(lambda: FIELD.member("empty").text(), "f: a.b.empty", "non-empty string", id="empty"),
        pytest.param(lambda: FIELD.member("number").text(), "f: a.b.number", "non-empty string", id="number"),
        pytest.param(lambda: FIELD.member("text").one_of("y"), "f: a.b.text", "is not one of y", id="not-one-of"),
        pytest.param(lambda: FIELD.member("none").items(), "f: a.b.none", "non-empty array", id="empty-array"),
        pytest.param(lambda: FIELD.member("text").items(), "f: a.b.text", "non-empty array", id="no-array"),
        pytest.param(lambda: FIELD.known({"text"}), "f: a.b.empty", "is unknown; known are text", id="unknown"),
        pytest.param(
            lambda: FIELD.known({"empty"}, unsupported={"text"}), "f: a.b.text", "is not supported", id="unsupported"
        ),
        pytest.param(lambda: FIELD.member("list").known(set()), "f: a.b.list", "is not an object", id="known-of-list"),
    ],
)
def test_a_field_refuses(read: object, where: str, reason: str) -> None:
    assert callable(read)
    with pytest.raises(TrustPolicyInvalid) as caught:
        read()
    assert caught.value.where == where
    assert reason in caught.value.reason
