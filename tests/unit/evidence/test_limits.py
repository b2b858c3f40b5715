"""Limits that somebody else's limits must agree with."""

import json
from typing import Any

import pytest

from gateway.evidence import statement
from gateway.evidence.limits import MAX_PREDICATE_TYPE_CHARS
from gateway.evidence.values import Refused, RejectionCode
from gateway.policy.pack import shipped_revision
from tests.support.evidence import attest_statement, go_json


def schema_of(name: str) -> Any:
    """Return what the shipped input schema says of a member of a verified signature."""
    definitions: Any = shipped_revision().schema["$defs"]
    return definitions["verified"]["properties"][name]


def with_type(predicate_type: str) -> bytes:
    document = json.loads(attest_statement())
    document["predicateType"] = predicate_type
    return go_json(document)


def test_the_policy_takes_every_predicate_type_that_evidence_may_have() -> None:
    (text,) = [kind for kind in schema_of("predicate_type")["anyOf"] if kind["type"] == "string"]
    assert text["maxLength"] == MAX_PREDICATE_TYPE_CHARS


def test_a_longer_predicate_type_is_rejected_as_over_a_limit() -> None:
    longest = "é" * MAX_PREDICATE_TYPE_CHARS
    assert statement.parse(with_type(longest)).predicate_type == longest
    with pytest.raises(Refused) as caught:
        statement.parse(with_type(longest + "é"))
    assert caught.value.code is RejectionCode.LIMIT_EXCEEDED
