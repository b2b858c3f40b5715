"""Counts for people and monitors, and whether the catalog answers at all.

I/O: reads of the catalog; the counts walk tables, so they run aside.
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

from gateway.catalog.sqlite.database import Database
from gateway.errors import GatewayError, Unavailable

_COUNTS: Final = """
SELECT (SELECT count(*) FROM project),
       (SELECT count(*) FROM repository),
       (SELECT count(*) FROM manifest WHERE class = 'image' AND state = 0),
       (SELECT count(*) FROM manifest WHERE class = 'image' AND state = 1),
       (SELECT count(*) FROM tag WHERE target_id IS NOT NULL OR pending_id IS NOT NULL),
       (SELECT count(*) FROM blob),
       (SELECT coalesce(sum(size), 0) FROM blob)
"""

_NAMES: Final = ("projects", "repositories", "manifests_held", "manifests_admitted", "tags", "blobs", "blob_bytes")


_ROAMING: Final = """
SELECT p.name, count(DISTINCT l.address) AS addresses
FROM principal p JOIN pull l ON l.principal_id = p.id
WHERE p.kind = 'robot' AND l.outcome = 'pulled' AND l.last >= ? AND EXISTS (SELECT 1 FROM manifest m WHERE m.who = p.id)
GROUP BY p.id HAVING addresses > 1 ORDER BY p.name
"""
"""An operator's question, read aside: it looks at every pull."""


class SqliteStats:
    """`StatsReads`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def stats(self) -> Mapping[str, int]:
        """Return counts by name. Manifests are images (and artefacts judged like them), by their stored state."""
        row = await self._database.read_aside(lambda connection: connection.execute(_COUNTS).fetchone())
        return dict(zip(_NAMES, row, strict=True))

    async def roaming_robots(self, *, since: int) -> Mapping[str, int]:
        """Return the robots whose pushes are here and that pulled from several addresses: name -> number of addresses."""
        rows = await self._database.read_aside(lambda connection: connection.execute(_ROAMING, (since,)).fetchall())
        return {row[0]: row[1] for row in rows}

    async def check(self) -> None:
        """Raise `Unavailable` where the catalog cannot be read, or failed a write in a way that ends the process."""
        try:
            self._database.read(_probe)
        except GatewayError as error:
            raise Unavailable(f"the catalog cannot be read: {error.message}") from error
        if self._database.failed:
            raise Unavailable("the catalog failed an I/O call: a restart is needed")


def _probe(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT 1 FROM project LIMIT 1").fetchone()
