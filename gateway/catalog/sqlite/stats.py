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


class SqliteStats:
    """`StatsReads`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def stats(self) -> Mapping[str, int]:
        """Return counts by name. Manifests are images (and artefacts judged like them), by their stored state."""
        row = await self._database.read_aside(lambda connection: connection.execute(_COUNTS).fetchone())
        return dict(zip(_NAMES, row, strict=True))

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
