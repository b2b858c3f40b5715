"""A blob arrives in a repository: what waited for it is linked to it, and judged again.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts").
"""

import sqlite3
from typing import Final

from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.putting import ask_again, may_name, named_blobs
from gateway.catalog.sqlite.scope import Scope, create_repository, open_scope
from gateway.errors import Internal, NameUnknown
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName

_WAITING: Final = """SELECT p.id, p.sha256, p.media_type, b.bytes, p.who
FROM missing w JOIN manifest p ON p.id = w.parent_id JOIN body b ON b.manifest_id = p.id
WHERE w.repo_id = ? AND w.digest = ?"""


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
    _wake(scope, digest, blob_id, principal)


def _wake(scope: Scope, digest: Digest, blob_id: int, principal: Principal) -> None:
    """Complete what waits for the blob: its writer's own, and that of whoever may read what others bring."""
    waiting = [
        found
        for found in scope.connection.execute(_WAITING, (scope.repo_id, str(digest))).fetchall()
        if may_name(scope, found[4], brought_by=principal.id)
    ]
    for parent_id, sha256, media_type, body, _ in waiting:
        # An index waits for what its children name; only what names a blob itself is linked to it, and shows it.
        if digest in named_blobs(Manifest.parse(body, content_type=media_type)):
            scope.connection.execute(
                "INSERT INTO link (repo_id, blob_id, manifest_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (scope.repo_id, blob_id, parent_id),
            )
        ask_again(scope, sha256, kind="missing-part")
    scope.connection.executemany(
        "DELETE FROM missing WHERE repo_id = ? AND digest = ? AND parent_id = ?",
        [(scope.repo_id, str(digest), found[0]) for found in waiting],
    )
