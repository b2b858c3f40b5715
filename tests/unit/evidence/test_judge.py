"""How policies combine, and what a verdict says."""

from typing import Final

import pytest

from gateway.errors import Reason
from gateway.evidence.judge import judge_trust
from gateway.evidence.limits import MAX_REQUIREMENT_SIGNERS
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import (
    EvidenceObject,
    Requirement,
    SignerIdentity,
    TrustSatisfied,
    TrustStaticPass,
    TrustUnsatisfied,
    TrustVerdict,
)
from gateway.evidence.verify import verify_all
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from tests.support import evidence as made

KEY: Final = made.signer()
OTHER: Final = made.signer(seed=1)
THIRD: Final = made.signer(seed=2)
REPOSITORY: Final = RepositoryName.parse(made.REPOSITORY)
HOSTS: Final = frozenset({made.HOST})
STATIC: Final = b"images: [{glob: '**'}]\nauthorities: [{static: {action: pass}}]\n"
FAIL: Final = STATIC.replace(b"pass", b"fail")
ATTESTED: Final = (
    "\n    attestations: [{name: built, predicateType: slsaprovenance1}, {name: bom, predicateType: spdx}]"
)


def _judge(files: dict[str, bytes], *evidence: made.Evidence | EvidenceObject) -> TrustVerdict:
    trust = TrustPolicy.load(files)
    objects = [each if isinstance(each, EvidenceObject) else each.object() for each in evidence]
    report = verify_all(
        Digest.parse(made.SUBJECT), REPOSITORY, objects, trust, registry_hosts=HOSTS, now=made.FIRST_SEEN
    )
    return judge_trust(report, REPOSITORY, trust, registry_hosts=HOSTS)


def _reason(verdict: TrustVerdict) -> Reason:
    assert isinstance(verdict, TrustUnsatisfied)
    (reason,) = verdict.reasons
    return reason


def _both(first: dict[str, bytes], second: bytes) -> dict[str, bytes]:
    return {**first, "second.yaml": second}


def _policy(*names: str, extra: str = "") -> bytes:
    keys = "".join(f"\n  - name: {name}\n    key: {{path: {name}.pub}}\n    ctlog: none{extra}" for name in names)
    return f"images: [{{glob: '**'}}]\nauthorities:{keys}\n".encode()


PUBS: Final = {"key.pub": KEY.pem.encode(), "other.pub": OTHER.pem.encode(), "third.pub": THIRD.pem.encode()}


def test_a_signature_satisfies() -> None:
    evidence = made.signed_bundle(KEY)
    requirement = Requirement(
        0, "policy", (SignerIdentity(KEY.id, "key-0"),), (Digest.parse(evidence.digest),), (KEY.id,)
    )
    assert _judge(made.trust_files(KEY), evidence) == TrustSatisfied((requirement,))


def test_signers_within_a_policy_are_or() -> None:
    evidence = made.signed_classic(OTHER, KEY)
    verdict = _judge({**PUBS, "p.yaml": _policy("key", "other", "third")}, evidence, made.signed_bundle(KEY))
    assert isinstance(verdict, TrustSatisfied)
    (requirement,) = verdict.requirements
    assert {signer.name for signer in requirement.signers} == {"key", "other"}
    assert len(requirement.evidence) == 2


def test_policies_are_and() -> None:
    files = {**PUBS, "a.yaml": _policy("key"), "b.yaml": _policy("other", "third")}
    both = _judge(files, made.signed_classic(KEY, THIRD))
    assert isinstance(both, TrustSatisfied)
    assert [(each.slot, each.policy) for each in both.requirements] == [(0, "a"), (1, "b")]
    assert [signer.name for each in both.requirements for signer in each.signers] == ["key", "third"]
    reason = _reason(_judge(files, made.signed_classic(KEY)))
    assert (reason.code, reason.severity) == ("SIGNER_UNTRUSTED", "hold")
    assert "policy b wants a signature by other or third" in reason.message


def test_no_policy() -> None:
    for files in ({}, made.trust_files(KEY, globs=["elsewhere/**"])):
        reason = _reason(_judge(files, made.signed_bundle(KEY)))
        assert (reason.code, reason.severity) == ("NO_TRUST_POLICY", "hold")
        assert made.REPOSITORY in reason.message


def test_no_signature() -> None:
    reason = _reason(_judge(made.trust_files(KEY)))
    assert (reason.code, reason.severity) == ("SIGNATURE_MISSING", "hold")
    assert "wants a signature by key-0, and there is none" in reason.message


@pytest.mark.parametrize(
    ("evidence", "code", "detail"),
    [
        pytest.param(made.signed_bundle(OTHER), "SIGNER_UNTRUSTED", "NO_MATCHING_KEY", id="bundle-by-another"),
        pytest.param(made.signed_classic(OTHER), "SIGNER_UNTRUSTED", "NO_MATCHING_KEY", id="classic-by-another"),
        pytest.param(
            made.signed_classic(KEY, reference=f"{made.HOST}/x"),
            "SIGNER_UNTRUSTED",
            "REPOSITORY_MISMATCH",
            id="for-another-repository",
        ),
        pytest.param(made.attested_classic(OTHER), "SIGNATURE_MISSING", "NO_MATCHING_KEY", id="attested-by-another"),
        pytest.param(
            made.signed_classic(KEY, payload=made.simple_signing(made.OTHER_SUBJECT)),
            "SIGNATURE_MISSING",
            "DIGEST_MISMATCH",
            id="for-another-digest",
        ),
        pytest.param(made.attested_bundle(KEY), "SIGNATURE_MISSING", "", id="attestation-by-the-right-key"),
    ],
)
def test_why_not(evidence: made.Evidence, code: str, detail: str) -> None:
    reason = _reason(_judge(made.trust_files(KEY), evidence))
    assert reason.code == code
    assert reason.severity == "hold"
    assert detail in reason.message


def test_a_message_names_few_signers() -> None:
    reason = _reason(_judge(made.trust_files(*[made.signer(seed=n) for n in range(5)])))
    assert "key-0 or key-1 or key-2 or 2 more" in reason.message


def test_all_attestations_by_one_authority() -> None:
    files = made.trust_files(KEY, OTHER, extra=ATTESTED)
    built, bom = made.attested_bundle(KEY), made.attested_classic(KEY, made.attest_statement(made.SPDX))
    verdict = _judge(files, built, bom, made.attested_bundle(KEY, "https://example.test/other"))
    assert isinstance(verdict, TrustSatisfied)
    (requirement,) = verdict.requirements
    assert [signer.id for signer in requirement.signers] == [KEY.id]
    assert {str(each) for each in requirement.evidence} == {built.digest, bom.digest}
    reason = _reason(_judge(files, built, made.attested_bundle(OTHER, made.SPDX)))
    assert (reason.code, reason.severity) == ("ATTESTATION_MISSING", "hold")
    assert reason.message.endswith(f"missing: {made.SPDX}")


def test_a_signature_is_no_attestation() -> None:
    reason = _reason(_judge(made.trust_files(KEY, extra=ATTESTED), made.signed_bundle(KEY)))
    assert reason.code == "ATTESTATION_MISSING"


def test_static_pass_alone() -> None:
    assert _judge({"open.yaml": STATIC}) == TrustStaticPass("open")


def test_static_pass_beside_a_key_policy_contributes_no_slot() -> None:
    files = _both(made.trust_files(KEY), STATIC)
    verdict = _judge(files, made.signed_bundle(KEY))
    assert isinstance(verdict, TrustSatisfied)
    assert [(each.slot, each.policy) for each in verdict.requirements] == [(0, "policy")]
    assert _reason(_judge(files)).code == "SIGNATURE_MISSING"


def test_static_pass_within_a_policy_needs_nothing_else() -> None:
    files = made.trust_files(KEY)
    files["policy.yaml"] += b"  - static: {action: pass}\n"
    assert _judge(files, made.signed_bundle(KEY)) == TrustStaticPass("policy")


def test_static_fail_denies() -> None:
    reason = _reason(_judge({"closed.yaml": FAIL}, made.signed_bundle(KEY)))
    assert (reason.code, reason.severity) == ("TRUST_STATIC_FAIL", "deny")
    assert "closed" in reason.message
    verdict = _judge(_both(made.trust_files(KEY), FAIL), made.signed_bundle(KEY))
    assert _reason(verdict).severity == "deny"


def test_static_fail_within_a_policy_is_one_authority_that_does_not_vouch() -> None:
    files = made.trust_files(KEY)
    files["policy.yaml"] += b"  - static: {action: fail}\n"
    assert isinstance(_judge(files, made.signed_bundle(KEY)), TrustSatisfied)
    assert _reason(_judge(files)).code == "SIGNATURE_MISSING"


def test_warn_mode_reports_and_decides_nothing() -> None:
    warn = _policy("other") + b"mode: warn\n"
    files = {**PUBS, "a.yaml": _policy("key"), "b.yaml": warn}
    verdict = _judge(files, made.signed_bundle(KEY))
    assert isinstance(verdict, TrustSatisfied)
    assert [each.policy for each in verdict.requirements] == ["a"]
    assert [(each.code, each.severity) for each in verdict.warnings] == [("SIGNER_UNTRUSTED", "warn")]
    satisfied = _judge(files, made.signed_classic(KEY, OTHER))
    assert isinstance(satisfied, TrustSatisfied)
    assert len(satisfied.requirements) == 1
    assert satisfied.warnings == ()


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(_policy("key") + b"mode: warn\n", id="key"),
        pytest.param(STATIC + b"mode: warn\n", id="static-pass"),
        pytest.param(FAIL + b"mode: warn\n", id="static-fail"),
    ],
)
def test_warn_mode_alone_admits_nothing(policy: bytes) -> None:
    verdict = _judge({**PUBS, "a.yaml": policy}, made.signed_bundle(KEY))
    assert isinstance(verdict, TrustUnsatisfied)
    assert verdict.reasons[0].code == "NO_TRUST_POLICY"
    assert "warn mode (a)" in verdict.reasons[0].message
    assert all(reason.severity == "warn" for reason in verdict.reasons[1:])


def test_warnings_stand_behind_the_reasons() -> None:
    files = {**PUBS, "a.yaml": _policy("key"), "b.yaml": _policy("other") + b"mode: warn\n"}
    verdict = _judge(files)
    assert isinstance(verdict, TrustUnsatisfied)
    assert [(each.code, each.severity) for each in verdict.reasons] == [
        ("SIGNATURE_MISSING", "hold"),
        ("SIGNATURE_MISSING", "warn"),
    ]
    passed = _judge({"open.yaml": STATIC, "closed.yaml": FAIL + b"mode: warn\n"})
    assert isinstance(passed, TrustStaticPass)
    assert [each.severity for each in passed.warnings] == ["warn"]


def test_the_signers_kept_are_those_seen_first() -> None:
    keys = [made.signer(seed=number) for number in range(MAX_REQUIREMENT_SIGNERS + 1)]
    late, early = made.signed_bundle(keys[0]), made.signed_classic(*keys[1:])
    verdict = _judge(made.trust_files(*keys), late.object(first_seen=20), early.object(first_seen=10))
    assert isinstance(verdict, TrustSatisfied)
    (requirement,) = verdict.requirements
    assert {signer.id for signer in requirement.signers} == {key.id for key in keys[1:]}
    assert requirement.evidence == (Digest.parse(early.digest),)


def test_a_report_of_another_policy_proves_nothing() -> None:
    trust, other = TrustPolicy.load(made.trust_files(KEY)), TrustPolicy.load({**PUBS, "other.yaml": _policy("key")})
    report = verify_all(
        Digest.parse(made.SUBJECT),
        REPOSITORY,
        [made.signed_bundle(KEY).object()],
        trust,
        registry_hosts=HOSTS,
        now=made.FIRST_SEEN,
    )
    assert isinstance(judge_trust(report, REPOSITORY, other, registry_hosts=HOSTS), TrustUnsatisfied)
