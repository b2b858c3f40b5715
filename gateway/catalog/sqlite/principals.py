"""Local accounts and robots: made, disabled, rotated, revoked.

Neither a password nor a robot's secret comes here: accounts bring an argon2id hash, robots the SHA-256 of 256 random bits.
A robot that was revoked stays so; its name may be given to a new one, its id never.

I/O: reads and writes of the catalog.
Source: DESIGN 5; INTERFACE 3; Harbor c080060 (a robot whose name was taken for the system's).
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.access.values import Role
from gateway.audit.events import EventKind
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.members import bind, check_bindable
from gateway.catalog.sqlite.principal_names import check_account, check_robot
from gateway.catalog.sqlite.principal_rows import (
    SELECT,
    free_name,
    insert_principal,
    principal_row,
    read_principal_row,
)
from gateway.catalog.sqlite.projects import project_id
from gateway.catalog.values import PrincipalRow
from gateway.errors import Conflict, Internal, NameUnknown
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName
from gateway.oci.strict_json import JsonObject

_LIST: Final = f"""{SELECT}
WHERE (:kind IS NULL OR p.kind = :kind)
  AND (:project IS NULL OR j.name = :project OR EXISTS
       (SELECT 1 FROM member m JOIN project x ON x.id = m.project_id WHERE m.principal_id = p.id AND x.name = :project))
ORDER BY p.name
"""  # noqa: S608 (a constant)


class SqlitePrincipals:
    """`PrincipalAdmin`. Each change writes its audit event in the same transaction; what is so already is no change."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def create_account(self, principal: Principal, password_hash: str, *, by: Principal, now: int) -> None:
        """Create a local account. Raises `Conflict` where the name is taken, reserved or outside the grammar."""
        check_account(principal)

        def change(connection: sqlite3.Connection) -> None:
            insert_principal(connection, principal, by=by, now=now)
            connection.execute(
                "INSERT INTO account (principal_id, password_hash, changed) VALUES (?, ?, ?)",
                (principal.id, password_hash, now),
            )
            data = _named(principal.id, principal.name)
            insert_event(connection, EventKind.ACCOUNT_CREATED, principal_id=by.id, data=data, now=now)

        await self._database.write(change)

    async def set_disabled(self, name: str, *, disabled: bool, by: Principal, now: int) -> None:
        """Disable or enable the principal with this name or id: at once. Raises `NameUnknown`."""

        def change(connection: sqlite3.Connection) -> None:
            row = _find(connection, name)
            changed = connection.execute(
                "UPDATE principal SET disabled = ? WHERE id = ? AND disabled <> ?",
                (int(disabled), row.id, int(disabled)),
            ).rowcount
            if changed:
                kind = EventKind.PRINCIPAL_DISABLED if disabled else EventKind.PRINCIPAL_ENABLED
                data = _named(row.id, row.name)
                insert_event(connection, kind, principal_id=by.id, project=row.project, data=data, now=now)

        await self._database.write(change)

    async def put_robot(
        self,
        principal: Principal,
        project: ProjectName,
        *,
        secret_sha256: bytes,
        expires: int,
        quarantine_read: bool,
        role: Role | None,
        by: Principal,
        now: int,
    ) -> None:
        """Create the robot, bound to ``role``; or, without a role, give the one with this name a new secret and expiry.

        A rotation keeps the id, the role and ``quarantine_read``, and does not lift a revocation. Raises `NameUnknown` for
        an unknown project or, without a role, robot; `Conflict` for a name that is taken or is not of this project, a
        revoked robot, the role owner, and a secret that is another's.
        """
        check_robot(principal, project)
        if len(secret_sha256) != 32:
            raise Internal("a robot's secret is stored as a SHA-256, 32 bytes")

        def change(connection: sqlite3.Connection) -> None:
            row = project_id(connection, project)
            known = principal_row(connection, principal.name)
            if role is None:
                robot = _rotatable(known, principal.name)
                statement = "UPDATE robot SET secret_sha256 = ?, expires = ? WHERE principal_id = ?"
                connection.execute(statement, (secret_sha256, expires, robot))
                kind, identifier = EventKind.ROBOT_ROTATED, robot
            else:
                free_name(connection, known)
                insert_principal(connection, principal, by=by, now=now)
                connection.execute(
                    "INSERT INTO robot (principal_id, project_id, secret_sha256, expires, quarantine_read)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (principal.id, row, secret_sha256, expires, int(quarantine_read)),
                )
                check_bindable(connection, principal.id, row, role)
                kind, identifier = EventKind.ROBOT_CREATED, principal.id
            data = _named(identifier, principal.name) | {"expires": expires}
            insert_event(connection, kind, principal_id=by.id, project=project.text, data=data, now=now)
            if role is not None:
                bind(connection, row, project, principal.id, role, by=by, now=now)

        try:
            await self._database.write(change)
        except sqlite3.IntegrityError:
            raise Conflict("this secret or this id is already in use") from None

    async def revoke_robot(self, name: str, *, by: Principal, now: int) -> None:
        """End the robot with this name or id at once, for good. Raises `NameUnknown`, also for what is no robot."""

        def change(connection: sqlite3.Connection) -> None:
            row = _find(connection, name)
            if row.kind != PrincipalKind.ROBOT:
                raise NameUnknown(f"there is no robot {name}")
            changed = connection.execute(
                "UPDATE robot SET revoked = ? WHERE principal_id = ? AND revoked IS NULL", (now, row.id)
            ).rowcount
            if changed:
                data = _named(row.id, row.name)
                insert_event(
                    connection, EventKind.ROBOT_REVOKED, principal_id=by.id, project=row.project, data=data, now=now
                )

        await self._database.write(change)

    async def principals(self, *, kind: str | None, project: ProjectName | None) -> Sequence[PrincipalRow]:
        """Return principals by name: of one kind, and of one project (its robots and its members), where given.

        ``roles`` are a robot's in its project, a user's on the instance.
        """
        terms = {"kind": kind, "project": None if project is None else project.text}
        rows = await self._database.read_aside(lambda connection: connection.execute(_LIST, terms).fetchall())
        return [read_principal_row(row) for row in rows]

    async def principal_by_name(self, name: str) -> PrincipalRow | None:
        """Return the principal with this name or id."""
        return self._database.read(lambda connection: principal_row(connection, name))


def _rotatable(known: PrincipalRow | None, name: str) -> str:
    """Return the id of the robot that may get a new secret. Raises `NameUnknown`, `Conflict`."""
    if known is None:
        raise NameUnknown(f"there is no robot {name}")
    if known.revoked is not None:
        raise Conflict(f"{name} was revoked, which is for good: create it anew, with a role")
    return known.id


def _find(connection: sqlite3.Connection, name: str) -> PrincipalRow:
    row = principal_row(connection, name)
    if row is None:
        raise NameUnknown(f"there is no principal {name}")
    return row


def _named(principal_id: str, name: str) -> JsonObject:
    return {"principal": principal_id, "name": name}
