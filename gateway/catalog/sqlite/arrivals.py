"""A blob arrives in a repository: what waited for it is linked to it, and judged again.

Thousands may wait for one base layer, and its upload must not wait for them, nor the writer that all writes share: the
first few are completed in the transaction of the arrival, the others page by page by background work that it asks for.
What waits, and whether it names the blob itself, is in `missing`: no manifest is read.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts").
"""

import sqlite3
from typing import Final

from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.putting import ask_again, may_name
from gateway.catalog.sqlite.scope import Scope, create_repository, open_scope
from gateway.catalog.sqlite.work import enqueue_work
from gateway.errors import Internal, NameUnknown
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

WORK: Final = "arrival"
"""The kind of the work that completes the rest."""

AT_ONCE: Final = 16
"""Completed in the transaction of the arrival itself: nearly always one."""

PAGE: Final = 250
"""Completed in one transaction of background work: about 5 ms of the writer."""

WAITING: Final = """SELECT w.parent_id, w.named, p.sha256, p.who FROM missing w JOIN manifest p ON p.id = w.parent_id
WHERE w.repo_id = ? AND w.digest = ? AND w.parent_id > ? ORDER BY w.parent_id LIMIT ?"""


def link_blob(
    connection: sqlite3.Connection,
    repository: RepositoryName,
    digest: Digest,
    size: int,
    *,
    principal: Principal,
    now: int,
) -> None:
    """Make the blob belong to the repository. Raises `NameUnknown`, and `Internal` for two sizes of one digest."""
    project = read_project(connection, repository)
    if project is None:
        raise NameUnknown(f"no project claims {repository}")
    create_repository(connection, project, repository, now=now)
    scope = open_scope(connection, project, repository, now=now)
    connection.execute(
        "INSERT INTO blob (digest, size) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING", (str(digest), size)
    )
    blob_id, known_size = connection.execute("SELECT id, size FROM blob WHERE digest = ?", (str(digest),)).fetchone()
    if known_size != size:
        raise Internal(f"{digest} is {known_size} bytes long, and was said to be {size}")
    connection.execute(
        """INSERT INTO repo_blob (repo_id, blob_id, linked, linked_by) VALUES (?, ?, ?, ?)
        ON CONFLICT (repo_id, blob_id) DO NOTHING""",
        (scope.repo_id, blob_id, now, principal.id),
    )
    connection.execute(
        "INSERT INTO holder (repo_id, blob_id, principal_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (scope.repo_id, blob_id, principal.id),
    )
    _complete(scope, digest, blob_id, brought_by=principal.id, after=0, limit=AT_ONCE)


def complete_waiting(
    connection: sqlite3.Connection,
    repository: RepositoryName,
    digest: Digest,
    *,
    brought_by: str,
    after: int,
    now: int,
    page: int = PAGE,
) -> None:
    """Complete the next page of what waits for a blob; nothing where blob, repository or project are gone."""
    project = read_project(connection, repository)
    if project is None:
        return
    scope = open_scope(connection, project, repository, now=now)
    found = connection.execute(
        "SELECT b.id FROM blob b JOIN repo_blob k ON k.blob_id = b.id WHERE b.digest = ? AND k.repo_id = ?",
        (str(digest), scope.known_repo_id),
    ).fetchone()
    if found is not None:
        _complete(scope, digest, found[0], brought_by=brought_by, after=after, limit=page)


def _complete(scope: Scope, digest: Digest, blob_id: int, *, brought_by: str, after: int, limit: int) -> None:
    """Complete its bringer's own manifests, and those of whoever may read what others bring; ask for the next page."""
    page = scope.connection.execute(WAITING, (scope.repo_id, str(digest), after, limit)).fetchall()
    writers = {who: may_name(scope, who, brought_by=brought_by) for who in {row[3] for row in page}}
    completed = [row for row in page if writers[row[3]]]
    scope.connection.executemany(
        # An index waits for what its children name; only what names a blob itself is linked to it, and shows it.
        "INSERT INTO link (repo_id, blob_id, manifest_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(scope.repo_id, blob_id, parent_id) for parent_id, named, _, _ in completed if named],
    )
    for _, _, sha256, _ in completed:
        ask_again(scope, sha256, kind="missing-part")
    scope.connection.executemany(
        "DELETE FROM missing WHERE repo_id = ? AND digest = ? AND parent_id = ?",
        [(scope.repo_id, str(digest), parent_id) for parent_id, _, _, _ in completed],
    )
    if len(page) == limit:
        last = page[-1][0]
        data = {
            "repository": scope.repository.text,
            "digest": str(digest),
            "brought_by": brought_by,
            "after": str(last),
        }
        key = f"{scope.repository}@{digest}<{brought_by}>{last}"
        enqueue_work(scope.connection, WORK, key, data, due=scope.now)
