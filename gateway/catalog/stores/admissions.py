"""What changes what is visible, what it is decided under, and what is still to be decided.

Pure: Protocols only.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.catalog.effects import Effect
from gateway.catalog.saying import Said
from gateway.catalog.values import DecisionRow, RevisionRow, WorkItem
from gateway.catalog.world import World, WorldKey
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag


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

    async def newest_decision(self, repository: RepositoryName, digest: Digest, *, tag: Tag | None) -> Said | None:
        """Return what the newest decision says about the manifest (``tag`` None) or about this tag of it."""
        ...

    async def drift(self, project: ProjectName | None, *, limit: int) -> Sequence[DecisionRow]:
        """Return the newest judgement of each admitted manifest that would not be admitted any more, newest first."""
        ...

    async def decision_input(self, sha256: str) -> bytes | None:
        """Return the stored input document of a decision."""
        ...


class RevisionStore(Protocol):
    """Policy and trust revisions by digest, and which one is active."""

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
        """Store the revision if new and make it the active one: one generation, one event, and ``rejudge`` work.

        ``hides``: that work revokes what is admitted and this policy denies.
        """
        ...

    async def active(self, kind: str) -> RevisionRow | None:
        """Return the active revision of ``policy`` or ``trust``."""
        ...

    async def revisions(self, kind: str) -> Sequence[RevisionRow]:
        """Return all revisions, newest first."""
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
