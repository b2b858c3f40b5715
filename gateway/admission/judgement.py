"""The verdict on one manifest or one tag, combined from closure, trust and rules.

Admission needs all of them: complete, trusted (or explicitly `static: pass`), and allowed by every rule. Deleting a rule
cannot remove the signature floor, and a signature cannot outvote a rule.

Pure: no I/O, no third-party import.
Source: DESIGN 2, "Outcomes" and "Admission needs both".
"""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from gateway.admission.closure import Closure
from gateway.catalog.effects import JudgedEdge, Support
from gateway.errors import Reason
from gateway.evidence.values import (
    EvidenceReport,
    Requirement,
    TrustSatisfied,
    TrustStaticPass,
    TrustUnsatisfied,
    TrustVerdict,
)
from gateway.policy.values import (
    PolicyAllowed,
    PolicyBroken,
    PolicyDenied,
    PolicyHeld,
    PolicyOutcome,
    PolicyUnavailable,
)


@dataclass(frozen=True, slots=True)
class Passes:
    """Everything admits it. ``requirements`` are what the admission rests on, ``edges`` whom it carries."""

    requirements: tuple[tuple[Support, ...], ...]
    edges: tuple[JudgedEdge, ...]
    warnings: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Waits:
    """Something is missing that may still come."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Fails:
    """Something forbids it."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Errs:
    """The engine shows the active revision and gives no usable answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The engine, or the verification, did not answer in time or not under the active revision.

    ``stale``: what was asked about has been replaced meanwhile, so that asking again at once is worth it.
    """

    reason: str
    stale: bool = False


Judgement: TypeAlias = Passes | Waits | Fails | Errs | NoAnswer


def incomplete(closure: Closure) -> Waits | Fails | None:
    """Return the verdict where the parts alone decide it; None for a complete closure, whose rules must be asked."""
    if closure.refusals:
        return Fails(closure.refusals)
    if closure.missing:
        return Waits(closure.reasons)
    return None


def combine(*, closure: Closure, report: EvidenceReport, trust: TrustVerdict, policy: PolicyOutcome) -> Judgement:
    """Return the verdict on a manifest with a complete closure."""
    forbidding, waiting, notes = trust_reasons(trust)
    match policy:
        case PolicyUnavailable():
            return NoAnswer(policy.reason)
        case PolicyBroken():
            return Errs(policy.reason)
        case PolicyDenied():
            return Fails((*forbidding, *policy.reasons))
        case PolicyHeld():
            return Fails(forbidding) if forbidding else Waits((*waiting, *policy.reasons))
        case PolicyAllowed():
            if forbidding:
                return Fails(forbidding)
            if waiting:
                return Waits(waiting)
            return Passes(supports(report, trust), closure.edges, (*notes, *policy.warnings))
        case _:
            assert_never(policy)


def combine_tag(policy: PolicyOutcome) -> Judgement:
    """Return the verdict on a tag of a manifest that has its own verdict already: the rules' alone."""
    match policy:
        case PolicyUnavailable():
            return NoAnswer(policy.reason)
        case PolicyBroken():
            return Errs(policy.reason)
        case PolicyDenied():
            return Fails(policy.reasons)
        case PolicyHeld():
            return Waits(policy.reasons)
        case PolicyAllowed():
            return Passes((), (), policy.warnings)
        case _:
            assert_never(policy)


def trust_reasons(trust: TrustVerdict) -> tuple[tuple[Reason, ...], tuple[Reason, ...], tuple[Reason, ...]]:
    """Return what of the trust verdict forbids, what waits, and what is only said."""
    match trust:
        case TrustSatisfied() | TrustStaticPass():
            return (), (), trust.warnings
        case TrustUnsatisfied():
            forbidding = tuple(reason for reason in trust.reasons if reason.severity == "deny")
            waiting = tuple(reason for reason in trust.reasons if reason.severity != "deny")
            return forbidding, waiting, ()
        case _:
            assert_never(trust)


def supports(report: EvidenceReport, trust: TrustVerdict) -> tuple[tuple[Support, ...], ...]:
    """Return, for each requirement, the signers that carry it, each by the evidence of his that was seen first.

    `static: pass` rests on nobody: no requirement.
    """
    if not isinstance(trust, TrustSatisfied):
        return ()
    return tuple(_supports(report, requirement) for requirement in trust.requirements)


def _supports(report: EvidenceReport, requirement: Requirement) -> tuple[Support, ...]:
    signers = {signer.id for signer in requirement.signers}
    earliest: dict[str, Support] = {}
    for item in report.verified:
        counts = item.policy == requirement.policy and item.evidence in requirement.evidence
        if item.signer.id not in signers or not counts:
            continue
        known = earliest.get(item.signer.id)
        if known is None or item.first_seen < known.seen:
            earliest[item.signer.id] = Support(item.signer.id, item.signer.name, item.evidence, item.first_seen)
    return tuple(earliest[signer] for signer in sorted(earliest))
