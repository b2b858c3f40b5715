"""What an index names, down to the leaves: the children of a world.

Level by level, in the order that the documents give for the first and by digest below it. What is not here is listed as
absent, since its absence is a fact that a decision rests on.

I/O: reads on the caller's connection.
Source: DESIGN 3 ("Indexes"), 11.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.catalog.sqlite.many import grouped, select_in
from gateway.catalog.sqlite.rows import entry_digest, sha256
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import ChildFacts
from gateway.errors import ManifestInvalid
from gateway.oci import media_types
from gateway.oci.digest import Digest

MAX_DEPTH: Final = 3
"""Nesting of indexes (DESIGN 3): what the third level names is told, and not followed."""

MAX_DESCENDANTS: Final = 2000
"""An index has at most 1,000 entries (DESIGN 11); three levels of that would be 10^9 look-ups for one PUT."""

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""Of all descendants together: they are judged in memory."""

BY_SHA256: Final = """SELECT m.sha256, m.id, m.sha256, m.class, m.state, m.media_type, m.size FROM manifest m
WHERE m.repo_id = ? AND m.sha256 IN ({keys})"""
_BY_ALIAS: Final = """SELECT a.digest, m.id, m.sha256, m.class, m.state, m.media_type, m.size
FROM alias a JOIN manifest m ON m.id = a.manifest_id WHERE a.repo_id = ? AND a.digest IN ({keys})"""
_MISSING: Final = """SELECT m.id, (SELECT min(w.digest) FROM missing w WHERE w.parent_id = m.id AND w.repo_id = m.repo_id)
FROM manifest m WHERE m.id IN ({keys})"""
_ENTRIES: Final = "SELECT index_id, child FROM entry WHERE index_id IN ({keys})"
_BODIES: Final = "SELECT manifest_id, bytes FROM body WHERE manifest_id IN ({keys})"


@dataclass(frozen=True, slots=True)
class _Row:
    """A child's row."""

    id: int
    sha256: str
    cls: ManifestClass
    admitted: bool
    media_type: str
    size: int

    @property
    def is_index(self) -> bool:
        return self.media_type in media_types.INDEXES


@dataclass(frozen=True, slots=True)
class _Named:
    """A place in the tree: what is named there, and the way to it."""

    digest: Digest
    path: tuple[Digest, ...]


def read_descendants(
    connection: sqlite3.Connection, repo_id: int | None, children: Sequence[Digest], *, with_bodies: bool
) -> tuple[ChildFacts, ...]:
    """Return every descendant, breadth first, once for each way to it.

    A present one bears its sha256, by whatever digest its parent names it. Without ``with_bodies`` their bodies are
    empty: the comparison inside a commit does not look at them. Raises `ManifestInvalid` beyond the limits.
    """
    found: list[ChildFacts] = []
    level = [_Named(digest, ()) for digest in children]
    budget = MAX_BODY_BYTES
    for _ in range(MAX_DEPTH):
        if not level:
            break
        if len(found) + len(level) > MAX_DESCENDANTS:
            raise ManifestInvalid(
                f"names more than {MAX_DESCENDANTS} manifests, all levels together", field="manifests"
            )
        rows = _rows(connection, repo_id, tuple(dict.fromkeys(named.digest for named in level)))
        # By the rows, not by the bodies: those are not read again inside a commit, and it must come to the same.
        budget -= sum(rows[named.digest].size for named in level if named.digest in rows)
        if budget < 0:
            raise ManifestInvalid(f"names manifests of more than {MAX_BODY_BYTES} bytes together", field="manifests")
        facts = _facts(connection, level, rows, with_bodies=with_bodies)
        found.extend(facts)
        level = [_Named(named, (*child.path, child.digest)) for child in facts for named in child.children]
    return tuple(found)


def _facts(
    connection: sqlite3.Connection, level: Sequence[_Named], rows: Mapping[Digest, _Row], *, with_bodies: bool
) -> list[ChildFacts]:
    ids = [row.id for row in rows.values()]
    indexes = [row.id for row in rows.values() if row.is_index]
    # One missing part says enough. An index too: what it lacks was missing to its writer, and may be here for the reader.
    missing = {row[0]: (Digest.parse(row[1]),) for row in select_in(connection, _MISSING, ids) if row[1] is not None}
    entries = grouped(connection, _ENTRIES, indexes)
    bodies: dict[int, bytes] = {}
    if with_bodies:
        bodies = {row[0]: row[1] for row in select_in(connection, _BODIES, ids)}
    facts = []
    for named in level:
        row = rows.get(named.digest)
        if row is None:
            facts.append(ChildFacts(named.digest, named.path, False, None, False, (), (), b"", ""))
            continue
        facts.append(
            ChildFacts(
                digest=sha256(row.sha256),
                path=named.path,
                present=True,
                cls=row.cls,
                admitted=row.admitted,
                missing_blobs=missing.get(row.id, ()),
                children=tuple(entry_digest(text) for text in entries.get(row.id, ())),
                body=bodies.get(row.id, b""),
                media_type=row.media_type,
            )
        )
    return facts


def _rows(connection: sqlite3.Connection, repo_id: int | None, digests: Sequence[Digest]) -> dict[Digest, _Row]:
    plain = [digest.hex for digest in digests if digest.algorithm == "sha256"]
    other = [str(digest) for digest in digests if digest.algorithm != "sha256"]
    found: dict[Digest, _Row] = {}
    for key, *row in select_in(connection, BY_SHA256, plain, repo_id):
        found[sha256(key)] = _Row(row[0], row[1], ManifestClass(row[2]), bool(row[3]), row[4], row[5])
    for key, *row in select_in(connection, _BY_ALIAS, other, repo_id):
        found[Digest.parse(key)] = _Row(row[0], row[1], ManifestClass(row[2]), bool(row[3]), row[4], row[5])
    return found
