"""The payload of a classic signature, to the letter."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.evidence import simple_signing
from gateway.evidence.values import Refused, RejectionCode
from tests.support import evidence as made


def test_parse_reads_claims() -> None:
    payload = simple_signing.parse(made.simple_signing(optional={"creator": "x", "timestamp": 1}))
    assert payload.manifest_digest == made.SUBJECT
    assert payload.docker_reference == made.REFERENCE
    assert payload.optional == {"creator": "x", "timestamp": 1}


def test_parse_takes_null_for_no_claims() -> None:
    assert simple_signing.parse(made.simple_signing()).optional == {}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda p: p.update(more=1), id="more-members"),
        pytest.param(lambda p: p.pop("optional"), id="no-optional"),
        pytest.param(lambda p: p.update(optional=[]), id="optional-is-an-array"),
        pytest.param(lambda p: p.pop("critical"), id="no-critical"),
        pytest.param(lambda p: p.update(critical=None), id="critical-is-null"),
        pytest.param(lambda p: p["critical"].update(more=1), id="more-in-critical"),
        pytest.param(lambda p: p["critical"].pop("type"), id="no-type"),
        pytest.param(lambda p: p["critical"].update(type="atomic container signature"), id="gpg-type"),
        pytest.param(lambda p: p["critical"].update(type="Cosign container image signature"), id="type-in-other-case"),
        pytest.param(lambda p: p["critical"].update(type=None), id="type-is-null"),
        pytest.param(lambda p: p["critical"]["identity"].update(more=1), id="more-in-identity"),
        pytest.param(lambda p: p["critical"]["identity"].update({"docker-reference": 1}), id="reference-is-a-number"),
        pytest.param(lambda p: p["critical"].update(image=[]), id="image-is-an-array"),
        pytest.param(lambda p: p["critical"]["image"].update({"docker-manifest-digest": None}), id="digest-is-null"),
    ],
)
def test_parse_refuses(change: Callable[[dict[str, Any]], Any]) -> None:
    payload = json.loads(made.simple_signing())
    change(payload)
    with pytest.raises(Refused) as caught:
        simple_signing.parse(made.go_json(payload))
    assert caught.value.code is RejectionCode.PAYLOAD_MALFORMED


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(b"", RejectionCode.PAYLOAD_MALFORMED, id="empty"),
        pytest.param(b"[]", RejectionCode.PAYLOAD_MALFORMED, id="array"),
        pytest.param(made.simple_signing()[:-1], RejectionCode.PAYLOAD_MALFORMED, id="truncated"),
        pytest.param(
            made.simple_signing().replace(b'"optional":null', b'"optional":null,"optional":null'),
            RejectionCode.PAYLOAD_MALFORMED,
            id="member-twice",
        ),
        pytest.param(made.simple_signing() + b" " * (64 << 10), RejectionCode.LIMIT_EXCEEDED, id="large"),
        pytest.param(made.simple_signing(reference="a" * 1025), RejectionCode.LIMIT_EXCEEDED, id="long-reference"),
        pytest.param(
            made.simple_signing(optional={"deep": json.loads("[" * 70 + "]" * 70)}),
            RejectionCode.PAYLOAD_MALFORMED,
            id="deep",
        ),
    ],
)
def test_parse_refuses_bytes(payload: bytes, code: RejectionCode) -> None:
    with pytest.raises(Refused) as caught:
        simple_signing.parse(payload)
    assert caught.value.code is code
