"""`Admit` and `RecordVerified`: what makes something visible.

I/O: on the caller's connection.
Source: `gateway.catalog.effects`; DESIGN 3.
"""

from collections.abc import Sequence
from typing import Final

from gateway.catalog.effects import Admit, JudgedEdge, RecordVerified, Support
from gateway.catalog.sqlite.holding import count, end_clocks, is_shown, judged_rows
from gateway.catalog.sqlite.rows import sha256
from gateway.catalog.sqlite.scope import Scope, manifest_id, raise_repository, signer_id
from gateway.catalog.sqlite.showing import evidence_shown, shows
from gateway.catalog.sqlite.telling import tell
from gateway.catalog.sqlite.visibility import ADMITTED, MAX_PATH_DIGESTS
from gateway.catalog.values import ManifestClass
from gateway.errors import Internal

MAX_SIGNERS_PER_REQUIREMENT: Final = 100
"""DESIGN 3: the rest is found again by re-evaluation; 10,000 of them cost each read 2.5 ms."""

_ADMIT: Final = """UPDATE manifest SET state = ?, slots = ?, until = ?, unverified = ? WHERE id = ? AND class = ?"""
_SUPPORT: Final = "INSERT INTO support (manifest_id, slot, signer_id, seen, evidence_id) VALUES (?, ?, ?, ?, ?)"
_EDGE: Final = "INSERT INTO edge (repo_id, child, root_id, path) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_VERIFIED: Final = """INSERT INTO verified (evidence_id, signer_id, signed, seen) VALUES (?, ?, ?, ?)
ON CONFLICT (evidence_id, signer_id, signed) DO UPDATE SET seen = min(seen, excluded.seen)"""
_WITNESS: Final = """UPDATE repo_blob SET witness = :id, none_at = NULL WHERE repo_id = :repo AND witness IS NULL
AND blob_id IN (SELECT l.blob_id FROM link l WHERE l.manifest_id = :id)"""


def admit(scope: Scope, effect: Admit) -> None:
    """Make an image admitted, on these requirements, carrying these children."""
    row = manifest_id(scope, effect.digest)
    values = (ADMITTED, len(effect.requirements), effect.until, int(effect.unverified), row, ManifestClass.IMAGE.value)
    if scope.connection.execute(_ADMIT, values).rowcount != 1:
        raise Internal(f"{effect.digest} is not of a class that is ever admitted")
    count(scope, row, held_bytes=0, expires=None)
    scope.connection.execute("DELETE FROM support WHERE manifest_id = ?", (row,))
    for slot, supports in enumerate(effect.requirements):
        for support in _kept(supports):
            signer = signer_id(scope, support.signer, support.signer_name)
            evidence = manifest_id(scope, support.evidence)
            scope.connection.execute(_SUPPORT, (row, slot, signer, support.seen, evidence))
    _check_connected(effect.edges)
    scope.connection.execute("DELETE FROM edge WHERE root_id = ?", (row,))
    scope.connection.executemany(_EDGE, [(scope.repo_id, edge.child.hex, row, _path(edge)) for edge in effect.edges])
    judged = judged_rows(scope, row)
    end_clocks(scope, judged)
    for shown in (row, *judged):
        if is_shown(scope, shown):
            tell(scope, shown, shown=True)  # from now on it is there for every writer
    shows(scope, row)
    _show(scope, row)
    scope.connection.execute("UPDATE repository SET witness = ? WHERE id = ? AND witness IS NULL", (row, scope.repo_id))


def record_verified(scope: Scope, effect: RecordVerified) -> None:
    """Record who signed in an evidence manifest. Raises `Internal` where it is none, or is kept for another subject."""
    row = manifest_id(scope, effect.evidence)
    found = scope.connection.execute(
        """SELECT m.subject, m.class, EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = m.id), m.expires,
        EXISTS (SELECT 1 FROM manifest s WHERE s.sha256 = m.subject AND s.repo_id = m.repo_id)
        FROM manifest m WHERE m.id = ?""",
        (row,),
    ).fetchone()
    subject, cls, before, expires, subject_here = found
    if cls != ManifestClass.EVIDENCE.value:
        raise Internal(f"{effect.evidence} is not evidence: nothing is verified in it")
    if subject is None or effect.subject != sha256(subject):
        raise Internal(f"{effect.evidence} is kept as evidence of {subject}, and {effect.subject} was proven")
    for signature in effect.signed:
        signer = signer_id(scope, signature.signer, signature.signer_name)
        scope.connection.execute(_VERIFIED, (row, signer, str(signature.signed), signature.seen))
    first = bool(effect.signed) and not before
    scope.connection.execute(
        """UPDATE subject_state SET generation = generation + 1, verified = verified + ?, unverified = unverified - ?
        WHERE repo_id = ? AND subject = ?""",
        (int(first), int(first), scope.repo_id, subject),
    )
    # Of a subject that never comes even this expires: the clock runs on.
    count(scope, row, held_bytes=effect.held_bytes, expires=None if subject_here else expires)
    if effect.signed:
        evidence_shown(scope, row)
    _show(scope, row)


def _show(scope: Scope, row: int) -> None:
    """Let readers find the row's blobs through it. A hint: what it says is verified at each read."""
    raise_repository(scope)
    scope.connection.execute(_WITNESS, {"id": row, "repo": scope.repo_id})


def _kept(supports: Sequence[Support]) -> Sequence[Support]:
    """Return one support per signer, by what was seen of it first; the earliest signers, where there are too many."""
    earliest: dict[str, Support] = {}
    for support in sorted(supports, key=lambda found: (found.seen, found.signer, found.evidence)):
        earliest.setdefault(support.signer, support)
    return list(earliest.values())[:MAX_SIGNERS_PER_REQUIREMENT]


def _check_connected(edges: Sequence[JudgedEdge]) -> None:
    """Raise `Internal` where an index on the way to a child was not judged itself.

    What is between is shown too, and its arrival must announce what it opens (`putting`).
    """
    judged = {(*edge.path, edge.child) for edge in edges}
    for edge in edges:
        if edge.path and edge.path not in judged:
            raise Internal(f"{edge.child} is judged below {edge.path[-1]}, which is not")


def _path(edge: JudgedEdge) -> bytes:
    """Return the path as stored. Raises `Internal` for one that visibility would never follow."""
    digests = (edge.child, *edge.path)
    if len(edge.path) > MAX_PATH_DIGESTS or any(digest.algorithm != "sha256" for digest in digests):
        raise Internal(f"{edge.child} is judged at a place that cannot be recorded")
    return b"".join(bytes.fromhex(digest.hex) for digest in edge.path)
