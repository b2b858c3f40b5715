"""Decision records and audit events as effects: what was decided, on what, for whom, under which revisions.

Pure: no I/O, no third-party import.
Source: DESIGN 8; issue "decision record".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.admission.document import Who
from gateway.admission.evaluator import Basis, Proof
from gateway.admission.values import Trigger
from gateway.catalog.effects import RecordDecision, RecordEvent
from gateway.catalog.world import World
from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.names import Tag
from gateway.oci.strict_json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Matter:
    """What every record about one manifest in one attempt has in common."""

    digest: Digest
    world: World
    proof: Proof | None
    trigger: Trigger


def decision(
    matter: Matter,
    *,
    decision_id: str,
    outcome: str,
    reasons: Sequence[Reason],
    who: Who,
    basis: Basis | None = None,
    tag: Tag | None = None,
    again: bool = False,
) -> RecordDecision:
    """Return the record of one decision. ``outcome`` is one of admitted, held, denied, policy-error, drift.

    ``again``: it leaves everything as it is.
    """
    world, proof = matter.world, matter.proof
    record: JsonObject = {
        "outcome": outcome,
        "reasons": reasons_json(reasons),
        "findings": [] if basis is None else _findings(basis),
        "who": {
            "id": who.principal.id,
            "kind": who.principal.kind.value,
            "name": who.principal.name,
            "claims": dict(who.claims),
        },
        "trigger": {"kind": matter.trigger.kind.value, "principal": matter.trigger.principal},
        "project": world.standing.project.name,
        "mode": world.standing.project.mode.value,
        "policy_revision": None if world.policy is None else world.policy.digest,
        "trust_revision": None if world.trust is None else world.trust.digest,
        "evidence": [] if proof is None else _evidence(proof),
        "input": None if basis is None else basis.input_sha256,
    }
    document = None if basis is None else basis.input_document
    return RecordDecision(decision_id, matter.digest, tag, outcome, record, document, again)


def event(
    kind: str, *, principal: str, digest: Digest | None, decision_id: str | None = None, **data: JsonValue
) -> RecordEvent:
    """Return an audit event; ``data`` must hold no secret."""
    return RecordEvent(kind, principal, digest, decision_id, data)


def reasons_json(reasons: Iterable[Reason]) -> list[JsonValue]:
    """Return reasons as records and answers write them."""
    return [
        {"code": reason.code, "message": reason.message, "severity": reason.severity, "subject": reason.subject}
        for reason in reasons
    ]


def _findings(basis: Basis) -> list[JsonValue]:
    return [
        {
            "rule": finding.rule,
            "subject": finding.subject,
            "verdict": finding.verdict.value,
            "code": finding.code,
            "message": finding.message,
        }
        for finding in basis.findings
    ]


def _evidence(proof: Proof) -> list[JsonValue]:
    verified: list[JsonValue] = [
        {
            "evidence": str(item.evidence),
            "format": item.format.value,
            "signer": item.signer.id,
            "signer_name": item.signer.name,
            "policy": item.policy,
            "authority": item.authority,
            "predicate_type": item.predicate_type,
        }
        for item in proof.report.verified[:200]
    ]
    rejected: list[JsonValue] = [
        {"evidence": str(item.evidence), "rejected": item.code.value, "message": item.message}
        for item in proof.report.rejected[:50]
    ]
    return [*verified, *rejected]
