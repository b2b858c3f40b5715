"""Policy and trust revisions by digest, and which of them is active.

Each activation counts `generation` up, also of a revision that was active before: a decision compares both, and so never
commits under rules that were swapped and swapped back while it was made.

I/O: reads and writes of the catalog.
Source: DESIGN 7 ("the catalog holds what is active").
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.audit.events import EventKind
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.work import enqueue_work
from gateway.catalog.values import RevisionRow
from gateway.errors import Conflict, Internal
from gateway.identity.values import Principal

_ACTIVATED: Final = {"policy": EventKind.POLICY_ACTIVATED, "trust": EventKind.TRUST_APPLIED}

_SELECT: Final = """
SELECT r.kind, r.digest, coalesce(a.reason, r.reason), r.made_by, r.at, r.activated, a.generation, r.content
FROM revision r LEFT JOIN active a ON a.revision_id = r.id
"""


class SqliteRevisions:
    """`RevisionStore`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

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

        What is admitted stays so; the work judges again what waits, and finds drift. Raises `Conflict` where other content
        is stored under this digest. ``hides``: what this policy denies of what is admitted is revoked by that work.
        """
        event = _event_kind(kind)

        def change(connection: sqlite3.Connection) -> RevisionRow:
            revision = _store(connection, kind, digest, content, reason=reason, by=by, now=now)
            previous = connection.execute(
                "SELECT r.digest FROM active a JOIN revision r ON r.id = a.revision_id WHERE a.kind = ?", (kind,)
            ).fetchone()
            connection.execute("UPDATE revision SET activated = ? WHERE id = ?", (now, revision))
            connection.execute(
                "INSERT INTO active (kind, revision_id, generation, reason) VALUES (?, ?, 1, ?) ON CONFLICT (kind)"
                " DO UPDATE SET revision_id = excluded.revision_id, generation = generation + 1, reason = excluded.reason",
                (kind, revision, reason),
            )
            row = _row(connection.execute(f"{_SELECT} WHERE r.id = ?", (revision,)).fetchone())
            insert_event(
                connection,
                event,
                principal_id=by.id,
                data={
                    "revision": digest,
                    "previous": None if previous is None else previous[0],
                    "generation": row.active_generation,
                    "reason": reason,
                    **({"hides": True} if hides else {}),
                },
                now=now,
            )
            hiding = {"hides": str(row.active_generation)} if hides else {}
            enqueue_work(connection, "rejudge", kind, {"kind": kind, "revision": digest, **hiding}, due=now)
            return row

        return await self._database.write(change)

    async def active(self, kind: str) -> RevisionRow | None:
        """Return the active revision of ``policy`` or ``trust``."""
        _event_kind(kind)
        row = self._database.read(
            lambda connection: connection.execute(f"{_SELECT} WHERE a.kind = ?", (kind,)).fetchone()
        )
        return None if row is None else _row(row)

    async def revisions(self, kind: str) -> Sequence[RevisionRow]:
        """Return all revisions, newest first."""
        _event_kind(kind)
        rows = await self._database.read_aside(
            lambda connection: connection.execute(f"{_SELECT} WHERE r.kind = ? ORDER BY r.id DESC", (kind,)).fetchall()
        )
        return [_row(row) for row in rows]


def _event_kind(kind: str) -> EventKind:
    event = _ACTIVATED.get(kind)
    if event is None:
        raise Internal(f"{kind!r} is not a kind of revision")
    return event


def _store(
    connection: sqlite3.Connection, kind: str, digest: str, content: bytes, *, reason: str, by: Principal, now: int
) -> int:
    """Return the id of the revision, stored if new."""
    known = connection.execute(
        "SELECT id, content FROM revision WHERE kind = ? AND digest = ?", (kind, digest)
    ).fetchone()
    if known is not None:
        if known[1] != content:
            raise Conflict(f"another {kind} revision is stored as {digest}")
        return int(known[0])
    inserted = connection.execute(
        "INSERT INTO revision (kind, digest, content, reason, made_by, at) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (kind, digest, content, reason, by.id, now),
    ).fetchone()
    return int(inserted[0])


def _row(row: sqlite3.Row) -> RevisionRow:
    return RevisionRow(*row)
