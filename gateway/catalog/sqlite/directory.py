"""Who is what, at this moment: standings, accounts and robots by point reads.

A standing is remembered only while nothing was committed since, so a member that is removed, an account that is disabled
and a robot that is revoked are so for the next request of every worker. Never a right: those are `gateway.access`'s,
computed from a standing.

I/O: reads of the catalog, inline.
Source: DESIGN 3 and 5; INTERFACE 3.
"""

import sqlite3
from typing import Final

from gateway.access import rights
from gateway.access.values import InstanceRole, Mode, ProjectFacts, Role, Standing, Visibility
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.federation import stored_rule
from gateway.identity.values import (
    ANONYMOUS,
    MACHINES,
    SYSTEM,
    LocalAccount,
    Principal,
    PrincipalKind,
    Robot,
    kind_of,
)
from gateway.oci.names import RepositoryName

_PROJECT: Final = """
SELECT id, name, mode, visibility, created, writers_read_held, trust_revision, policy_revision, waiver_revision,
    held_seconds
FROM project WHERE name IN ({names})
"""
"""Projects are prefix-free, so that at most one row matches; each name is a search of the unique index."""

_PRINCIPAL: Final = """
SELECT p.kind, p.name, p.disabled, coalesce(r.project_id, f.project_id), r.expires, coalesce(r.revoked, f.removed),
       r.quarantine_read,
       (SELECT group_concat(role) FROM instance_role WHERE principal_id = p.id),
       (SELECT group_concat(role) FROM member WHERE project_id = :project AND principal_id = p.id), f.document
FROM principal p LEFT JOIN robot r ON r.principal_id = p.id LEFT JOIN federation_rule f ON f.principal_id = p.id
WHERE p.id = :id
"""

_ACCOUNT: Final = """
SELECT p.id, p.name, a.password_hash, p.disabled
FROM principal p JOIN account a ON a.principal_id = p.id WHERE p.name = ?
"""

_ROBOT: Final = """
SELECT p.id, p.name, j.name, r.expires, r.revoked, p.disabled
FROM robot r JOIN principal p ON p.id = r.principal_id JOIN project j ON j.id = r.project_id
WHERE r.secret_sha256 = ?
"""


def read_project(connection: sqlite3.Connection, repository: RepositoryName) -> ProjectFacts | None:
    """Return the project that ``repository`` belongs to, or None where none claims the name."""
    prefixes = repository.prefixes
    statement = _PROJECT.format(names=",".join("?" * len(prefixes)))
    row = connection.execute(statement, prefixes).fetchone()
    if row is None:
        return None
    return ProjectFacts(
        id=row[0],
        name=row[1],
        mode=Mode(row[2]),
        visibility=Visibility(row[3]),
        created_at=row[4],
        writers_read_held=bool(row[5]),
        trust_revision=row[6],
        policy_revision=row[7],
        waiver_revision=row[8],
        held_seconds=row[9],
    )


def read_standing(
    connection: sqlite3.Connection, principal_id: str, repository: RepositoryName, *, now: int | None
) -> Standing | None:
    """Return what the principal is in the project of ``repository``; None where no project claims the name.

    Two point reads. An unknown principal is inactive, and so is one that is disabled, revoked or expired: it keeps no
    role, so that a caller who forgot to ask for ``active`` would still find nothing. A robot or workload has roles in its
    own project only, whatever rows there are, and a workload in the repositories that its rule reaches.

    ``now`` None: of somebody who does not call, but asked for something earlier. Then bindings count, and not that the
    secret has expired with which he asked (DESIGN 2, "Present rights").
    """
    project = read_project(connection, repository)
    if project is None:
        return None
    fixed = _fixed(principal_id)
    if fixed is not None:
        principal, instance_roles = fixed
        return Standing(principal, True, project, frozenset(), instance_roles, quarantine_read=True)
    row = connection.execute(_PRINCIPAL, {"id": principal_id, "project": project.id}).fetchone()
    if row is None:
        return Standing(_unknown(principal_id), False, project, frozenset(), frozenset(), quarantine_read=False)
    principal, active, instance_roles = _read(principal_id, row, now=now)
    out_of_reach = principal.kind in MACHINES and (row[3] != project.id or not _reaches(row[9], repository))
    roles = frozenset[Role]() if not active or out_of_reach else frozenset(map(Role, _split(row[8])))
    return Standing(principal, active, project, roles, instance_roles, quarantine_read=row[6] is None or bool(row[6]))


def reads_held(connection: sqlite3.Connection, principal_id: str, repository: RepositoryName) -> bool:
    """Return whether somebody who asked for something earlier may read all that is held here: by bindings, as they are."""
    standing = read_standing(connection, principal_id, repository, now=None)
    return standing is not None and rights.reads_held(standing)


def read_principal(
    connection: sqlite3.Connection, principal_id: str, *, now: int
) -> tuple[Principal, bool, frozenset[InstanceRole]] | None:
    """Return the principal, whether it is active, and its instance roles; None if there never was one."""
    fixed = _fixed(principal_id)
    if fixed is not None:
        return fixed[0], True, fixed[1]
    row = connection.execute(_PRINCIPAL, {"id": principal_id, "project": None}).fetchone()
    return None if row is None else _read(principal_id, row, now=now)


def _fixed(principal_id: str) -> tuple[Principal, frozenset[InstanceRole]] | None:
    """Return a principal that is made by code and has no row: nobody can be called into existence with its id.

    Told by the whole id, never by a name (a robot called ``scanner-...`` was once taken for the system's scanner).
    """
    if principal_id == ANONYMOUS.id:
        return ANONYMOUS, frozenset()
    if principal_id == SYSTEM.id:
        return SYSTEM, frozenset({InstanceRole.ADMINISTRATOR})
    kind, colon, login = principal_id.partition(":")
    if kind == "os" and colon and login:
        return Principal(principal_id, PrincipalKind.OPERATOR, login), frozenset({InstanceRole.ADMINISTRATOR})
    return None


def _unknown(principal_id: str) -> Principal:
    return Principal(principal_id, kind_of(principal_id), principal_id)


def _reaches(document: str | None, repository: RepositoryName) -> bool:
    """Return whether the federation rule reaches ``repository``; whoever has none is not bounded by it."""
    return document is None or stored_rule(document).reaches(repository)


def _read(principal_id: str, row: sqlite3.Row, *, now: int | None) -> tuple[Principal, bool, frozenset[InstanceRole]]:
    principal = Principal(principal_id, PrincipalKind(row[0]), row[1])
    active = not row[2]
    if principal.kind in MACHINES:
        # No row of its kind: its project is gone. Expired at the second it expires; a rule never does.
        expired = row[4] is not None and now is not None and now >= row[4]
        active = active and row[3] is not None and row[5] is None and not expired
    instance = active and principal.kind is PrincipalKind.USER
    return principal, active, frozenset(map(InstanceRole, _split(row[7]))) if instance else frozenset()


def _split(roles: str | None) -> list[str]:
    return roles.split(",") if roles else []


class SqliteStandings:
    """Standings, accounts and robots: `StandingStore` and `AccountStore`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def standing(self, principal_id: str, repository: RepositoryName, *, now: int) -> Standing | None:
        """Return the standing of the principal in the project that ``repository`` belongs to; None where none does."""
        return self._database.read_again(
            ("standing", principal_id, repository.text),
            lambda connection: read_standing(connection, principal_id, repository, now=now),
            now=now,
        )

    async def principal(self, principal_id: str, *, now: int) -> tuple[Principal, bool, frozenset[InstanceRole]] | None:
        """Return the principal, whether it is active, and its instance roles; None if there never was one."""
        return self._database.read(lambda connection: read_principal(connection, principal_id, now=now))

    async def account_by_name(self, name: str) -> LocalAccount | None:
        """Return the local account called ``name``, disabled ones included."""
        row = self._database.read(lambda connection: connection.execute(_ACCOUNT, (name,)).fetchone())
        if row is None:
            return None
        return LocalAccount(Principal(row[0], PrincipalKind.USER, row[1]), password_hash=row[2], disabled=bool(row[3]))

    async def id_by_name(self, name: str) -> str | None:
        """Return the id of the principal called ``name``, of whatever kind and state."""
        row = self._database.read(
            lambda connection: connection.execute("SELECT id FROM principal WHERE name = ?", (name,)).fetchone()
        )
        return None if row is None else str(row[0])

    async def robot_by_secret(self, secret_sha256: bytes) -> Robot | None:
        """Return the robot whose secret has this SHA-256 (32 bytes), revoked and expired ones included.

        A disabled robot counts as revoked: its login has no other field to look at.
        """
        row = self._database.read(lambda connection: connection.execute(_ROBOT, (secret_sha256,)).fetchone())
        if row is None:
            return None
        return Robot(
            Principal(row[0], PrincipalKind.ROBOT, row[1]),
            project=row[2],
            expires_at=row[3],
            revoked=row[4] is not None or bool(row[5]),
        )
