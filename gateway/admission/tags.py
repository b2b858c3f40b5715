"""What a PUT does to the tags that it asks for, and how many may wait for one manifest.

I/O: none of its own: effects are built here and committed by the caller.
Source: DESIGN 3 ("Pending tags").
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.access.rights import reads_held
from gateway.admission.attempt import Attempt
from gateway.admission.evaluator import Basis
from gateway.admission.judgement import Judgement, Passes, Waits
from gateway.admission.records import Matter, decision, event, reasons_json
from gateway.audit.events import EventKind
from gateway.catalog.effects import DropPending, Effect, MoveTag, PendTag
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import TagFacts
from gateway.errors import Reason, Severity
from gateway.oci.names import Tag

MAX_PENDING_TAGS: Final = 100
"""That wait for one manifest, of those who read what is held; and in all, for the others. Each has a decision of its own
when a signature comes, inside the PUT of that signature."""

MAX_PENDING_TAGS_OF_ONE: Final = 50
"""For one requester: whoever may push it as well has the other half. Those who read what is held share a hundred among
themselves: who names it without seeing it keeps none of them from naming it."""


@dataclass(frozen=True, slots=True)
class TagVerdict:
    """What is decided of one tag that was asked for."""

    facts: TagFacts
    judgement: Judgement
    basis: Basis
    decision_id: str

    def moves_with(self, manifest: Judgement) -> bool:
        """Return whether the tag moves, ``manifest`` being the verdict on what it shall name."""
        return isinstance(manifest, Passes) and isinstance(self.judgement, Passes)


def tag_effects(attempt: Attempt, matter: Matter, tag: TagVerdict, *, moves: bool) -> tuple[Effect, ...]:
    """Return the writes of one tag that was asked for: it moves, or waits in the place of what waited before."""
    digest, name = attempt.manifest.digest, tag.facts.tag
    caller = attempt.push.grant.principal.id
    reasons = tag.judgement.reasons if isinstance(tag.judgement, Waits) else ()
    kind = EventKind.TAG_MOVED if moves else EventKind.TAG_PENDING
    return (
        MoveTag(name, digest, attempt.alias) if moves else pend(attempt, name),
        decision(
            matter,
            decision_id=tag.decision_id,
            outcome="admitted" if moves else "held",
            reasons=reasons,
            who=attempt.who,
            basis=tag.basis,
            tag=name,
            again=tag.facts.target == digest,
        ),
        event(
            kind,
            principal=caller,
            digest=digest,
            decision_id=tag.decision_id,
            tag=name.text,
            previous=None if tag.facts.target is None else str(tag.facts.target),
        ),
    )


def pend(attempt: Attempt, tag: Tag) -> PendTag:
    """Return the write that lets ``tag`` wait, on behalf of the caller and with its claims."""
    push = attempt.push
    return PendTag(tag, attempt.manifest.digest, attempt.alias, push.grant.principal.id, push.claims)


def over_tag_limit(attempt: Attempt, waiting: Iterable[Tag]) -> Reason | None:
    """Return why ``waiting`` may not wait as well; None where they may. What waits already may be put again."""
    digest = attempt.manifest.digest
    principal = attempt.push.grant.principal
    there = {facts.tag: facts.requester for facts in attempt.world.tags if facts.pending == digest}
    own = {tag for tag, requester in there.items() if requester == principal.id}
    wanted = set(waiting)
    if wanted - own and len(wanted | own) > MAX_PENDING_TAGS_OF_ONE:
        full = (
            f"{len(own)} tags wait for {digest} for {principal.name} already, and at most {MAX_PENDING_TAGS_OF_ONE} may"
        )
    elif wanted - there.keys() and len(wanted | (counted := _counted(attempt, there))) > MAX_PENDING_TAGS:
        full = f"{len(counted)} tags wait for {digest} already, and at most {MAX_PENDING_TAGS} may"
    else:
        return None
    return Reason("TAG_LIMIT", f"{full}: sign it, so that they move, or delete some of them", "deny", str(digest))


def _counted(attempt: Attempt, there: Mapping[Tag, str | None]) -> set[Tag]:
    """Return the waiting tags that count against the caller's: for who reads what is held, those of the same kind only."""
    if not (attempt.push.grant.reads and reads_held(attempt.world.standing)):
        return set(there)
    seeing = {one.principal.id for one in attempt.world.requesters if reads_held(one)}
    return {tag for tag, requester in there.items() if requester in seeing}


def dropped_as_evidence(attempt: Attempt) -> tuple[Effect, ...]:
    """Return what ends the waiting for bytes that are evidence, or a list of it, from this PUT on.

    A tag can wait for an image only. These bytes are none any more, so that nothing would ever end its waiting.
    """
    row, digest = attempt.world.manifest, attempt.manifest.digest
    if row is None or row.cls is not ManifestClass.IMAGE:
        return ()
    effects: list[Effect] = []
    for facts in attempt.world.tags:
        if facts.pending != digest or facts.tag in attempt.classified.metadata_tags:
            continue
        effects.append(DropPending(facts.tag))
        effects.append(
            event(
                EventKind.TAG_DROPPED,
                principal=attempt.push.grant.principal.id,
                digest=digest,
                tag=facts.tag.text,
                requester=facts.requester,
                reasons=reasons_json((not_an_image("deny"),)),
            )
        )
    return tuple(effects)


def not_an_image(severity: Severity) -> Reason:
    """Return why no tag that people pull by names these bytes."""
    return Reason("NOT_AN_IMAGE", "these bytes are kept here as evidence, and are never admitted as an image", severity)
