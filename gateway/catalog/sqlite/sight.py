"""Which parts of a manifest are there *for its writer*.

Knowing a digest gives nothing (CVE-2024-39897): whoever may not read what is held must not have it published by naming it
in a manifest of his own. So of what is in the repository, a caller without `quarantine-read` names only what he brought
himself or what is visible; the rest is missing to him, in the same words as what was never there.

That is settled when a manifest is put, and kept: what was missing to its writer stays in `missing` until somebody brings
it. Whoever has it judged again later, with whatever rights, does not complete it.

I/O: reads on the caller's connection.
Source: DESIGN 3 (the table of held objects), 4 ("A blob belongs to the repositories that uploaded or mounted it").
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.access.values import QuarantineLevel, Rights
from gateway.catalog.sqlite.many import select_in
from gateway.catalog.sqlite.visibility import visible
from gateway.catalog.sqlite.waiting import LACKED
from gateway.catalog.world import ChildFacts, WorldKey
from gateway.oci.digest import Digest

MAX_LINKS: Final = 8
"""Manifests that are asked whether they show a blob; where none of the newest does, it is uploaded again."""

HELD_BY: Final = "SELECT blob_id FROM holder WHERE repo_id = ? AND principal_id = ? AND blob_id IN ({keys})"
LINKED_BY: Final = "SELECT blob_id FROM link WHERE repo_id = ? AND manifest_id = ? AND blob_id IN ({keys})"
LACKS: Final = LACKED
SHOWN: Final = f"""SELECT 1 FROM (SELECT manifest_id FROM link WHERE repo_id = :repo AND blob_id = :blob
ORDER BY manifest_id DESC LIMIT {MAX_LINKS}) l JOIN manifest m ON m.id = l.manifest_id
JOIN repository r ON r.id = m.repo_id WHERE {visible("m")} LIMIT 1"""
CHILD: Final = f"""SELECT m.who, {visible("m")} FROM manifest m JOIN repository r ON r.id = m.repo_id
WHERE m.repo_id = :repo AND m.sha256 = :sha256"""


@dataclass(frozen=True, slots=True)
class BlobHere:
    """A blob of the repository: its row, and its length in bytes."""

    id: int
    size: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What one key sees of the parts that its manifest names. ``manifest_id`` is of the row that is there already, ``own``
    says whether it is the caller's: what is linked to another's row was brought by somebody else."""

    connection: sqlite3.Connection
    key: WorldKey
    repo_id: int | None
    manifest_id: int | None
    own: bool
    rights: Rights
    now: int

    def missing_blobs(self, here: Mapping[Digest, BlobHere]) -> tuple[Digest, ...]:
        """Return which of the key's blobs are not there for it, in its order."""
        if self.key.pushing and self.rights.quarantine < QuarantineLevel.FULL:
            seen = self._his(here)
            return tuple(blob for blob in self.key.blobs if blob not in here or here[blob].id not in seen)
        lacked = frozenset[str]() if self.key.pushing else self._lacked()
        return tuple(blob for blob in self.key.blobs if blob not in here or str(blob) in lacked)

    def children(self, found: Sequence[ChildFacts]) -> tuple[ChildFacts, ...]:
        """Return the descendants, those that are not there for the key as absent; what is below them goes with them."""
        hidden = {child.digest for child in found if not child.path and child.present and self._hides(child.digest)}
        if not hidden:
            return tuple(found)
        kept = []
        for child in found:
            if child.path and child.path[0] in hidden:
                continue
            kept.append(_absent(child) if not child.path and child.digest in hidden else child)
        return tuple(kept)

    def _hides(self, child: Digest) -> bool:
        if not self.key.pushing:
            return str(child) in self._lacked()
        if self.rights.quarantine >= QuarantineLevel.FULL:
            return False
        values = {"repo": self.repo_id, "sha256": child.hex, "now": self.now}
        row = self.connection.execute(CHILD, values).fetchone()
        return row is not None and row[0] != self.key.caller and not row[1]

    def _lacked(self) -> frozenset[str]:
        if self.manifest_id is None:
            return frozenset()
        return frozenset(row[0] for row in self.connection.execute(LACKS, (self.manifest_id,)))

    def _his(self, here: Mapping[Digest, BlobHere]) -> set[int]:
        ids = [blob.id for blob in here.values()]
        seen = {row[0] for row in select_in(self.connection, HELD_BY, ids, self.repo_id, self.key.caller)}
        if self.manifest_id is not None and self.own:
            seen |= {row[0] for row in select_in(self.connection, LINKED_BY, ids, self.repo_id, self.manifest_id)}
        for blob in ids:
            if blob not in seen:
                values = {"repo": self.repo_id, "blob": blob, "now": self.now}
                if self.connection.execute(SHOWN, values).fetchone() is not None:
                    seen.add(blob)
        return seen


def _absent(child: ChildFacts) -> ChildFacts:
    return replace(
        child, present=False, cls=None, admitted=False, missing_blobs=(), children=(), body=b"", media_type=""
    )
