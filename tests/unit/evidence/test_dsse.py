"""DSSE envelopes."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from gateway.evidence import dsse
from gateway.evidence.values import Refused, RejectionCode
from tests.support import evidence as made

PAYLOAD: Final = made.attest_statement()


def _document() -> dict[str, Any]:
    return made.envelope(PAYLOAD, [b"signature"])


def test_signed_is_the_pre_authentication_encoding() -> None:
    envelope = dsse.parse(made.go_json(_document()), max_signatures=1)
    assert envelope.payload == PAYLOAD
    assert envelope.signatures == (b"signature",)
    assert envelope.signed == made.pae(PAYLOAD)
    assert dsse.Envelope(b"hello", ()).signed == b"DSSEv1 28 application/vnd.in-toto+json 5 hello"


def test_parse_takes_key_ids_and_forgets_them() -> None:
    document = _document()
    document["signatures"] = [{"sig": "QQ==", "keyid": "anything"}, {"sig": "Qg==", "keyid": ""}]
    assert dsse.parse(made.go_json(document), max_signatures=2).signatures == (b"A", b"B")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda e: e.update(more=1), RejectionCode.PAYLOAD_MALFORMED, id="more-members"),
        pytest.param(lambda e: e.pop("payload"), RejectionCode.PAYLOAD_MALFORMED, id="no-payload"),
        pytest.param(lambda e: e.update(payload="eyJ_"), RejectionCode.PAYLOAD_MALFORMED, id="url-alphabet"),
        pytest.param(lambda e: e.update(payload=None), RejectionCode.PAYLOAD_MALFORMED, id="payload-is-null"),
        pytest.param(lambda e: e.update(payloadType=1), RejectionCode.PAYLOAD_MALFORMED, id="type-is-a-number"),
        pytest.param(
            lambda e: e.update(payloadType="application/vnd.in-toto+JSON"),
            RejectionCode.UNSUPPORTED_CONTENT,
            id="type-in-other-case",
        ),
        pytest.param(
            lambda e: e.update(payloadType="text/plain"), RejectionCode.UNSUPPORTED_CONTENT, id="another-type"
        ),
        pytest.param(lambda e: e.update(signatures=[]), RejectionCode.PAYLOAD_MALFORMED, id="no-signature"),
        pytest.param(lambda e: e.update(signatures={}), RejectionCode.PAYLOAD_MALFORMED, id="signatures-object"),
        pytest.param(
            lambda e: e.update(signatures=e["signatures"] * 3), RejectionCode.LIMIT_EXCEEDED, id="three-signatures"
        ),
        pytest.param(lambda e: e["signatures"][0].update(cert="x"), RejectionCode.PAYLOAD_MALFORMED, id="certificate"),
        pytest.param(lambda e: e["signatures"][0].pop("sig"), RejectionCode.PAYLOAD_MALFORMED, id="no-sig"),
        pytest.param(lambda e: e["signatures"].append("x"), RejectionCode.PAYLOAD_MALFORMED, id="signature-is-text"),
        pytest.param(
            lambda e: e["signatures"][0].update(keyid=None), RejectionCode.PAYLOAD_MALFORMED, id="keyid-is-null"
        ),
        pytest.param(
            lambda e: e["signatures"][0].update(sig="A" * 1400), RejectionCode.LIMIT_EXCEEDED, id="long-signature"
        ),
        pytest.param(
            lambda e: e["signatures"][0].update(sig="A" * 4000), RejectionCode.LIMIT_EXCEEDED, id="longer-signature"
        ),
    ],
)
def test_parse_refuses(change: Callable[[dict[str, Any]], Any], code: RejectionCode) -> None:
    document = json.loads(json.dumps(_document()))
    change(document)
    with pytest.raises(Refused) as caught:
        dsse.parse(made.go_json(document), max_signatures=2)
    assert caught.value.code is code
