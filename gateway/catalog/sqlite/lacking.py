"""What a manifest lacks, noted when it is put, and when a part of it goes or becomes somebody else's.

What a later writer of the same bytes lacks and the row does not, because it is hidden from him, is not noted: he would make
somebody else's manifest incomplete by putting it again. Nor is the row his from then on, since what is linked to it was
never his to see.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts"); docs/decisions/0007-parts-are-there-for-their-writer.md.
"""

from collections.abc import Collection
from typing import Final

from gateway.catalog.sqlite.descendants import MAX_DEPTH
from gateway.catalog.sqlite.directory import reads_held
from gateway.catalog.sqlite.holding import is_carried
from gateway.catalog.sqlite.scope import Scope, find_manifest
from gateway.catalog.sqlite.waiting import LACKED, names_of, waits
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest

_INSERT: Final = "INSERT INTO missing (repo_id, digest, parent_id, named, size) VALUES (?, ?, ?, ?, ?)"
_LINKED: Final = """SELECT 1 FROM link l JOIN blob b ON b.id = l.blob_id
WHERE l.repo_id = ? AND l.manifest_id = ? AND b.digest = ?"""
_NOT_HIS: Final = """SELECT b.digest FROM link l JOIN blob b ON b.id = l.blob_id WHERE l.manifest_id = :row AND NOT EXISTS
(SELECT 1 FROM holder h WHERE h.repo_id = l.repo_id AND h.blob_id = l.blob_id AND h.principal_id = :writer)"""
_PARENTS: Final = """SELECT m.id, m.who FROM entry x JOIN manifest m ON m.id = x.index_id
WHERE x.child = ? AND m.repo_id = ? AND m.class = 'image'"""
_LOSE: Final = """INSERT INTO missing (repo_id, digest, parent_id, named, size) VALUES (?, ?, ?, 0, NULL)
ON CONFLICT DO NOTHING"""
_OWNER: Final = "SELECT who FROM manifest WHERE id = ?"


def sees_less(
    scope: Scope, row: int, manifest: Manifest, missing: Collection[Digest], *, writer: str, reads_held: bool
) -> bool:
    """Return whether the row is somebody else's and has parts that are not there for ``writer``, who puts its bytes again.

    ``missing`` is to him. What no decision looks at (foreign layers, cache entries) is there for who brought it himself,
    and for who reads what is held.
    """
    if scope.connection.execute(_OWNER, (row,)).fetchone()[0] == writer:
        return False
    before = {found[0] for found in scope.connection.execute(LACKED, (row,))}
    lacks = {str(digest) for digest in missing}
    if before & lacks:
        return True  # the row goes on waiting as its owner's: nothing of this writer is linked to it
    not_his = _not_his(scope, row, writer)
    if not_his & lacks:
        return True
    if not before and not reads_held and not_his - _judged(manifest):
        return True  # and he brings nothing that the row still waits for
    children = (find_manifest(scope, Digest.parse(digest)) for digest in lacks)
    return any(child is not None and not waits(scope, child) for child in children)


def note_lost(scope: Scope, row: int, *, kept_by: str | None) -> None:
    """Note for what names the manifest that it is not there any more: it goes, or (``kept_by``) is this writer's now.

    Those who may read what is held keep it then. Whoever led to it by another index lacks that one.
    """
    level = [row]
    for _ in range(MAX_DEPTH):
        level = [parent for found in level for parent in _note(scope, found, kept_by=kept_by)]
        kept_by = None


def drop_unbrought(scope: Scope, row: int, manifest: Manifest, missing: Collection[Digest], *, writer: str) -> None:
    """Unlink what no decision looks at and ``writer`` did not bring, where the row becomes his: he would show it.

    Not for who reads what is held: he may show it.
    """
    if missing or scope.connection.execute(_OWNER, (row,)).fetchone()[0] == writer or is_carried(scope, row):
        return
    scope.connection.executemany(
        "DELETE FROM link WHERE manifest_id = ? AND blob_id = (SELECT b.id FROM blob b WHERE b.digest = ?)",
        [(row, digest) for digest in sorted(_not_his(scope, row, writer) - _judged(manifest))],
    )


def put_missing(
    scope: Scope,
    row: int,
    manifest: Manifest,
    missing: Collection[Digest],
    *,
    blobs: Collection[Digest],
    new: bool,
) -> bool:
    """Note what the row lacks from now on; return whether its writer lacks something that the row does not.

    ``missing`` is to the writer, ``blobs`` are those that the manifest names itself; ``new``: the row was made by this PUT.
    """
    before = {found[0] for found in scope.connection.execute(LACKED, (row,))}
    hidden = {digest for digest in missing if not new and str(digest) not in before and _is_here(scope, row, digest)}
    sizes = {part.digest: part.size for part in (*manifest.referenced_blobs, *manifest.manifests)}
    scope.connection.execute("DELETE FROM missing WHERE parent_id = ?", (row,))
    scope.connection.executemany(
        _INSERT,
        [
            (scope.repo_id, str(digest), row, digest in blobs, sizes.get(digest))
            for digest in dict.fromkeys(missing)
            if digest not in hidden
        ],
    )
    return bool(hidden)


def _note(scope: Scope, row: int, *, kept_by: str | None) -> list[int]:
    """Note it for what names the row itself; return for which it was not noted before."""
    (sha256,) = scope.connection.execute("SELECT sha256 FROM manifest WHERE id = ?", (row,)).fetchone()
    noted = []
    for name in names_of(scope, row, sha256):
        parents = scope.connection.execute(_PARENTS, (name.rpartition(":")[2], scope.repo_id)).fetchall()
        keep = {who: _keeps(scope, who, kept_by=kept_by) for who in {who for _, who in parents}}
        for parent, who in parents:
            if not keep[who] and scope.connection.execute(_LOSE, (scope.repo_id, name, parent)).rowcount:
                noted.append(parent)
    return noted


def _keeps(scope: Scope, who: str, *, kept_by: str | None) -> bool:
    return kept_by is not None and (who == kept_by or reads_held(scope.connection, who, scope.repository))


def _not_his(scope: Scope, row: int, writer: str) -> set[str]:
    """Return the row's blobs that the writer did not bring."""
    return {found[0] for found in scope.connection.execute(_NOT_HIS, {"row": row, "writer": writer})}


def _judged(manifest: Manifest) -> set[str]:
    return {str(blob.digest) for blob in manifest.referenced_blobs}


def _is_here(scope: Scope, row: int, digest: Digest) -> bool:
    """Return whether the row has this part, whoever may see it."""
    if scope.connection.execute(_LINKED, (scope.repo_id, row, str(digest))).fetchone() is not None:
        return True
    child = find_manifest(scope, digest)
    return child is not None and not waits(scope, child)
