"""Strict JSON: how many values a document has is known before it is parsed, and nothing in strings is a value."""

import json

import pytest

from gateway.errors import DocumentInvalid
from gateway.oci import strict_json
from gateway.oci.strict_json import MAX_NODES, JsonValue

LIMIT = 20


def parse(document: bytes, *, max_nodes: int = LIMIT) -> JsonValue:
    return strict_json.parse(document, max_bytes=10 << 20, max_nodes=max_nodes)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([1] * LIMIT, id="numbers"),
        pytest.param([[]] * LIMIT, id="empty-lists"),
        pytest.param([{}] * LIMIT, id="empty-objects"),
        pytest.param({f"m{number}": number for number in range(LIMIT)}, id="members"),
        pytest.param({f"m{number},": ",[]{}" for number in range(LIMIT)}, id="members-of-brackets"),
        pytest.param(["text"] * LIMIT, id="strings"),
        pytest.param([",", "[", "{"] * LIMIT, id="strings-of-brackets"),
        pytest.param(['\\"', "\\"] * LIMIT, id="escapes"),
        pytest.param([[1, 2, 3], [4, 5, 6]] * 3, id="nested"),
    ],
)
def test_a_document_of_more_values_is_refused(value: JsonValue) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        parse(json.dumps(value).encode())
    assert caught.value.reason == f"more than {LIMIT} values"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([1] * (LIMIT - 1), id="numbers"),
        pytest.param([[]] * (LIMIT // 2 - 1), id="empty-lists"),
        pytest.param([",[{" * 1000] * (LIMIT - 1), id="strings-of-brackets"),
        pytest.param([",[{" * 1000 + '\\"'] * (LIMIT - 1), id="strings-of-brackets-and-escapes"),
        pytest.param({f",[{{{number}": ",[{" for number in range(LIMIT - 1)}, id="members-of-brackets"),
        pytest.param([{f",{number}": [","]} for number in range(6)], id="nested"),
    ],
)
def test_a_document_of_as_many_values_is_read(value: JsonValue) -> None:
    assert parse(json.dumps(value).encode()) == value


def test_the_limit_is_the_callers_and_has_a_default() -> None:
    document = b"[" + b"0," * (MAX_NODES - 1) + b"0]"
    with pytest.raises(DocumentInvalid) as caught:
        strict_json.parse(document, max_bytes=len(document))
    assert caught.value.reason == f"more than {MAX_NODES} values"
    assert strict_json.parse(document, max_bytes=len(document), max_nodes=MAX_NODES + 1) == [0] * MAX_NODES
