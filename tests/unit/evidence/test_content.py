"""The second half of classification: config and layers have to read as the format that the manifest claims."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import pytest

from gateway.errors import ManifestInvalid
from gateway.evidence import dsse
from gateway.evidence.content import parse_content
from gateway.evidence.values import EvidenceObject
from gateway.oci.digest import Digest
from tests.support import evidence as made

SIG: Final = f"sha256-{made.SUBJECT[7:]}.sig"
ANNOTATION: Final = "dev.cosignproject.cosign/signature"


def _sig(payload: bytes, annotations: Mapping[str, str]) -> EvidenceObject:
    return made.classic_manifest([(payload, annotations)], tag=SIG).object()


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(made.signed_classic(made.signer(), made.signer(seed=1)), id="classic"),
        pytest.param(made.attested_classic(), id="classic-attestation"),
        pytest.param(made.signed_bundle(), id="bundle"),
        pytest.param(made.attested_bundle(), id="bundle-attestation"),
        pytest.param(made.attested_in_toto(), id="in-toto"),
        # Whether a statement makes sense is looked at after its signature; whether there is an envelope, before.
        pytest.param(made.attested_in_toto(payload=b"not a statement"), id="envelope-of-anything"),
    ],
)
def test_parse_content_takes(evidence: made.Evidence) -> None:
    parse_content(evidence.object())


GZIP: Final = b"\x1f\x8b\x08" + bytes(64)
GOOD: Final = {ANNOTATION: "QQ=="}


@pytest.mark.parametrize(
    ("evidence", "field", "reason"),
    [
        pytest.param(_sig(GZIP, GOOD), "layers[0]", "the payload: not UTF-8", id="runnable-layer"),
        pytest.param(_sig(b"{}", GOOD), "layers[0]", "other members", id="other-json"),
        pytest.param(_sig(made.simple_signing(), {}), "layers[0]", "is missing", id="no-signature"),
        pytest.param(_sig(made.simple_signing(), {ANNOTATION: ""}), "layers[0]", "is missing", id="empty-signature"),
        pytest.param(_sig(made.simple_signing(), {ANNOTATION: "%"}), "layers[0]", "not base64", id="bad-signature"),
        pytest.param(_sig(bytes((64 << 10) + 1), GOOD), "layers[0]", "larger than", id="large-payload"),
        pytest.param(made.bundle_referrer(GZIP).object(), "layers[0]", "the bundle: not UTF-8", id="bundle-of-gzip"),
        pytest.param(made.bundle_referrer(b"{}").object(), "layers[0]", "mediaType is not", id="bundle-of-nothing"),
        pytest.param(
            made.in_toto_referrer(GZIP).object(), "layers[0]", "the envelope: not UTF-8", id="in-toto-of-gzip"
        ),
        pytest.param(
            made.in_toto_referrer(made.attest_statement()).object(), "layers[0]", "other members", id="bare-statement"
        ),
        pytest.param(
            replace(made.signed_classic().object(), blobs={}), "layers[0]", "is not here", id="content-missing"
        ),
        pytest.param(
            made.classic_manifest([(made.simple_signing(), GOOD)] * 100 + [(b"{}", GOOD)], tag=SIG).object(),
            None,
            "more than 100 layers",
            id="101-layers",
        ),
        pytest.param(
            made.classic_manifest([(made.simple_signing(), {**GOOD, "x": "y" * (1 << 20)})], tag=SIG).object(),
            None,
            "the manifest is larger",
            id="large-manifest",
        ),
        pytest.param(
            made.classic_manifest([(made.simple_signing(), GOOD), (b"[]", GOOD)], tag=SIG).object(),
            "layers[1]",
            "not an object",
            id="second-layer",
        ),
    ],
)
def test_parse_content_refuses(evidence: EvidenceObject, field: str | None, reason: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse_content(evidence)
    assert caught.value.field == field
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(made.simple_signing(made.OTHER_SUBJECT), "have another digest", id="other-bytes-of-equal-length"),
        pytest.param(made.simple_signing() + b" ", "another size", id="other-length"),
    ],
)
def test_parse_content_hashes_what_is_stored(content: bytes, reason: str) -> None:
    evidence = made.signed_classic().object()
    layer = evidence.manifest.layers[0].digest
    with pytest.raises(ManifestInvalid) as caught:
        parse_content(replace(evidence, blobs={layer: content}))
    assert reason in caught.value.reason


def test_parse_content_refuses_a_declared_size_before_it_looks_for_the_bytes() -> None:
    good = made.attested_in_toto()
    manifest = json.loads(good.manifest)
    manifest["layers"][0]["size"] = 1 << 30
    evidence = replace(good, manifest=made.go_json(manifest)).object()
    with pytest.raises(ManifestInvalid) as caught:
        parse_content(replace(evidence, blobs=_Untouchable()))
    assert "larger than" in caught.value.reason


def _over(config: bytes, **descriptor: object) -> EvidenceObject:
    """Return a good signature over another config."""
    good = made.signed_classic()
    document = json.loads(good.manifest)
    old = document["config"]["digest"]
    document["config"] |= {"digest": str(Digest.of(config)), "size": len(config), **descriptor}
    blobs = {digest: content for digest, content in good.blobs.items() if digest != old}
    blobs[str(Digest.of(config))] = config
    return replace(good, manifest=made.go_json(document), blobs=blobs).object()


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        pytest.param(_over(b'{"architecture":"amd64"}'), "one of an image", id="of-an-image"),
        pytest.param(_over(GZIP), "not UTF-8", id="gzip"),
        pytest.param(_over(GZIP, size=2), "another size", id="shorter-than-it-is"),
        pytest.param(_over(b"{}", size=1), "another size", id="empty-of-another-size"),
        pytest.param(replace(_over(b"[]"), blobs=_over(b"{}").blobs), "is not here", id="missing"),
        pytest.param(
            replace(_over(b"{}"), manifest=replace(_over(b"{}").manifest, config=None)), "has no config", id="none"
        ),
    ],
)
def test_parse_content_refuses_a_config_that_says_something(evidence: EvidenceObject, reason: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse_content(evidence)
    assert caught.value.field == "config"
    assert reason in caught.value.reason


def test_the_empty_config_needs_no_bytes() -> None:
    empty = _over(b"{}")
    layers = {layer.digest: empty.blobs[layer.digest] for layer in empty.manifest.layers}
    parse_content(replace(empty, blobs=layers))


def test_what_a_hundred_layers_name_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    document = made.go_json(made.envelope(made.attest_statement(), [b"x"]))
    many = made.classic_manifest(
        [(document, {"n": str(number)}) for number in range(100)], layer_type=made.DSSE, tag=SIG.replace(".sig", ".att")
    ).object()
    times: list[int] = []

    def parse(content: bytes, *, max_signatures: int) -> dsse.Envelope:
        times.append(len(content))
        return dsse.parse_value(json.loads(content), max_signatures=max_signatures)

    monkeypatch.setattr("gateway.evidence.content.dsse.parse", parse)
    parse_content(many)
    assert times == [len(document)]


class _Untouchable(dict[Digest, bytes]):
    def get(self, key: object, default: object = None) -> bytes:
        raise AssertionError("the size alone is reason enough")
