"""Rows of `principal` with what makes them a robot or a workload: found by name or id, inserted, renamed.

I/O: reads and writes on the caller's connection.
Source: DESIGN 5; INTERFACE 3.
"""

import sqlite3
from typing import Final

from gateway.catalog.values import PrincipalRow
from gateway.errors import Conflict
from gateway.identity.values import Principal

SELECT: Final = """
SELECT p.id, p.kind, p.name, p.disabled, p.created, r.expires, coalesce(r.revoked, f.removed), j.name,
       CASE WHEN j.id IS NULL
            THEN (SELECT group_concat(role) FROM (SELECT role FROM instance_role WHERE principal_id = p.id ORDER BY role))
            ELSE (SELECT group_concat(role) FROM
                  (SELECT role FROM member WHERE project_id = j.id AND principal_id = p.id ORDER BY role))
       END
FROM principal p LEFT JOIN robot r ON r.principal_id = p.id LEFT JOIN federation_rule f ON f.principal_id = p.id
LEFT JOIN project j ON j.id = coalesce(r.project_id, f.project_id)
"""

_BY_NAME: Final = f"{SELECT} WHERE p.name = :name OR p.id = :name"
"""No name contains ``:`` and every id does, so that at most one row matches."""


def principal_row(connection: sqlite3.Connection, name: str) -> PrincipalRow | None:
    """Return the principal with this name or id."""
    row = connection.execute(_BY_NAME, {"name": name}).fetchone()
    return None if row is None else read_principal_row(row)


def read_principal_row(row: sqlite3.Row) -> PrincipalRow:
    """Return what a row of `SELECT` says."""
    return PrincipalRow(
        id=row[0],
        kind=row[1],
        name=row[2],
        disabled=bool(row[3]),
        created=row[4],
        expires=row[5],
        revoked=row[6],
        project=row[7],
        roles=tuple(row[8].split(",")) if row[8] else (),
    )


def insert_principal(connection: sqlite3.Connection, principal: Principal, *, by: Principal, now: int) -> None:
    """Insert a principal. Raises `Conflict` where its name or its id is taken."""
    if principal_row(connection, principal.name) is not None:
        raise Conflict(f"the name {principal.name} is taken")
    if principal_row(connection, principal.id) is not None:
        raise Conflict(f"the id {principal.id} is taken")
    connection.execute(
        "INSERT INTO principal (id, kind, name, created, created_by) VALUES (?, ?, ?, ?, ?)",
        (principal.id, principal.kind.value, principal.name, now, by.id),
    )


def free_name(connection: sqlite3.Connection, known: PrincipalRow | None) -> None:
    """Take its name from a machine that has ended, which audit keeps under its id. Raises `Conflict` for another one."""
    if known is None:
        return
    if known.revoked is None:
        raise Conflict(f"the name {known.name} is taken: rotate the robot, or revoke it first")
    renamed = f"{known.name}~{known.id.partition(':')[2]}"
    connection.execute("UPDATE principal SET name = ? WHERE id = ?", (renamed, known.id))
