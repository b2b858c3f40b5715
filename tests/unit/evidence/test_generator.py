"""The generator of the golden vectors writes what real cosign wrote, byte for byte, and always the same."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support import evidence

REAL: Final[dict[str, dict[str, Any]]] = {
    case["name"].removesuffix("-ecdsa-p256"): case
    for case in json.loads((Path(__file__).parent / "data/real_cosign.json").read_text("ascii"))
    if case["name"].endswith("-ecdsa-p256")
}


def _read(name: str) -> tuple[dict[str, Any], bytes, dict[str, Any], bytes]:
    """Return the case, its manifest raw and parsed, and its only layer's content."""
    case = REAL[name]
    raw = base64.b64decode(case["manifest"])
    manifest = json.loads(raw)
    (layer,) = manifest["layers"]
    return case, raw, manifest, base64.b64decode(case["blobs"][layer["digest"]])


def _hint(case: dict[str, Any]) -> str:
    der = base64.b64decode("".join(case["key"].splitlines()[1:-1]))
    return base64.b64encode(hashlib.sha256(der).digest()).decode("ascii")


def test_bundle_signature_is_cosigns() -> None:
    case, raw, manifest, content = _read("cosign3-bundle-sign")
    payload = evidence.sign_statement(case["subject"], annotations={"team": "release"})
    signature = base64.b64decode(json.loads(content)["dsseEnvelope"]["signatures"][0]["sig"])
    assert evidence.bundle(payload, signature, _hint(case)) == content
    made = evidence.bundle_referrer(
        content,
        subject=case["subject"],
        subject_size=manifest["subject"]["size"],
        created=manifest["annotations"]["org.opencontainers.image.created"],
    )
    assert made.manifest == raw


def test_bundle_attestation_is_cosigns() -> None:
    case, raw, manifest, content = _read("cosign3-bundle-attest")
    real = json.loads(content)["dsseEnvelope"]
    predicate = json.loads(base64.b64decode(real["payload"]))["predicate"]
    payload = evidence.attest_statement(
        evidence.SLSA_PROVENANCE, predicate, subject=case["subject"], name=f"{case['host']}/{case['repository']}"
    )
    assert evidence.bundle(payload, base64.b64decode(real["signatures"][0]["sig"]), _hint(case)) == content
    made = evidence.bundle_referrer(
        content,
        subject=case["subject"],
        subject_size=manifest["subject"]["size"],
        predicate_type=evidence.SLSA_PROVENANCE,
        created=manifest["annotations"]["org.opencontainers.image.created"],
    )
    assert made.manifest == raw


@pytest.mark.parametrize("name", ["cosign2-classic-sign", "cosign3-classic-sign", "cosign3-classic-referrer"])
def test_classic_signature_is_cosigns(name: str) -> None:
    case, raw, manifest, content = _read(name)
    optional = {"team": "release"} if name == "cosign3-classic-sign" else None
    reference = f"{case['host']}/{case['repository']}"
    assert evidence.simple_signing(case["subject"], reference, optional=optional) == content
    layers = [(content, manifest["layers"][0]["annotations"])]
    if case["tag"] is None:
        made = evidence.classic_manifest(
            layers,
            tag=None,
            config_type=evidence.COSIGN_ARTIFACT,
            referrer_of=case["subject"],
            subject_size=manifest["subject"]["size"],
        )
    else:
        made = evidence.classic_manifest(layers, tag=case["tag"])
    assert made.manifest == raw


def test_classic_attestation_is_cosigns() -> None:
    case, raw, manifest, content = _read("cosign3-classic-attest")
    real = json.loads(content)
    payload = base64.b64decode(real["payload"])
    predicate = json.loads(payload)["predicate"]
    name = f"{case['host']}/{case['repository']}"
    assert evidence.attest_statement(evidence.SLSA_PROVENANCE, predicate, subject=case["subject"], name=name) == payload
    signature = base64.b64decode(real["signatures"][0]["sig"])
    assert evidence.go_json(evidence.envelope(payload, [signature])) == content
    layers = [(content, manifest["layers"][0]["annotations"])]
    assert evidence.classic_manifest(layers, layer_type=evidence.DSSE, tag=case["tag"]).manifest == raw


@pytest.mark.parametrize("kind", evidence.KEY_KINDS)
def test_equal_seeds_give_equal_bytes(kind: evidence.KeyKind) -> None:
    first = evidence.signed_classic(evidence.signer(kind))
    evidence.signer.cache_clear()
    assert evidence.signed_classic(evidence.signer(kind)) == first
    assert evidence.signer(kind, 1).pem != evidence.signer(kind).pem
