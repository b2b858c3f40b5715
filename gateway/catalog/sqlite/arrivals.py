"""A blob arrives in a repository: what waited for it is linked to it, and judged again.

Its upload does not wait for thousands that wait for it: see `waiting`.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts").
"""

import sqlite3
from collections.abc import Mapping

from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.loose import check_room, is_here
from gateway.catalog.sqlite.scope import Scope, create_repository, open_scope
from gateway.catalog.sqlite.showing import show_page
from gateway.catalog.sqlite.telling import PAGE, tell_page
from gateway.catalog.sqlite.waiting import Part, complete, complete_shown
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
    data: Mapping[str, str],
    now: int,
    page: int = PAGE,
) -> None:
    """Look at the next page of what waits for a blob, of what names a manifest, or of what a manifest shows.

    Nothing where it, the repository or the project is gone.
    """
    after = int(data["after"])
    project = read_project(connection, repository)
    if project is None:
        return
    scope = open_scope(connection, project, repository, now=now)
    if scope.known_repo_id is None:
        return
    if "of" in data:
        show_page(scope, digest, of=data["of"], after=after, limit=page)
    elif "shown_by" in data:
        complete_shown(scope, str(digest), shown_by=int(data["shown_by"]), after=after, limit=page)
    elif "brought_by" in data:
        _complete_brought(scope, digest, data["brought_by"], after=after, page=page)
    else:
        tell_page(scope, digest, after=after, limit=page, only=data.get("only"))


def _complete_brought(scope: Scope, digest: Digest, brought_by: str, *, after: int, page: int) -> None:
    found = scope.connection.execute(
        "SELECT b.id, b.size FROM blob b JOIN repo_blob k ON k.blob_id = b.id WHERE b.digest = ? AND k.repo_id = ?",
        (str(digest), scope.repo_id),
    ).fetchone()
    if found is not None:
        complete(scope, Part(str(digest), brought_by, found[1], found[0]), after=after, limit=page)
