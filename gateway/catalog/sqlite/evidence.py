"""The evidence of one subject, as a decision reads it.

Found by the subject's sha256 only: evidence binds to nothing else (DESIGN 3). What is verified is read apart from the rest,
and bodies in the order in which they are tried, so that junk pushes out neither.

I/O: reads on the caller's connection.
Source: DESIGN 3 ("At most 50 unverified evidence objects ..."), 11.
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gateway.catalog.evidence_order import in_order
from gateway.catalog.sqlite.many import grouped, select_in
from gateway.catalog.sqlite.rows import sha256
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import EvidenceFacts
from gateway.oci.digest import Digest

MAX_VERIFIED: Final = 10_000
MAX_UNVERIFIED: Final = 200
"""DESIGN 3, per subject."""

MAX_BODIES_BYTES: Final = 64 * 1024 * 1024
"""Of all evidence manifests of one subject together; those beyond it are listed, and not tried."""

STATE: Final = "SELECT generation FROM subject_state WHERE repo_id = ? AND subject = ?"

_EVIDENCE: Final = f"""SELECT m.id, m.sha256, m.evidence_format, m.created, m.media_type, m.size, m.who FROM manifest m
WHERE m.repo_id = ? AND m.subject = ? AND m.class = '{ManifestClass.EVIDENCE.value}'
AND {{verified}} (SELECT 1 FROM verified v WHERE v.evidence_id = m.id) ORDER BY m.id LIMIT ?"""
VERIFIED: Final = _EVIDENCE.format(verified="EXISTS")
UNVERIFIED: Final = _EVIDENCE.format(verified="NOT EXISTS")

_MISSING: Final = "SELECT parent_id, digest FROM missing WHERE parent_id IN ({keys})"
_SIGNED: Final = """SELECT v.evidence_id, v.signed, s.identity FROM verified v JOIN signer s ON s.id = v.signer_id
WHERE v.evidence_id IN ({keys})"""
_BODIES: Final = "SELECT manifest_id, bytes FROM body WHERE manifest_id IN ({keys})"


def read_evidence(
    connection: sqlite3.Connection, repo_id: int | None, subject: Digest, *, with_bodies: bool
) -> tuple[int, tuple[EvidenceFacts, ...]]:
    """Return the generation of the subject's evidence, and the evidence, oldest first."""
    if repo_id is None or subject.algorithm != "sha256":
        return 0, ()
    state = connection.execute(STATE, (repo_id, subject.hex)).fetchone()
    if state is None:
        return 0, ()  # nothing ever named it
    verified = connection.execute(VERIFIED, (repo_id, subject.hex, MAX_VERIFIED)).fetchall()
    others = connection.execute(UNVERIFIED, (repo_id, subject.hex, MAX_UNVERIFIED)).fetchall()
    rows: list[Sequence[Any]] = [*verified, *others]
    ids = [row[0] for row in rows]
    missing = grouped(connection, _MISSING, ids)
    signed: dict[int, set[tuple[str, str]]] = {}
    for evidence, content, signer in select_in(connection, _SIGNED, ids):
        signed.setdefault(evidence, set()).add((content, signer))
    facts = [
        EvidenceFacts(
            id=row[0],
            digest=sha256(row[1]),
            format=row[2],
            first_seen=row[3],
            who=row[6],
            missing_blobs=tuple(Digest.parse(text) for text in missing.get(row[0], ())),
            signed=tuple((Digest.parse(content), signer) for content, signer in sorted(signed.get(row[0], ()))),
            body=b"",
            media_type=row[4],
        )
        for row in rows
    ]
    facts.sort(key=lambda found: found.id)
    if not with_bodies:
        return state[0], tuple(facts)
    affordable = _affordable(facts, sizes={row[0]: row[5] for row in rows})
    bodies = {row[0]: row[1] for row in select_in(connection, _BODIES, affordable)}
    return state[0], tuple(replace(found, body=bodies.get(found.id, b"")) for found in facts)


def _affordable(evidence: Sequence[EvidenceFacts], *, sizes: Mapping[int, int]) -> list[int]:
    """Return the ids whose bodies are read: in the order of trying, without what is too large beside those before it."""
    left = MAX_BODIES_BYTES
    ids = []
    for group in in_order(evidence):
        for facts in group:
            if sizes[facts.id] <= left:
                left -= sizes[facts.id]
                ids.append(facts.id)
    return ids
