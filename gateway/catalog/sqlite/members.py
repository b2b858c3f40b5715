"""Who belongs to a project, and who holds a role on the whole instance.

A robot belongs to its own project and never owns it: an owner makes robots and binds members, and a robot that could do
so would raise itself. Instance roles are for persons.

I/O: reads and writes of the catalog.
Source: INTERFACE 3; DESIGN 5 ("Instance roles go to persons"); Harbor #21028, CVE-2019-16919.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.access.values import InstanceRole, Role
from gateway.audit.events import EventKind
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.projects import project_id
from gateway.catalog.values import MemberRow
from gateway.errors import Conflict, NameUnknown
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName

_MEMBERS: Final = """
SELECT j.name, m.principal_id, coalesce(p.name, m.principal_id), coalesce(p.kind, 'user'), m.role, m.added
FROM project j JOIN member m ON m.project_id = j.id LEFT JOIN principal p ON p.id = m.principal_id
WHERE j.name = ? ORDER BY 3, 5
"""


class SqliteMembers:
    """`MemberAdmin`. Each change writes its audit event in the same transaction; what is so already is no change."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def add_member(self, project: ProjectName, principal_id: str, role: Role, *, by: Principal, now: int) -> None:
        """Bind; nothing where it is bound already.

        Raises `NameUnknown` for an unknown project or principal, `Conflict` for a robot of another project or as owner.
        """

        def change(connection: sqlite3.Connection) -> None:
            row = project_id(connection, project)
            check_bindable(connection, principal_id, row, role)
            bind(connection, row, project, principal_id, role, by=by, now=now)

        await self._database.write(change)

    async def remove_member(
        self, project: ProjectName, principal_id: str, role: Role | None, *, by: Principal, now: int
    ) -> int:
        """Unbind one role or all, at once; return how many were removed. Raises `NameUnknown` for an unknown project."""

        def change(connection: sqlite3.Connection) -> int:
            terms = {"project": project_id(connection, project), "principal": principal_id, "role": role}
            # Read and then deleted, since RETURNING has no order, and events are to have one.
            removed = connection.execute(
                "SELECT role FROM member WHERE project_id = :project AND principal_id = :principal"
                " AND (:role IS NULL OR role = :role) ORDER BY role",
                terms,
            ).fetchall()
            for (name,) in removed:
                connection.execute(
                    "DELETE FROM member WHERE project_id = ? AND principal_id = ? AND role = ?",
                    (terms["project"], principal_id, name),
                )
                insert_event(
                    connection,
                    EventKind.MEMBER_REMOVED,
                    principal_id=by.id,
                    project=project.text,
                    data={"principal": principal_id, "role": name},
                    now=now,
                )
            return len(removed)

        return await self._database.write(change)

    async def members(self, project: ProjectName) -> Sequence[MemberRow]:
        """Return the bindings of a project by name and role; none for a project that is not there."""
        rows = await self._database.read_aside(
            lambda connection: connection.execute(_MEMBERS, (project.text,)).fetchall()
        )
        return [MemberRow(*row) for row in rows]

    async def set_instance_role(
        self, principal_id: str, role: InstanceRole, *, granted: bool, by: Principal, now: int
    ) -> None:
        """Grant or take an instance role. Raises `NameUnknown`, and `Conflict` for anything but a user."""

        def change(connection: sqlite3.Connection) -> None:
            if _kind(connection, principal_id) is not PrincipalKind.USER:
                raise Conflict(f"{principal_id} is not a person: instance roles are for persons")
            if granted:
                statement = (
                    "INSERT INTO instance_role (principal_id, role, granted, granted_by) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING"
                )
                changed = connection.execute(statement, (principal_id, role.value, now, by.id)).rowcount
            else:
                statement = "DELETE FROM instance_role WHERE principal_id = ? AND role = ?"
                changed = connection.execute(statement, (principal_id, role.value)).rowcount
            if changed:
                insert_event(
                    connection,
                    EventKind.ROLE_GRANTED if granted else EventKind.ROLE_TAKEN,
                    principal_id=by.id,
                    data={"principal": principal_id, "role": role.value},
                    now=now,
                )

        await self._database.write(change)


def check_bindable(connection: sqlite3.Connection, principal_id: str, project: int, role: Role) -> None:
    """Raise `NameUnknown` for an unknown principal, `Conflict` for what a robot or a federation rule cannot be."""
    kind = _kind(connection, principal_id)
    if kind is PrincipalKind.WORKLOAD:
        raise Conflict("the rights of a federation rule are what it says: remove it, and add one that says otherwise")
    if kind is not PrincipalKind.ROBOT:
        return
    if role is Role.OWNER:
        raise Conflict("a robot cannot be owner: it could make robots and bind members, itself included")
    home = connection.execute("SELECT project_id FROM robot WHERE principal_id = ?", (principal_id,)).fetchone()
    if home is None or home[0] != project:
        raise Conflict("a robot belongs to the project it was made in, and to no other")


def bind(
    connection: sqlite3.Connection,
    row: int,
    project: ProjectName,
    principal_id: str,
    role: Role,
    *,
    by: Principal,
    now: int,
) -> None:
    """Bind in the caller's transaction, with the event; nothing where it is bound already."""
    changed = connection.execute(
        "INSERT INTO member (project_id, principal_id, role, added, added_by) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (row, principal_id, role.value, now, by.id),
    ).rowcount
    if changed:
        insert_event(
            connection,
            EventKind.MEMBER_ADDED,
            principal_id=by.id,
            project=project.text,
            data={"principal": principal_id, "role": role.value},
            now=now,
        )


def _kind(connection: sqlite3.Connection, principal_id: str) -> PrincipalKind:
    row = connection.execute("SELECT kind FROM principal WHERE id = ?", (principal_id,)).fetchone()
    if row is None:
        raise NameUnknown(f"there is no principal {principal_id}")
    return PrincipalKind(row[0])
