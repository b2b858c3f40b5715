"""One test per attack on signatures, by its number in the threat list (the evidence that needs no server to show).

Each test builds what the attacker would push, byte for byte as real tools write it, and looks at the verdict.
"""

import base64
import dataclasses
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.errors import ManifestInvalid, TrustPolicyInvalid
from gateway.evidence.classify import classify, is_fallback_tag, reserved_tag
from gateway.evidence.content import parse_content
from gateway.evidence.judge import judge_trust
from gateway.evidence.limits import MAX_OBJECT_VERIFICATIONS, MAX_SHARE_VERIFICATIONS
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import (
    EvidenceClaim,
    EvidenceFormat,
    EvidenceObject,
    EvidenceReport,
    RejectionCode,
    TrustSatisfied,
    TrustUnsatisfied,
    TrustVerdict,
)
from gateway.evidence.verify import verify_all
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag
from tests.support import evidence as made

RELEASE: Final = made.signer()
ATTACKER: Final = made.signer(seed=666)
HOSTS: Final = frozenset({made.HOST})
SIG: Final = f"sha256-{made.SUBJECT[7:]}.sig"
GZIP: Final = b"\x1f\x8b\x08" + bytes(64)


def _report(
    *evidence: made.Evidence | EvidenceObject,
    files: dict[str, bytes] | None = None,
    repository: str = made.REPOSITORY,
    subject: str = made.SUBJECT,
) -> EvidenceReport:
    objects = [each if isinstance(each, EvidenceObject) else each.object() for each in evidence]
    trust = TrustPolicy.load(files or made.trust_files(RELEASE))
    name = RepositoryName.parse(repository)
    return verify_all(Digest.parse(subject), name, objects, trust, registry_hosts=HOSTS, now=made.FIRST_SEEN)


def _verdict(
    *evidence: made.Evidence | EvidenceObject,
    files: dict[str, bytes] | None = None,
    repository: str = made.REPOSITORY,
    subject: str = made.SUBJECT,
) -> TrustVerdict:
    files = files or made.trust_files(RELEASE)
    report = _report(*evidence, files=files, repository=repository, subject=subject)
    return judge_trust(report, RepositoryName.parse(repository), TrustPolicy.load(files), registry_hosts=HOSTS)


def _refused(verdict: TrustVerdict, code: str) -> None:
    assert isinstance(verdict, TrustUnsatisfied)
    assert [reason.code for reason in verdict.reasons] == [code]


# 1: the signature of another repository, replayed.


def test_attack_01_classic_signature_of_another_repository_replayed() -> None:
    signature = made.signed_classic(RELEASE, reference=f"{made.HOST}/team/app")
    assert isinstance(_verdict(signature, repository="team/app"), TrustSatisfied)
    _refused(_verdict(signature, repository="team/other"), "SIGNER_UNTRUSTED")
    elsewhere = made.signed_classic(RELEASE, reference="staging.example.test/team/app")
    _refused(_verdict(elsewhere, repository="team/app"), "SIGNER_UNTRUSTED")


def test_attack_01_bundle_counts_wherever_its_key_is_named_and_separate_keys_stop_it() -> None:
    """A bundle names no repository (DESIGN 6): shown here, since nobody should believe otherwise."""
    signature = made.signed_bundle(RELEASE)
    for repository in ("team/app", "team/other"):
        assert isinstance(_verdict(signature, repository=repository), TrustSatisfied)
    app, other = made.trust_files(RELEASE, globs=["team/app"]), made.trust_files(ATTACKER, globs=["team/other"])
    separate = {
        "app.yaml": app["policy.yaml"].replace(b"key-0.pub", b"app.pub"),
        "app.pub": app["key-0.pub"],
        "other.yaml": other["policy.yaml"].replace(b"key-0.pub", b"other.pub"),
        "other.pub": other["key-0.pub"],
    }
    assert isinstance(_verdict(signature, repository="team/app", files=separate), TrustSatisfied)
    _refused(_verdict(signature, repository="team/other", files=separate), "SIGNER_UNTRUSTED")


# 2: the signature of another digest; the payload swapped.


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(made.signed_classic(RELEASE, payload=made.simple_signing(made.OTHER_SUBJECT)), id="classic"),
        pytest.param(made.signed_bundle(RELEASE, payload=made.sign_statement(made.OTHER_SUBJECT)), id="bundle"),
    ],
)
def test_attack_02_signature_of_another_digest(evidence: made.Evidence) -> None:
    assert [each.code for each in _report(evidence).rejected] == [RejectionCode.DIGEST_MISMATCH]
    _refused(_verdict(evidence), "SIGNATURE_MISSING")


def test_attack_02_classic_payload_swapped_under_a_good_signature() -> None:
    signature = base64.b64encode(RELEASE.sign(made.simple_signing(made.OTHER_SUBJECT))).decode()
    annotations = {"dev.cosignproject.cosign/signature": signature}
    swapped = made.classic_manifest([(made.simple_signing(), annotations)], tag=SIG)
    _refused(_verdict(swapped), "SIGNER_UNTRUSTED")


def test_attack_02_bundle_payload_swapped_under_a_good_signature() -> None:
    signature = RELEASE.sign(made.pae(made.sign_statement(made.OTHER_SUBJECT)))
    swapped = made.bundle_referrer(made.bundle(made.sign_statement(), signature, RELEASE.hint))
    _refused(_verdict(swapped), "SIGNER_UNTRUSTED")


def test_attack_02_signature_over_the_payload_instead_of_its_encoding() -> None:
    """Without PAE an envelope could be passed off under another payload type."""
    payload = made.sign_statement()
    bare = made.bundle_referrer(made.bundle(payload, RELEASE.sign(payload), RELEASE.hint))
    _refused(_verdict(bare), "SIGNER_UNTRUSTED")


def test_attack_02_envelope_as_classic_payload_and_back() -> None:
    """A signature over PAE bytes is none of a classic payload: the prefix is no JSON."""
    encoding = made.pae(made.sign_statement())
    evidence = made.signed_classic(RELEASE, payload=encoding)
    assert [each.code for each in _report(evidence).rejected] == [RejectionCode.PAYLOAD_MALFORMED]


# 6: a runnable image with a subject and an evidence type, to slip past the rules for images.


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"artifactType": made.BUNDLE}, id="artifact-type"),
        pytest.param({"artifactType": made.COSIGN_ARTIFACT}, id="cosign"),
        pytest.param({"artifactType": made.IN_TOTO}, id="in-toto"),
        pytest.param({"artifactType": "application/vnd.example"}, id="anything"),
        pytest.param({}, id="subject-alone"),
    ],
)
def test_attack_06_runnable_image_with_a_subject(change: dict[str, Any]) -> None:
    image = _runnable(**change)
    assert classify(image, None) is None
    assert classify(image, Tag.parse(SIG)) is None


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(made.bundle_referrer(GZIP), id="bundle"),
        pytest.param(made.in_toto_referrer(GZIP), id="in-toto"),
        pytest.param(
            made.classic_manifest(
                [(GZIP, {"dev.cosignproject.cosign/signature": "QQ=="})],
                tag=None,
                config_type=made.COSIGN_ARTIFACT,
                referrer_of=made.SUBJECT,
            ),
            id="classic",
        ),
    ],
)
def test_attack_06_runnable_layer_under_an_evidence_type(evidence: made.Evidence) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        parse_content(evidence.object())
    assert caught.value.field == "layers[0]"
    assert isinstance(_verdict(evidence), TrustUnsatisfied)


# 7: a runnable image under the tag of a signature.


def test_attack_07_runnable_image_under_a_signature_tag() -> None:
    assert classify(_runnable(subject=None), Tag.parse(SIG)) is None
    assert reserved_tag(Tag.parse(SIG))
    disguised = made.classic_manifest([(GZIP, {"dev.cosignproject.cosign/signature": "QQ=="})], tag=SIG)
    with pytest.raises(ManifestInvalid):
        parse_content(disguised.object())


def test_attack_07_runnable_layer_behind_a_real_signature() -> None:
    payload = made.simple_signing()
    annotations = {"dev.cosignproject.cosign/signature": base64.b64encode(RELEASE.sign(payload)).decode()}
    evidence = made.classic_manifest([(payload, annotations), (GZIP, annotations)], tag=SIG)
    with pytest.raises(ManifestInvalid) as caught:
        parse_content(evidence.object())
    assert caught.value.field == "layers[1]"


def test_attack_07_evidence_under_a_tag_that_people_pull() -> None:
    assert classify(made.signed_bundle(RELEASE).object().manifest, Tag.parse("latest")) is None


# 9: an attestation taken for a signature; the wrong predicate type (CVE-2022-35929, CVE-2026-39395).


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(made.attested_bundle(RELEASE, made.SPDX), id="bundle-sbom"),
        pytest.param(made.attested_bundle(RELEASE), id="bundle-provenance"),
        pytest.param(made.attested_classic(RELEASE), id="classic"),
        pytest.param(made.attested_in_toto(RELEASE), id="in-toto"),
        pytest.param(made.attested_classic(RELEASE, made.sign_statement()), id="signature-type-in-an-attestation"),
        pytest.param(made.attested_in_toto(RELEASE, made.sign_statement()), id="signature-type-in-in-toto"),
        pytest.param(made.attested_bundle(RELEASE, "https://sigstore.dev/cosign/sign/v1/"), id="type-with-slash"),
        pytest.param(made.attested_bundle(RELEASE, "https://sigstore.dev/cosign/sign/V1"), id="type-in-other-case"),
    ],
)
def test_attack_09_attestation_as_signature(evidence: made.Evidence) -> None:
    _refused(_verdict(evidence), "SIGNATURE_MISSING")


WANTS_SPDX: Final = made.trust_files(RELEASE, extra="\n    attestations: [{name: bom, predicateType: spdxjson}]")


@pytest.mark.parametrize(
    "evidence",
    [
        pytest.param(made.attested_bundle(RELEASE, "https://cosign.sigstore.dev/attestation/vuln/v1"), id="vuln"),
        pytest.param(made.attested_bundle(RELEASE, made.SPDX + "/v2.3"), id="longer-type"),
        pytest.param(made.attested_bundle(RELEASE, made.SPDX.upper()), id="other-case"),
        pytest.param(made.attested_bundle(ATTACKER, made.SPDX), id="other-key"),
        pytest.param(made.signed_bundle(RELEASE), id="signature"),
        pytest.param(made.signed_bundle(RELEASE, payload=b'{"predicateType":"spdx"}'), id="malformed-statement"),
    ],
)
def test_attack_09_wrong_predicate_type(evidence: made.Evidence) -> None:
    _refused(_verdict(evidence, files=WANTS_SPDX), "ATTESTATION_MISSING")


def test_attack_09_annotations_are_hints_only() -> None:
    """The manifest says that it is a signature; the signed statement says otherwise, and counts."""
    payload = made.attest_statement(made.SPDX)
    document = made.bundle(payload, RELEASE.sign(made.pae(payload)), RELEASE.hint)
    _refused(_verdict(made.bundle_referrer(document, predicate_type=made.COSIGN_SIGN)), "SIGNATURE_MISSING")


# 15: endless signatures, huge payloads, deep documents (CVE-2024-29903, CVE-2024-45395 and others).


def _many_layers(count: int) -> EvidenceObject:
    payload = made.simple_signing()
    annotations = {"dev.cosignproject.cosign/signature": base64.b64encode(RELEASE.sign(payload)).decode()}
    pushed = made.classic_manifest([(payload, annotations)] * count, tag=SIG)
    manifest = Manifest.parse(pushed.manifest, content_type=made.OCI_MANIFEST, max_bytes=4 << 20)
    claim = EvidenceClaim(EvidenceFormat.COSIGN_SIGNATURE, Digest.parse(made.SUBJECT))
    blobs = {Digest.parse(digest): content for digest, content in pushed.blobs.items()}
    return EvidenceObject(manifest, claim, blobs, made.FIRST_SEEN)


def _declared(size: int) -> EvidenceObject:
    good = made.signed_bundle(RELEASE)
    manifest = json.loads(good.manifest)
    manifest["layers"][0]["size"] = size
    return replace(good, manifest=made.go_json(manifest)).object()


DEEP: Final = b"[" * 100_000
MANY_SUBJECTS: Final = made.go_json(
    {
        **json.loads(made.sign_statement()),
        "subject": [{"digest": {"sha256": made.SUBJECT[7:]}}] * 1025,
    }
)
MANY_DIGESTS: Final = made.go_json(
    {
        **json.loads(made.sign_statement()),
        "subject": [{"digest": {"sha256": made.SUBJECT[7:], **{f"a{n}": "0" for n in range(32)}}}],
    }
)


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        pytest.param(_many_layers(1_000), RejectionCode.LIMIT_EXCEEDED, id="1000-layers-the-most-a-manifest-has"),
        pytest.param(_many_layers(101), RejectionCode.LIMIT_EXCEEDED, id="101-layers"),
        pytest.param(_declared(1 << 30), RejectionCode.LIMIT_EXCEEDED, id="1-gib-declared"),
        pytest.param(_declared(1 << 62), RejectionCode.LIMIT_EXCEEDED, id="4-eib-declared"),
        pytest.param(made.bundle_referrer(DEEP).object(), RejectionCode.PAYLOAD_MALFORMED, id="deep-bundle"),
        pytest.param(
            made.signed_bundle(RELEASE, payload=DEEP).object(), RejectionCode.PAYLOAD_MALFORMED, id="deep-statement"
        ),
        pytest.param(
            made.signed_bundle(RELEASE, payload=MANY_SUBJECTS).object(), RejectionCode.LIMIT_EXCEEDED, id="subjects"
        ),
        pytest.param(
            made.signed_bundle(RELEASE, payload=MANY_DIGESTS).object(), RejectionCode.LIMIT_EXCEEDED, id="digests"
        ),
        pytest.param(
            made.signed_classic(RELEASE, payload=made.simple_signing(optional={"x": "y" * (64 << 10)})).object(),
            RejectionCode.LIMIT_EXCEEDED,
            id="large-payload",
        ),
    ],
)
def test_attack_15_sizes_and_counts(evidence: EvidenceObject, code: RejectionCode) -> None:
    report = _report(evidence)
    assert report.verified == ()
    assert {each.code for each in report.rejected} == {code}


def test_attack_15_many_junk_signatures_do_not_hide_the_real_one() -> None:
    """Each principal has a share of the checks, and what was verified before has checks of its own."""
    junk = made.signed_classic(*[ATTACKER] * 100).object()
    of_one, of_another = (dataclasses.replace(junk, share=who) for who in ("u:one", "u:another"))
    real = made.signed_bundle(RELEASE).object()
    other = dataclasses.replace(made.signed_classic(RELEASE).object(), share="u:third")
    report = _report(*[of_one] * 50, *[of_another] * 50, other, real)
    assert {each.format for each in report.verified} == {
        EvidenceFormat.SIGSTORE_BUNDLE,
        EvidenceFormat.COSIGN_SIGNATURE,
    }
    codes = [each.code for each in report.rejected]
    assert codes.count(RejectionCode.NO_MATCHING_KEY) == 2 * MAX_SHARE_VERIFICATIONS
    assert codes.count(RejectionCode.LIMIT_EXCEEDED) == 2 * (5000 - MAX_SHARE_VERIFICATIONS)


def test_attack_15_what_was_verified_before_shares_the_checks_of_one_group() -> None:
    junk = made.signed_classic(*[ATTACKER] * 100).object()
    report = _report(made.signed_bundle(RELEASE), *[junk] * 201)
    codes = [each.code for each in report.rejected]
    assert codes.count(RejectionCode.NO_MATCHING_KEY) == MAX_OBJECT_VERIFICATIONS
    assert codes.count(RejectionCode.LIMIT_EXCEEDED) == 201 * 100 - MAX_OBJECT_VERIFICATIONS


# 17: verified one thing, stored another (CVE-2022-47633, CVE-2023-33959).


def test_attack_17_bytes_under_another_name() -> None:
    good = made.signed_bundle(RELEASE).object()
    (layer,) = good.manifest.layers
    forged = made.bundle(made.sign_statement(), b"x" * 70, RELEASE.hint).ljust(layer.size)
    for content in (forged, forged[: layer.size]):
        report = _report(replace(good, blobs={layer.digest: content}))
        assert [each.code for each in report.rejected] == [RejectionCode.CONTENT_MISSING]
        assert report.verified == ()


def test_attack_17_what_is_verified_is_what_is_stored() -> None:
    evidence = made.signed_bundle(RELEASE)
    (verified,) = _report(evidence).verified
    assert Digest.of(evidence.manifest) == verified.evidence
    assert Digest.of(evidence.blobs[str(verified.layer)]) == verified.layer


# 18: a verifier that fails is not a verifier that agrees (CVE-2026-44310).


class _Panic(BaseException):
    """Like a panic in a Rust extension: no `Exception`."""


class _Failing(dict[Digest, bytes]):
    """The blobs of an object, of which one cannot be read."""

    def __init__(self, blobs: dict[Digest, bytes], fault: BaseException) -> None:
        super().__init__(blobs)
        self.fault = fault

    def get(self, key: object, default: object = None) -> NoReturn:
        raise self.fault


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(RuntimeError("x"), id="error"),
        pytest.param(RecursionError(), id="recursion"),
        pytest.param(MemoryError(), id="memory"),
        pytest.param(StopIteration(), id="stop-iteration"),
        pytest.param(_Panic(), id="panic"),
        pytest.param(AssertionError(), id="assertion"),
    ],
)
def test_attack_18_any_exception_is_a_rejection(fault: BaseException) -> None:
    good = made.signed_bundle(RELEASE).object()
    report = _report(replace(good, blobs=_Failing({}, fault)))
    assert report.verified == ()
    (rejected,) = report.rejected
    assert rejected.code is RejectionCode.SURPRISE
    assert rejected.layer == good.manifest.layers[0].digest


def test_attack_18_a_failure_in_one_object_leaves_the_others() -> None:
    failing = replace(made.signed_bundle(RELEASE).object(), blobs=_Failing({}, _Panic()))
    assert isinstance(_verdict(failing, made.signed_classic(RELEASE)), TrustSatisfied)


class _NoClaim:
    """A claim that nobody should have built."""

    format = EvidenceFormat.SIGSTORE_BUNDLE

    @property
    def subject(self) -> NoReturn:
        raise ValueError("no subject")


def test_attack_18_a_failure_outside_the_layers_is_a_rejection_of_the_whole() -> None:
    broken: Any = _NoClaim()
    (rejected,) = _report(replace(made.signed_bundle(RELEASE).object(), claim=broken)).rejected
    assert (rejected.code, rejected.layer) == (RejectionCode.SURPRISE, None)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), SystemExit()], ids=["interrupt", "exit"])
def test_attack_18_the_end_of_the_process_is_no_verdict(fault: BaseException) -> None:
    with pytest.raises(type(fault)):
        _report(replace(made.signed_bundle(RELEASE).object(), blobs=_Failing({}, fault)))


# 21: another digest algorithm, or another spelling of the same.


def test_attack_21_subject_by_sha512() -> None:
    sha512 = Digest.parse("sha512:" + "0" * 128)
    good = made.signed_bundle(RELEASE).object()
    for report in (
        _report(good, subject=str(sha512)),
        _report(replace(good, claim=EvidenceClaim(good.claim.format, sha512))),
        _report(made.signed_classic(RELEASE, payload=made.simple_signing(str(sha512)))),
        _report(made.signed_bundle(RELEASE, payload=_about({"sha512": "0" * 128}))),
    ):
        assert report.verified == ()
        assert [each.code for each in report.rejected] == [RejectionCode.DIGEST_ALGORITHM]


def test_attack_21_digest_in_upper_case() -> None:
    upper = "sha256:" + made.SUBJECT[7:].upper()
    for evidence in (
        made.signed_classic(RELEASE, payload=made.simple_signing(upper)),
        made.signed_bundle(RELEASE, payload=made.sign_statement(upper)),
        made.signed_bundle(RELEASE, payload=_about({"SHA256": made.SUBJECT[7:]})),
    ):
        assert [each.code for each in _report(evidence).rejected] == [RejectionCode.PAYLOAD_MALFORMED]
    tag = Tag.parse(f"sha256-{made.SUBJECT[7:].upper()}.sig")
    assert classify(made.signed_classic(RELEASE).object().manifest, tag) is None
    assert is_fallback_tag(Tag.parse(f"sha256-{made.SUBJECT[7:].upper()}")) is None


def test_attack_21_sha512_entry_that_hides_another_sha256() -> None:
    evidence = made.signed_bundle(RELEASE, payload=_about({"sha512": "0" * 128, "sha256": made.OTHER_SUBJECT[7:]}))
    assert [each.code for each in _report(evidence).rejected] == [RejectionCode.DIGEST_MISMATCH]


# 22: the evidence chooses the algorithm.


def _algorithms() -> Iterator[Any]:
    message = made.pae(made.sign_statement())
    spki = RELEASE.spki
    yield pytest.param(b"", id="none")
    yield pytest.param(hmac.digest(spki, message, "sha256"), id="hmac-with-the-public-key")
    yield pytest.param(made.signer("rsa", 9).sign(message), id="rsa-under-an-ecdsa-key")
    yield pytest.param(made.signer("ed25519", 9).sign(message), id="ed25519-under-an-ecdsa-key")
    yield pytest.param(bytes.fromhex("3006020100020100"), id="ecdsa-zero-zero")  # CVE-2022-21449
    other = ec.derive_private_key(7, ec.SECP384R1()).sign(message, ec.ECDSA(SHA256()))
    yield pytest.param(other, id="another-curve")
    yield pytest.param(RELEASE.sign(message) + b"\0", id="trailing-byte")


@pytest.mark.parametrize("signature", list(_algorithms()))
def test_attack_22_algorithm_comes_from_the_key(signature: bytes) -> None:
    evidence = made.bundle_referrer(made.bundle(made.sign_statement(), signature, RELEASE.hint))
    assert [each.code for each in _report(evidence).rejected] == [RejectionCode.NO_MATCHING_KEY]


@pytest.mark.parametrize("kind", made.KEY_KINDS)
def test_attack_22_signature_by_one_kind_of_key_under_another(kind: made.KeyKind) -> None:
    trusted = made.trust_files(*(made.signer(each, 7) for each in made.KEY_KINDS if each != kind))
    _refused(_verdict(made.signed_classic(made.signer(kind, 7)), files=trusted), "SIGNER_UNTRUSTED")


# 23: the evidence brings its own key.


def test_attack_23_key_and_certificate_from_the_evidence() -> None:
    payload = made.sign_statement()
    signature = ATTACKER.sign(made.pae(payload))
    materials: list[dict[str, Any]] = [
        {"publicKey": {"hint": RELEASE.hint}},
        {"publicKey": {"hint": ATTACKER.hint}},
        {"certificate": {"rawBytes": base64.b64encode(ATTACKER.spki).decode()}},
        {"x509CertificateChain": {"certificates": [{"rawBytes": base64.b64encode(ATTACKER.spki).decode()}]}},
    ]
    for material in materials:
        document = json.loads(made.bundle(payload, signature, "x"))
        document["verificationMaterial"] = material
        _refused(_verdict(made.bundle_referrer(made.go_json(document))), "SIGNER_UNTRUSTED")
    document = json.loads(made.bundle(payload, signature, "x"))
    document["verificationMaterial"]["publicKey"]["rawBytes"] = base64.b64encode(ATTACKER.spki).decode()
    _refused(_verdict(made.bundle_referrer(made.go_json(document))), "SIGNATURE_MISSING")


def test_attack_23_classic_annotations_bring_a_key() -> None:
    payload = made.simple_signing()
    annotations = {
        "dev.cosignproject.cosign/signature": base64.b64encode(ATTACKER.sign(payload)).decode(),
        "dev.sigstore.cosign/certificate": ATTACKER.pem,
        "dev.sigstore.cosign/chain": ATTACKER.pem,
        "dev.sigstore.cosign/bundle": "{}",
    }
    _refused(_verdict(made.classic_manifest([(payload, annotations)], tag=SIG)), "SIGNER_UNTRUSTED")


# 24: a condition of the trust policy that is skipped in silence.


@pytest.mark.parametrize(
    ("authority", "path"),
    [
        pytest.param({"keyless": {"identities": []}}, "keyless", id="keyless"),
        pytest.param({"key": {"kms": "awskms:///x"}}, "key.kms", id="kms"),
        pytest.param({"key": {"secretRef": {"name": "x"}}}, "key.secretRef", id="secret"),
        pytest.param({"attestations": [{"name": "a", "predicateType": "vuln", "policy": {}}]}, "policy", id="cue"),
        pytest.param({"ctlog": {"url": "https://rekor.example.test"}}, "ctlog", id="log"),
        pytest.param({"requireAnnotations": {"a": "b"}}, "requireAnnotations", id="annotations"),
        pytest.param({"signatureformat": "bundle"}, "signatureformat", id="misspelt"),
    ],
)
def test_attack_24_unknown_words_are_refused_at_load(authority: dict[str, Any], path: str) -> None:
    base = {"key": {"data": RELEASE.pem}, "ctlog": "none"}
    policy = {"images": [{"glob": "**"}], "authorities": [{**base, **authority}]}
    with pytest.raises(TrustPolicyInvalid) as caught:
        TrustPolicy.load({"policy.json": made.go_json(policy)})
    assert caught.value.where.startswith("policy.json: authorities[0]")
    assert path in caught.value.where


# 26: downgrade from the bundle to the classic format.


def test_attack_26_no_fallback_from_bundle_to_classic() -> None:
    files = made.trust_files(RELEASE, extra="\n    signatureFormat: bundle")
    assert isinstance(_verdict(made.signed_bundle(RELEASE), files=files), TrustSatisfied)
    _refused(_verdict(made.signed_classic(RELEASE), files=files), "SIGNER_UNTRUSTED")
    broken = made.bundle_referrer(made.bundle(made.sign_statement(), b"x", RELEASE.hint))
    _refused(_verdict(broken, made.signed_classic(RELEASE), files=files), "SIGNER_UNTRUSTED")


def test_attack_26_no_fallback_from_classic_to_bundle() -> None:
    files = made.trust_files(RELEASE, extra="\n    signatureFormat: legacy")
    _refused(_verdict(made.signed_bundle(RELEASE), files=files), "SIGNER_UNTRUSTED")


# Advisories that have no number in the list.


def test_cve_2022_36056_bundle_whose_parts_come_from_two() -> None:
    """The statement of one bundle with the signature of another of the same signer."""
    first, second = made.sign_statement(), made.sign_statement(annotations={"team": "release"})
    mixed = made.bundle_referrer(made.bundle(first, RELEASE.sign(made.pae(second)), RELEASE.hint))
    _refused(_verdict(mixed), "SIGNER_UNTRUSTED")


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{", id="truncated"),
        pytest.param(made.sign_statement()[:-1], id="truncated-statement"),
        pytest.param(b"\xef\xbb\xbf" + made.sign_statement(), id="byte-order-mark"),
        pytest.param(made.sign_statement().replace(b'"predicate":{}', b'"predicate":NaN'), id="nan"),
        pytest.param(
            made.sign_statement(made.OTHER_SUBJECT).replace(
                b'"subject":', b'"subject":[{"digest":{"sha256":"%s"}}],"subject":' % made.SUBJECT[7:].encode()
            ),
            id="subject-twice",
        ),
    ],
)
def test_cve_2026_39395_properly_signed_payload_that_does_not_parse(payload: bytes) -> None:
    evidence = made.signed_bundle(RELEASE, payload=payload)
    assert [each.code for each in _report(evidence).rejected] == [RejectionCode.PAYLOAD_MALFORMED]
    _refused(_verdict(evidence), "SIGNATURE_MISSING")


def test_cosign_ignores_the_type_of_a_classic_payload_and_this_does_not() -> None:
    payload = made.simple_signing().replace(b"cosign container image signature", b"atomic container signature")
    assert [each.code for each in _report(made.signed_classic(RELEASE, payload=payload)).rejected] == [
        RejectionCode.PAYLOAD_MALFORMED
    ]


def test_small_order_key_cannot_be_trusted() -> None:
    """For such a key the signature of anything is known to everybody."""
    point = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + b"\x01" + bytes(31)).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{point}\n-----END PUBLIC KEY-----\n"
    with pytest.raises(TrustPolicyInvalid):
        TrustPolicy.load({**made.trust_files(RELEASE), "weak.pub": pem.encode()})


def _runnable(**changes: Any) -> Manifest:
    """Return an ordinary image with a subject, and with ``changes``."""
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": len(GZIP), "digest": made.SUBJECT}
    document = {
        "schemaVersion": 2,
        "mediaType": made.OCI_MANIFEST,
        "config": {"mediaType": made.OCI_CONFIG, "size": 2, "digest": str(Digest.of(b"{}"))},
        "layers": [layer],
        "subject": {"mediaType": made.OCI_MANIFEST, "size": 412, "digest": made.OTHER_SUBJECT},
        **changes,
    }
    raw = made.go_json({name: value for name, value in document.items() if value is not None})
    return Manifest.parse(raw, content_type=made.OCI_MANIFEST, max_bytes=4 << 20)


def _about(digests: dict[str, str]) -> bytes:
    return made.go_json({**json.loads(made.sign_statement()), "subject": [{"digest": digests}]})
