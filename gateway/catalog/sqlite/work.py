"""Background work as rows, claimed with a lease by any worker of any process.

Work is asked for again while it is being carried out: a signature arrives while its image is judged. The worker may have
read before that, so the request must not be lost with the row that the worker is about to remove. Asking again takes the
lease away; what the worker then reports (`done`, `retry`) finds no lease of its own and changes nothing.

Projects take turns: whoever has one manifest named by thousands, and puts it again and again, keeps the work of his own
project waiting, and nobody else's.

I/O: reads and writes of the catalog.
Source: DESIGN 2 ("Background work").
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.catalog.sqlite.database import Database
from gateway.catalog.values import WorkItem

_ENQUEUE: Final = """
INSERT INTO work (kind, key, data, due, project_id)
VALUES (:kind, :key, :data, :due, coalesce((SELECT r.project_id FROM repository r WHERE r.name = :repository), 0))
ON CONFLICT (kind, key) DO UPDATE SET data = excluded.data, due = min(due, excluded.due), leased_until = NULL
"""

_IS_DUE: Final = "due <= :now AND (leased_until IS NULL OR leased_until <= :now)"

_ANY_DUE: Final = f"SELECT 1 FROM work WHERE {_IS_DUE} LIMIT 1"  # noqa: S608 (a constant)

CLAIMED: Final = f"""WITH RECURSIVE project (id) AS (
  SELECT (SELECT w.project_id FROM work w ORDER BY w.project_id LIMIT 1)
  UNION ALL
  SELECT (SELECT w.project_id FROM work w WHERE w.project_id > project.id ORDER BY w.project_id LIMIT 1)
  FROM project WHERE project.id IS NOT NULL)
SELECT w.id FROM project JOIN work w ON w.id IN (
  SELECT n.id FROM work n WHERE n.project_id = project.id AND {_IS_DUE} ORDER BY n.due, n.id LIMIT :limit)
ORDER BY row_number() OVER (PARTITION BY w.project_id ORDER BY w.due, w.id), w.due, w.id LIMIT :limit"""  # noqa: S608
"""Of each project in turn the one that is due longest. A project's first few are found by index, and no row behind them is
read: thousands may wait."""

_CLAIM: Final = f"""
UPDATE work SET leased_until = :until, attempts = attempts + 1 WHERE id IN ({CLAIMED})
RETURNING id, kind, key, data, attempts, due
"""  # noqa: S608 (a constant)

_OWN_LEASE: Final = "id = ? AND attempts = ? AND leased_until IS NOT NULL"
"""Each claim counts ``attempts`` up, each new request ends the lease: this names one claim, and only while it holds."""


def enqueue_work(connection: sqlite3.Connection, kind: str, key: str, data: Mapping[str, str], *, due: int) -> None:
    """Ask for work in the caller's transaction: one row per (kind, key), due at the earlier of the two times.

    It is of the project of the repository that ``data`` names, and takes turns with that of other projects.
    """
    values = {"kind": kind, "key": key, "data": json.dumps(dict(data), sort_keys=True), "due": due}
    connection.execute(_ENQUEUE, values | {"repository": data.get("repository")})


class SqliteWork:
    """Claims are writes in ``BEGIN IMMEDIATE``: of two processes that ask at once, one waits and finds the leases."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def claim(self, *, limit: int, lease_seconds: int, now: int) -> Sequence[WorkItem]:
        """Return up to ``limit`` due items, leased until ``now + lease_seconds``.

        Of each project one, and so on: what one has in plenty keeps the others' waiting for a page, never for all of it. Of
        one project, and among the first of all, the one that is due longest; so they are returned.
        An item whose lease ran out is due again: its worker died, or is too slow and may not report any more.
        """
        terms = {"now": now, "until": now + lease_seconds, "limit": limit}
        # Idle workers ask all the time: they must not queue up for the write lock.
        if self._database.read(lambda connection: connection.execute(_ANY_DUE, {"now": now}).fetchone()) is None:
            return ()
        rows = await self._database.write(lambda connection: connection.execute(_CLAIM, terms).fetchall())
        return [
            WorkItem(id=row[0], kind=row[1], key=row[2], data=json.loads(row[3]), attempts=row[4])
            for row in sorted(rows, key=lambda row: (row[5], row[0]))
        ]

    async def done(self, item: WorkItem) -> None:
        """Remove an item that was carried out; nothing where it was asked for again or is another worker's by now."""
        await self._database.write(
            lambda connection: (
                connection.execute(
                    f"DELETE FROM work WHERE {_OWN_LEASE}",  # noqa: S608 (a constant)
                    (item.id, item.attempts),
                ).rowcount
            )
        )

    async def retry(self, item: WorkItem, *, due: int) -> None:
        """Give the item back, to be due later; nothing where it was asked for again or is another worker's by now."""
        await self._database.write(
            lambda connection: (
                connection.execute(
                    f"UPDATE work SET due = ?, leased_until = NULL WHERE {_OWN_LEASE}",  # noqa: S608 (a constant)
                    (due, item.id, item.attempts),
                ).rowcount
            )
        )

    async def enqueue(self, kind: str, key: str, data: Mapping[str, str], *, due: int) -> None:
        """Ask for work, in a transaction of its own."""
        await self._database.write(lambda connection: enqueue_work(connection, kind, key, data, due=due))
