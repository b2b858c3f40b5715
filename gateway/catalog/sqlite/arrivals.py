"""A blob arrives in a repository: what waited for it is linked to it, and judged again.

Its upload does not wait for thousands that wait for it: see `waiting`.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts").
"""

import sqlite3

from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.loose import check_room, is_here
from gateway.catalog.sqlite.scope import create_repository, open_scope
from gateway.catalog.sqlite.telling import PAGE, tell_page
from gateway.catalog.sqlite.waiting import Part, complete
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
    mounted: bool = False,
) -> None:
    """Make the blob belong to the repository. Raises `NameUnknown`, and `Internal` for two sizes of one digest.

    ``mounted``: it was not sent, so no session was counted; raises `TooManyRequests` where there is no room for it. What
    was sent is let in, since the room for it was looked for before.
    """
    project = read_project(connection, repository)
    if project is None:
        raise NameUnknown(f"no project claims {repository}")
    if mounted and not is_here(connection, repository, str(digest)):
        check_room(connection, project.id, repository, principal=principal)
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
    brought_by: str | None,
    after: int,
    now: int,
    page: int = PAGE,
) -> None:
    """Look at the next page of what waits for a blob that somebody brought, or (None) of what names a manifest.

    Nothing where it, the repository or the project is gone.
    """
    project = read_project(connection, repository)
    if project is None:
        return
    scope = open_scope(connection, project, repository, now=now)
    if scope.known_repo_id is None:
        return
    if brought_by is None:
        tell_page(scope, digest, after=after, limit=page)
        return
    found = connection.execute(
        "SELECT b.id, b.size FROM blob b JOIN repo_blob k ON k.blob_id = b.id WHERE b.digest = ? AND k.repo_id = ?",
        (str(digest), scope.repo_id),
    ).fetchone()
    if found is not None:
        complete(scope, Part(str(digest), brought_by, found[1], found[0]), after=after, limit=page)
