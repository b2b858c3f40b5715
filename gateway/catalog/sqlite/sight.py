"""Which parts of a manifest are there *for its writer*.

Knowing a digest gives nothing (CVE-2024-39897): whoever may not read what is held must not have it published by naming it
in a manifest of his own. So of what is in the repository, a caller without `quarantine-read` names only what he brought
himself or what is visible; the rest is missing to him, in the same words as what was never there.

Whoever has it judged again later, with whatever rights, does not complete it: then the writer is whose the row is, and of
blobs only those count that are linked to it.

I/O: reads on the caller's connection.
Source: DESIGN 3 (the table of held objects), 4 ("A blob belongs to the repositories that uploaded or mounted it").
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.catalog.sqlite.many import select_in
from gateway.catalog.sqlite.visibility import visible
from gateway.catalog.sqlite.witnesses import is_shown_now, walk
from gateway.catalog.world import ChildFacts, WorldKey
from gateway.oci.digest import Digest

HELD_BY: Final = "SELECT blob_id FROM holder WHERE repo_id = ? AND principal_id = ? AND blob_id IN ({keys})"
LINKED_BY: Final = "SELECT blob_id FROM link WHERE repo_id = ? AND manifest_id = ? AND blob_id IN ({keys})"
OF_OTHERS: Final = "SELECT m.sha256 FROM manifest m WHERE m.repo_id = ? AND m.who <> ? AND m.sha256 IN ({keys})"
UNBROUGHT: Final = """SELECT m.sha256, l.blob_id FROM manifest m JOIN link l ON l.manifest_id = m.id
WHERE m.repo_id = ? AND m.who = ? AND m.narrow = 0 AND NOT EXISTS (SELECT 1 FROM holder h
WHERE h.repo_id = l.repo_id AND h.blob_id = l.blob_id AND h.principal_id = m.who) AND m.sha256 IN ({keys})"""
CHILD: Final = f"""SELECT {visible("m")} FROM manifest m JOIN repository r ON r.id = m.repo_id
WHERE m.repo_id = :repo AND m.sha256 = :sha256"""


class Unsettled(Exception):
    """Whether these blobs are shown takes a walk over all that name them."""

    def __init__(self, repo_id: int, blobs: tuple[int, ...]) -> None:
        super().__init__(f"{len(blobs)} blobs of repository {repo_id}")
        self.repo_id = repo_id
        self.blobs = blobs


@dataclass(frozen=True, slots=True)
class BlobHere:
    """A blob of the repository: its row, and its length in bytes."""

    id: int
    size: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What one key sees of the parts that its manifest names.

    ``manifest_id`` is of the row that is there already, ``own`` says whether it is the caller's: what is linked to the
    row of another was brought by somebody else. ``writer`` is who puts the manifest or, where it is judged later, whose
    its row is; ``reads_held``, whether he may read what is held. ``walks`` is off on the event loop: then `Unsettled` is
    raised where whether a blob is shown takes a walk. ``narrow``: what is put, or judged, is bound by a token that reads
    nothing. To it the writer's own is somebody else's where it rests on what only his account may read.
    """

    connection: sqlite3.Connection
    key: WorldKey
    repo_id: int | None
    manifest_id: int | None
    own: bool
    writer: str
    reads_held: bool
    now: int
    walks: bool
    narrow: bool

    def missing_blobs(self, here: Mapping[Digest, BlobHere]) -> tuple[Digest, ...]:
        """Return which of the key's blobs are not there for it, in its order."""
        if self.key.pushing and self.reads_held:
            return tuple(blob for blob in self.key.blobs if blob not in here)
        ids = [blob.id for blob in here.values()]
        seen = self._his(ids) if self.key.pushing else self._linked(ids)
        return tuple(blob for blob in self.key.blobs if blob not in here or here[blob].id not in seen)

    def children(self, found: Sequence[ChildFacts]) -> tuple[ChildFacts, ...]:
        """Return the descendants; a child that is not there for the writer, or leads to what is not, as absent.

        That is asked anew for every decision: a manifest may have become somebody else's meanwhile, with parts of his. An
        absent child is called as the manifest calls it: by another of its digests nobody learns the one it is here by.
        """
        if self.reads_held:
            return tuple(found)
        hidden = self._hidden([child.digest for child in found if child.present])
        top = {child.path[0] if child.path else child.digest for child in found if child.digest in hidden}
        names = iter(self.key.children)
        kept = []
        for child in found:
            if child.path:
                if child.path[0] not in top:
                    kept.append(child)
                continue
            name = next(names)
            kept.append(_absent(name) if child.digest in top else child)
        return tuple(kept)

    def _hidden(self, digests: Sequence[Digest]) -> frozenset[Digest]:
        """Return which of these manifests are somebody else's, and seen by nobody who may not read what is held."""
        others = select_in(self.connection, OF_OTHERS, [digest.hex for digest in digests], self.repo_id, self.writer)
        found = set()
        rest = self._resting(digests) if self.narrow else set()
        for sha256 in {*(row[0] for row in others), *rest}:
            values = {"repo": self.repo_id, "sha256": sha256, "now": self.now}
            if not self.connection.execute(CHILD, values).fetchone()[0]:
                found.add(sha256)
        return frozenset(digest for digest in digests if digest.hex in found)

    def _resting(self, digests: Sequence[Digest]) -> set[str]:
        """Return which of these he put with a token that read, with blobs that he did not bring and nobody is shown."""
        rows = list(
            select_in(self.connection, UNBROUGHT, [digest.hex for digest in digests], self.repo_id, self.writer)
        )
        shown = self._shown(sorted({blob for _, blob in rows}))
        return {sha256 for sha256, blob in rows if blob not in shown}

    def _linked(self, ids: Sequence[int]) -> set[int]:
        if self.manifest_id is None:
            return set()
        return {row[0] for row in select_in(self.connection, LINKED_BY, ids, self.repo_id, self.manifest_id)}

    def _his(self, ids: Sequence[int]) -> set[int]:
        seen = {row[0] for row in select_in(self.connection, HELD_BY, ids, self.repo_id, self.key.caller)}
        if self.own:
            seen |= self._linked(ids)
        return seen | self._shown([blob for blob in ids if blob not in seen])

    def _shown(self, ids: Sequence[int]) -> set[int]:
        """Return which of these blobs everybody reads who may pull here. Raises `Unsettled`."""
        if self.repo_id is None:
            return set()
        shown, unsettled = set(), []
        for blob in ids:
            seen = is_shown_now(self.connection, self.repo_id, blob, now=self.now)
            if seen is None and not self.walks:
                unsettled.append(blob)
            elif seen or (seen is None and walk(self.connection, self.repo_id, blob, now=self.now).found is not None):
                shown.add(blob)
        if unsettled:
            raise Unsettled(self.repo_id, tuple(unsettled))
        return shown


def _absent(name: Digest) -> ChildFacts:
    return ChildFacts(name, (), False, None, False, (), (), b"", "")
