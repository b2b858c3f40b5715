"""The inputs that decisions were made from, by their digest.

That of an admission is kept for as long as the decision: it proves later who let what in. Whoever may push can have as many
of the others made as he sends requests, each up to a megabyte and each its own, since the time is in it. Of those a project
keeps the newest; their decisions keep the digest, the reasons and the revisions.

I/O: on the caller's connection.
Source: DESIGN 7; docs/decisions/0011-inputs-that-admitted-nothing-are-kept-in-bounds.md.
"""

import hashlib
from typing import Final

from gateway.catalog.sqlite.scope import Scope

MAX_PASSING_BYTES: Final = 64 * 1024 * 1024
"""Of the inputs that admitted nothing, for each project: thousands of usual ones."""

OLDEST: Final = "SELECT id, sha256, size FROM passing_input WHERE project_id = ? ORDER BY id LIMIT 1"


def keep_input(scope: Scope, document: bytes, *, admitted: bool, most: int = MAX_PASSING_BYTES) -> None:
    """Store the input of a decision under its SHA-256; of those that ``admitted`` nothing the newest ``most`` bytes."""
    sha256 = hashlib.sha256(document).hexdigest()
    new = scope.connection.execute(
        "INSERT INTO decision_input (sha256, document) VALUES (?, ?) ON CONFLICT (sha256) DO NOTHING",
        (sha256, document),
    ).rowcount
    if admitted:
        _stay(scope, sha256)
    elif new:
        scope.connection.execute(
            "INSERT INTO passing_input (project_id, sha256, size) VALUES (?, ?, ?)",
            (scope.project.id, sha256, len(document)),
        )
        _count(scope, scope.project.id, len(document))
        _drop_oldest(scope, most)


def _stay(scope: Scope, sha256: str) -> None:
    """Keep an input for good: the same one admitted something."""
    row = scope.connection.execute(
        "DELETE FROM passing_input WHERE sha256 = ? RETURNING project_id, size", (sha256,)
    ).fetchone()
    if row is not None:
        _count(scope, row[0], -row[1])


def _drop_oldest(scope: Scope, most: int) -> None:
    while _kept(scope) > most:
        row, sha256, size = scope.connection.execute(OLDEST, (scope.project.id,)).fetchone()
        scope.connection.execute("DELETE FROM passing_input WHERE id = ?", (row,))
        scope.connection.execute("DELETE FROM decision_input WHERE sha256 = ?", (sha256,))
        _count(scope, scope.project.id, -size)


def _kept(scope: Scope) -> int:
    row = scope.connection.execute("SELECT passing_bytes FROM project WHERE id = ?", (scope.project.id,)).fetchone()
    return int(row[0])


def _count(scope: Scope, project_id: int, more: int) -> None:
    scope.connection.execute("UPDATE project SET passing_bytes = passing_bytes + ? WHERE id = ?", (more, project_id))
