"""The verdict combined from closure, trust and rules: all of them, and a rule cannot be outvoted."""

import pytest

from gateway.admission.closure import Closure
from gateway.admission.judgement import (
    Errs,
    Fails,
    Judgement,
    NoAnswer,
    Passes,
    Waits,
    combine,
    combine_tag,
    incomplete,
    supports,
)
from gateway.errors import Reason, Severity
from gateway.evidence.values import (
    EvidenceFormat,
    EvidenceReport,
    Requirement,
    SignerIdentity,
    TrustSatisfied,
    TrustStaticPass,
    TrustUnsatisfied,
    TrustVerdict,
    Verified,
)
from gateway.oci.digest import Digest
from gateway.policy.values import (
    PolicyAllowed,
    PolicyBroken,
    PolicyDenied,
    PolicyHeld,
    PolicyOutcome,
    PolicyUnavailable,
)

COMPLETE = Closure((), (), ())
NOTHING = EvidenceReport((), ())
PASS = TrustStaticPass("everybody", ())


def reason(code: str, severity: Severity = "hold") -> Reason:
    return Reason(code, code, severity)


MISSING = TrustUnsatisfied((reason("SIGNATURE_MISSING"),))
FORBIDDEN = TrustUnsatisfied((reason("TRUST_STATIC_FAIL", "deny"), reason("SIGNATURE_MISSING")))
ALLOWED = PolicyAllowed("r", (), (reason("NOTE", "warn"),))
HELD = PolicyHeld("r", (), (reason("RULE_HOLDS"),), ())
DENIED = PolicyDenied("r", (), (reason("RULE_DENIES", "deny"),), ())


@pytest.mark.parametrize(
    ("trust", "policy", "expected"),
    [
        pytest.param(PASS, ALLOWED, Passes((), (), (reason("NOTE", "warn"),)), id="both"),
        pytest.param(MISSING, ALLOWED, Waits((reason("SIGNATURE_MISSING"),)), id="policy-alone-is-not-enough"),
        pytest.param(PASS, HELD, Waits((reason("RULE_HOLDS"),)), id="trust-alone-is-not-enough"),
        pytest.param(MISSING, HELD, Waits((reason("SIGNATURE_MISSING"), reason("RULE_HOLDS"))), id="both-wait"),
        pytest.param(PASS, DENIED, Fails((reason("RULE_DENIES", "deny"),)), id="a-signature-outvotes-no-rule"),
        pytest.param(MISSING, DENIED, Fails((reason("RULE_DENIES", "deny"),)), id="deny-before-hold"),
        pytest.param(FORBIDDEN, ALLOWED, Fails((reason("TRUST_STATIC_FAIL", "deny"),)), id="trust-forbids"),
        pytest.param(FORBIDDEN, HELD, Fails((reason("TRUST_STATIC_FAIL", "deny"),)), id="trust-forbids-what-waits"),
        pytest.param(
            FORBIDDEN,
            DENIED,
            Fails((reason("TRUST_STATIC_FAIL", "deny"), reason("RULE_DENIES", "deny"))),
            id="both-forbid",
        ),
        pytest.param(PASS, PolicyBroken("r", "odd"), Errs("odd"), id="broken"),
        pytest.param(FORBIDDEN, PolicyBroken("r", "odd"), Errs("odd"), id="broken-comes-first"),
        pytest.param(PASS, PolicyUnavailable("away"), NoAnswer("away"), id="unavailable"),
    ],
)
def test_admission_needs_both(trust: TrustVerdict, policy: PolicyOutcome, expected: Judgement) -> None:
    assert combine(closure=COMPLETE, report=NOTHING, trust=trust, policy=policy) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(ALLOWED, Passes((), (), (reason("NOTE", "warn"),)), id="allowed"),
        pytest.param(HELD, Waits((reason("RULE_HOLDS"),)), id="held"),
        pytest.param(DENIED, Fails((reason("RULE_DENIES", "deny"),)), id="denied"),
        pytest.param(PolicyBroken("r", "odd"), Errs("odd"), id="broken"),
        pytest.param(PolicyUnavailable("away"), NoAnswer("away"), id="unavailable"),
    ],
)
def test_a_tag_decision_is_the_rules_alone(policy: PolicyOutcome, expected: Judgement) -> None:
    assert combine_tag(policy) == expected


def test_the_parts_alone_decide_what_is_incomplete_or_refused() -> None:
    refused = reason("INDEX_TOO_DEEP", "deny")
    assert incomplete(COMPLETE) is None
    assert incomplete(Closure((Digest.of(b"x"),), (), (refused,))) == Fails((refused,))
    waits = incomplete(Closure((Digest.of(b"x"), Digest.of(b"y")), (), ()))
    assert isinstance(waits, Waits)
    assert [each.code for each in waits.reasons] == ["CLOSURE_INCOMPLETE"]
    assert "and 1 more" in waits.reasons[0].message
    assert Closure((), (), ()).reasons == ()


def verified(signer: str, evidence: bytes, seen: int, *, policy: str = "p") -> Verified:
    return Verified(
        evidence=Digest.of(evidence),
        layer=Digest.of(evidence + b"layer"),
        signed=Digest.of(evidence + b"layer"),
        format=EvidenceFormat.COSIGN_SIGNATURE,
        signer=SignerIdentity(signer, signer.upper()),
        policy=policy,
        authority="a",
        predicate_type=None,
        statement=None,
        annotations={},
        first_seen=seen,
    )


def test_a_requirement_rests_on_each_signer_by_what_was_seen_of_it_first() -> None:
    found = (
        verified("b", b"late", 30),
        verified("b", b"early", 10),
        verified("b", b"latest", 40),
        verified("a", b"one", 20),
        verified("c", b"not-among-the-signers", 1),
        verified("a", b"of-another-policy", 1, policy="q"),
    )
    requirement = Requirement(
        0,
        "p",
        (SignerIdentity("a", "A"), SignerIdentity("b", "B")),
        tuple(item.evidence for item in found),
        ("a", "b"),
    )
    (slot,) = supports(EvidenceReport(found, ()), TrustSatisfied((requirement,), ()))
    assert [(each.signer, each.seen, each.evidence) for each in slot] == [
        ("a", 20, Digest.of(b"one")),
        ("b", 10, Digest.of(b"early")),
    ]
    assert supports(EvidenceReport(found, ()), PASS) == ()
