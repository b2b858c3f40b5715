"""What a manifest lacks, noted when it is put.

What a later writer of the same bytes lacks and the row does not, because it is hidden from him, is not noted: he would make
somebody else's manifest incomplete by putting it again. Nor is the row his from then on, since what is linked to it was
never his to see.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts"); docs/decisions/0007-parts-are-there-for-their-writer.md.
"""

from collections.abc import Collection
from typing import Final

from gateway.catalog.sqlite.scope import Scope, find_manifest
from gateway.catalog.sqlite.waiting import waits
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest

_BEFORE: Final = "SELECT digest FROM missing WHERE parent_id = ?"
_INSERT: Final = "INSERT INTO missing (repo_id, digest, parent_id, named, size) VALUES (?, ?, ?, ?, ?)"
_LINKED: Final = """SELECT 1 FROM link l JOIN blob b ON b.id = l.blob_id
WHERE l.repo_id = ? AND l.manifest_id = ? AND b.digest = ?"""


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
    before = {found[0] for found in scope.connection.execute(_BEFORE, (row,))}
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


def _is_here(scope: Scope, row: int, digest: Digest) -> bool:
    """Return whether the row has this part, whoever may see it."""
    if scope.connection.execute(_LINKED, (scope.repo_id, row, str(digest))).fetchone() is not None:
        return True
    child = find_manifest(scope, digest)
    return child is not None and not waits(scope, child)
