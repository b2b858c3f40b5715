"""Sigstore bundles, version 0.3."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from gateway.evidence import bundle
from gateway.evidence.values import Refused, RejectionCode
from tests.support import evidence as made

PAYLOAD: Final = made.sign_statement()


def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(made.bundle(PAYLOAD, b"signature", "hint"))
    return document


def _material(document: dict[str, Any]) -> dict[str, Any]:
    material: dict[str, Any] = document["verificationMaterial"]
    return material


def test_parse_reads_the_envelope() -> None:
    parsed = bundle.parse(made.go_json(_document()))
    assert parsed.envelope.payload == PAYLOAD
    assert parsed.envelope.signatures == (b"signature",)
    assert not parsed.certified


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda b: _material(b)["publicKey"].clear(), id="no-hint"),
        pytest.param(lambda b: _material(b).update(tlogEntries=[{}] * 4), id="log-entries-are-left-alone"),
        pytest.param(lambda b: _material(b).update(timestampVerificationData={}), id="no-timestamps"),
        pytest.param(
            lambda b: _material(b).update(timestampVerificationData={"rfc3161Timestamps": [{}]}), id="timestamps"
        ),
    ],
)
def test_parse_takes(change: Callable[[dict[str, Any]], Any]) -> None:
    document = _document()
    change(document)
    assert not bundle.parse(made.go_json(document)).certified


@pytest.mark.parametrize(
    "material",
    [
        pytest.param({"certificate": {"rawBytes": "AA=="}}, id="certificate"),
        pytest.param({"x509CertificateChain": {"certificates": []}}, id="chain"),
    ],
)
def test_parse_notes_a_certificate(material: dict[str, Any]) -> None:
    assert bundle.parse(made.go_json({**_document(), "verificationMaterial": material})).certified


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda b: b.update(more=1), RejectionCode.PAYLOAD_MALFORMED, id="more-members"),
        pytest.param(lambda b: b.pop("mediaType"), RejectionCode.PAYLOAD_MALFORMED, id="no-media-type"),
        pytest.param(
            lambda b: b.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.1"),
            RejectionCode.PAYLOAD_MALFORMED,
            id="older-version",
        ),
        pytest.param(lambda b: b.pop("verificationMaterial"), RejectionCode.PAYLOAD_MALFORMED, id="no-material"),
        pytest.param(lambda b: _material(b).clear(), RejectionCode.PAYLOAD_MALFORMED, id="empty-material"),
        pytest.param(lambda b: _material(b).update(more=1), RejectionCode.PAYLOAD_MALFORMED, id="more-material"),
        pytest.param(
            lambda b: _material(b).update(certificate={}), RejectionCode.PAYLOAD_MALFORMED, id="key-and-certificate"
        ),
        pytest.param(
            lambda b: b.update(verificationMaterial={"certificate": "x"}),
            RejectionCode.PAYLOAD_MALFORMED,
            id="certificate-is-text",
        ),
        pytest.param(
            lambda b: _material(b)["publicKey"].update(rawBytes="x"), RejectionCode.PAYLOAD_MALFORMED, id="key-inside"
        ),
        pytest.param(
            lambda b: _material(b)["publicKey"].update(hint=1), RejectionCode.PAYLOAD_MALFORMED, id="hint-is-a-number"
        ),
        pytest.param(
            lambda b: _material(b)["publicKey"].update(hint="h" * 2000), RejectionCode.LIMIT_EXCEEDED, id="long-hint"
        ),
        pytest.param(
            lambda b: _material(b).update(tlogEntries=[{}] * 5), RejectionCode.LIMIT_EXCEEDED, id="five-log-entries"
        ),
        pytest.param(
            lambda b: _material(b).update(timestampVerificationData={"rfc3161Timestamps": [{}] * 33}),
            RejectionCode.LIMIT_EXCEEDED,
            id="33-timestamps",
        ),
        pytest.param(
            lambda b: _material(b).update(timestampVerificationData={"more": 1}),
            RejectionCode.PAYLOAD_MALFORMED,
            id="other-timestamps",
        ),
        pytest.param(lambda b: b.pop("dsseEnvelope"), RejectionCode.PAYLOAD_MALFORMED, id="no-content"),
        pytest.param(lambda b: b.update(messageSignature={}), RejectionCode.PAYLOAD_MALFORMED, id="both-contents"),
        pytest.param(
            lambda b: b.update(messageSignature=b.pop("dsseEnvelope")),
            RejectionCode.UNSUPPORTED_CONTENT,
            id="message-signature",
        ),
        pytest.param(
            lambda b: b["dsseEnvelope"].update(signatures=b["dsseEnvelope"]["signatures"] * 2),
            RejectionCode.LIMIT_EXCEEDED,
            id="two-signatures",
        ),
    ],
)
def test_parse_refuses(change: Callable[[dict[str, Any]], Any], code: RejectionCode) -> None:
    document = _document()
    change(document)
    with pytest.raises(Refused) as caught:
        bundle.parse(made.go_json(document))
    assert caught.value.code is code


def test_parse_refuses_a_member_twice() -> None:
    document = made.go_json(_document())
    twice = document.replace(b'"dsseEnvelope":', b'"dsseEnvelope":{},"dsseEnvelope":', 1)
    with pytest.raises(Refused) as caught:
        bundle.parse(twice)
    assert caught.value.code is RejectionCode.PAYLOAD_MALFORMED
