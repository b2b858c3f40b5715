"""`DeleteManifest` and `Entomb`: what hides.

No foreign key cascades here (a cascade without an index on the child's column scans), so the list of what belongs to a
row is written out, and a test compares it with the schema.

I/O: on the caller's connection.
Source: `gateway.catalog.effects`; DESIGN 3 ("Deletes", "Revoked").
"""

from typing import Final

from gateway.catalog.effects import DeleteManifest, Entomb
from gateway.catalog.sqlite.holding import count, rows_below, start_clocks, subject_went
from gateway.catalog.sqlite.scope import Scope, manifest_id
from gateway.catalog.sqlite.tagging import clear_tags_of
from gateway.catalog.sqlite.telling import ask_again
from gateway.catalog.values import ManifestClass
from gateway.errors import Unsupported

_BELONGINGS: Final = (
    "UPDATE repo_blob SET witness = NULL WHERE repo_id = :repo AND witness = :id"
    " AND blob_id IN (SELECT l.blob_id FROM link l WHERE l.manifest_id = :id)",
    "UPDATE repository SET witness = NULL WHERE id = :repo AND witness = :id",
    "DELETE FROM link WHERE manifest_id = :id",
    "DELETE FROM support WHERE manifest_id = :id",
    "DELETE FROM support WHERE evidence_id = :id",
    "DELETE FROM verified WHERE evidence_id = :id",
    "DELETE FROM edge WHERE root_id = :id",
    "DELETE FROM entry WHERE index_id = :id",
    "DELETE FROM alias WHERE manifest_id = :id",
    "DELETE FROM referrer WHERE manifest_id = :id",
    "DELETE FROM missing WHERE parent_id = :id",
    "DELETE FROM body WHERE manifest_id = :id",
    "DELETE FROM manifest WHERE id = :id",
)
_RESTS_ON: Final = """SELECT m.id, m.sha256 FROM support u JOIN manifest m ON m.id = u.manifest_id
WHERE u.evidence_id = ?"""
_ROOTS: Final = """SELECT m.id FROM manifest m JOIN repository r ON r.id = m.repo_id
WHERE m.sha256 = ? AND r.project_id = ?"""


def delete_manifest(scope: Scope, effect: DeleteManifest) -> None:
    """Remove the row and what belongs to it. Who judged it keeps its edges: they hold for the same bytes pushed again."""
    row = manifest_id(scope, effect.digest)
    sha256 = scope.connection.execute("SELECT sha256 FROM manifest WHERE id = ?", (row,)).fetchone()[0]
    values = {"id": row, "repo": scope.repo_id}
    children = rows_below(scope, row)
    dependants = sorted({tuple(found) for found in scope.connection.execute(_RESTS_ON, (row,))})
    count(scope, row, held_bytes=0, expires=None)
    _uncount_evidence(scope, row)
    clear_tags_of(scope, row)
    for statement in _BELONGINGS:
        scope.connection.execute(statement, values)
    start_clocks(scope, children)
    subject_went(scope, sha256)
    # What rested on this evidence is distrusted now; other evidence may carry it.
    for dependant_id, dependant in dependants:
        start_clocks(scope, rows_below(scope, dependant_id))
        ask_again(scope, dependant, kind="evidence")


def entomb(scope: Scope, effect: Entomb) -> None:
    """Hide the bytes in every repository of the project, or in this one.

    Raises `Unsupported` for a digest that names no known row.
    """
    sha256 = effect.digest.hex
    if effect.digest.algorithm != "sha256":
        row = scope.connection.execute(
            "SELECT m.sha256 FROM alias a JOIN manifest m ON m.id = a.manifest_id WHERE a.repo_id = ? AND a.digest = ?",
            (scope.repo_id, str(effect.digest)),
        ).fetchone()
        if row is None:
            raise Unsupported("a revocation names content that is not here by its sha256")
        sha256 = row[0]
    scope.connection.execute(
        """INSERT INTO tombstone (project_id, sha256, repo_id, reason, revoked_by, at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (project_id, sha256, repo_id) DO NOTHING""",
        (scope.project.id, sha256, scope.repo_id if effect.only_here else 0, effect.reason, effect.by, scope.now),
    )
    for (root,) in scope.connection.execute(_ROOTS, (sha256, scope.project.id)).fetchall():
        start_clocks(scope, rows_below(scope, root))


def _uncount_evidence(scope: Scope, row: int) -> None:
    scope.connection.execute(
        """UPDATE subject_state SET generation = generation + 1,
        verified = verified - EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = :id),
        unverified = unverified - NOT EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = :id)
        WHERE repo_id = :repo AND subject = (SELECT m.subject FROM manifest m WHERE m.id = :id AND m.class = :evidence)""",
        {"id": row, "repo": scope.repo_id, "evidence": ManifestClass.EVIDENCE.value},
    )
