"""Events and pulls as audit reads them.

Pulls are rows per principal, repository, digest, address, outcome and minute: "who pulled this digest, from where, since
when" is one range of the primary key.

I/O: reads and writes of the catalog.
Source: DESIGN 8.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.audit.events import EventKind
from gateway.audit.logins import LoginKey, LoginSpan, login_data
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.values import EventRow, PullRow
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.strict_json import JsonObject

_COLUMNS: Final = "id, at, kind, principal_id, project, repository, digest, decision_id, data"

_AFTER: Final = f"SELECT {_COLUMNS} FROM event WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 (a constant)

_LAST: Final = f"SELECT {_COLUMNS} FROM event ORDER BY id DESC LIMIT ?"  # noqa: S608 (a constant)

_ADD: Final = """
INSERT INTO pull (minute, principal_id, repository, digest, address, outcome, first, last, count)
VALUES (:minute, :principal, :repository, :digest, :address, :outcome, :first, :last, :count)
ON CONFLICT (digest, minute, principal_id, repository, address, outcome) DO UPDATE
SET first = min(first, excluded.first), last = max(last, excluded.last), count = count + excluded.count
"""

_WHO: Final = """
SELECT l.principal_id, coalesce(p.name, l.principal_id), l.repository, l.digest, l.address, l.outcome,
       l.first, l.last, l.count
FROM pull l LEFT JOIN principal p ON p.id = l.principal_id
WHERE l.digest = ? ORDER BY l.last DESC, l.minute DESC, l.principal_id, l.repository, l.address, l.outcome
"""


class SqliteAudit:
    """`AuditStore`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def events(self, *, after: int, limit: int) -> Sequence[EventRow]:
        """Return events with an id above ``after``, oldest first; ``after`` negative: the last ``limit`` ones."""

        def query(connection: sqlite3.Connection) -> list[EventRow]:
            if after < 0:
                return [_event(row) for row in reversed(connection.execute(_LAST, (limit,)).fetchall())]
            return [_event(row) for row in connection.execute(_AFTER, (after, limit))]

        return await self._database.read_aside(query)

    async def record_event(
        self, kind: str, *, principal: Principal, project: str | None, data: JsonObject, now: int
    ) -> None:
        """Write one event by itself: for what has no other row to change. Secrets in ``data`` are masked."""
        await self._database.write(
            lambda connection: insert_event(
                connection, kind, principal_id=principal.id, project=project, data=data, now=now
            )
        )

    async def record_pulls(self, pulls: Mapping[tuple[str, str, str, str, str, int], tuple[int, int, int]]) -> None:
        """Add counts: (principal id, repository, digest, address, outcome, minute) -> (first, last, count)."""
        if not pulls:
            return
        rows = [
            {
                "principal": principal,
                "repository": repository,
                "digest": digest,
                "address": address,
                "outcome": outcome,
                "minute": minute,
                "first": first,
                "last": last,
                "count": count,
            }
            for (principal, repository, digest, address, outcome, minute), (first, last, count) in pulls.items()
        ]
        await self._database.write(lambda connection: connection.executemany(_ADD, rows).rowcount)

    async def record_logins(self, logins: Mapping[LoginKey, LoginSpan]) -> None:
        """Write one event for each entry, at the time of its last login, oldest first."""
        if not logins:
            return
        ordered = sorted(logins.items(), key=lambda entry: entry[1].last)

        def insert(connection: sqlite3.Connection) -> None:
            for key, span in ordered:
                insert_event(
                    connection,
                    EventKind.LOGIN_SUCCEEDED if key.succeeded else EventKind.LOGIN_FAILED,
                    principal_id=key.principal_id,
                    now=span.last,
                    data=login_data(key, span),
                )

        await self._database.write(insert)

    async def who_pulled(self, digest: Digest) -> Sequence[PullRow]:
        """Return who pulled a digest, from where and when, newest first, all of it.

        A principal that is gone is named by its id; the event of its end has its name.
        """
        rows = await self._database.read_aside(lambda connection: connection.execute(_WHO, (str(digest),)).fetchall())
        return [PullRow(*row) for row in rows]


def _event(row: sqlite3.Row) -> EventRow:
    columns = (*row[:8], json.loads(row[8]))
    return EventRow(*columns)
