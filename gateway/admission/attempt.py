"""One attempt at one PUT, and what every PUT ends in: the write of the manifest, the answer, or a recorded refusal.

I/O: through the store.
Source: DESIGN 2, 3 ("Held things wait").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.admission import remedy
from gateway.admission.classify import Classified
from gateway.admission.closure import Closure
from gateway.admission.document import Who
from gateway.admission.evaluator import Basis, Proof
from gateway.admission.judgement import Errs, Fails
from gateway.admission.records import Matter, decision, event, reasons_json
from gateway.admission.subject import stands, told
from gateway.admission.tools import STALE, Stale, Tools
from gateway.admission.values import Outcome, PolicyErred, Push, Refused, Stored, Trigger, TriggerKind
from gateway.audit.events import EventKind
from gateway.catalog.effects import Effect, PutManifest
from gateway.catalog.world import TagFacts, World, WorldKey
from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import Tag

MAX_COUNTED_BYTES: Final = 2**50
"""What one manifest counts for at most: sizes are its writer's words, and the counter of a project has 63 bits."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one PUT: what was asked, and the world it is decided in."""

    push: Push
    manifest: Manifest
    classified: Classified
    key: WorldKey
    world: World
    now: int

    @property
    def who(self) -> Who:
        """The caller, to whom the manifest decision and these tags belong."""
        return Who(self.push.grant.principal, self.push.claims)

    @property
    def trigger(self) -> Trigger:
        """A push, by the caller."""
        return Trigger(TriggerKind.PUSH, self.push.grant.principal.id)

    @property
    def attached_to(self) -> Digest | None:
        """What the manifest names as its subject, whatever it is put as."""
        return None if self.manifest.subject is None else self.manifest.subject.digest

    @property
    def alias(self) -> Digest | None:
        """The digest that the request named, where it is not the sha256."""
        reference = self.push.reference
        return None if reference is None or reference == self.manifest.digest else reference

    def facts(self, tag: Tag) -> TagFacts:
        """Return what the world says of a tag that was asked for."""
        return next(facts for facts in self.world.tags if facts.tag == tag)


async def refuse(
    tools: Tools, attempt: Attempt, verdict: Fails | Errs, basis: Basis, proof: Proof | None, tag: Tag | None = None
) -> Outcome | Stale:
    """Record the refusal, and nothing else."""
    decision_id = tools.new_id()
    outcome, reasons = told(verdict)
    matter = Matter(attempt.manifest.digest, attempt.world, proof, attempt.trigger)
    effects = (
        decision(
            matter, decision_id=decision_id, outcome=outcome, reasons=reasons, who=attempt.who, basis=basis, tag=tag
        ),
        event(
            EventKind.MANIFEST_DENIED,
            principal=attempt.push.grant.principal.id,
            digest=attempt.manifest.digest,
            decision_id=decision_id,
            tags=[tag.text for tag in attempt.push.tags],
            reasons=reasons_json(reasons),
        ),
    )
    if not await write(tools, attempt, effects):
        return STALE
    policy = None if attempt.world.policy is None else attempt.world.policy.digest
    if isinstance(verdict, Errs):
        return PolicyErred(verdict.reason, decision_id, policy)
    # A signature cannot outvote a deny: the command is told only where it would help.
    helps = all(reason.severity == "hold" for reason in reasons)
    host, repository = tools.settings.host, attempt.key.repository
    supply = None
    if helps:
        supply = remedy.command(host, repository, attempt.manifest.digest, reasons, subject=attempt.attached_to)
    return Refused(reasons, decision_id, policy, supply)


def put(
    attempt: Attempt, parts: Closure, *, held: bool, clock: bool | None = None, seconds: int | None = None
) -> PutManifest:
    """Return the write of the manifest itself. What is held counts for its own bytes and those it names and that are here:
    lengths of what is not are its writer's words. ``clock``: whether it ends by itself, where that is not as ``held``;
    ``seconds``: how long it waits, where that is not the project's time."""
    manifest, project = attempt.manifest, attempt.world.standing.project
    here = (blob.size for blob in manifest.referenced_blobs if blob.digest not in parts.missing)
    size = min(len(manifest.raw) + sum(here), MAX_COUNTED_BYTES)
    return PutManifest(
        manifest=manifest,
        cls=attempt.classified.cls,
        subject=attempt.classified.subject,
        evidence_format=None if attempt.classified.claim is None else attempt.classified.claim.format.value,
        aliases=() if attempt.alias is None else (attempt.alias,),
        missing=parts.missing,
        who=attempt.push.grant.principal,
        who_claims=attempt.push.claims,
        judged=not stands(attempt.world.manifest),
        reads=attempt.push.grant.reads,
        held_bytes=size if held else 0,
        expires=attempt.now + (seconds or project.held_seconds) if (held if clock is None else clock) else None,
    )


def stored_as(attempt: Attempt, *, pending: tuple[Tag, ...], decision_id: str | None) -> Stored:
    """Return what the answer to this PUT tells."""
    return Stored(
        digest=attempt.alias or attempt.manifest.digest,
        tags=attempt.push.tags,
        pending=pending,
        subject=attempt.attached_to,
        decision_id=decision_id,
    )


def over_quota(attempt: Attempt) -> Reason | None:
    """Return why what waits is not stored; None where it may be, or is there already and grows no more."""
    if not attempt.world.over_quota or _is_whole(attempt):
        return None
    project = attempt.world.standing.project.name
    message = (
        f"project {project} holds more unadmitted bytes than its limit: see `registry-gateway image held {project}`"
    )
    return Reason("HELD_QUOTA", message, "deny")


def over_cache_quota(attempt: Attempt) -> Reason | None:
    """Return why a build cache is not stored; None where it may be, or is there already and grows no more."""
    if not attempt.world.over_cache_quota or _is_whole(attempt):
        return None
    project = attempt.world.standing.project.name
    message = f"project {project} keeps more bytes of build caches than its limit: delete some, or wait until they end"
    return Reason("CACHE_QUOTA", message, "deny")


def _is_whole(attempt: Attempt) -> bool:
    """Return whether the row is here with all its parts: to put it again brings no bytes."""
    return attempt.world.manifest is not None and not attempt.world.manifest.waits


async def write(tools: Tools, attempt: Attempt, effects: Sequence[Effect]) -> bool:
    """Commit if the world is still what it was; return whether it did."""
    return await tools.store.commit(
        [(attempt.key, attempt.world)], effects, repository=attempt.key.repository, now=attempt.now
    )
