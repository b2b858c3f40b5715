"""What is read about manifests, tags and repositories. Never changes anything.

Pure: Protocols only.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.catalog.values import Clock, DecisionRow, ManifestView, RepositoryEntry, TagEntry, TagView, WithBody
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag


class ManifestReads(Protocol):
    """Manifests by what clients name them by."""

    async def by_tag(self, repository: RepositoryName, tag: Tag, *, now: int, with_body: WithBody) -> TagView | None:
        """Return the tag, or None where there is no such tag (a deleted one counts as none).

        ``with_body="visible"``: of a visible target only. What waits is for few, whether or not its digest is visible.
        """
        ...

    async def by_digest(
        self, repository: RepositoryName, digest: Digest, *, now: int, with_body: WithBody
    ) -> ManifestView | None:
        """Return the manifest row named by a sha256, or by the alias it was pushed with."""
        ...

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
        """Return the manifests that name ``subject``, without bodies, by (artifact type, row id) after ``after``."""
        ...

    async def bodies(self, ids: Sequence[int]) -> Mapping[int, bytes]:
        """Return the bytes of manifests by row id, off the event loop; what is gone is not in it.

        For what the caller is shown, after that is decided. Row ids are never given twice. The caller bounds the sum.
        """
        ...


class ManifestStock(Protocol):
    """What is there, for operators and background work; every image is looked at, so never on the path of a request."""

    async def held(self, project: ProjectName | None, *, limit: int, now: int) -> Sequence[ManifestView]:
        """Return what waits, of every class: held, not carried, with an end. What ends first comes first."""
        ...

    async def images(self, *, after: int, limit: int, now: int) -> Sequence[ManifestView]:
        """Return images of every repository and state with a row id above ``after``, by row id."""
        ...


class ClockReads(Protocol):
    """What waits, by when it ends; read aside, for background work."""

    async def due(
        self, *, after: tuple[int, int], limit: int, now: int, notice_seconds: int, notice_share: int
    ) -> Sequence[Clock]:
        """Return what is to be announced or has ended, by (end, row id) after ``after``.

        Announced before its end by ``notice_seconds``, or by the project's time divided by ``notice_share`` if that is
        less.
        """
        ...

    async def unclocked(self, *, after: int, limit: int, now: int) -> Sequence[Clock]:
        """Return held images that have no clock, by row id after ``after``: what is carried, and what was until lately."""
        ...


class ListingReads(Protocol):
    """What exists, page by page. A page may be short: the caller goes on from ``last`` until one is empty."""

    async def tags(self, repository: RepositoryName, *, last: str | None, limit: int, now: int) -> Sequence[TagEntry]:
        """Return up to ``limit`` tags after ``last``, in byte order, invisible ones included and marked."""
        ...

    async def repositories(self, *, last: str | None, limit: int, now: int) -> Sequence[RepositoryEntry]:
        """Return up to ``limit`` repositories after ``last``, in byte order."""
        ...

    async def repository_exists(self, repository: RepositoryName) -> bool:
        """Return whether anything was ever stored under that name."""
        ...


class DecisionReads(Protocol):
    """Decisions by what a person has of them: an id out of a refusal, or the tag that was refused."""

    async def decision(self, decision_id: str) -> DecisionRow | None:
        """Return the decision of this id."""
        ...

    async def newest_of_tag(self, repository: RepositoryName, tag: Tag) -> DecisionRow | None:
        """Return the newest decision about ``tag``, that of a refused push which asked for it included."""
        ...


class StatsReads(Protocol):
    """Counts, for `stats`, `/metrics` and health."""

    async def stats(self) -> Mapping[str, int]:
        """Return counts by name: projects, repositories, manifests_held, manifests_admitted, tags, blobs, blob_bytes."""
        ...

    async def roaming_robots(self, *, since: int) -> Mapping[str, int]:
        """Return the robots whose pushes are here and that pulled from several addresses: name -> number of addresses.

        ``since`` (Unix seconds): pulls before it are not looked at.
        """
        ...

    async def check(self) -> None:
        """Raise `Unavailable` where the catalog cannot be read."""
        ...
