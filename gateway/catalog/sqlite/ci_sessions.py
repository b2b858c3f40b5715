"""Sessions of CI jobs: opened once for each token, found again by its bytes or a secret, ended for good.

What a token was used for outlives it by `KEPT_SECONDS`, ended or not, and whatever becomes of its rule and project, so
that no token opens a second session. Rows that may go are taken away, some at a time, by whoever opens the next.

I/O: reads and writes of the catalog.
Source: issue 5, items 3 and 7; reference/auth.md 3, "Rules for us" 5 (a unique index, not a look before).
"""

import json
import sqlite3
from typing import Final

from gateway.audit.events import EventKind
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.rows import claims_json
from gateway.identity.federation.stores import NotOpened, Opened, Opening
from gateway.identity.values import Principal, PrincipalKind, Session
from gateway.oci.strict_json import JsonObject

KEPT_SECONDS: Final = 120
"""More than the leeway within which a token still verifies after its end."""

MAX_FORGOTTEN: Final = 100
"""Rows that go with one opening."""

MAX_SESSIONS: Final = 5_000
"""Of one rule, those that are over included until they may go: 2 KiB each. No pipeline has as many jobs in an hour."""

_SELECT: Final = """
SELECT s.id, s.principal_id, p.name, s.issuer, s.subject, s.claims, s.started, s.ends, s.ended,
       f.removed IS NULL AND p.disabled = 0, s.address, s.bound, s.other_address IS NOT NULL,
       s.token_sha256, s.secret_sha256
FROM ci_session s JOIN principal p ON p.id = s.principal_id JOIN federation_rule f ON f.principal_id = s.principal_id
"""
_BY_ID: Final = f"{_SELECT} WHERE s.id = ?"
_BY_TOKEN: Final = f"{_SELECT} WHERE s.token_sha256 = ? AND s.secret_sha256 IS NULL"
_BY_SECRET: Final = f"{_SELECT} WHERE s.secret_sha256 = ?"
_USED: Final = "SELECT session_id FROM used_token WHERE issuer = ? AND token_key = ?"
_USE: Final = "INSERT INTO used_token (issuer, token_key, session_id, forgotten) VALUES (?, ?, ?, ?)"

_INSERT: Final = """
INSERT INTO ci_session (id, principal_id, issuer, token_sha256, secret_sha256, subject, claims, started, ends, forgotten,
address, bound) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_IN_FORCE: Final = """
SELECT j.name FROM federation_rule f JOIN principal p ON p.id = f.principal_id JOIN project j ON j.id = f.project_id
WHERE f.principal_id = ? AND f.removed IS NULL AND p.disabled = 0
"""

_FORGET: Final = (
    "DELETE FROM ci_session WHERE id IN"
    " (SELECT id FROM ci_session WHERE forgotten < :now ORDER BY forgotten LIMIT :most)",
    "DELETE FROM used_token WHERE (issuer, token_key) IN"
    " (SELECT issuer, token_key FROM used_token WHERE forgotten < :now ORDER BY forgotten LIMIT :most)",
)

_COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM ci_session WHERE principal_id = ? LIMIT ?)"


_AT_WORK: Final = "SELECT 1 FROM ci_session WHERE id = ? AND principal_id = ? AND ended IS NULL AND ends > ?"

GRACE_SECONDS: Final = 120
"""How much longer than itself a session lets in what was on its way when its time was over; none that was ended does."""


def is_at_work(connection: sqlite3.Connection, session_id: str, principal_id: str, *, now: int) -> bool:
    """Return whether what a request of this session brings may still be committed."""
    row = connection.execute(_AT_WORK, (session_id, principal_id, now - GRACE_SECONDS)).fetchone()
    return row is not None


class SqliteCiSessions:
    """`SessionStore`. Each change writes its audit event in the same transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def session(self, session_id: str, *, now: int) -> Session | None:
        """Return the session with this id; whether it still serves is the caller's question."""
        return self._database.read_again(
            ("session", session_id), lambda connection: _one(connection, _BY_ID, session_id), now=now
        )

    async def session_by_token(self, token_sha256: bytes) -> Session | None:
        """Return the session that this very token stands for (SHA-256 of its text); none that a secret stands for."""
        return self._database.read(lambda connection: _one(connection, _BY_TOKEN, token_sha256))

    async def session_by_secret(self, secret_sha256: bytes) -> Session | None:
        """Return the session that this secret stands for."""
        return self._database.read(lambda connection: _one(connection, _BY_SECRET, secret_sha256))

    async def open(self, opening: Opening, *, now: int) -> Opened:
        """Open the session; the one that is there, where the same bytes opened it and no secret stands for either.

        `NotOpened` for other bytes for the same use, a use that was had already, a rule that is in force no more or has
        `MAX_SESSIONS`.
        """

        def change(connection: sqlite3.Connection) -> Opened:
            used = connection.execute(_USED, (opening.issuer, opening.token_key)).fetchone()
            if used is not None:
                return _joined(connection.execute(_BY_ID, used).fetchone(), opening)
            rule = connection.execute(_IN_FORCE, (opening.principal_id,)).fetchone()
            if rule is None:
                return NotOpened("its rule was removed or disabled meanwhile")
            for statement in _FORGET:
                connection.execute(statement, {"now": now, "most": MAX_FORGOTTEN})
            if connection.execute(_COUNT, (opening.principal_id, MAX_SESSIONS)).fetchone()[0] >= MAX_SESSIONS:
                return NotOpened(f"its rule has {MAX_SESSIONS} sessions")
            _insert(connection, opening, now=now)
            data: JsonObject = {
                "session": opening.id,
                "issuer": opening.issuer,
                "subject": opening.subject,
                "claims": dict(opening.claims),
                "address": opening.address,
                "ends": opening.ends,
                "proof": "token" if opening.secret_sha256 is None else "exchange",
            }
            insert_event(
                connection,
                EventKind.SESSION_OPENED,
                principal_id=opening.principal_id,
                project=rule[0],
                data=data,
                now=now,
            )
            return _session(connection.execute(_BY_ID, (opening.id,)).fetchone())

        return await self._database.write(change)

    async def note_address(self, session_id: str, address: str, *, now: int) -> None:
        """Take note of the first client address other than the one that opened the session; of no third one."""

        def change(connection: sqlite3.Connection) -> None:
            changed = connection.execute(
                "UPDATE ci_session SET other_address = ? WHERE id = ? AND other_address IS NULL AND address <> ?",
                (address, session_id, address),
            ).rowcount
            session = _one(connection, _BY_ID, session_id)
            if changed and session is not None:
                data = {"session": session.id, "opened_from": session.address, "address": address}
                _event(connection, EventKind.SESSION_ADDRESS, session, by=session.principal, data=data, now=now)

        await self._database.write(change)

    async def end(self, session_id: str, *, by: Principal, address: str, now: int) -> None:
        """End the session at once and for good; nothing where it was ended or is over."""

        def change(connection: sqlite3.Connection) -> None:
            changed = connection.execute(
                "UPDATE ci_session SET ended = ? WHERE id = ? AND ended IS NULL AND ends > ?", (now, session_id, now)
            ).rowcount
            session = _one(connection, _BY_ID, session_id)
            if changed and session is not None:
                data = {"session": session.id, "address": address}
                _event(connection, EventKind.SESSION_ENDED, session, by=by, data=data, now=now)

        await self._database.write(change)


def _joined(row: sqlite3.Row | None, opening: Opening) -> Opened:
    """Return the session of a use that was had, where ``opening`` is the same use by the same bytes."""
    if row is None:
        return NotOpened("it was used before, in a project that is gone")
    token_sha256, secret_sha256 = row[13], row[14]
    if token_sha256 != opening.token_sha256:
        return NotOpened("another token with its jti was used before")
    if secret_sha256 is not None or opening.secret_sha256 is not None:
        return NotOpened("it was used before, and a token is exchanged once and used nowhere else")
    return _session(row)


def _insert(connection: sqlite3.Connection, opening: Opening, *, now: int) -> None:
    forgotten = max(opening.ends, opening.token_expires) + KEPT_SECONDS
    connection.execute(_USE, (opening.issuer, opening.token_key, opening.id, forgotten))
    connection.execute(
        _INSERT,
        (
            opening.id,
            opening.principal_id,
            opening.issuer,
            opening.token_sha256,
            opening.secret_sha256,
            opening.subject,
            claims_json(opening.claims),
            now,
            opening.ends,
            forgotten,
            opening.address,
            int(opening.bound),
        ),
    )


def _event(
    connection: sqlite3.Connection,
    kind: EventKind,
    session: Session,
    *,
    by: Principal,
    data: dict[str, str],
    now: int,
) -> None:
    project = connection.execute(
        "SELECT j.name FROM federation_rule f JOIN project j ON j.id = f.project_id WHERE f.principal_id = ?",
        (session.principal.id,),
    ).fetchone()
    insert_event(
        connection, kind, principal_id=by.id, project=None if project is None else project[0], data=dict(data), now=now
    )


def _one(connection: sqlite3.Connection, statement: str, term: str | bytes) -> Session | None:
    row = connection.execute(statement, (term,)).fetchone()
    return None if row is None else _session(row)


def _session(row: sqlite3.Row) -> Session:
    return Session(
        id=row[0],
        principal=Principal(row[1], PrincipalKind.WORKLOAD, row[2]),
        issuer=row[3],
        subject=row[4],
        claims=json.loads(row[5]),
        started=row[6],
        ends=row[7],
        ended=row[8],
        active=bool(row[9]),
        address=row[10],
        bound=bool(row[11]),
        elsewhere=bool(row[12]),
    )
