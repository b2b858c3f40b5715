"""Projects: made, changed, and removed with everything that was in them.

I/O: reads and writes of the catalog.
Source: DESIGN 3 ("Modes") and 11 (prefix-free); INTERFACE 3.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.access.projects import check_prefix_free, check_project_name
from gateway.access.values import Mode, Visibility
from gateway.audit.events import EventKind
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.project_removal import remove_project
from gateway.catalog.sqlite.work import enqueue_work
from gateway.catalog.values import ProjectRow
from gateway.errors import Conflict, NameUnknown
from gateway.identity.values import Principal
from gateway.oci.names import ProjectName, RepositoryName
from gateway.oci.strict_json import JsonObject

HELD_BYTES_LIMIT: Final = 10 * 1024**3
"""DESIGN 3, "Held things wait"."""

HELD_SECONDS: Final = 7 * 24 * 3600
"""DESIGN 11."""

_STRICTNESS: Final = {Mode.WARN: 0, Mode.HOLD: 1, Mode.STRICT: 2}

_COLUMNS: Final = (
    "id, name, mode, visibility, writers_read_held, held_bytes, cache_bytes, held_bytes_limit, held_seconds, created"
)


class SqliteProjects:
    """`ProjectAdmin`. Each change writes its audit event in the same transaction."""

    def __init__(
        self, *, database: Database, held_bytes_limit: int = HELD_BYTES_LIMIT, held_seconds: int = HELD_SECONDS
    ) -> None:
        self._database = database
        self._held_bytes_limit = held_bytes_limit
        self._held_seconds = held_seconds

    async def create_project(
        self, name: ProjectName, *, mode: Mode, visibility: Visibility, by: Principal, now: int
    ) -> ProjectRow:
        """Create an empty project.

        Raises `Conflict` where the name, a prefix or an extension of it is one, `NameInvalid` for a reserved name.
        """
        check_project_name(name)

        def change(connection: sqlite3.Connection) -> ProjectRow:
            _check_prefix_free(connection, name)
            connection.execute(
                "INSERT INTO project (name, mode, visibility, held_bytes_limit, held_seconds, created)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (name.text, mode.value, visibility.value, self._held_bytes_limit, self._held_seconds, now),
            )
            insert_event(
                connection,
                EventKind.PROJECT_CREATED,
                principal_id=by.id,
                project=name.text,
                data={"mode": mode.value, "visibility": visibility.value},
                now=now,
            )
            return _project(connection, name)

        return await self._database.write(change)

    async def set_project(
        self,
        name: ProjectName,
        *,
        mode: Mode | None,
        visibility: Visibility | None,
        writers_read_held: bool | None,
        held_bytes_limit: int | None = None,
        by: Principal,
        reason: str | None,
        now: int,
    ) -> ProjectRow:
        """Change what is not None; what is so already is no change and no event.

        Raises `NameUnknown`, and `Conflict` for a looser mode without a reason. A mode is part of the rules that a
        manifest is judged by: its change counts as one of policy, and what waits in the project is judged again.
        """

        def change(connection: sqlite3.Connection) -> ProjectRow:
            old = _project(connection, name)
            new_mode = old.mode if mode is None else mode
            new_visibility = old.visibility if visibility is None else visibility
            new_read = old.writers_read_held if writers_read_held is None else writers_read_held
            new_limit = old.held_bytes_limit if held_bytes_limit is None else held_bytes_limit
            if _STRICTNESS[new_mode] < _STRICTNESS[old.mode] and not (reason or "").strip():
                raise Conflict(f"{name} would become looser ({old.mode} to {new_mode}): say why, with a reason")
            changed: JsonObject = {
                field: [before, after]
                for field, before, after in (
                    ("mode", old.mode.value, new_mode.value),
                    ("visibility", old.visibility.value, new_visibility.value),
                    ("writers_read_held", old.writers_read_held, new_read),
                    ("held_bytes_limit", old.held_bytes_limit, new_limit),
                )
                if before != after
            }
            if not changed:
                return old
            connection.execute(
                "UPDATE project SET mode = ?, visibility = ?, writers_read_held = ?, held_bytes_limit = ?,"
                " policy_revision = policy_revision + ? WHERE id = ?",
                (new_mode.value, new_visibility.value, int(new_read), new_limit, int("mode" in changed), old.id),
            )
            insert_event(
                connection,
                EventKind.PROJECT_CHANGED,
                principal_id=by.id,
                project=name.text,
                data={"changed": changed, "reason": reason},
                now=now,
            )
            if "mode" in changed:
                data = {"kind": "policy", "project": name.text}
                enqueue_work(connection, "rejudge", f"project:{name}", data, due=now)
            return _project(connection, name)

        return await self._database.write(change)

    async def delete_project(self, name: ProjectName, *, by: Principal, now: int) -> None:
        """Remove a project with all its rows; a re-created one starts empty. Raises `NameUnknown`.

        What audit holds (events, pulls, decisions) stays, and the event names the robots that are gone with it.
        """

        def change(connection: sqlite3.Connection) -> None:
            row = _project(connection, name)
            removed = remove_project(connection, row.id)
            insert_event(
                connection,
                EventKind.PROJECT_DELETED,
                principal_id=by.id,
                project=name.text,
                data={
                    "repositories": list(removed.repositories),
                    "manifests": removed.manifests,
                    "members": [{"principal": principal, "role": role} for principal, role in removed.members],
                    "machines": dict(removed.machines),
                },
                now=now,
            )

        await self._database.write(change)

    async def projects(self) -> Sequence[ProjectRow]:
        """Return all projects by name."""
        rows = await self._database.read_aside(
            lambda connection: connection.execute(f"SELECT {_COLUMNS} FROM project ORDER BY name").fetchall()  # noqa: S608 (a constant)
        )
        return [_row(row) for row in rows]


def project_id(connection: sqlite3.Connection, name: ProjectName) -> int:
    """Return the row id of the project. Raises `NameUnknown`."""
    row = connection.execute("SELECT id FROM project WHERE name = ?", (name.text,)).fetchone()
    if row is None:
        raise NameUnknown(f"there is no project {name}")
    return int(row[0])


def _check_prefix_free(connection: sqlite3.Connection, name: ProjectName) -> None:
    """Raise `Conflict` where a repository could belong to two projects: ``a`` and ``a/b``; ``a`` and ``ab`` are fine."""
    prefixes = RepositoryName(name.text).prefixes
    marks = ",".join("?" * len(prefixes))
    # "0" follows "/" in byte order: the range holds exactly what starts with the name and a slash.
    taken = connection.execute(
        f"SELECT name FROM project WHERE name IN ({marks}) UNION ALL"  # noqa: S608 (question marks only)
        " SELECT name FROM project WHERE name > ? AND name < ? LIMIT 1",
        (*prefixes, f"{name}/", f"{name}0"),
    ).fetchone()
    check_prefix_free(name, () if taken is None else (ProjectName(taken[0]),))


def _project(connection: sqlite3.Connection, name: ProjectName) -> ProjectRow:
    row = connection.execute(f"SELECT {_COLUMNS} FROM project WHERE name = ?", (name.text,)).fetchone()  # noqa: S608 (a constant)
    if row is None:
        raise NameUnknown(f"there is no project {name}")
    return _row(row)


def _row(row: sqlite3.Row) -> ProjectRow:
    return ProjectRow(
        id=row[0],
        name=row[1],
        mode=Mode(row[2]),
        visibility=Visibility(row[3]),
        writers_read_held=bool(row[4]),
        held_bytes=row[5],
        cache_bytes=row[6],
        held_bytes_limit=row[7],
        held_seconds=row[8],
        created=row[9],
    )
