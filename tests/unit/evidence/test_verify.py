"""What of the evidence is verified: the order of the checks, what each format binds, and what a failure says."""

import base64
import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import (
    COSIGN_SIGN,
    EvidenceFormat,
    EvidenceObject,
    EvidenceReport,
    RejectionCode,
    SignerIdentity,
    Verified,
)
from gateway.evidence.verify import verify_all
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from tests.support import evidence as made

KEY: Final = made.signer()
OTHER: Final = made.signer(seed=1)
HOSTS: Final = frozenset({made.HOST})


def _verify(
    *evidence: made.Evidence | EvidenceObject,
    files: dict[str, bytes] | None = None,
    repository: str = made.REPOSITORY,
    subject: str = made.SUBJECT,
) -> EvidenceReport:
    objects = [each if isinstance(each, EvidenceObject) else each.object() for each in evidence]
    trust = TrustPolicy.load(made.trust_files(KEY) if files is None else files)
    return verify_all(
        Digest.parse(subject),
        RepositoryName.parse(repository),
        objects,
        trust,
        registry_hosts=HOSTS,
        now=made.FIRST_SEEN,
    )


def _codes(report: EvidenceReport) -> list[RejectionCode]:
    return [each.code for each in report.rejected]


@pytest.mark.parametrize("kind", made.KEY_KINDS)
@pytest.mark.parametrize(
    ("make", "form", "predicate_type"),
    [
        pytest.param(made.signed_classic, EvidenceFormat.COSIGN_SIGNATURE, None, id="classic"),
        pytest.param(
            lambda key: made.signed_classic(key, old=True), EvidenceFormat.COSIGN_SIGNATURE, None, id="old-classic"
        ),
        pytest.param(
            lambda key: made.signed_classic(key, referrer=True), EvidenceFormat.COSIGN_SIGNATURE, None, id="referrer"
        ),
        pytest.param(
            made.attested_classic,
            EvidenceFormat.COSIGN_ATTESTATION,
            made.SLSA_PROVENANCE,
            id="classic-attestation",
        ),
        pytest.param(made.signed_bundle, EvidenceFormat.SIGSTORE_BUNDLE, COSIGN_SIGN, id="bundle"),
        pytest.param(
            lambda key: made.signed_bundle(key, payload=made.sign_statement(predicate=False)),
            EvidenceFormat.SIGSTORE_BUNDLE,
            COSIGN_SIGN,
            id="bundle-without-predicate",
        ),
        pytest.param(
            lambda key: made.attested_bundle(key, made.SPDX),
            EvidenceFormat.SIGSTORE_BUNDLE,
            made.SPDX,
            id="bundle-attestation",
        ),
        pytest.param(made.attested_in_toto, EvidenceFormat.IN_TOTO, made.SLSA_PROVENANCE, id="in-toto"),
    ],
)
def test_every_format_by_every_kind_of_key(
    kind: made.KeyKind,
    make: Callable[[made.Signer], made.Evidence],
    form: EvidenceFormat,
    predicate_type: str | None,
) -> None:
    key = made.signer(kind)
    evidence = make(key)
    report = _verify(evidence, files=made.trust_files(key))
    assert report.rejected == ()
    (verified,) = report.verified
    assert verified.format is form
    assert verified.predicate_type == predicate_type
    assert verified.is_signature == (predicate_type in (None, COSIGN_SIGN))
    assert str(verified.evidence) == evidence.digest
    assert str(verified.layer) in evidence.blobs
    assert verified.signer == SignerIdentity(key.id, "key-0")
    assert (verified.policy, verified.authority) == ("policy", "key-0")
    assert verified.first_seen == made.FIRST_SEEN
    assert (verified.statement is None) == (form is EvidenceFormat.COSIGN_SIGNATURE)


def test_the_signers_own_claims_are_kept() -> None:
    classic = _verify(made.signed_classic(KEY, optional={"team": "release", "n": 1}))
    bundle = _verify(made.signed_bundle(KEY, annotations={"team": "release"}))
    assert classic.verified[0].annotations == {"team": "release", "n": 1}
    assert bundle.verified[0].annotations == {"team": "release"}


def test_each_layer_is_judged_alone() -> None:
    report = _verify(made.signed_classic(OTHER, KEY, made.signer(seed=2)))
    assert [each.signer.id for each in report.verified] == [KEY.id]
    assert _codes(report) == [RejectionCode.NO_MATCHING_KEY] * 2
    assert {each.format for each in report.rejected} == {EvidenceFormat.COSIGN_SIGNATURE}


@pytest.mark.parametrize(
    ("beside", "annotations"),
    [
        pytest.param(b"\x7fELF", {"dev.cosignproject.cosign/signature": "QQ=="}, id="another-format"),
        pytest.param(made.simple_signing(), {}, id="no-signature"),
    ],
)
def test_one_layer_that_is_no_evidence_makes_all_of_it_none(beside: bytes, annotations: dict[str, str]) -> None:
    payload = made.simple_signing()
    good = {"dev.cosignproject.cosign/signature": base64.b64encode(KEY.sign(payload)).decode()}
    tag = f"sha256-{made.SUBJECT[7:]}.sig"
    assert len(_verify(made.classic_manifest([(payload, good)], tag=tag)).verified) == 1
    report = _verify(made.classic_manifest([(payload, good), (beside, annotations)], tag=tag))
    assert report.verified == ()
    assert _codes(report) == [RejectionCode.PAYLOAD_MALFORMED]
    assert report.rejected[0].layer == Digest.of(beside)


def test_a_config_that_is_no_evidence_makes_all_of_it_none() -> None:
    good = made.signed_classic(KEY).object()
    config = good.manifest.config
    assert config is not None
    blobs = {digest: content for digest, content in good.blobs.items() if digest != config.digest}
    report = _verify(dataclasses.replace(good, blobs=blobs))
    assert report.verified == ()
    assert [(each.code, each.layer) for each in report.rejected] == [(RejectionCode.CONTENT_MISSING, None)]


def test_each_authority_that_vouches_is_named() -> None:
    report = _verify(made.signed_bundle(KEY), files=made.trust_files(KEY, OTHER, KEY))
    assert [each.authority for each in report.verified] == ["key-0", "key-2"]


def test_one_signature_of_an_envelope_is_enough_outside_a_bundle() -> None:
    payload = made.attest_statement()
    signatures = [OTHER.sign(made.pae(payload)), KEY.sign(made.pae(payload))]
    evidence = made.in_toto_referrer(made.go_json(made.envelope(payload, signatures)))
    assert [each.signer.id for each in _verify(evidence).verified] == [KEY.id]


def test_evidence_of_another_subject_is_rejected_whole() -> None:
    report = _verify(made.signed_bundle(KEY, subject=made.OTHER_SUBJECT))
    assert report.verified == ()
    assert _codes(report) == [RejectionCode.DIGEST_MISMATCH]
    assert report.rejected[0].layer is None


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        pytest.param(made.signed_classic(OTHER), RejectionCode.NO_MATCHING_KEY, id="wrong-key"),
        pytest.param(made.signed_bundle(OTHER), RejectionCode.NO_MATCHING_KEY, id="wrong-key-bundle"),
        pytest.param(
            made.signed_classic(KEY, payload=made.simple_signing(made.OTHER_SUBJECT)),
            RejectionCode.DIGEST_MISMATCH,
            id="classic-for-another-digest",
        ),
        pytest.param(
            made.signed_classic(KEY, payload=made.simple_signing("sha512:" + "0" * 128)),
            RejectionCode.DIGEST_ALGORITHM,
            id="classic-for-sha512",
        ),
        pytest.param(
            made.signed_classic(KEY, payload=made.simple_signing(made.SUBJECT.upper())),
            RejectionCode.PAYLOAD_MALFORMED,
            id="classic-in-upper-case",
        ),
        pytest.param(made.signed_classic(KEY, payload=b"{}"), RejectionCode.PAYLOAD_MALFORMED, id="classic-of-nothing"),
        pytest.param(
            made.signed_bundle(KEY, payload=made.sign_statement(made.OTHER_SUBJECT)),
            RejectionCode.DIGEST_MISMATCH,
            id="bundle-for-another-digest",
        ),
        pytest.param(
            made.signed_bundle(KEY, payload=b"not json"), RejectionCode.PAYLOAD_MALFORMED, id="bundle-of-nothing"
        ),
        pytest.param(
            made.attested_classic(KEY, made.sign_statement()),
            RejectionCode.UNSUPPORTED_CONTENT,
            id="signature-in-an-attestation",
        ),
        pytest.param(
            made.attested_in_toto(KEY, made.sign_statement()),
            RejectionCode.UNSUPPORTED_CONTENT,
            id="signature-in-in-toto",
        ),
        pytest.param(
            made.signed_bundle(KEY, annotations={"x": "y" * (1 << 20)}),
            RejectionCode.LIMIT_EXCEEDED,
            id="large-signature",
        ),
        pytest.param(
            made.signed_classic(KEY, reference=f"{made.HOST}/team/other"),
            RejectionCode.REPOSITORY_MISMATCH,
            id="for-another-repository",
        ),
        pytest.param(
            made.signed_classic(KEY, reference="no reference"), RejectionCode.PAYLOAD_MALFORMED, id="no-reference"
        ),
        pytest.param(
            made.bundle_referrer(made.go_json({"mediaType": "x"})), RejectionCode.PAYLOAD_MALFORMED, id="no-bundle"
        ),
    ],
)
def test_a_layer_is_rejected(evidence: made.Evidence, code: RejectionCode) -> None:
    report = _verify(evidence)
    assert report.verified == ()
    assert _codes(report) == [code]
    assert str(report.rejected[0].evidence) == evidence.digest
    assert report.rejected[0].layer is not None


def test_a_large_attestation_is_within_its_limit() -> None:
    report = _verify(made.attested_bundle(KEY, made.SPDX, {"files": "y" * (2 << 20)}))
    assert len(report.verified) == 1


def test_nothing_is_verified_without_a_policy_for_the_repository() -> None:
    report = _verify(made.signed_classic(KEY), files=made.trust_files(KEY, globs=["other/**"]))
    assert report.verified == ()
    assert _codes(report) == [RejectionCode.NO_MATCHING_KEY]


@pytest.mark.parametrize(
    ("evidence", "word", "accepted"),
    [
        pytest.param(made.signed_classic(KEY), "legacy", True, id="classic-legacy"),
        pytest.param(made.signed_classic(KEY), "bundle", False, id="classic-bundle"),
        pytest.param(made.signed_bundle(KEY), "bundle", True, id="bundle-bundle"),
        pytest.param(made.signed_bundle(KEY), "legacy", False, id="bundle-legacy"),
        pytest.param(made.attested_in_toto(KEY), "legacy", False, id="in-toto-legacy"),
        pytest.param(made.attested_in_toto(KEY), "bundle", False, id="in-toto-bundle"),
        pytest.param(made.attested_in_toto(KEY), "any", True, id="in-toto-any"),
    ],
)
def test_signature_format_is_honoured(evidence: made.Evidence, word: str, accepted: bool) -> None:
    report = _verify(evidence, files=made.trust_files(KEY, extra=f"\n    signatureFormat: {word}"))
    assert len(report.verified) == (1 if accepted else 0)
    assert _codes(report) == ([] if accepted else [RejectionCode.FORMAT_NOT_ALLOWED])


def test_what_one_authority_refuses_another_may_take() -> None:
    strict = made.trust_files(KEY)
    files = {**strict, "wide.yaml": strict["policy.yaml"] + b"    signedIdentity: any\n"}
    report = _verify(made.signed_classic(KEY, reference="elsewhere.example.test/x"), files=files)
    assert [each.policy for each in report.verified] == ["wide"]
    assert _codes(report) == [RejectionCode.REPOSITORY_MISMATCH]
    assert report.rejected[0].message.startswith("policy policy, authority key-0: signed for elsewhere")


def test_a_certificate_is_reported_as_such_and_never_believed() -> None:
    bundle = json.loads(made.bundle(made.sign_statement(), OTHER.sign(made.pae(made.sign_statement())), "x"))
    bundle["verificationMaterial"] = {"certificate": {"rawBytes": "AA=="}}
    classic = made.classic_manifest(
        [
            (
                made.simple_signing(),
                {
                    "dev.cosignproject.cosign/signature": "QQ==",
                    "dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----",
                },
            )
        ],
        tag=f"sha256-{made.SUBJECT[7:]}.sig",
    )
    report = _verify(made.bundle_referrer(made.go_json(bundle)), classic)
    assert report.verified == ()
    assert _codes(report) == [RejectionCode.UNSUPPORTED_CERTIFICATE] * 2


def test_a_configured_key_counts_whatever_certificate_stands_beside_it() -> None:
    payload = made.sign_statement()
    bundle = json.loads(made.bundle(payload, KEY.sign(made.pae(payload)), "x"))
    bundle["verificationMaterial"] = {"certificate": {"rawBytes": "AA=="}}
    assert len(_verify(made.bundle_referrer(made.go_json(bundle))).verified) == 1


def test_a_hint_chooses_nothing() -> None:
    payload = made.sign_statement()
    document = made.bundle(payload, KEY.sign(made.pae(payload)), OTHER.hint)
    report = _verify(made.bundle_referrer(document), files=made.trust_files(OTHER, KEY))
    assert [each.signer.id for each in report.verified] == [KEY.id]


def test_a_key_of_several_authorities_is_tried_once() -> None:
    # 10 x 100 layers x 30 authorities would be over the limit, and one key in 30 places is not.
    junk = made.signed_classic(*[OTHER] * 100)
    report = _verify(*[junk] * 10, files=made.trust_files(*[KEY] * 30))
    assert set(_codes(report)) == {RejectionCode.NO_MATCHING_KEY}


def _order(report: EvidenceReport) -> Sequence[Verified]:
    return sorted(report.verified, key=lambda each: (str(each.evidence), str(each.layer)))


def test_the_order_of_the_evidence_does_not_matter() -> None:
    pieces: list[Any] = [
        made.signed_classic(KEY, OTHER),
        made.signed_bundle(KEY),
        made.attested_bundle(KEY),
        made.attested_classic(KEY),
    ]
    assert _order(_verify(*pieces)) == _order(_verify(*reversed(pieces)))
