"""What every write of one commit has in common, and the look-ups that they share.

A commit compares its worlds before it writes, so a row that an effect rests on is there. Where it is not, somebody built
effects that contradict their world: that is a fault of this program, and ends the transaction.

I/O: on the caller's connection.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.access.values import ProjectFacts
from gateway.catalog.sqlite.many import change_in
from gateway.errors import Internal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

NAME: Final = "UPDATE repo_blob SET loose = NULL WHERE repo_id = ? AND loose IS NOT NULL AND blob_id IN ({keys})"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where and when the effects of one commit happen. ``now`` in Unix seconds."""

    connection: sqlite3.Connection
    project: ProjectFacts
    repository: RepositoryName
    known_repo_id: int | None
    now: int

    @property
    def repo_id(self) -> int:
        """The repository's row id. Raises `Internal` where nothing was ever stored under that name."""
        if self.known_repo_id is None:
            raise Internal(f"an effect changes repository {self.repository}, which does not exist")
        return self.known_repo_id


def create_repository(
    connection: sqlite3.Connection, project: ProjectFacts, repository: RepositoryName, *, now: int
) -> None:
    """Create the repository's row if it is not there."""
    connection.execute(
        "INSERT INTO repository (project_id, name, created) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
        (project.id, repository.text, now),
    )


def open_scope(connection: sqlite3.Connection, project: ProjectFacts, repository: RepositoryName, *, now: int) -> Scope:
    """Return the scope of writes in a repository of ``project``, which may not exist."""
    row = connection.execute(
        "SELECT id FROM repository WHERE name = ? AND project_id = ?", (repository.text, project.id)
    ).fetchone()
    return Scope(connection, project, repository, None if row is None else row[0], now)


def find_manifest(scope: Scope, digest: Digest) -> int | None:
    """Return the row id of a manifest of the repository, by its sha256 or an alias."""
    if scope.known_repo_id is None:
        return None
    if digest.algorithm == "sha256":
        row = scope.connection.execute(
            "SELECT id FROM manifest WHERE sha256 = ? AND repo_id = ?", (digest.hex, scope.repo_id)
        ).fetchone()
    else:
        row = scope.connection.execute(
            "SELECT manifest_id FROM alias WHERE repo_id = ? AND digest = ?", (scope.repo_id, str(digest))
        ).fetchone()
    return None if row is None else int(row[0])


def manifest_id(scope: Scope, digest: Digest) -> int:
    """Return the row id of a manifest that must be there. Raises `Internal`."""
    found = find_manifest(scope, digest)
    if found is None:
        raise Internal(f"an effect names {digest}, which {scope.repository} does not have")
    return found


def raise_repository(scope: Scope) -> None:
    """Say that something may have become visible here: no blob's remembered "none" holds any more."""
    scope.connection.execute("UPDATE repository SET raised = raised + 1 WHERE id = ?", (scope.repo_id,))


def signer_id(scope: Scope, identity: str, name: str) -> int:
    """Return the row id of a signer, created or renamed if need be."""
    scope.connection.execute(
        """INSERT INTO signer (identity, name) VALUES (?, ?)
        ON CONFLICT (identity) DO UPDATE SET name = excluded.name WHERE name <> excluded.name""",
        (identity, name),
    )
    row = scope.connection.execute("SELECT id FROM signer WHERE identity = ?", (identity,)).fetchone()
    return int(row[0])


def name_blobs(scope: Scope, blob_ids: Sequence[int]) -> None:
    """Note that a manifest names these blobs of the repository: they end no more as an upload that nobody finishes."""
    change_in(scope.connection, NAME, blob_ids, scope.repo_id)
