"""Removing a project: every row of every table that is about it.

Explicit deletes and no cascade, children before parents (a test compares the tables' counts with those before the project
was made, so a new table that is forgotten here fails it). What stays is what others share (`blob`, `signer`: bytes and
keys, not rights) and what audit keeps: events, pulls and decisions. Decisions are found by the repository's name; they are
moved to a name that no repository can have, so that a new project of the same name does not show its owners the old one's.

I/O: writes on the caller's connection.
Source: DESIGN 3 and 8; Harbor 89e1c4b, PYPI26-13 (rights that outlived what they were on).
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

_REPOSITORIES: Final = "SELECT id FROM repository WHERE project_id = :project"
_MANIFESTS: Final = f"SELECT id FROM manifest WHERE repo_id IN ({_REPOSITORIES})"  # noqa: S608 (constants)

_BY_MANIFEST: Final = (
    ("body", "manifest_id"),
    ("entry", "index_id"),
    ("support", "manifest_id"),
    ("verified", "evidence_id"),
)
_BY_REPOSITORY: Final = (
    "alias",
    "edge",
    "referrer",
    "missing",
    "tag",
    "link",
    "repo_blob",
    "holder",
    "subject_state",
    "manifest",
)
_BY_PROJECT: Final = ("repository", "upload", "tombstone", "member", "passing_input")
_BY_MACHINE: Final = (
    ("robot", "principal_id"),
    ("ci_session", "principal_id"),
    ("federation_rule", "principal_id"),
    ("instance_role", "principal_id"),
    ("member", "principal_id"),
    ("principal", "id"),
)


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed, for the audit event.

    ``members`` are (principal id, role), ``machines`` (principal id, name): its robots and its federation rules.
    """

    repositories: tuple[str, ...]
    manifests: int
    members: tuple[tuple[str, str], ...]
    machines: tuple[tuple[str, str], ...]


def remove_project(connection: sqlite3.Connection, project: int) -> Removed:
    """Remove the project with this row id, and return what was in it."""
    name = connection.execute("SELECT name FROM project WHERE id = ?", (project,)).fetchone()[0]
    # Projects are prefix-free: every repository name under this one is its own, also one that was never stored (a
    # denied push leaves a decision and no repository). "0" follows "/" in byte order.
    terms = {"project": project, "name": name, "from": f"{name}/", "to": f"{name}0"}
    repositories = connection.execute(
        "SELECT name FROM repository WHERE project_id = :project ORDER BY name", terms
    ).fetchall()
    members = connection.execute(
        "SELECT principal_id, role FROM member WHERE project_id = :project ORDER BY 1, 2", terms
    ).fetchall()
    machines = connection.execute(
        "SELECT p.id, p.name FROM principal p WHERE p.id IN (SELECT principal_id FROM robot WHERE project_id = :project"
        " UNION ALL SELECT principal_id FROM federation_rule WHERE project_id = :project) ORDER BY p.name",
        terms,
    ).fetchall()
    connection.execute(
        "UPDATE decision SET manifest_id = NULL, repo_name = 'deleted:' || :project || ':' || repo_name"
        " WHERE repo_name = :name OR (repo_name > :from AND repo_name < :to)",
        terms,
    )
    connection.execute(
        "DELETE FROM work WHERE json_extract(data, '$.project') = :name OR json_extract(data, '$.repository') = :name"
        " OR (json_extract(data, '$.repository') > :from AND json_extract(data, '$.repository') < :to)",
        terms,
    )
    connection.execute(
        "DELETE FROM decision_input WHERE sha256 IN (SELECT sha256 FROM passing_input WHERE project_id = :project)",
        terms,
    )
    for table, column in _BY_MANIFEST:
        connection.execute(f"DELETE FROM {table} WHERE {column} IN ({_MANIFESTS})", terms)  # noqa: S608 (constants)
    manifests = 0
    for table in _BY_REPOSITORY:
        manifests = connection.execute(f"DELETE FROM {table} WHERE repo_id IN ({_REPOSITORIES})", terms).rowcount  # noqa: S608
    for table in _BY_PROJECT:
        connection.execute(f"DELETE FROM {table} WHERE project_id = :project", terms)  # noqa: S608 (constants)
    for table, column in _BY_MACHINE:
        connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", [(machine[0],) for machine in machines])  # noqa: S608
    connection.execute("DELETE FROM project WHERE id = :project", terms)
    return Removed(
        repositories=tuple(row[0] for row in repositories),
        manifests=manifests,
        members=tuple((row[0], row[1]) for row in members),
        machines=tuple((row[0], row[1]) for row in machines),
    )
