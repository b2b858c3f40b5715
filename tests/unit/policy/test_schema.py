"""Schemas refuse, name the place, and neither quote nor fetch."""

import pytest

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy.schema import Schema

CLOSED: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"a": {"type": "array", "items": {"type": "string", "pattern": "^x+$"}}},
}


def test_what_is_valid_violates_nothing() -> None:
    assert Schema.compile(CLOSED).violation({"a": ["x", "xx"]}) is None


@pytest.mark.parametrize(
    ("value", "violation"),
    [
        pytest.param({"a": ["x", "secret"]}, "a/1 violates properties/a/items/pattern", id="inside"),
        pytest.param({"secret": 1}, "the document violates additionalProperties", id="another-member"),
        pytest.param([], "the document violates type", id="another-type"),
    ],
)
def test_a_violation_names_the_place_and_quotes_nothing(value: JsonObject, violation: str) -> None:
    assert Schema.compile(CLOSED).violation(value) == violation


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"type": "thing"}, id="no-type"),
        pytest.param({"$ref": "https://example.com/schema.json"}, id="elsewhere"),
        pytest.param({"$ref": "file:///etc/passwd"}, id="a-file"),
        pytest.param({"pattern": "("}, id="no-pattern"),
        pytest.param({"pattern": "(a)\\1"}, id="a-pattern-that-is-not-linear"),
    ],
)
def test_what_is_no_schema(document: JsonObject) -> None:
    with pytest.raises(PolicyInvalid):
        Schema.compile(document)
