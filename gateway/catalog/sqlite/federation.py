"""Federation rules: added, removed, and found for a token. A rule is a principal, its role a binding like any other.

A rule is never changed: removed and added again it is another principal, so whatever the old one asked for and still waits
is dropped. Its name is given to a new one then, its id never.

I/O: reads and writes of the catalog.
Source: issue 5, item 3; INTERFACE 3; DESIGN 2 ("Present rights").
"""

import functools
import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.access.values import Role
from gateway.audit.events import EventKind
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.members import bind
from gateway.catalog.sqlite.principal_names import check_workload
from gateway.catalog.sqlite.principal_rows import free_name, insert_principal, principal_row
from gateway.catalog.sqlite.projects import project_id
from gateway.catalog.values import RuleRow
from gateway.errors import Conflict, NameUnknown
from gateway.identity.federation.rule import FederationRule, read_rule
from gateway.identity.federation.stores import StoredRule
from gateway.identity.names import workload_name
from gateway.identity.values import Principal, PrincipalKind

MAX_RULES: Final = 1_000
"""Of one issuer: each of its tokens is compared with all of them."""

_OF_ISSUER: Final = """
SELECT p.id, p.name, f.document FROM federation_rule f JOIN principal p ON p.id = f.principal_id
WHERE f.issuer = ? AND f.removed IS NULL AND p.disabled = 0 ORDER BY p.name
"""

_ALL: Final = """
SELECT p.id, p.name, p.disabled, p.created, f.document,
       (SELECT max(started) FROM ci_session s WHERE s.principal_id = p.id),
       (SELECT count(*) FROM ci_session s WHERE s.principal_id = p.id AND s.ended IS NULL AND s.ends > :now)
FROM federation_rule f JOIN principal p ON p.id = f.principal_id WHERE f.removed IS NULL ORDER BY p.name
"""


_CALLED: Final = """
SELECT 1 FROM principal WHERE kind = 'workload' AND (name = :name OR (name > :from AND name < :to)) LIMIT 1
"""
"""Of those that were removed the name is kept with their id behind a tilde (`principal_rows.free_name`)."""


@functools.lru_cache(maxsize=4096)
def stored_rule(document: str) -> FederationRule:
    """Return the rule that was stored as ``document``, parsed when it was added.

    Which of its claims are immutable was asked then, and is asked again where a token is matched.
    """
    return read_rule(document.encode(), where="a stored federation rule")


class SqliteFederation:
    """`FederationAdmin` and `RuleStore`. Each change writes its audit event in the same transaction."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add_rule(self, principal: Principal, document: str, *, by: Principal, now: int) -> None:
        """Put the rule in force, bound to its role in its project.

        Raises `NameUnknown` for an unknown project, `Conflict` where its name is taken, where ``principal`` is not named
        after it, and where its issuer has `MAX_RULES`.
        """
        rule = stored_rule(document)
        check_workload(principal, rule.name)

        def change(connection: sqlite3.Connection) -> None:
            project = project_id(connection, rule.project)
            known = principal_row(connection, principal.name)
            if known is not None and known.revoked is None:
                raise Conflict(
                    f"there is a rule called {rule.name}: remove it first, a changed rule is a new principal"
                )
            count = connection.execute(
                "SELECT count(*) FROM federation_rule WHERE issuer = ? AND removed IS NULL", (rule.issuer,)
            ).fetchone()[0]
            if count >= MAX_RULES:
                raise Conflict(f"{rule.issuer} has {count} rules, which is the most: remove one")
            free_name(connection, known)
            insert_principal(connection, principal, by=by, now=now)
            connection.execute(
                "INSERT INTO federation_rule (principal_id, project_id, issuer, document) VALUES (?, ?, ?, ?)",
                (principal.id, project, rule.issuer, document),
            )
            data = {"principal": principal.id, "name": rule.name, "issuer": rule.issuer, "rule": document}
            insert_event(
                connection,
                EventKind.FEDERATION_ADDED,
                principal_id=by.id,
                project=rule.project.text,
                data=dict(data),
                now=now,
            )
            bind(connection, project, rule.project, principal.id, Role(rule.role), by=by, now=now)

        await self._database.write(change)

    async def remove_rule(self, name: str, *, by: Principal, now: int) -> int:
        """End the rule called ``name`` and its sessions at once, for good; return how many sessions were open.

        Raises `NameUnknown`.
        """

        def change(connection: sqlite3.Connection) -> int:
            row = principal_row(connection, workload_name(name))
            if row is None or row.kind != PrincipalKind.WORKLOAD or row.revoked is not None:
                raise NameUnknown(f"there is no federation rule {name}: see `registry-gateway federation list`")
            connection.execute("UPDATE federation_rule SET removed = ? WHERE principal_id = ?", (now, row.id))
            connection.execute("DELETE FROM member WHERE principal_id = ?", (row.id,))
            ended = connection.execute(
                "UPDATE ci_session SET ended = ? WHERE principal_id = ? AND ended IS NULL AND ends > ?",
                (now, row.id, now),
            ).rowcount
            insert_event(
                connection,
                EventKind.FEDERATION_REMOVED,
                principal_id=by.id,
                project=row.project,
                data={"principal": row.id, "name": name, "sessions_ended": ended},
                now=now,
            )
            return ended

        return await self._database.write(change)

    async def is_rule(self, name: str) -> bool:
        """Return whether a rule is called ``name``, or was: also one that is disabled or removed."""
        return self._database.read(lambda connection: connection.execute(_CALLED, _called(name)).fetchone() is not None)

    async def listed(self, *, now: int) -> Sequence[RuleRow]:
        """Return the rules in force by name, disabled ones included."""
        rows = await self._database.read_aside(lambda connection: connection.execute(_ALL, {"now": now}).fetchall())
        return [
            RuleRow(
                principal=Principal(row[0], PrincipalKind.WORKLOAD, row[1]),
                rule=stored_rule(row[4]),
                disabled=bool(row[2]),
                created=row[3],
                last_used=row[5],
                sessions=row[6],
            )
            for row in rows
        ]

    async def rules(self, issuer: str) -> Sequence[StoredRule]:
        """Return the rules of the issuer called ``issuer`` whose principals are active, by name."""
        rows = self._database.read(lambda connection: connection.execute(_OF_ISSUER, (issuer,)).fetchall())
        return [StoredRule(Principal(row[0], PrincipalKind.WORKLOAD, row[1]), stored_rule(row[2])) for row in rows]


def _called(name: str) -> dict[str, str]:
    principal = workload_name(name)
    return {"name": principal, "from": f"{principal}~", "to": f"{principal}\x7f"}
