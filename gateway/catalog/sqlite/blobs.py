"""Which blob belongs to which repository, and who may see it: `BlobCatalog` on SQLite.

A blob is visible where a visible manifest of the repository names it. A base layer may be named by 100,000 of them, so
each blob keeps a *witness*, the manifest that showed it last. It is verified at every read and never believed:

1. the witness is visible, and names the blob: yes;
2. it was looked for in vain, and nothing was made visible in this repository since (`none_at` = `raised`): no;
3. else the newest manifests that name it are asked inline; where there are more, all are, off the event loop, and what
   was found is written back: a witness only over the one that failed, a "none" with the count it was found under.

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
from gateway.catalog.values import BlobView
from gateway.errors import BlobReferenced, BlobUnknown, GatewayError
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

MAX_INLINE_LINKS: Final = 8
"""21 to 31 us; a walk over 100,000 takes 84 ms."""

BLOB: Final = f"""SELECT r.id, b.id, b.size, k.witness, r.raised, k.none_at IS r.raised, {visible("m")}
FROM repository r JOIN blob b ON b.digest = :digest JOIN repo_blob k ON k.repo_id = r.id AND k.blob_id = b.id
LEFT JOIN link l ON l.repo_id = k.repo_id AND l.blob_id = k.blob_id AND l.manifest_id = k.witness
LEFT JOIN manifest m ON m.id = l.manifest_id WHERE r.name = :repository"""

_LINKS: Final = """FROM repository r JOIN link l ON l.repo_id = r.id JOIN manifest m ON m.id = l.manifest_id
WHERE r.id = :repo AND l.blob_id = :blob"""
NEWEST: Final = f"SELECT m.id, {visible('m')} {_LINKS} ORDER BY l.manifest_id DESC LIMIT :limit"
WALK: Final = f"SELECT m.id {_LINKS} AND {visible('m')} ORDER BY l.manifest_id DESC LIMIT 1"

SOURCES: Final = """SELECT r.name FROM blob b JOIN repo_blob k ON k.blob_id = b.id JOIN repository r ON r.id = k.repo_id
WHERE b.digest = ? ORDER BY k.repo_id LIMIT ?"""

_STORE_WITNESS: Final = """UPDATE repo_blob SET witness = :found, none_at = NULL
WHERE repo_id = :repo AND blob_id = :blob AND witness IS :old"""
_STORE_NONE: Final = "UPDATE repo_blob SET none_at = :raised WHERE repo_id = :repo AND blob_id = :blob"


@dataclass(frozen=True, slots=True)
class _Blob:
    """A blob in a repository. ``visible`` None: neither the witness nor the remembered "none" decides."""

    repo_id: int
    blob_id: int
    size: int
    witness: int | None
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
        repo_id, blob_id, size, witness, _, none, seen = row
        decided: bool | None = True if seen else (False if none else None)
        if decided is None:
            decided = self._newest(connection, repo_id, blob_id, now=now)
        return _Blob(repo_id, blob_id, size, witness, decided)

    def _newest(self, connection: sqlite3.Connection, repo_id: int, blob_id: int, *, now: int) -> bool | None:
        """Return whether one of the newest manifests shows the blob; None where that leaves older ones to be asked."""
        asked = 0
        values = {"repo": repo_id, "blob": blob_id, "now": now, "limit": self._max_inline_links}
        for _, seen in connection.execute(NEWEST, values):
            if seen:
                return True
            asked += 1
        return False if asked < self._max_inline_links else None

    async def _walked(self, found: _Blob, *, now: int) -> bool:
        """Return whether any manifest that names the blob is visible, and let those who ask meanwhile wait for it."""
        key = (found.repo_id, found.blob_id)
        walk = asyncio.create_task(self._walk(found, now=now))
        self._walks[key] = walk
        walk.add_done_callback(lambda done: self._walks.pop(key, None) if self._walks.get(key) is done else None)
        # A client that hangs up does not end the walk that others wait for.
        return await asyncio.shield(walk)

    async def _walk(self, found: _Blob, *, now: int) -> bool:
        values: dict[str, int | None] = {"repo": found.repo_id, "blob": found.blob_id, "now": now}

        def query(connection: sqlite3.Connection) -> tuple[int | None, int | None]:
            # One snapshot: a "none" holds for the count that was read together with it.
            raised = connection.execute("SELECT raised FROM repository WHERE id = :repo", values).fetchone()
            row = connection.execute(WALK, values).fetchone()
            return (None if raised is None else raised[0]), (None if row is None else row[0])

        raised, shown_by = await self._database.read_aside(query)
        stored = {**values, "found": shown_by, "old": found.witness, "raised": raised}
        statement = _STORE_NONE if shown_by is None else _STORE_WITNESS
        # The answer is known; that it cannot be remembered costs the next reader a walk.
        with contextlib.suppress(GatewayError):
            await self._database.write(lambda connection: connection.execute(statement, stored).rowcount)
        return shown_by is not None


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
