"""Blobs that a repository has and no manifest has named yet, and repositories that hold nothing else.

Every push begins with them, so they are let in on the right to push alone; and they cost their bringer nothing, most of all
where he mounts them. So they are counted, of one principal in one project, and end as uploads that nobody finishes.

I/O: on the caller's connection.
Source: DESIGN 4 ("Upload sessions").
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import sqlite3
from typing import Final

from gateway.errors import TooManyRequests
from gateway.identity.values import Principal
from gateway.oci.names import RepositoryName

MAX_LOOSE: Final = 2000
"""Blobs of one principal in one project that no manifest names yet: an index with as many layers, all brought before it.

They count apart from sessions, so that one image of any size can be pushed, and end as sessions do.
"""
MAX_BARE: Final = 100
"""Repositories of one principal in one project that hold nothing but such blobs: as many first pushes at one time."""
RETRY_SECONDS: Final = 30

LOOSE: Final = """SELECT 1 FROM repo_blob k JOIN repository r ON r.id = k.repo_id
WHERE k.loose IS NOT NULL AND k.linked_by = :principal AND r.project_id = :project LIMIT 1 OFFSET :others"""
BARE: Final = """SELECT DISTINCT k.repo_id FROM repo_blob k JOIN repository r ON r.id = k.repo_id
WHERE k.loose IS NOT NULL AND k.linked_by = :principal AND r.project_id = :project
AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.repo_id = k.repo_id) LIMIT 1 OFFSET :others"""
LOOSE_BEFORE: Final = "SELECT repo_id, blob_id FROM repo_blob WHERE loose < ? ORDER BY loose LIMIT ?"

# A tag that was deleted, a subject that was judged, a revocation that holds in this repository alone: each is kept by its
# row, and would not hold in another one of the same name.
_HOLDS: Final = (
    "SELECT 1 FROM repo_blob o WHERE o.repo_id = r.id",
    "SELECT 1 FROM manifest o WHERE o.repo_id = r.id",
    "SELECT 1 FROM tag o WHERE o.repo_id = r.id",
    "SELECT 1 FROM subject_state o WHERE o.repo_id = r.id",
    "SELECT 1 FROM tombstone o WHERE o.project_id = r.project_id AND o.repo_id = r.id",
)
_REMOVE: Final = (
    f"DELETE FROM repository AS r WHERE r.id = ? AND {' AND '.join(f'NOT EXISTS ({query})' for query in _HOLDS)}"
)


def check_room(
    connection: sqlite3.Connection, project_id: int, repository: RepositoryName, *, principal: Principal
) -> None:
    """Raise `TooManyRequests` where the principal may bring no other blob to ``repository``, which may not exist.

    In the transaction of what it is asked for, so that requests at one time do not pass together.
    """
    values = {"project": project_id, "principal": principal.id}
    if connection.execute(LOOSE, {**values, "others": MAX_LOOSE - 1}).fetchone() is not None:
        raise TooManyRequests(
            f"{MAX_LOOSE} blobs in this project wait for a manifest that names them: put those manifests first",
            retry_after_seconds=RETRY_SECONDS,
        )
    if connection.execute("SELECT 1 FROM repository WHERE name = ?", (repository.text,)).fetchone() is not None:
        return
    if connection.execute(BARE, {**values, "others": MAX_BARE - 1}).fetchone() is not None:
        raise TooManyRequests(
            f"{MAX_BARE} repositories in this project wait for their first manifest: put those manifests first",
            retry_after_seconds=RETRY_SECONDS,
        )


def is_here(connection: sqlite3.Connection, repository: RepositoryName, digest: str) -> bool:
    """Return whether the repository has the blob: to have it once more adds nothing."""
    found = connection.execute(
        """SELECT 1 FROM repository r JOIN blob b ON b.digest = ?
        JOIN repo_blob k ON k.repo_id = r.id AND k.blob_id = b.id WHERE r.name = ?""",
        (digest, repository.text),
    ).fetchone()
    return found is not None


def drop_loose(connection: sqlite3.Connection, *, before: int, limit: int) -> int:
    """Take blobs from their repositories that no manifest has named since ``before`` (Unix seconds); return how many.

    A repository that holds nothing then goes with them.
    """
    rows = connection.execute(LOOSE_BEFORE, (before, limit)).fetchall()
    connection.executemany("DELETE FROM repo_blob WHERE repo_id = ? AND blob_id = ?", rows)
    connection.executemany("DELETE FROM holder WHERE repo_id = ? AND blob_id = ?", rows)
    for repo_id in dict.fromkeys(row[0] for row in rows):
        remove_if_empty(connection, repo_id)
    return len(rows)


def remove_if_empty(connection: sqlite3.Connection, repo_id: int) -> None:
    """Remove a repository that holds nothing and that nothing is remembered of; its row id is never used again."""
    connection.execute(_REMOVE, (repo_id,))
