"""``trust.signers``: the keys whose signatures the trust policy rests on, and nobody else's."""

import base64
import dataclasses
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gateway.admission.document import describe
from gateway.admission.parts import parts
from gateway.admission.proof import MAX_VERIFIED
from gateway.evidence.judge import judge_trust
from gateway.evidence.keys import PublicKey
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import EvidenceReport, TrustSatisfied, TrustVerdict
from gateway.evidence.verify import verify_all
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject
from tests.support import evidence as made
from tests.support.oci import descriptor, encode, image

KEY: Final = made.signer(seed=1)
OTHER: Final = made.signer(seed=2)
REPOSITORY: Final = RepositoryName.parse(made.REPOSITORY)
HOSTS: Final = frozenset({made.HOST})
SBOM: Final = "\n    attestations: [{name: bom, predicateType: spdx}]"
ANYTHING: Final = "https://anything.example/at-all"
COMPRESSED_P256: Final = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
"""The head of an SPKI whose point is compressed."""


def authority(file: str, extra: str = "") -> str:
    return f"\n  - name: {file}{len(extra)}\n    key: {{path: {file}.pub}}\n    ctlog: none{extra}"


def policy(*authorities: str, mode: str = "enforce", glob: str = "**") -> bytes:
    return f"images: [{{glob: '{glob}'}}]\nmode: {mode}\nauthorities:{''.join(authorities)}\n".encode()


def compressed(key: made.Signer) -> bytes:
    """Return the PEM of the same key with its point compressed: other bytes, the same key."""
    public = load_pem_public_key(key.pem.encode())
    assert isinstance(public, EllipticCurvePublicKey)
    point = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    body = base64.b64encode(COMPRESSED_P256 + point).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body[:64]}\n{body[64:]}\n-----END PUBLIC KEY-----\n".encode()


KEYS: Final = {"key.pub": KEY.pem.encode(), "other.pub": OTHER.pem.encode(), "again.pub": compressed(KEY)}


def judged(policies: dict[str, bytes], *evidence: made.Evidence) -> tuple[EvidenceReport, TrustVerdict]:
    trust = TrustPolicy.load({**KEYS, **{f"{name}.yaml": text for name, text in policies.items()}})
    report = verify_all(
        Digest.parse(made.SUBJECT),
        REPOSITORY,
        [each.object() for each in evidence],
        trust,
        registry_hosts=HOSTS,
        now=made.FIRST_SEEN,
    )
    return report, judge_trust(report, REPOSITORY, trust, registry_hosts=HOSTS)


def described(report: EvidenceReport, verdict: TrustVerdict) -> JsonObject:
    plain = Manifest.parse(encode(image(config=descriptor(), layers=[])), content_type=media_types.OCI_MANIFEST)
    return describe(parts([plain], {}), report, verdict).members


def signers(policies: dict[str, bytes], *evidence: made.Evidence) -> object:
    trust = described(*judged(policies, *evidence))["trust"]
    assert isinstance(trust, dict)
    return trust["signers"]


RELEASE: Final = policy(authority("key"))
SIGNED: Final = made.signed_bundle(KEY)


def test_the_compressed_key_is_another_file_and_the_same_key() -> None:
    first, second = (PublicKey.parse(KEYS[name], where=name) for name in ("key.pub", "again.pub"))
    assert KEYS["key.pub"] != KEYS["again.pub"]
    assert first.id == second.id == KEY.id


@pytest.mark.parametrize(
    ("policies", "evidence", "expected"),
    [
        pytest.param({"r": RELEASE}, (SIGNED,), [KEY], id="one"),
        pytest.param(
            {"r": policy(authority("key"), authority("other"))},
            (SIGNED, made.signed_classic(OTHER)),
            [KEY, OTHER],
            id="two-of-one-policy",
        ),
        pytest.param(
            {"r": RELEASE, "s": policy(authority("other"))},
            (SIGNED, made.signed_bundle(OTHER)),
            [KEY, OTHER],
            id="two-of-two-policies",
        ),
        pytest.param(
            {"r": RELEASE, "trial": policy(authority("other"), mode="warn")},
            (SIGNED, made.attested_bundle(OTHER, ANYTHING)),
            [KEY],
            id="an-attestation-by-a-key-of-a-policy-in-warn-mode",
        ),
        pytest.param(
            {"r": RELEASE, "trial": policy(authority("other"), mode="warn")},
            (SIGNED, made.signed_bundle(OTHER)),
            [KEY],
            id="a-signature-by-a-key-of-a-policy-in-warn-mode",
        ),
        pytest.param(
            {"r": policy(authority("key"), authority("other"))},
            (SIGNED, made.attested_bundle(OTHER, ANYTHING), made.attested_classic(OTHER)),
            [KEY],
            id="attestations-by-a-key-that-may-sign",
        ),
        pytest.param(
            {"r": RELEASE, "bom": policy(authority("other", SBOM))},
            (SIGNED, made.attested_bundle(OTHER, made.SPDX)),
            [KEY],
            id="an-attestation-that-a-policy-rests-on",
        ),
        pytest.param(
            {"r": policy(authority("key"), authority("other", SBOM))},
            (SIGNED, made.signed_bundle(OTHER)),
            [KEY],
            id="a-signature-by-a-key-trusted-for-attestations",
        ),
        pytest.param(
            {"r": policy(authority("key"), authority("other", SBOM))},
            (SIGNED, made.signed_bundle(OTHER), made.attested_bundle(OTHER, made.SPDX)),
            [KEY],
            id="a-signature-beside-the-attestation-that-counts",
        ),
        pytest.param(
            {"bom": policy(authority("key", SBOM))}, (made.attested_bundle(KEY, made.SPDX),), [], id="attested-alone"
        ),
        pytest.param(
            {"r": policy(authority("key"), authority("again")), "s": policy(authority("again"))},
            (SIGNED, made.signed_classic(KEY)),
            [KEY],
            id="one-key-in-two-files-under-several-names",
        ),
        pytest.param(
            {"r": RELEASE, "s": policy(authority("other"), glob="elsewhere/**")},
            (SIGNED, made.signed_bundle(OTHER)),
            [KEY],
            id="a-policy-for-another-repository",
        ),
        pytest.param({"r": RELEASE}, (made.signed_bundle(OTHER),), [], id="unsatisfied"),
        pytest.param({"r": RELEASE, "s": policy(authority("other"))}, (SIGNED,), [], id="one-policy-of-two-is-not-met"),
        pytest.param(
            {"r": b"images: [{glob: '**'}]\nauthorities: [{static: {action: pass}}]\n"},
            (SIGNED,),
            [],
            id="static-pass",
        ),
    ],
)
def test_who_counts(
    policies: dict[str, bytes], evidence: tuple[made.Evidence, ...], expected: list[made.Signer]
) -> None:
    assert signers(policies, *evidence) == sorted(key.id for key in expected)


def test_what_the_verdict_rests_on_is_not_what_is_left_out() -> None:
    policies = {"a": policy(authority("other"), mode="warn"), "r": RELEASE}
    report, verdict = judged(policies, made.attested_bundle(OTHER), SIGNED)
    assert isinstance(verdict, TrustSatisfied)
    ours = [each for each in report.verified if each.policy == "r"]
    (theirs,) = (each for each in report.verified if each.policy == "a")
    crowd = [dataclasses.replace(theirs, signed=Digest.of(b"%d" % number)) for number in range(MAX_VERIFIED)]
    evidence = described(EvidenceReport((*crowd, *ours), ()), verdict)["evidence"]
    assert isinstance(evidence, dict)
    assert isinstance(evidence["verified"], list)
    assert len(evidence["verified"]) == MAX_VERIFIED
    assert [each["policy"] for each in evidence["verified"] if isinstance(each, dict)][:2] == ["r", "a"]
