"""The closed list: what is evidence, and what only looks like it."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from gateway.evidence.classify import classify, is_fallback_tag, reserved_tag
from gateway.evidence.values import EvidenceClaim, EvidenceFormat
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import Tag
from tests.support import evidence as made

HEX: Final = made.SUBJECT.removeprefix("sha256:")
SIG: Final = f"sha256-{HEX}.sig"
ATT: Final = f"sha256-{HEX}.att"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"


def _classify(raw: bytes, tag: str | None, *, media_type: str = made.OCI_MANIFEST) -> EvidenceClaim | None:
    manifest = Manifest.parse(raw, content_type=media_type, max_bytes=4 << 20)
    return classify(manifest, None if tag is None else Tag.parse(tag))


def _changed(evidence: made.Evidence, change: Callable[[dict[str, Any]], Any]) -> bytes:
    manifest = json.loads(evidence.manifest)
    change(manifest)
    return made.go_json(manifest)


@pytest.mark.parametrize(
    ("evidence", "form"),
    [
        pytest.param(made.signed_classic(), EvidenceFormat.COSIGN_SIGNATURE, id="sig-tag"),
        pytest.param(made.signed_classic(referrer=True), EvidenceFormat.COSIGN_SIGNATURE, id="sig-referrer"),
        pytest.param(made.attested_classic(), EvidenceFormat.COSIGN_ATTESTATION, id="att-tag"),
        pytest.param(made.signed_bundle(), EvidenceFormat.SIGSTORE_BUNDLE, id="bundle"),
        pytest.param(made.attested_bundle(), EvidenceFormat.SIGSTORE_BUNDLE, id="bundle-attestation"),
        pytest.param(made.attested_in_toto(), EvidenceFormat.IN_TOTO, id="in-toto"),
    ],
)
def test_classify_knows(evidence: made.Evidence, form: EvidenceFormat) -> None:
    assert _classify(evidence.manifest, evidence.tag) == EvidenceClaim(form, Digest.parse(made.SUBJECT))


def test_classify_takes_artifact_type_or_config_type() -> None:
    raw = _changed(made.signed_classic(referrer=True), lambda m: m.update(artifactType=made.COSIGN_ARTIFACT))
    claim = _classify(raw, None)
    assert claim is not None
    assert claim.format is EvidenceFormat.COSIGN_SIGNATURE


def test_classify_takes_docker_media_types_under_a_tag() -> None:
    def docker(manifest: dict[str, Any]) -> None:
        manifest["mediaType"] = DOCKER_MANIFEST
        manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"

    claim = _classify(_changed(made.signed_classic(), docker), SIG, media_type=DOCKER_MANIFEST)
    assert claim == EvidenceClaim(EvidenceFormat.COSIGN_SIGNATURE, Digest.parse(made.SUBJECT))


def test_classify_takes_a_tag_that_agrees_with_the_subject() -> None:
    claim = _classify(made.signed_classic(referrer=True).manifest, SIG)
    assert claim == EvidenceClaim(EvidenceFormat.COSIGN_SIGNATURE, Digest.parse(made.SUBJECT))


def test_classify_keeps_a_sha512_subject_for_the_verifier_to_refuse() -> None:
    digest = "sha512:" + "a" * 128
    claim = _classify(_changed(made.signed_bundle(), lambda m: m["subject"].update(digest=digest)), None)
    assert claim is not None
    assert str(claim.subject) == digest


IMAGE_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"


@pytest.mark.parametrize(
    ("evidence", "tag", "change"),
    [
        pytest.param(made.signed_classic(), None, lambda m: None, id="sig-by-digest-without-subject"),
        pytest.param(made.signed_classic(), "v1", lambda m: None, id="sig-under-another-tag"),
        pytest.param(made.signed_bundle(), "v1", lambda m: None, id="bundle-under-a-tag"),
        pytest.param(made.signed_bundle(), SIG, lambda m: None, id="bundle-under-sig-tag"),
        pytest.param(made.signed_bundle(), f"sha256-{HEX}", lambda m: None, id="bundle-under-fallback-tag"),
        pytest.param(made.signed_classic(), ATT, lambda m: None, id="signature-under-att"),
        pytest.param(made.attested_classic(), SIG, lambda m: None, id="attestation-under-sig"),
        pytest.param(made.signed_classic(), f"sha256-{HEX.upper()}.sig", lambda m: None, id="upper-case-tag"),
        pytest.param(made.signed_classic(), f"sha256-{HEX}.sbom", lambda m: None, id="sbom-tag"),
        pytest.param(made.signed_classic(), SIG, lambda m: m.update(layers=[]), id="sig-without-layers"),
        pytest.param(
            made.signed_classic(), SIG, lambda m: m["layers"][0].update(mediaType=IMAGE_LAYER), id="sig-of-image-layers"
        ),
        pytest.param(
            made.signed_classic(),
            SIG,
            lambda m: m["layers"].append({**m["layers"][0], "mediaType": IMAGE_LAYER}),
            id="sig-with-one-image-layer",
        ),
        pytest.param(
            made.signed_classic(), SIG, lambda m: m["config"].update(size=(64 << 10) + 1), id="sig-with-big-config"
        ),
        pytest.param(
            made.signed_classic(referrer=True),
            f"sha256-{made.OTHER_SUBJECT[7:]}.sig",
            lambda m: None,
            id="tag-and-subject-disagree",
        ),
        pytest.param(
            made.signed_classic(referrer=True),
            None,
            lambda m: m["config"].update(size=(64 << 10) + 1),
            id="referrer-with-big-config",
        ),
        pytest.param(
            made.signed_classic(referrer=True),
            None,
            lambda m: m["layers"][0].update(mediaType=IMAGE_LAYER),
            id="referrer-of-image-layers",
        ),
        pytest.param(
            made.signed_classic(referrer=True),
            None,
            lambda m: m.update(artifactType="application/vnd.example"),
            id="artifact-type-overrides-config",
        ),
        pytest.param(made.signed_bundle(), None, lambda m: m.pop("subject"), id="bundle-without-subject"),
        pytest.param(
            made.signed_bundle(), None, lambda m: m["layers"].append(m["layers"][0]), id="bundle-of-two-layers"
        ),
        pytest.param(
            made.signed_bundle(),
            None,
            lambda m: m["layers"][0].update(mediaType=IMAGE_LAYER),
            id="bundle-of-image-layer",
        ),
        pytest.param(
            made.signed_bundle(), None, lambda m: m["config"].update(mediaType=made.OCI_CONFIG), id="bundle-with-config"
        ),
        pytest.param(made.signed_bundle(), None, lambda m: m["config"].update(size=3), id="bundle-config-size"),
        pytest.param(
            made.signed_bundle(), None, lambda m: m["config"].update(digest=made.SUBJECT), id="bundle-config-digest"
        ),
        pytest.param(
            made.signed_bundle(),
            None,
            lambda m: m.update(artifactType="application/vnd.dev.sigstore.bundle.v0.4+json"),
            id="another-bundle",
        ),
        pytest.param(
            made.attested_in_toto(), None, lambda m: m["layers"][0].update(mediaType=made.IN_TOTO), id="bare-statement"
        ),
        pytest.param(
            made.attested_in_toto(), None, lambda m: m.update(artifactType="application/spdx+json"), id="sbom-referrer"
        ),
    ],
)
def test_classify_leaves_to_the_rules_for_images(
    evidence: made.Evidence, tag: str | None, change: Callable[[dict[str, Any]], Any]
) -> None:
    assert _classify(_changed(evidence, change), tag) is None


def test_classify_takes_no_index() -> None:
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    raw = made.go_json(index)
    assert _classify(raw, SIG, media_type="application/vnd.oci.image.index.v1+json") is None


@pytest.mark.parametrize(
    ("tag", "digest", "reserved"),
    [
        pytest.param(f"sha256-{HEX}", made.SUBJECT, True, id="fallback"),
        pytest.param(SIG, None, True, id="sig"),
        pytest.param(ATT, None, True, id="att"),
        pytest.param(f"sha256-{HEX}.sbom", None, True, id="sbom"),
        pytest.param(f"sha256-{HEX}.other", None, False, id="other-suffix"),
        pytest.param(f"sha256-{HEX.upper()}", None, False, id="upper-case"),
        pytest.param(f"sha256-{HEX[:-1]}", None, False, id="short"),
        pytest.param(f"sha256-{HEX}0", None, False, id="long"),
        pytest.param("latest", None, False, id="ordinary"),
    ],
)
def test_tags_for_evidence(tag: str, digest: str | None, reserved: bool) -> None:
    assert is_fallback_tag(Tag.parse(tag)) == (None if digest is None else Digest.parse(digest))
    assert reserved_tag(Tag.parse(tag)) is reserved
