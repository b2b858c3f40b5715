"""The seams of the catalog, each of one to four methods; every adapter passes the same contract suites.

A read is one snapshot and never suspends on SQLite (DESIGN 4); ``now`` is Unix seconds and decides on ended waivers and
expired principals. A write is one transaction and returns when it is durable.

Pure: Protocols only.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.access.values import InstanceRole, Mode, Role, Visibility
from gateway.audit.logins import LoginKey, LoginSpan
from gateway.catalog.effects import Effect
from gateway.catalog.values import (
    BlobView,
    Clock,
    DecisionRow,
    EventRow,
    ManifestView,
    MemberRow,
    PrincipalRow,
    ProjectRow,
    PullRow,
    RepositoryEntry,
    RevisionRow,
    TagEntry,
    TagView,
    UploadRow,
    WithBody,
    WorkItem,
)
from gateway.catalog.world import World, WorldKey
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag
from gateway.oci.strict_json import JsonObject


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
        """Return what waits (held and not carried, evidence and cache excepted), oldest first."""
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


class BlobCatalog(Protocol):
    """Which blob belongs to which repository. Knowing a digest gives nothing."""

    async def blob(self, repository: RepositoryName, digest: Digest, *, now: int) -> BlobView | None:
        """Return the blob if it belongs to the repository, with its derived visibility (the witness is verified)."""
        ...

    async def sources(self, digest: Digest, *, limit: int) -> Sequence[RepositoryName]:
        """Return repositories that the blob belongs to: for a mount that names no source."""
        ...

    async def link(
        self, repository: RepositoryName, digest: Digest, size: int, *, principal: Principal, now: int
    ) -> None:
        """Make the blob belong to the repository (created if need be); have what waits for it judged again.

        Of many, the first few; ``arrival`` work completes the others.
        """
        ...

    async def unlink(self, repository: RepositoryName, digest: Digest, *, principal: Principal, now: int) -> None:
        """Remove the blob from the repository. Raises `BlobUnknown`, or `BlobReferenced` while a manifest names it."""
        ...


class Arrivals(Protocol):
    """What waits for a blob that came: completed page by page, in the background."""

    async def complete_waiting(
        self, repository: RepositoryName, digest: Digest, *, brought_by: str, after: int, now: int
    ) -> None:
        """Complete the next page, by row id above ``after``, and ask for the page after it as ``arrival`` work.

        ``brought_by`` is the id of the principal who brought it. Nothing where it is not in the repository any more.
        """
        ...


class UploadCatalog(Protocol):
    """Upload sessions, bound to a principal and a repository: to anybody else a session does not exist."""

    async def start(self, session: str, repository: RepositoryName, *, principal: Principal, now: int) -> None:
        """Record a new session of size 0. Raises `NameUnknown`; `TooManyRequests` where the principal has too many."""
        ...

    async def upload(self, session: str, repository: RepositoryName, *, principal_id: str) -> UploadRow:
        """Return the session. Raises `UploadUnknown`, also for another principal or repository."""
        ...

    async def advance(self, session: str, *, from_size: int, to_size: int, now: int) -> None:
        """Record acknowledged bytes. Raises `UploadOutOfOrder` where the session is no longer at ``from_size``."""
        ...

    async def end(self, session: str) -> None:
        """Forget the session; nothing where it is gone."""
        ...


class AdmissionStore(Protocol):
    """The one way to change what is visible."""

    async def read_world(self, key: WorldKey, *, now: int) -> World | None:
        """Return the world of a decision, one snapshot; None where no project claims the repository's name."""
        ...

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        """Apply ``effects`` in one transaction if every world still equals what is expected; return whether it did.

        Durable on return. False: nothing was written, read the world again. The active policy and trust revisions are
        part of each world.
        """
        ...

    async def decisions(self, repository: RepositoryName, digest: Digest, *, limit: int) -> Sequence[DecisionRow]:
        """Return the decisions about these bytes here, newest first."""
        ...

    async def drift(self, project: ProjectName | None, *, limit: int) -> Sequence[DecisionRow]:
        """Return the newest judgement of each admitted manifest that would not be admitted any more, newest first."""
        ...

    async def decision_input(self, sha256: str) -> bytes | None:
        """Return the stored input document of a decision."""
        ...


class ProjectAdmin(Protocol):
    """Projects and who belongs to them. Each change writes its audit event in the same transaction."""

    async def create_project(
        self, name: ProjectName, *, mode: Mode, visibility: Visibility, by: Principal, now: int
    ) -> ProjectRow:
        """Create a project. Raises `Conflict` where the name, a prefix or an extension of it is one."""
        ...

    async def set_project(
        self,
        name: ProjectName,
        *,
        mode: Mode | None,
        visibility: Visibility | None,
        writers_read_held: bool | None,
        by: Principal,
        reason: str | None,
        now: int,
    ) -> ProjectRow:
        """Change what is not None. Raises `NameUnknown`."""
        ...

    async def delete_project(self, name: ProjectName, *, by: Principal, now: int) -> None:
        """Remove a project with all its rows; a re-created one starts empty. Raises `NameUnknown`."""
        ...

    async def projects(self) -> Sequence[ProjectRow]:
        """Return all projects by name."""
        ...


class MemberAdmin(Protocol):
    """Bindings of principals to roles."""

    async def add_member(self, project: ProjectName, principal_id: str, role: Role, *, by: Principal, now: int) -> None:
        """Bind. Raises `NameUnknown`; nothing where it is bound already."""
        ...

    async def remove_member(
        self, project: ProjectName, principal_id: str, role: Role | None, *, by: Principal, now: int
    ) -> int:
        """Unbind one role or all; return how many were removed."""
        ...

    async def members(self, project: ProjectName) -> Sequence[MemberRow]:
        """Return the bindings of a project."""
        ...

    async def set_instance_role(
        self, principal_id: str, role: InstanceRole, *, granted: bool, by: Principal, now: int
    ) -> None:
        """Grant or take an instance role. Raises `Conflict` for anything but a user."""
        ...


class PrincipalAdmin(Protocol):
    """Local accounts and robots."""

    async def create_account(self, principal: Principal, password_hash: str, *, by: Principal, now: int) -> None:
        """Create a local account. Raises `Conflict` where the name is taken."""
        ...

    async def set_disabled(self, name: str, *, disabled: bool, by: Principal, now: int) -> None:
        """Disable or enable a principal: at once. Raises `NameUnknown`."""
        ...

    async def put_robot(
        self,
        principal: Principal,
        project: ProjectName,
        *,
        secret_sha256: bytes,
        expires: int,
        quarantine_read: bool,
        role: Role | None,
        by: Principal,
        now: int,
    ) -> None:
        """Create the robot (bound to ``role``), or replace secret and expiry of the one with this name (role None)."""
        ...

    async def revoke_robot(self, name: str, *, by: Principal, now: int) -> None:
        """End a robot at once. Raises `NameUnknown`."""
        ...

    async def principals(self, *, kind: str | None, project: ProjectName | None) -> Sequence[PrincipalRow]:
        """Return principals by name."""
        ...

    async def principal_by_name(self, name: str) -> PrincipalRow | None:
        """Return the principal with this name or id."""
        ...


class RevisionStore(Protocol):
    """Policy and trust revisions by digest, and which one is active."""

    async def activate(
        self, kind: str, digest: str, content: bytes, *, reason: str, by: Principal, now: int
    ) -> RevisionRow:
        """Store the revision if new and make it the active one: one generation, one event, and ``rejudge`` work."""
        ...

    async def active(self, kind: str) -> RevisionRow | None:
        """Return the active revision of ``policy`` or ``trust``."""
        ...

    async def revisions(self, kind: str) -> Sequence[RevisionRow]:
        """Return all revisions, newest first."""
        ...


class AuditStore(Protocol):
    """Events and pulls; logins are events that were counted first."""

    async def events(self, *, after: int, limit: int) -> Sequence[EventRow]:
        """Return events with an id above ``after``, oldest first; ``after`` negative: the last ``limit`` ones."""
        ...

    async def record_event(
        self, kind: str, *, principal: Principal, project: str | None, data: JsonObject, now: int
    ) -> None:
        """Write one event by itself: for what has no other row to change."""
        ...

    async def record_pulls(self, pulls: Mapping[tuple[str, str, str, str, str, int], tuple[int, int, int]]) -> None:
        """Add counts: (principal id, repository, digest, address, outcome, minute) -> (first, last, count)."""
        ...

    async def record_logins(self, logins: Mapping[LoginKey, LoginSpan]) -> None:
        """Write one event for each entry, at the time of its last login."""
        ...

    async def who_pulled(self, digest: Digest) -> Sequence[PullRow]:
        """Return who pulled a digest, from where and when, newest first."""
        ...


class WorkStore(Protocol):
    """Background work as rows, claimed with a lease by any worker."""

    async def claim(self, *, limit: int, lease_seconds: int, now: int) -> Sequence[WorkItem]:
        """Return due items and lease them."""
        ...

    async def done(self, item: WorkItem) -> None:
        """Remove an item that was carried out."""
        ...

    async def retry(self, item: WorkItem, *, due: int) -> None:
        """Give the item back, to be due later."""
        ...

    async def enqueue(self, kind: str, key: str, data: Mapping[str, str], *, due: int) -> None:
        """Add an item, unless its (kind, key) is there."""
        ...


class StatsReads(Protocol):
    """Counts, for `stats`, `/metrics` and health."""

    async def stats(self) -> Mapping[str, int]:
        """Return counts by name: projects, repositories, manifests_held, manifests_admitted, tags, blobs, blob_bytes."""
        ...

    async def check(self) -> None:
        """Raise `Unavailable` where the catalog cannot be read."""
        ...
