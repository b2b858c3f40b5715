"""What a manifest lacks, noted when it is put.

What a later writer of the same bytes lacks and the row does not, because it is hidden from him, is not noted: he would make
somebody else's manifest incomplete by putting it again. Nor is the row his from then on, since what is linked to it was
never his to see.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts"); docs/decisions/0007-parts-are-there-for-their-writer.md.
"""

from collections.abc import Collection
from typing import Final

from gateway.catalog.sqlite.holding import is_carried
from gateway.catalog.sqlite.scope import Scope, find_manifest
from gateway.catalog.sqlite.telling import waits
from gateway.catalog.sqlite.waiting import LACKED
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest

_INSERT: Final = "INSERT INTO missing (repo_id, digest, parent_id, named, size) VALUES (?, ?, ?, ?, ?)"
_LINKED: Final = """SELECT 1 FROM link l JOIN blob b ON b.id = l.blob_id
WHERE l.repo_id = ? AND l.manifest_id = ? AND b.digest = ?"""
_NOT_HIS: Final = """SELECT b.digest FROM link l JOIN blob b ON b.id = l.blob_id WHERE l.manifest_id = :row AND NOT EXISTS
(SELECT 1 FROM holder h WHERE h.repo_id = l.repo_id AND h.blob_id = l.blob_id AND h.principal_id = :writer)"""
_OWNER: Final = "SELECT who, narrow FROM manifest WHERE id = ?"


def sees_less(
    scope: Scope,
    row: int,
    manifest: Manifest,
    missing: Collection[Digest],
    *,
    writer: str,
    reads_held: bool,
    weaker: bool,
) -> bool:
    """Return whether the row is somebody else's and has parts that are not there for ``writer``, who puts its bytes again.

    As somebody else's counts what he put himself, where he reads what is held and this token of his does not
    (``weaker``): he would take from his own manifest what he could name. ``missing`` is to him. What no decision looks at
    (foreign layers, cache entries) is there for who brought it himself, and for who reads what is held.
    """
    owner, narrow = scope.connection.execute(_OWNER, (row,)).fetchone()
    if owner == writer and (narrow or not weaker):
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
    his: bool,
) -> bool:
    """Note what the row lacks from now on; return whether its writer lacks something that the row does not.

    ``missing`` is to the writer, ``blobs`` are those that the manifest names itself; ``his``: the row was his before.
    """
    before = {found[0] for found in scope.connection.execute(LACKED, (row,))}
    hidden = {digest for digest in missing if not his and str(digest) not in before and _is_here(scope, row, digest)}
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
