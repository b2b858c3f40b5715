"""A blob arrives in a repository: what waited for it is linked to it, and judged again.

Its upload does not wait for thousands that wait for it: see `waiting`.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts").
"""

import sqlite3

from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.holding import is_shown
from gateway.catalog.sqlite.scope import Scope, create_repository, find_manifest, open_scope
from gateway.catalog.sqlite.waiting import PAGE, Part, complete, waits
from gateway.errors import Internal, NameUnknown
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName


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
        """INSERT INTO repo_blob (repo_id, blob_id, linked, linked_by, loose) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (repo_id, blob_id) DO UPDATE SET loose = excluded.loose WHERE loose IS NOT NULL""",
        (scope.repo_id, blob_id, now, principal.id, now),
    )
    connection.execute(
        "INSERT INTO holder (repo_id, blob_id, principal_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (scope.repo_id, blob_id, principal.id),
    )
    complete(scope, Part(str(digest), principal.id, size, blob_id))


def complete_waiting(
    connection: sqlite3.Connection,
    repository: RepositoryName,
    digest: Digest,
    *,
    brought_by: str,
    blob: bool,
    after: int,
    now: int,
    page: int = PAGE,
) -> None:
    """Complete the next page of what waits for a ``blob``, or for a manifest that waits for nothing any more.

    Nothing where it, the repository or the project is gone.
    """
    project = read_project(connection, repository)
    if project is None:
        return
    scope = open_scope(connection, project, repository, now=now)
    part = _blob(scope, digest, brought_by) if blob else _manifest(scope, digest, brought_by)
    if part is not None:
        complete(scope, part, after=after, limit=page)


def _blob(scope: Scope, digest: Digest, brought_by: str) -> Part | None:
    found = scope.connection.execute(
        "SELECT b.id, b.size FROM blob b JOIN repo_blob k ON k.blob_id = b.id WHERE b.digest = ? AND k.repo_id = ?",
        (str(digest), scope.known_repo_id),
    ).fetchone()
    return None if found is None else Part(str(digest), brought_by, found[1], found[0])


def _manifest(scope: Scope, digest: Digest, brought_by: str) -> Part | None:
    """Return the manifest that came; None where it is not here or waits."""
    manifest_id = find_manifest(scope, digest)
    if manifest_id is None or waits(scope, manifest_id):
        return None
    (size,) = scope.connection.execute("SELECT size FROM manifest WHERE id = ?", (manifest_id,)).fetchone()
    return Part(str(digest), brought_by, size, None, shown=is_shown(scope, manifest_id))
