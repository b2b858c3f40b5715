"""Strict JSON: one reading, or none."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import DocumentInvalid
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonValue
from tests.support.oci import PROPERTY

LIMIT = 10_000


def parse(document: bytes) -> JsonValue:
    return strict_json.parse(document, max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param(b"", "malformed", id="empty"),
        pytest.param(b"{", "malformed", id="unfinished"),
        pytest.param(b"{} {}", "malformed", id="two-documents"),
        pytest.param(b"{'a': 1}", "malformed", id="single-quotes"),
        pytest.param(b'{"a": 1,}', "malformed", id="trailing-comma"),
        pytest.param(b'"a\nb"', "malformed", id="control-character"),
        pytest.param(b"\xef\xbb\xbf{}", "byte order mark", id="bom"),
        pytest.param(b'"\xff"', "not UTF-8", id="not-utf-8"),
        pytest.param(b'"\xed\xa0\x80"', "not UTF-8", id="surrogate-in-utf-8"),
        pytest.param("{}".encode("utf-16"), "not UTF-8", id="utf-16"),
        pytest.param(b'{"a": 1, "a": 1}', "a member name occurs twice", id="duplicate"),
        pytest.param(b'{"a": {"b": 1, "\\u0062": 2}}', "a member name occurs twice", id="duplicate-by-escape"),
        pytest.param(b"[NaN]", "NaN is not JSON", id="nan"),
        pytest.param(b"[-Infinity]", "-Infinity is not JSON", id="infinity"),
        pytest.param(b"1e999", "a number is out of range", id="too-large-for-a-double"),
        pytest.param(b"1" + b"0" * 19, "an integer has too many digits", id="twenty-digits"),
        pytest.param(b"-1" + b"0" * 19, "an integer has too many digits", id="negative-twenty-digits"),
        pytest.param(b'"\\ud800"', "a lone surrogate", id="lone-surrogate"),
        pytest.param(b'{"\\udfff": 1}', "a lone surrogate", id="lone-surrogate-in-a-name"),
        pytest.param(b"[" * 65 + b"]" * 65, "nested deeper than 64", id="lists-too-deep"),
        pytest.param(b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper than 64", id="objects-too-deep"),
        pytest.param(b"[" * 5000, "nested deeper than 64", id="unfinished-and-deep"),
        pytest.param(b" " * LIMIT + b"1", f"larger than {LIMIT} bytes", id="too-large"),
    ],
)
def test_parse_refuses(document: bytes, reason: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        parse(document)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("document", "value"),
    [
        pytest.param(b"[" * 64 + b"]" * 64, None, id="as-deep-as-allowed"),
        pytest.param(b'["' + b"[" * 100 + b'"]', ["[" * 100], id="brackets-in-a-string"),
        pytest.param(b'["\\"' + b"[" * 100 + b'"]', ['"' + "[" * 100], id="brackets-after-an-escaped-quote"),
        pytest.param(b'["\\\\", "' + b"[" * 100 + b'"]', ["\\", "[" * 100], id="brackets-after-an-escaped-backslash"),
        pytest.param(b"[" + b"[]," * 99 + b"[]]", [[]] * 100, id="wide-and-not-deep"),
        pytest.param(b'"\\ud83d\\ude00"', "\U0001f600", id="surrogate-pair"),
        pytest.param(b"9223372036854775807", 2**63 - 1, id="largest-size"),
        pytest.param(b"1.5", 1.5, id="fraction"),
    ],
)
def test_parse_accepts(document: bytes, value: JsonValue) -> None:
    parsed = parse(document)
    if value is not None:
        assert parsed == value


def test_parse_object_wants_an_object() -> None:
    assert strict_json.parse_object(b'{"a": null}', max_bytes=LIMIT) == {"a": None}
    with pytest.raises(DocumentInvalid) as caught:
        strict_json.parse_object(b"[]", max_bytes=LIMIT)
    assert caught.value.reason == "not an object"


TEXTS = st.text(st.sampled_from('ab[]{}"\\/,:é'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


def depth(value: JsonValue) -> int:
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0


@PROPERTY
@given(VALUES, st.booleans())
def test_what_json_writes_is_read_back(value: JsonValue, ascii_only: bool) -> None:
    document = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert strict_json.parse(document, max_bytes=len(document)) == value


@PROPERTY
@given(VALUES, st.integers(0, 6))
@example(["\\", '"[', "[[", []], 1)
def test_depth_is_counted_outside_strings_only(value: JsonValue, limit: int) -> None:
    document = json.dumps(value).encode()
    try:
        strict_json.parse(document, max_bytes=len(document), max_depth=limit)
        reason = None
    except DocumentInvalid as error:
        reason = error.reason
    assert reason == (None if depth(value) <= limit else f"nested deeper than {limit}")


@PROPERTY
@given(st.binary(max_size=80) | st.text('[]{}":,\\u0dN1 ', max_size=80).map(str.encode))
def test_whatever_comes_is_read_or_refused(document: bytes) -> None:
    try:
        parse(document)
    except DocumentInvalid:
        return
    json.loads(document)
