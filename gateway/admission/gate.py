"""Admission: the one path by which a manifest becomes visible, put together.

I/O: through what it is composed of.
Source: DESIGN 2 and 3.
"""

from dataclasses import dataclass
from functools import partial
from typing import assert_never

from gateway.access.values import Grant
from gateway.admission import deletion
from gateway.admission.classify import classify
from gateway.admission.evidence_push import put_evidence, put_fallback
from gateway.admission.image_push import put_image
from gateway.admission.judgement import Errs, Fails, NoAnswer, Passes, Waits
from gateway.admission.records import event
from gateway.admission.subject import Rejudged, key_of, rejudge, verification
from gateway.admission.tools import STALE, Stale, Tools, unanswered, until_committed
from gateway.admission.values import (
    Admitted,
    Held,
    Outcome,
    PolicyErred,
    Push,
    Stored,
    Trigger,
    TriggerKind,
    Unreachable,
)
from gateway.audit.events import EventKind
from gateway.catalog.effects import Effect
from gateway.catalog.values import ManifestClass, ManifestView
from gateway.catalog.world import World, WorldKey
from gateway.errors import ManifestInvalid, ManifestUnknown, NameUnknown, Reason, Unavailable
from gateway.evidence.content import parse_content
from gateway.evidence.values import EvidenceClaim, EvidenceFormat
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag


@dataclass(frozen=True, slots=True)
class Gate:
    """`ManifestAdmission` and `Rejudging` over one store."""

    tools: Tools

    async def push(self, push: Push) -> Outcome:
        """Judge a manifest and commit what was decided. Durable on return.

        Raises `ManifestInvalid`, `DocumentInvalid`, `ManifestTooLarge`, `DigestInvalid` for a body that is not the manifest
        it claims to be, `Denied` for a right that no scope can name.
        """
        manifest = Manifest.parse(
            push.body, content_type=push.content_type, max_bytes=self.tools.settings.max_manifest_bytes
        )
        if push.reference is not None:
            push.reference.check(push.body)
        if len(push.tags) > self.tools.settings.max_tags:
            raise ManifestInvalid(f"at most {self.tools.settings.max_tags} tags in one request", field="tag")
        classified = classify(manifest, push.tags)

        async def attempt() -> Outcome | Stale:
            match classified.cls:
                case ManifestClass.EVIDENCE if not classified.image_tags:
                    return await put_evidence(self.tools, push, manifest, classified)
                case ManifestClass.FALLBACK if not classified.image_tags:
                    return await put_fallback(self.tools, push, manifest, classified)
                case _:
                    return await put_image(self.tools, push, manifest, classified)

        return await until_committed(attempt)

    async def delete_tag(self, grant: Grant, tag: Tag) -> None:
        """Remove pointer and pending tag. Raises `TagUnknown`, `Denied`, `Unavailable`."""
        _settled(await until_committed(lambda: deletion.delete_tag(self.tools, grant, tag)))

    async def delete_manifest(self, grant: Grant, digest: Digest) -> None:
        """Remove a manifest with its tags. Raises `ManifestUnknown`, `Denied`, `Unavailable`."""
        _settled(await until_committed(lambda: deletion.delete_manifest(self.tools, grant, digest)))

    async def revoke(self, repository: RepositoryName, digest: Digest, *, principal: Principal, reason: str) -> None:
        """Hide the bytes in the whole project, whatever carries them. Raises `NameUnknown`, `Denied`, `Unavailable`."""
        _settled(
            await until_committed(
                lambda: deletion.revoke(self.tools, repository, digest, principal=principal, reason=reason)
            )
        )

    async def reevaluate(
        self,
        repository: RepositoryName,
        digest: Digest,
        *,
        principal: Principal,
        kind: TriggerKind,
        hides: int | None = None,
    ) -> Outcome:
        """Judge a stored manifest again; ``hides`` is `Trigger.hides`. Raises `ManifestUnknown`."""
        trigger = Trigger(kind, principal.id, hides)
        return await until_committed(lambda: self._reevaluate(repository, digest, trigger))

    async def _reevaluate(self, repository: RepositoryName, digest: Digest, trigger: Trigger) -> Outcome | Stale:
        view = await self.tools.manifests.by_digest(repository, digest, now=self.tools.now(), with_body=True)
        if view is None or view.body is None:
            raise ManifestUnknown(str(digest))
        if view.cls is ManifestClass.EVIDENCE:
            return await self._reverify(view, trigger)
        if view.cls is not ManifestClass.IMAGE:
            return Held(_stored(view), ())
        manifest = Manifest.parse_stored(view.body, media_type=view.media_type)
        key, world = await self._world(manifest, repository, trigger)
        now = self.tools.now()
        proof = await self.tools.evaluator.prove(manifest.digest, repository, world, extra=None, now=now)
        if isinstance(proof, NoAnswer):
            return unanswered(proof)
        rejudged = await rejudge(self.tools, manifest, repository, world, proof=proof, trigger=trigger, now=now)
        if isinstance(rejudged, NoAnswer):
            return unanswered(rejudged)
        effects: tuple[Effect, ...] = rejudged.effects
        if trigger.kind is TriggerKind.REEVALUATE or effects:
            asked = event(
                EventKind.MANIFEST_REEVALUATED,
                principal=trigger.principal,
                digest=manifest.digest,
                decision_id=rejudged.decision_id,
                trigger=trigger.kind.value,
            )
            effects = (*effects, asked)
        if not await self.tools.store.commit([(key, world)], effects, repository=repository, now=now):
            return STALE
        return _told(view, rejudged)

    async def _reverify(self, view: ManifestView, trigger: Trigger) -> Outcome | Stale:
        """Verify stored evidence again (a layer of it arrived, a key was added), and judge its subject with it."""
        now = self.tools.now()
        if view.body is None or view.subject is None:
            raise ManifestUnknown(str(view.digest))
        manifest = Manifest.parse_stored(view.body, media_type=view.media_type)
        evidence_key, evidence_world = await self._world(manifest, view.repository, trigger)
        facts = evidence_world.manifest
        if facts is None:
            return STALE
        if evidence_world.missing_blobs:
            return Held(_stored(view), ())
        subject_view = await self.tools.manifests.by_digest(view.repository, view.subject, now=now, with_body=True)
        subject = None
        key = WorldKey(repository=view.repository, caller=trigger.principal, digest=view.subject)
        if subject_view is not None and subject_view.body is not None:
            subject = Manifest.parse_stored(subject_view.body, media_type=subject_view.media_type)
            key = key_of(subject, repository=view.repository, caller=trigger.principal)
        world = await self.tools.store.read_world(key, now=now)
        if world is None or (world.manifest is None) != (subject is None):
            return STALE
        stored = next((item for item in world.evidence if item.digest == view.digest), None)
        if stored is None:
            return STALE
        claim = EvidenceClaim(EvidenceFormat(stored.format), view.subject)
        try:
            extra = await self.tools.evidence.read(manifest, claim, first_seen=facts.first_seen)
            # The PUT did not look at a part that came later.
            looked = await self.tools.evaluator.look(extra, partial(parse_content, extra))
        except ManifestInvalid as invalid:
            return Held(_stored(view), (Reason("CONTENT_MALFORMED", invalid.message, "deny"),))
        if isinstance(looked, NoAnswer):
            return unanswered(looked)
        proof = await self.tools.evaluator.prove(view.subject, view.repository, world, extra=extra, now=now)
        if isinstance(proof, NoAnswer):
            return unanswered(proof)
        effects: list[Effect] = []
        if (verified := verification(manifest, view.subject, world, proof)) is not None:
            effects.append(verified)
        if subject is not None and world.manifest is not None and world.manifest.cls is ManifestClass.IMAGE:
            rejudged = await rejudge(self.tools, subject, view.repository, world, proof=proof, trigger=trigger, now=now)
            if isinstance(rejudged, NoAnswer):
                return unanswered(rejudged)
            effects.extend(rejudged.effects)
        expected = [(evidence_key, evidence_world), (key, world)]
        if not await self.tools.store.commit(expected, effects, repository=view.repository, now=now):
            return STALE
        return Admitted(_stored(view)) if verified is not None else Held(_stored(view), ())

    async def _world(self, manifest: Manifest, repository: RepositoryName, trigger: Trigger) -> tuple[WorldKey, World]:
        key = key_of(manifest, repository=repository, caller=trigger.principal)
        world = await self.tools.store.read_world(key, now=self.tools.now())
        if world is None:
            raise NameUnknown(f"no project claims {repository}")
        return key, world


def _told(view: ManifestView, rejudged: Rejudged) -> Outcome:
    stored = Stored(view.digest, rejudged.promoted, (), None, rejudged.decision_id)
    match rejudged.judgement:
        case Passes():
            return Admitted(stored, rejudged.judgement.warnings)
        case Waits() | Fails():
            return Held(stored, rejudged.judgement.reasons)
        case Errs():
            return PolicyErred(rejudged.judgement.reason, rejudged.decision_id)
        case NoAnswer():
            return Unreachable(rejudged.judgement.reason)
        case _:
            assert_never(rejudged.judgement)


def _stored(view: ManifestView) -> Stored:
    return Stored(view.digest, (), (), view.subject, None)


def _settled(answer: deletion.Done | Unreachable) -> None:
    if isinstance(answer, Unreachable):
        raise Unavailable(answer.reason)
