"""What exists, page by page: `ListingReads` on SQLite.

A page of tags is read inline while it is short (184 us a hundred); a page of repositories never, since a repository
without a visible witness is walked.

I/O: reads of the catalog.
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.access.values import Condition
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.rows import Row
from gateway.catalog.sqlite.visibility import condition, visible
from gateway.catalog.values import METADATA, VISIBLE, ManifestClass, RepositoryEntry, TagEntry
from gateway.oci.names import RepositoryName, Tag

MAX_INLINE_TAGS: Final = 100

TAGS: Final = f"""SELECT t.name, m.class, {condition("m")}, t.pending_id IS NOT NULL, n.class, t.requester_id
FROM repository r JOIN tag t ON t.repo_id = r.id AND t.name > :last
LEFT JOIN manifest m ON m.id = t.target_id LEFT JOIN manifest n ON n.id = t.pending_id
WHERE r.name = :repository AND (t.target_id IS NOT NULL OR t.pending_id IS NOT NULL) ORDER BY t.name LIMIT :limit"""

REPOSITORIES: Final = f"""SELECT r.name, p.name, ({visible("h")})
OR EXISTS (SELECT 1 FROM manifest m WHERE m.repo_id = r.id AND {visible("m")}),
EXISTS (SELECT 1 FROM manifest m WHERE m.repo_id = r.id)
FROM repository r JOIN project p ON p.id = r.project_id
LEFT JOIN manifest h ON h.id = r.witness AND h.repo_id = r.id
WHERE r.name > :last ORDER BY r.name LIMIT :limit"""


class SqliteListings:
    """`ListingReads` over a `Database`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def tags(self, repository: RepositoryName, *, last: str | None, limit: int, now: int) -> Sequence[TagEntry]:
        """Return up to ``limit`` tags after ``last``, in byte order, invisible ones included and marked."""
        values = {"repository": repository.text, "last": last or "", "limit": limit, "now": now}

        def query(connection: sqlite3.Connection) -> Sequence[TagEntry]:
            return [_entry(row) for row in connection.execute(TAGS, values)]

        if limit <= MAX_INLINE_TAGS:
            return self._database.read(query)
        return await self._database.read_aside(query)

    async def repositories(self, *, last: str | None, limit: int, now: int) -> Sequence[RepositoryEntry]:
        """Return up to ``limit`` repositories after ``last``, in byte order."""
        values = {"last": last or "", "limit": limit, "now": now}
        return await self._database.read_aside(
            lambda connection: [
                RepositoryEntry(
                    name=RepositoryName(name), project=project, visible=bool(seen), held=bool(any_) and not seen
                )
                for name, project, seen, any_ in connection.execute(REPOSITORIES, values)
            ]
        )

    async def repository_exists(self, repository: RepositoryName) -> bool:
        """Return whether anything was ever stored under that name."""
        return self._database.read(
            lambda connection: (
                connection.execute("SELECT 1 FROM repository WHERE name = ?", (repository.text,)).fetchone() is not None
            )
        )


def _entry(row: Row) -> TagEntry:
    name, target, state, pending, waiting, requester = row
    # A tag that points to nothing has the condition of no row.
    found = None if target is None else Condition(state)
    return TagEntry(
        tag=Tag(name),
        visible=found in VISIBLE,
        pending=bool(pending),
        requester=requester,
        cache=waiting == ManifestClass.CACHE.value,
        metadata=found if target in METADATA else None,
    )
