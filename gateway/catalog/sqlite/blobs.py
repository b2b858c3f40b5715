"""Which blob belongs to which repository, and who may see it: `BlobCatalog` on SQLite.

A blob is visible where a visible manifest of the repository names it. How that is found without asking all of them is said
in `gateway.catalog.sqlite.witnesses`; here those who ask for the same walk wait for one.

I/O: the catalog.
Source: DESIGN 3 ("Visibility is one rule"), 4 (CVE-2024-39897: knowing a digest gives no access).
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import asyncio
import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.events import EventKind
from gateway.catalog.sqlite.arrivals import complete_waiting, link_blob
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.loose import remove_if_empty
from gateway.catalog.sqlite.visibility import visible
from gateway.catalog.sqlite.witnesses import MAX_INLINE_LINKS, WITNESS, remember, settled, walk
from gateway.catalog.values import BlobView
from gateway.errors import BlobReferenced, BlobUnknown, GatewayError
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

BLOB: Final = f"""SELECT r.id, b.id, b.size, k.none_at IS r.raised, {visible("m")}
FROM repository r JOIN blob b ON b.digest = :digest JOIN repo_blob k ON k.repo_id = r.id AND k.blob_id = b.id
{WITNESS} WHERE r.name = :repository"""

SOURCES: Final = """SELECT r.name FROM blob b JOIN repo_blob k ON k.blob_id = b.id JOIN repository r ON r.id = k.repo_id
WHERE b.digest = ? ORDER BY k.repo_id LIMIT ?"""


@dataclass(frozen=True, slots=True)
class _Blob:
    """A blob in a repository. ``visible`` None: neither the witness nor the remembered "none" decides."""

    repo_id: int
    blob_id: int
    size: int
    visible: bool | None


class SqliteBlobs:
    """`BlobCatalog` and `Arrivals` over a `Database`."""

    def __init__(self, *, database: Database, max_inline_links: int = MAX_INLINE_LINKS) -> None:
        self._database = database
        self._max_inline_links = max_inline_links
        self._walks: dict[tuple[int, int], asyncio.Task[bool]] = {}

    async def blob(self, repository: RepositoryName, digest: Digest, *, now: int) -> BlobView | None:
        """Return the blob if it belongs to the repository, with its derived visibility (the witness is verified)."""
        found = self._find(repository, digest, now=now)
        key = None if found is None else (found.repo_id, found.blob_id)
        if found is not None and found.visible is None and key in self._walks:
            # Somebody walks already. What he finds was so before this request: it is only good as a hint.
            await asyncio.wait([self._walks[key]])
            found = self._find(repository, digest, now=now)
        if found is None:
            return None
        seen = await self._walked(found, now=now) if found.visible is None else found.visible
        return BlobView(digest=digest, size=found.size, visible=seen)

    async def sources(self, digest: Digest, *, limit: int) -> Sequence[RepositoryName]:
        """Return repositories that the blob belongs to: for a mount that names no source."""
        return self._database.read(
            lambda connection: [RepositoryName(row[0]) for row in connection.execute(SOURCES, (str(digest), limit))]
        )

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
        """Make the blob belong to the repository (created if need be); have parents that miss it judged again.

        Raises `NameUnknown` where no project claims the name, `TooManyRequests` where a ``mounted`` one is one too many.
        """
        await self._database.write(
            lambda connection: link_blob(
                connection, repository, digest, size, principal=principal, mounted=mounted, now=now
            )
        )

    async def complete_waiting(
        self, repository: RepositoryName, digest: Digest, *, data: Mapping[str, str], now: int
    ) -> None:
        """As `Arrivals.complete_waiting`."""
        await self._database.write(
            lambda connection: complete_waiting(connection, repository, digest, data=data, now=now)
        )

    async def unlink(self, repository: RepositoryName, digest: Digest, *, principal: Principal, now: int) -> None:
        """Remove the blob from the repository. Raises `BlobUnknown`, or `BlobReferenced` while a manifest names it."""
        await self._database.write(
            lambda connection: _unlink(connection, repository, digest, principal=principal, now=now)
        )

    def _find(self, repository: RepositoryName, digest: Digest, *, now: int) -> _Blob | None:
        return self._database.read_again(
            ("blob", repository.text, str(digest), self._max_inline_links),
            lambda connection: self._read(connection, repository, digest, now),
            now=now,
        )

    def _read(
        self, connection: sqlite3.Connection, repository: RepositoryName, digest: Digest, now: int
    ) -> _Blob | None:
        values = {"repository": repository.text, "digest": str(digest), "now": now}
        row = connection.execute(BLOB, values).fetchone()
        if row is None:
            return None
        repo_id, blob_id, size, in_vain, by_witness = row
        shown = settled(
            connection,
            repo_id,
            blob_id,
            by_witness=by_witness,
            in_vain=in_vain,
            now=now,
            max_inline_links=self._max_inline_links,
        )
        return _Blob(repo_id, blob_id, size, shown)

    async def _walked(self, found: _Blob, *, now: int) -> bool:
        """Return whether any manifest that names the blob is visible, and let those who ask meanwhile wait for it."""
        key = (found.repo_id, found.blob_id)
        task = asyncio.create_task(self._walk(found, now=now))
        self._walks[key] = task
        task.add_done_callback(lambda done: self._walks.pop(key, None) if self._walks.get(key) is done else None)
        # A client that hangs up does not end the walk that others wait for.
        return await asyncio.shield(task)

    async def _walk(self, found: _Blob, *, now: int) -> bool:
        walked = await self._database.read_aside(
            lambda connection: walk(connection, found.repo_id, found.blob_id, now=now)
        )
        # The answer is known; that it cannot be remembered costs the next reader a walk.
        with contextlib.suppress(GatewayError):
            await self._database.write(lambda connection: remember(connection, walked))
        return walked.found is not None


def _unlink(
    connection: sqlite3.Connection, repository: RepositoryName, digest: Digest, *, principal: Principal, now: int
) -> None:
    row = connection.execute(
        """SELECT k.repo_id, k.blob_id,
        EXISTS (SELECT 1 FROM link l WHERE l.repo_id = k.repo_id AND l.blob_id = k.blob_id)
        FROM repository r JOIN blob b ON b.digest = ? JOIN repo_blob k ON k.repo_id = r.id AND k.blob_id = b.id
        WHERE r.name = ?""",
        (str(digest), repository.text),
    ).fetchone()
    if row is None:
        raise BlobUnknown(str(digest))
    if row[2]:
        raise BlobReferenced(str(digest))
    connection.execute("DELETE FROM repo_blob WHERE repo_id = ? AND blob_id = ?", row[:2])
    connection.execute("DELETE FROM holder WHERE repo_id = ? AND blob_id = ?", row[:2])
    remove_if_empty(connection, row[0])
    project = read_project(connection, repository)
    insert_event(
        connection,
        EventKind.BLOB_DELETED,
        principal_id=principal.id,
        now=now,
        project=None if project is None else project.name,
        repository=repository.text,
        digest=str(digest),
    )
