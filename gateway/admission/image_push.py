"""The PUT of what can be run: an image, an index, an artifact.

I/O: through the evaluator and the store.
Source: DESIGN 2 (the straight path), 3 (modes, tags).
"""

from collections.abc import Sequence
from typing import assert_never

from gateway.access.values import Condition, Mode
from gateway.admission import remedy
from gateway.admission.attempt import Attempt, over_quota, put, refuse, stored_as, write
from gateway.admission.classify import Classified
from gateway.admission.closure import closure, revoked, world_key
from gateway.admission.evaluator import Basis, Case, Proof
from gateway.admission.judgement import Errs, Fails, Judgement, NoAnswer, Passes, Waits
from gateway.admission.promotion import promotions
from gateway.admission.records import Matter, decision, event, reasons_json
from gateway.admission.rights import check_put, exists_elsewhere, present
from gateway.admission.subject import admission, newly_verified, stands
from gateway.admission.tags import TagVerdict, over_tag_limit, tag_effects
from gateway.admission.tools import STALE, Stale, Tools, unanswered
from gateway.admission.unjudged import put_cache, put_known_evidence
from gateway.admission.values import Admitted, Held, Outcome, Push, Unreachable
from gateway.audit.events import EventKind
from gateway.catalog.effects import Effect
from gateway.catalog.values import METADATA, ManifestClass
from gateway.errors import NameUnknown
from gateway.oci.manifest import Manifest
from gateway.oci.names import Tag


async def put_image(tools: Tools, push: Push, manifest: Manifest, classified: Classified) -> Outcome | Stale:
    """Judge and commit once; `STALE` where the world changed meanwhile. Raises `Denied` for a missing right."""
    key = world_key(
        manifest,
        repository=push.grant.repository,
        caller=push.grant.principal.id,
        tags=classified.image_tags,
        pushing=True,
        reads=push.grant.reads,
        session=push.session,
    )
    now = tools.now()
    world = await tools.store.read_world(key, now=now)
    if world is None:
        raise NameUnknown(f"no project claims {push.grant.repository}")
    attempt = Attempt(push, manifest, classified, key, world, now)
    overwriting = tuple(
        facts for tag in classified.image_tags if exists_elsewhere(facts := attempt.facts(tag), manifest.digest)
    )
    check_put(present(push.grant, world.standing), cls=classified.cls, overwriting=overwriting)
    if refusals := revoked(world):
        return await refuse(tools, attempt, Fails(refusals), Basis(), None)
    row = world.manifest
    if classified.cls is ManifestClass.CACHE:
        return await put_cache(tools, attempt)
    if row is not None and row.cls in METADATA:
        return await put_known_evidence(tools, attempt)
    return await _judge(tools, attempt)


async def _judge(tools: Tools, attempt: Attempt) -> Outcome | Stale:
    parts = closure(attempt.world)
    proof = await tools.evaluator.prove(
        attempt.manifest.digest, attempt.push.grant.repository, attempt.world, extra=None, now=attempt.now
    )
    if isinstance(proof, NoAnswer):
        return unanswered(proof)
    case = Case(
        attempt.manifest,
        attempt.push.grant.repository,
        attempt.world,
        parts,
        proof,
        attempt.trigger,
        attempt.who,
    )
    verdict, basis = await _manifest_verdict(tools, attempt, case)
    strict = attempt.world.standing.project.mode is Mode.STRICT and bool(attempt.classified.image_tags)
    if (stopped := await _stop(tools, attempt, verdict, basis, proof, None, strict=strict)) is not None:
        return stopped
    tags = []
    for tag in attempt.classified.image_tags:
        decided = await _tag_verdict(tools, attempt, case, tag)
        stopped = await _stop(tools, attempt, decided.judgement, decided.basis, proof, tag, strict=strict)
        if stopped is not None:
            return stopped
        tags.append(decided)
    waiting = [decided.facts.tag for decided in tags if not decided.moves_with(verdict)]
    full = over_tag_limit(attempt, waiting) or (over_quota(attempt) if isinstance(verdict, Waits) else None)
    if full is not None:
        return await refuse(tools, attempt, Fails((full,)), basis, proof)
    return await _commit(tools, attempt, case, verdict, basis, tags)


async def _manifest_verdict(tools: Tools, attempt: Attempt, case: Case) -> tuple[Judgement, Basis]:
    """Return the manifest decision. One that stands is not judged again: a new PUT never changes its state."""
    if stands(attempt.world.manifest):
        return Passes((), (), ()), Basis()
    return await tools.evaluator.judge(case, now=attempt.now)


async def _tag_verdict(tools: Tools, attempt: Attempt, case: Case, tag: Tag) -> TagVerdict:
    """Return the decision of one tag; of what is incomplete it is made when all of it is there.

    Also where the manifest is admitted: a child may have been deleted since.
    """
    facts = attempt.facts(tag)
    decision_id = tools.new_id()
    if case.closure.missing:
        return TagVerdict(facts, Waits(case.closure.reasons), Basis(), decision_id)
    verdict, basis = await tools.evaluator.judge_tag(case, facts, now=attempt.now)
    return TagVerdict(facts, verdict, basis, decision_id)


async def _stop(
    tools: Tools,
    attempt: Attempt,
    verdict: Judgement,
    basis: Basis,
    proof: Proof,
    tag: Tag | None,
    *,
    strict: bool,
) -> Outcome | Stale | None:
    """Return the answer that ends the PUT with nothing stored; None where it goes on."""
    match verdict:
        case NoAnswer():
            return Unreachable(verdict.reason)
        case Fails() | Errs():
            return await refuse(tools, attempt, verdict, basis, proof, tag)
        case Waits():
            return await refuse(tools, attempt, Fails(verdict.reasons), basis, proof, tag) if strict else None
        case Passes():
            return None
        case _:
            assert_never(verdict)


async def _commit(
    tools: Tools, attempt: Attempt, case: Case, verdict: Judgement, basis: Basis, tags: Sequence[TagVerdict]
) -> Outcome | Stale:
    decision_id = tools.new_id()
    matter = Matter(attempt.manifest.digest, attempt.world, case.proof, attempt.trigger)
    effects: list[Effect] = [
        put(attempt, case.closure, held=not isinstance(verdict, Passes)),
        *newly_verified(attempt.manifest.digest, attempt.world, case.proof),
    ]
    standing = stands(attempt.world.manifest)
    if isinstance(verdict, Passes) and not standing:
        effects.extend(admission(matter, verdict, basis, decision_id=decision_id, who=attempt.who))
        others = await promotions(tools, case, besides=attempt.classified.image_tags, now=attempt.now)
        if isinstance(others, NoAnswer):
            return Unreachable(others.reason)
        effects.extend(others.effects)
    elif isinstance(verdict, Waits):
        effects.append(
            decision(
                matter, decision_id=decision_id, outcome="held", reasons=verdict.reasons, who=attempt.who, basis=basis
            )
        )
        effects.append(
            event(
                EventKind.MANIFEST_HELD,
                principal=attempt.push.grant.principal.id,
                digest=attempt.manifest.digest,
                decision_id=decision_id,
                reasons=reasons_json(verdict.reasons),
            )
        )
    pending = []
    for tag in tags:
        moves = tag.moves_with(verdict)
        effects.extend(tag_effects(attempt, matter, tag, moves=moves))
        if not moves:
            pending.append(tag.facts.tag)
    if not await write(tools, attempt, effects):
        return STALE
    # What stands is not judged again: then the decisions of the tags are all there is.
    recorded = decision_id if not standing else next((tag.decision_id for tag in tags), None)
    stored = stored_as(attempt, pending=tuple(pending), decision_id=recorded)
    if isinstance(verdict, Waits):
        if await _is_carried(tools, attempt):
            # Its own decision is to hold it, and a visible parent shows it to whoever pulls: the answer says what is seen.
            return Admitted(stored, verdict.reasons if pending else ())
        return Held(
            stored,
            verdict.reasons,
            remedy.command(
                tools.settings.host,
                attempt.key.repository,
                attempt.manifest.digest,
                verdict.reasons,
                subject=attempt.attached_to,
            ),
            distrusted=attempt.world.manifest is not None and attempt.world.manifest.admitted,
        )
    waiting = tuple(reason for tag in tags if isinstance(tag.judgement, Waits) for reason in tag.judgement.reasons)
    notes = verdict.warnings if isinstance(verdict, Passes) else ()
    return Admitted(stored, (*notes, *waiting))


async def _is_carried(tools: Tools, attempt: Attempt) -> bool:
    """Return whether a visible parent shows what was just stored. Derived at this moment, and part of no decision."""
    view = await tools.manifests.by_digest(
        attempt.key.repository, attempt.manifest.digest, now=tools.now(), with_body=False
    )
    return view is not None and view.condition is Condition.CARRIED
