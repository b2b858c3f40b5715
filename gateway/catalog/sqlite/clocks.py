"""`ClockReads` on SQLite: what waits, by when it ends.

I/O: reads of the catalog, aside.
Source: `gateway.catalog.stores.ClockReads`.
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

from collections.abc import Sequence
from typing import Final

from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.rows import sha256
from gateway.catalog.sqlite.visibility import HELD, carried
from gateway.catalog.values import Clock, ManifestClass
from gateway.oci.names import RepositoryName

# By the partial index, in its order: what is within the longest notice, most of which was announced and has not ended.
DUE: Final = """SELECT m.id, r.name, m.sha256, m.expires, 0
FROM manifest m JOIN repository r ON r.id = m.repo_id JOIN project p ON p.id = r.project_id
WHERE m.expires IS NOT NULL AND m.expires <= :now + :notice AND (m.expires, m.id) > (:expires, :id)
AND CASE WHEN m.announced THEN m.expires <= :now ELSE m.expires <= :now + min(:notice, p.held_seconds / :share) END
ORDER BY m.expires, m.id LIMIT :limit"""

# Its terms are those of the index, word for word: bound values would not match it.
UNCLOCKED: Final = f"""SELECT m.id, r.name, m.sha256, m.expires, {carried("m")}
FROM manifest m JOIN repository r ON r.id = m.repo_id
WHERE m.state = {HELD} AND m.class = '{ManifestClass.IMAGE.value}' AND m.expires IS NULL AND m.id > :after
ORDER BY m.id LIMIT :limit"""


class SqliteClocks:
    """`ClockReads` over a `Database`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def due(
        self, *, after: tuple[int, int], limit: int, now: int, notice_seconds: int, notice_share: int
    ) -> Sequence[Clock]:
        """Return what is to be announced or has ended, by (end, row id) after ``after``."""
        values = {
            "expires": after[0],
            "id": after[1],
            "limit": limit,
            "now": now,
            "notice": notice_seconds,
            "share": notice_share,
        }
        return await self._read(DUE, values)

    async def unclocked(self, *, after: int, limit: int, now: int) -> Sequence[Clock]:
        """Return held images that have no clock, by row id after ``after``: what is carried, and what was until lately."""
        return await self._read(UNCLOCKED, {"after": after, "limit": limit, "now": now})

    async def _read(self, statement: str, values: dict[str, int]) -> Sequence[Clock]:
        rows = await self._database.read_aside(lambda connection: connection.execute(statement, values).fetchall())
        return [Clock(row[0], RepositoryName(row[1]), sha256(row[2]), row[3], bool(row[4])) for row in rows]
