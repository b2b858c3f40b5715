"""Pending tags at the moment their manifest is admitted: each has its own decision.

Allow moves the tag, hold keeps it waiting, deny drops it with an event; none of them stops the manifest or the others. The
requester's rights are asked again as they are now, so that a late signature never acts for somebody who has left.

I/O: through the evaluator.
Source: DESIGN 3, "Pending tags".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from gateway.admission.again import said
from gateway.admission.document import Who
from gateway.admission.evaluator import Case
from gateway.admission.judgement import Errs, Fails, NoAnswer, Passes, Waits
from gateway.admission.records import Matter, decision, event, reasons_json
from gateway.admission.rights import may_move
from gateway.admission.tools import Tools
from gateway.audit.events import EventKind
from gateway.catalog.effects import DropPending, Effect, PromoteTag
from gateway.catalog.world import TagFacts
from gateway.errors import Reason
from gateway.oci.names import Tag


@dataclass(frozen=True, slots=True)
class Promotions:
    """What becomes of the tags that waited: the writes, and which tags moved."""

    effects: tuple[Effect, ...]
    moved: tuple[Tag, ...]


async def promotions(tools: Tools, case: Case, *, besides: Collection[Tag], now: int) -> Promotions | NoAnswer:
    """Return what to do with every tag that waits for the manifest of ``case``, those in ``besides`` left out."""
    effects: list[Effect] = []
    moved: list[Tag] = []
    for facts in case.world.tags:
        if facts.pending != case.manifest.digest or facts.tag in besides:
            continue
        decided = await _promotion(tools, case, facts, now=now)
        if isinstance(decided, NoAnswer):
            return decided
        effects.extend(decided)
        moved.extend(effect.tag for effect in decided if isinstance(effect, PromoteTag))
    return Promotions(tuple(effects), tuple(moved))


async def _promotion(tools: Tools, case: Case, facts: TagFacts, *, now: int) -> Sequence[Effect] | NoAnswer:
    standing = next((found for found in case.world.requesters if found.principal.id == facts.requester), None)
    requester = facts.requester or "unknown"
    if standing is None or not may_move(standing, facts, case.manifest.digest):
        message = f"{requester} asked for tag {facts.tag} and has no right to it any more"
        return _dropped(case, facts, (Reason("REQUESTER_LOST_RIGHT", message, "deny"),), None)
    theirs = replace(case, who=Who(standing.principal, facts.requester_claims))
    verdict, basis = await tools.evaluator.judge_tag(theirs, facts, now=now)
    matter = Matter(case.manifest.digest, case.world, case.proof, case.trigger)
    decision_id = tools.new_id()
    match verdict:
        case NoAnswer():
            return verdict
        case Passes():
            return (
                PromoteTag(facts.tag, case.manifest.digest, facts.pending_alias),
                decision(
                    matter,
                    decision_id=decision_id,
                    outcome="admitted",
                    reasons=verdict.warnings,
                    who=theirs.who,
                    basis=basis,
                    tag=facts.tag,
                ),
                event(
                    EventKind.TAG_PROMOTED,
                    principal=case.trigger.principal,
                    digest=case.manifest.digest,
                    decision_id=decision_id,
                    tag=facts.tag.text,
                    requester=requester,
                    previous=None if facts.target is None else str(facts.target),
                ),
            )
        case Fails():
            record = decision(
                matter,
                decision_id=decision_id,
                outcome="denied",
                reasons=verdict.reasons,
                who=theirs.who,
                basis=basis,
                tag=facts.tag,
            )
            return (*_dropped(case, facts, verdict.reasons, decision_id), record)
        case Waits() | Errs():
            # It keeps waiting. A policy that errs changes no state (DESIGN 2); the next evaluation asks again.
            reasons = verdict.reasons if isinstance(verdict, Waits) else (_policy_error(verdict),)
            outcome = "held" if isinstance(verdict, Waits) else "policy-error"
            record = decision(
                matter,
                decision_id=decision_id,
                outcome=outcome,
                reasons=reasons,
                who=theirs.who,
                basis=basis,
                tag=facts.tag,
            )
            return () if await said(tools, case.repository, record) is not None else (record,)
        case _:
            assert_never(verdict)


def _dropped(case: Case, facts: TagFacts, reasons: tuple[Reason, ...], decision_id: str | None) -> tuple[Effect, ...]:
    return (
        DropPending(facts.tag),
        event(
            EventKind.TAG_DROPPED,
            principal=case.trigger.principal,
            digest=case.manifest.digest,
            decision_id=decision_id,
            tag=facts.tag.text,
            requester=facts.requester,
            reasons=reasons_json(reasons),
        ),
    )


def _policy_error(verdict: Errs) -> Reason:
    return Reason("POLICY_ERROR", verdict.reason, "hold")
