"""The PUT of what is stored and never judged: build caches; and, by digest alone, of what is kept here as evidence.

I/O: through the store.
Source: DESIGN 3 ("Cache", "Evidence"); docs/decisions/0008-bytes-have-one-class-at-a-time.md.
"""

from typing import Final

from gateway.admission.attempt import Attempt, over_cache_quota, put, refuse, stored_as, write
from gateway.admission.closure import closure
from gateway.admission.evaluator import Basis
from gateway.admission.judgement import Fails
from gateway.admission.records import Matter, decision, event, reasons_json
from gateway.admission.tags import not_an_image, over_tag_limit, pend
from gateway.admission.tools import STALE, Stale, Tools
from gateway.admission.values import Admitted, Held, Outcome
from gateway.audit.events import EventKind
from gateway.catalog.effects import Effect
from gateway.errors import Reason

CACHE_SECONDS: Final = 14 * 24 * 3600
"""From its last PUT on: a builder that comes once a week finds it."""

_CACHE: Final = Reason("BUILD_CACHE", "a build cache is kept for its builders and is never admitted", "hold")


async def put_cache(tools: Tools, attempt: Attempt) -> Outcome | Stale:
    """Store a build cache, with its tags waiting: whoever reads quarantine can read it."""
    tags = attempt.classified.image_tags
    parts = closure(attempt.world)
    if parts.refusals:
        return await refuse(tools, attempt, Fails(parts.refusals), Basis(), None)
    if (full := over_cache_quota(attempt) or over_tag_limit(attempt, tags)) is not None:
        return await refuse(tools, attempt, Fails((full,)), Basis(), None)
    decision_id = tools.new_id()
    matter = Matter(attempt.manifest.digest, attempt.world, None, attempt.trigger)
    caller = attempt.push.grant.principal.id
    effects: list[Effect] = [
        put(attempt, parts, held=True, seconds=CACHE_SECONDS),
        decision(matter, decision_id=decision_id, outcome="held", reasons=(_CACHE,), who=attempt.who),
        event(
            EventKind.MANIFEST_HELD,
            principal=caller,
            digest=attempt.manifest.digest,
            decision_id=decision_id,
            reasons=reasons_json((_CACHE,)),
        ),
    ]
    for tag in tags:
        effects.append(pend(attempt, tag))
        effects.append(
            event(
                EventKind.TAG_PENDING,
                principal=caller,
                digest=attempt.manifest.digest,
                decision_id=decision_id,
                tag=tag.text,
            )
        )
    if not await write(tools, attempt, effects):
        return STALE
    return Held(stored_as(attempt, pending=tags, decision_id=decision_id), (_CACHE,))


async def put_known_evidence(tools: Tools, attempt: Attempt) -> Outcome | Stale:
    """Answer a PUT of bytes that are kept here as evidence or as a list of it, where it does not say so itself.

    By digest nothing changes: not what they are, not when they end. Under a tag that people pull by it is refused: that tag
    could wait for an image only, and these bytes are never one.
    """
    if attempt.classified.image_tags:
        return await refuse(tools, attempt, Fails((not_an_image("deny"),)), Basis(), None)
    subject = None if attempt.world.manifest is None else attempt.world.manifest.subject
    effects = (
        put(attempt, closure(attempt.world), held=False),
        event(
            EventKind.EVIDENCE_STORED,
            principal=attempt.push.grant.principal.id,
            digest=attempt.manifest.digest,
            subject=None if subject is None else str(subject),
            known=True,
        ),
    )
    if not await write(tools, attempt, effects):
        return STALE
    stored = stored_as(attempt, pending=(), decision_id=None)
    view = await tools.manifests.by_digest(
        attempt.key.repository, attempt.manifest.digest, now=tools.now(), with_body=False
    )
    return Admitted(stored) if view is not None and view.visible else Held(stored, (not_an_image("hold"),))
