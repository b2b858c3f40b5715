"""A stored manifest judged again: because evidence came, a part arrived, a revision changed, or somebody asked.

I/O: through the evaluator.
Source: DESIGN 3 ("Evidence arrives", "Re-judging never hides an admitted manifest").
"""

from dataclasses import dataclass, replace
from typing import assert_never

from gateway.admission.again import said as said_already
from gateway.admission.closure import closure, revoked, world_key
from gateway.admission.document import Who
from gateway.admission.evaluator import Basis, Case, Proof
from gateway.admission.judgement import Errs, Fails, Judgement, NoAnswer, Passes, Waits
from gateway.admission.promotion import promotions
from gateway.admission.records import Matter, decision, event, reasons_json
from gateway.admission.repeats import counted_bytes, said_before, said_in
from gateway.admission.tools import Tools, who_was
from gateway.admission.values import Trigger
from gateway.audit.events import EventKind
from gateway.catalog.effects import Admit, Effect, Entomb, RecordEvent, RecordVerified, Signature
from gateway.catalog.evidence_order import said
from gateway.catalog.saying import reasons_sha256
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import ManifestFacts, World, WorldKey
from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag
from gateway.policy.values import Verdict


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The verdict on a stored manifest, and the writes that follow from it. ``promoted`` tags move with it."""

    judgement: Judgement
    effects: tuple[Effect, ...]
    promoted: tuple[Tag, ...]
    decision_id: str | None


def stands(facts: ManifestFacts | None) -> bool:
    """Return whether the manifest is admitted and nothing it rests on was revoked."""
    return facts is not None and facts.admitted and facts.grounded


def is_relied_on(facts: ManifestFacts | None) -> bool:
    """Return whether the bytes are settled to be an image: admitted, or a judged part of an index that was.

    Also where it is hidden at this moment: what hides it may end. As evidence it would be gone from its parent.
    """
    return facts is not None and facts.cls is ManifestClass.IMAGE and (facts.admitted or facts.judged)


def verification(manifest: Manifest, subject: Digest, world: World, proof: Proof) -> RecordVerified | None:
    """Return the write that records who signed in an evidence manifest of the subject; None where nobody trusted did.

    ``world`` is the subject's.
    """
    found = [item for item in proof.report.verified if item.evidence == manifest.digest]
    if not found:
        return None
    repeat = said_in(proof.report, manifest.digest) <= said_before(manifest.digest, world.evidence, proof.report)
    signatures = {
        (item.signed, item.signer.id): Signature(item.signed, item.signer.id, item.signer.name, item.first_seen)
        for item in found
    }
    size = counted_bytes(manifest, signed_layers={item.layer for item in found}, repeat=repeat)
    return RecordVerified(manifest.digest, subject, tuple(signatures.values()), size)


def newly_verified(subject: Digest, world: World, proof: Proof) -> tuple[RecordVerified, ...]:
    """Return what the proof shows of stored evidence beyond what is recorded: a key may have been added since."""
    found: list[RecordVerified] = []
    for facts in world.evidence:
        if said_in(proof.report, facts.digest) <= said(facts):
            continue
        manifest = Manifest.parse_stored(facts.body, media_type=facts.media_type)
        if (verified := verification(manifest, subject, world, proof)) is not None:
            found.append(verified)
    return tuple(found)


async def rejudge(
    tools: Tools,
    manifest: Manifest,
    repository: RepositoryName,
    world: World,
    *,
    proof: Proof,
    trigger: Trigger,
    now: int,
) -> Rejudged | NoAnswer:
    """Return the verdict on a stored manifest under ``proof``.

    Passing admits what was held or distrusted, and moves its pending tags. Anything else changes no state: a held manifest
    keeps waiting with the new reasons, if they are new, an admitted one keeps standing and the verdict is recorded as
    drift, unless the activation that caused this says that what it denies is hidden. Tags that wait for one that stands are
    decided again by themselves: what kept them waiting may be over.
    """
    facts = world.manifest
    if facts is None:
        return NoAnswer("the manifest was deleted meanwhile", stale=True)
    who = await who_was(tools, facts.who, facts.who_claims)
    case = Case(manifest, repository, world, closure(world), proof, trigger, who)
    refusals = revoked(world)
    verdict: Judgement
    basis: Basis
    # An activation that hides what it denies asks about what stands, whatever else is to be said of its parts.
    asked = trigger.hides is not None and manifest.digest not in world.revoked
    if refusals and not asked:
        verdict, basis = Fails(refusals), Basis()
    else:
        verdict, basis = await tools.evaluator.judge(case, now=now)
    decision_id = tools.new_id()
    matter = Matter(manifest.digest, world, proof, trigger)
    verified = newly_verified(manifest.digest, world, proof)
    if stands(facts) and isinstance(verdict, Fails) and _is_hidden_by(trigger, world, basis):
        return Rejudged(verdict, _hidden(matter, verdict, basis, decision_id=decision_id, who=who), (), decision_id)
    if refusals and not isinstance(verdict, NoAnswer):
        verdict, basis = Fails(refusals), Basis()
    if stands(facts):
        drift = await _drift(
            tools, matter, repository, verdict, basis, decision_id=decision_id, who=who, verified=verified
        )
        if isinstance(drift, NoAnswer) or refusals or case.closure.missing:
            return drift
        tags = await promotions(tools, case, besides=(), now=now)
        if isinstance(tags, NoAnswer):
            return tags
        return replace(drift, effects=(*drift.effects, *tags.effects), promoted=tags.moved)
    match verdict:
        case NoAnswer():
            return verdict
        case Passes():
            tags = await promotions(tools, case, besides=(), now=now)
            if isinstance(tags, NoAnswer):
                return tags
            admitted = admission(matter, verdict, basis, decision_id=decision_id, who=who)
            effects = (*verified, *admitted, *tags.effects)
            return Rejudged(verdict, effects, tags.moved, decision_id)
        case Waits() | Fails() | Errs():
            outcome, reasons = told(verdict)
            record = decision(matter, decision_id=decision_id, outcome=outcome, reasons=reasons, who=who, basis=basis)
            if (before := await said_already(tools, repository, record)) is not None:
                return Rejudged(verdict, verified, (), before.id)
            return Rejudged(verdict, (*verified, record), (), decision_id)
        case _:
            assert_never(verdict)


def admission(matter: Matter, verdict: Passes, basis: Basis, *, decision_id: str, who: Who) -> tuple[Effect, ...]:
    """Return the writes that admit a manifest."""
    return (
        Admit(matter.digest, verdict.requirements, verdict.edges),
        decision(matter, decision_id=decision_id, outcome="admitted", reasons=verdict.warnings, who=who, basis=basis),
        event(
            EventKind.MANIFEST_ADMITTED,
            principal=matter.trigger.principal,
            digest=matter.digest,
            decision_id=decision_id,
            trigger=matter.trigger.kind.value,
            signers=[support.signer for supports in verdict.requirements for support in supports],
        ),
    )


def told(verdict: Waits | Fails | Errs) -> tuple[str, tuple[Reason, ...]]:
    """Return the outcome's name in records, and the reasons."""
    match verdict:
        case Waits():
            return "held", verdict.reasons
        case Fails():
            return "denied", verdict.reasons
        case Errs():
            return "policy-error", (Reason("POLICY_ERROR", verdict.reason, "deny"),)
        case _:
            assert_never(verdict)


async def _drift(
    tools: Tools,
    matter: Matter,
    repository: RepositoryName,
    verdict: Judgement,
    basis: Basis,
    *,
    decision_id: str,
    who: Who,
    verified: tuple[RecordVerified, ...],
) -> Rejudged | NoAnswer:
    """Return what to write about an admitted manifest: only where the newest judgement of it says something else."""
    if isinstance(verdict, NoAnswer):
        return verdict
    drifted = not isinstance(verdict, Passes)
    reasons = verdict.warnings if isinstance(verdict, Passes) else told(verdict)[1]
    before = await tools.store.newest_decision(repository, matter.digest, tag=None)
    was_drift = before is not None and before.outcome == "drift"
    if drifted == was_drift and (before is None or before.reasons == reasons_sha256(reasons_json(reasons))):
        return Rejudged(verdict, verified, (), None)
    outcome = "drift" if drifted else "admitted"
    # `again`: it is admitted already, and its input proves no more than the one by which it was (decision 11).
    record = decision(
        matter, decision_id=decision_id, outcome=outcome, reasons=reasons, who=who, basis=basis, again=True
    )
    effects: tuple[Effect, ...] = (*verified, record)
    if drifted:
        effects = (*effects, _drifted(matter, decision_id, reasons))
    return Rejudged(verdict, effects, (), decision_id)


def _is_hidden_by(trigger: Trigger, world: World, basis: Basis) -> bool:
    """Return whether the activation that caused this hides what it denies, is the active one still, and denies this.

    What trust or the closure would deny today is drift: the activation says nothing about it.
    """
    active = world.policy is not None and trigger.hides == world.policy.generation
    return active and any(finding.verdict is Verdict.DENY for finding in basis.findings)


def _hidden(matter: Matter, verdict: Fails, basis: Basis, *, decision_id: str, who: Who) -> tuple[Effect, ...]:
    """Return what takes an admitted manifest back, in this repository, for which the rules were asked.

    As after `image revoke`, only `image unrevoke` ends it.
    """
    codes = ", ".join(sorted({reason.code for reason in verdict.reasons}))
    policy = "" if matter.world.policy is None else matter.world.policy.digest
    reason = f"denied ({codes}) by the activation of policy {policy}"
    return (
        decision(matter, decision_id=decision_id, outcome="denied", reasons=verdict.reasons, who=who, basis=basis),
        Entomb(matter.digest, reason, matter.trigger.principal, only_here=True),
        event(
            EventKind.MANIFEST_REVOKED,
            principal=matter.trigger.principal,
            digest=matter.digest,
            decision_id=decision_id,
            reason=reason,
        ),
    )


def _drifted(matter: Matter, decision_id: str, reasons: tuple[Reason, ...]) -> RecordEvent:
    return event(
        EventKind.MANIFEST_DRIFTED,
        principal=matter.trigger.principal,
        digest=matter.digest,
        decision_id=decision_id,
        reasons=reasons_json(reasons),
    )


def key_of(manifest: Manifest, *, repository: RepositoryName, caller: str) -> WorldKey:
    """Return the world key of a stored manifest: no tag is asked for, its pending ones are found by the read."""
    return world_key(manifest, repository=repository, caller=caller, tags=())
