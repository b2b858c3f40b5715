"""Adapters around the seams of admission that stop at a point before and after every call. They change nothing else.

What a step touches is told to the scheduler: ``catalog`` (one database: every call is one transaction or one snapshot),
``work`` (its one table that only background work reads), ``engine`` (which revision it runs), ``content``. After each call
comes a point of its own, for what the caller does with the answer before its next call. That touches nothing shared, but
for the engine's revision, which is asked after a read of content, of the active revisions or of decisions; `SeamEngine`
holds it to that.

I/O: through what they hold.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from gateway.access.stores import StandingStore
from gateway.access.values import InstanceRole, Standing
from gateway.catalog.effects import Effect
from gateway.catalog.saying import Said
from gateway.catalog.stores import (
    AdmissionStore,
    Arrivals,
    BlobCatalog,
    ClockReads,
    ManifestReads,
    ManifestStock,
    RevisionStore,
    WorkStore,
)
from gateway.catalog.values import BlobView, Clock, DecisionRow, ManifestView, RevisionRow, TagView, WithBody, WorkItem
from gateway.catalog.world import World, WorldKey
from gateway.content.store import BlobStore, Location
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag
from gateway.oci.strict_json import JsonObject
from gateway.policy.engine import PolicyEngine
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyOutcome, PolicyRevisionId
from tests.support.scheduler import Scheduler, Step

T = TypeVar("T")

CATALOG: Final = frozenset({"catalog"})
ENGINE: Final = frozenset({"engine"})
CONTENT: Final = frozenset({"content"})
WORK: Final = frozenset({"work"})

_NOTHING: Final = frozenset[str]()
_BEFORE_REVISION: Final = frozenset(
    {"content.read", "revisions.active", "engine.evaluate", "store.decisions", "store.newest_decision"}
)


class Seam:
    """Where the adapters stop."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    async def read(self, call: str, made: Callable[[], Awaitable[T]], *, of: frozenset[str] = CATALOG) -> T:
        """Make a call that changes nothing."""
        return await self._call(Step(call, reads=of), made)

    async def write(self, call: str, made: Callable[[], Awaitable[T]], *, to: frozenset[str] = CATALOG | WORK) -> T:
        """Make a call that may change something; a write of the catalog may ask for work."""
        return await self._call(Step(call, writes=to), made)

    async def _call(self, step: Step, made: Callable[[], Awaitable[T]]) -> T:
        await self._scheduler.point(step)
        try:
            return await made()
        finally:
            reads = ENGINE if step.call in _BEFORE_REVISION else _NOTHING
            await self._scheduler.point(Step(f"after {step.call}", reads=reads))

    def declared(self, thing: str) -> None:
        """Raise `AssertionError` where the step that runs now has not said that it reads ``thing``."""
        self._scheduler.declared(thing)


class SeamStore:
    """`AdmissionStore`."""

    def __init__(self, inner: AdmissionStore, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def read_world(self, key: WorldKey, *, now: int) -> World | None:
        return await self._seam.read("store.read_world", lambda: self._inner.read_world(key, now=now))

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        return await self._seam.write(
            "store.commit", lambda: self._inner.commit(expected, effects, repository=repository, now=now)
        )

    async def decisions(self, repository: RepositoryName, digest: Digest, *, limit: int) -> Sequence[DecisionRow]:
        return await self._seam.read("store.decisions", lambda: self._inner.decisions(repository, digest, limit=limit))

    async def newest_decision(self, repository: RepositoryName, digest: Digest, *, tag: Tag | None) -> Said | None:
        return await self._seam.read(
            "store.newest_decision", lambda: self._inner.newest_decision(repository, digest, tag=tag)
        )

    async def drift(self, project: ProjectName | None, *, limit: int) -> Sequence[DecisionRow]:
        return await self._seam.read("store.drift", lambda: self._inner.drift(project, limit=limit))

    async def decision_input(self, sha256: str) -> bytes | None:
        return await self._seam.read("store.decision_input", lambda: self._inner.decision_input(sha256))


class SeamManifests:
    """`ManifestReads`."""

    def __init__(self, inner: ManifestReads, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def by_tag(self, repository: RepositoryName, tag: Tag, *, now: int, with_body: WithBody) -> TagView | None:
        return await self._seam.read(
            "manifests.by_tag", lambda: self._inner.by_tag(repository, tag, now=now, with_body=with_body)
        )

    async def by_digest(
        self, repository: RepositoryName, digest: Digest, *, now: int, with_body: WithBody
    ) -> ManifestView | None:
        return await self._seam.read(
            "manifests.by_digest", lambda: self._inner.by_digest(repository, digest, now=now, with_body=with_body)
        )

    async def referrers(
        self,
        repository: RepositoryName,
        subject: Digest,
        *,
        artifact_type: str | None,
        after: tuple[str, int] | None,
        limit: int,
        now: int,
    ) -> Sequence[ManifestView]:
        return await self._seam.read(
            "manifests.referrers",
            lambda: self._inner.referrers(
                repository, subject, artifact_type=artifact_type, after=after, limit=limit, now=now
            ),
        )

    async def bodies(self, ids: Sequence[int]) -> Mapping[int, bytes]:
        return await self._seam.read("manifests.bodies", lambda: self._inner.bodies(ids))


class SeamStock:
    """`ManifestStock`."""

    def __init__(self, inner: ManifestStock, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def held(self, project: ProjectName | None, *, limit: int, now: int) -> Sequence[ManifestView]:
        return await self._seam.read("stock.held", lambda: self._inner.held(project, limit=limit, now=now))

    async def images(self, *, after: int, limit: int, now: int) -> Sequence[ManifestView]:
        return await self._seam.read("stock.images", lambda: self._inner.images(after=after, limit=limit, now=now))


class SeamClocks:
    """`ClockReads`."""

    def __init__(self, inner: ClockReads, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def due(
        self, *, after: tuple[int, int], limit: int, now: int, notice_seconds: int, notice_share: int
    ) -> Sequence[Clock]:
        return await self._seam.read(
            "clocks.due",
            lambda: self._inner.due(
                after=after, limit=limit, now=now, notice_seconds=notice_seconds, notice_share=notice_share
            ),
        )

    async def unclocked(self, *, after: int, limit: int, now: int) -> Sequence[Clock]:
        return await self._seam.read(
            "clocks.unclocked", lambda: self._inner.unclocked(after=after, limit=limit, now=now)
        )


class SeamStandings:
    """`StandingStore`."""

    def __init__(self, inner: StandingStore, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def standing(self, principal_id: str, repository: RepositoryName, *, now: int) -> Standing | None:
        return await self._seam.read("people.standing", lambda: self._inner.standing(principal_id, repository, now=now))

    async def principal(self, principal_id: str, *, now: int) -> tuple[Principal, bool, frozenset[InstanceRole]] | None:
        return await self._seam.read("people.principal", lambda: self._inner.principal(principal_id, now=now))


class SeamWork:
    """`WorkStore`."""

    def __init__(self, inner: WorkStore, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def claim(self, *, limit: int, lease_seconds: int, now: int) -> Sequence[WorkItem]:
        return await self._seam.write(
            "work.claim", lambda: self._inner.claim(limit=limit, lease_seconds=lease_seconds, now=now), to=WORK
        )

    async def done(self, item: WorkItem) -> None:
        await self._seam.write("work.done", lambda: self._inner.done(item), to=WORK)

    async def retry(self, item: WorkItem, *, due: int) -> None:
        await self._seam.write("work.retry", lambda: self._inner.retry(item, due=due), to=WORK)

    async def enqueue(self, kind: str, key: str, data: Mapping[str, str], *, due: int) -> None:
        await self._seam.write("work.enqueue", lambda: self._inner.enqueue(kind, key, data, due=due), to=WORK)


class SeamRevisions:
    """`RevisionStore`."""

    def __init__(self, inner: RevisionStore, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def activate(
        self,
        kind: str,
        digest: str,
        content: bytes,
        *,
        reason: str,
        by: Principal,
        now: int,
        hides: bool = False,
    ) -> RevisionRow:
        return await self._seam.write(
            "revisions.activate",
            lambda: self._inner.activate(kind, digest, content, reason=reason, by=by, now=now, hides=hides),
        )

    async def active(self, kind: str) -> RevisionRow | None:
        return await self._seam.read("revisions.active", lambda: self._inner.active(kind))

    async def revisions(self, kind: str) -> Sequence[RevisionRow]:
        return await self._seam.read("revisions.revisions", lambda: self._inner.revisions(kind))


class SeamBlobCatalog:
    """`BlobCatalog`."""

    def __init__(self, inner: BlobCatalog, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def blob(self, repository: RepositoryName, digest: Digest, *, now: int) -> BlobView | None:
        return await self._seam.read("blobs.blob", lambda: self._inner.blob(repository, digest, now=now))

    async def sources(self, digest: Digest, *, limit: int) -> Sequence[RepositoryName]:
        return await self._seam.read("blobs.sources", lambda: self._inner.sources(digest, limit=limit))

    async def link(
        self,
        repository: RepositoryName,
        digest: Digest,
        size: int,
        *,
        principal: Principal,
        now: int,
        mounted: bool = False,
    ) -> None:
        await self._seam.write(
            "blobs.link",
            lambda: self._inner.link(repository, digest, size, principal=principal, now=now, mounted=mounted),
        )

    async def unlink(self, repository: RepositoryName, digest: Digest, *, principal: Principal, now: int) -> None:
        await self._seam.write(
            "blobs.unlink", lambda: self._inner.unlink(repository, digest, principal=principal, now=now)
        )


class SeamArrivals:
    """`Arrivals`."""

    def __init__(self, inner: Arrivals, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def complete_waiting(
        self, repository: RepositoryName, digest: Digest, *, data: Mapping[str, str], now: int
    ) -> None:
        await self._seam.write(
            "arrivals.complete_waiting",
            lambda: self._inner.complete_waiting(repository, digest, data=data, now=now),
        )


class SeamContent:
    """`BlobStore`."""

    def __init__(self, inner: BlobStore, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def stat(self, digest: Digest) -> int | None:
        return await self._seam.read("content.stat", lambda: self._inner.stat(digest), of=CONTENT)

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        return await self._seam.read("content.read", lambda: self._inner.read(digest, max_bytes=max_bytes), of=CONTENT)

    def locate(self, digest: Digest) -> Location | None:
        return self._inner.locate(digest)

    async def put(self, digest: Digest, content: bytes) -> None:
        await self._seam.write("content.put", lambda: self._inner.put(digest, content), to=CONTENT)


class SeamEngine:
    """`PolicyEngine`."""

    def __init__(self, inner: PolicyEngine, seam: Seam) -> None:
        self._inner, self._seam = inner, seam

    async def evaluate(self, document: JsonObject, *, deadline_seconds: float) -> PolicyOutcome:
        return await self._seam.read(
            "engine.evaluate", lambda: self._inner.evaluate(document, deadline_seconds=deadline_seconds), of=ENGINE
        )

    def revision(self) -> PolicyRevisionId | None:
        self._seam.declared("engine")
        return self._inner.revision()

    async def activate(self, revision: PolicyRevision) -> None:
        await self._seam.write("engine.activate", lambda: self._inner.activate(revision), to=ENGINE)

    async def close(self) -> None:
        await self._inner.close()
