"""What the PUT of evidence, or of a list of it, makes of a row that is there: its class, and what it is about.

I/O: on the caller's connection.
Source: DESIGN 3 ("Evidence"); docs/decisions/0008-bytes-have-one-class-at-a-time.md.
"""

from gateway.catalog.effects import PutManifest
from gateway.catalog.sqlite.scope import Scope
from gateway.catalog.sqlite.visibility import HELD
from gateway.catalog.values import METADATA, ManifestClass
from gateway.errors import Internal


def refresh(scope: Scope, row: int, effect: PutManifest) -> None:
    """Let the row follow a PUT as metadata. Raises `Internal` as its evidence was proven to be about something else."""
    if effect.cls not in METADATA:
        return
    # The one change of class: what was pushed by digest, before the tag that says what it is (cosign, oras copy). Not where
    # an admitted index judged it: as evidence it would be gone from there.
    changed = scope.connection.execute(
        """UPDATE manifest SET class = ?, subject = ?, evidence_format = ? WHERE id = ? AND class = ? AND state = ?
        AND NOT EXISTS (SELECT 1 FROM edge e WHERE e.repo_id = manifest.repo_id AND e.child = manifest.sha256)""",
        (effect.cls.value, subject_of(effect), effect.evidence_format, row, ManifestClass.IMAGE.value, HELD),
    )
    if changed.rowcount and effect.cls is ManifestClass.EVIDENCE:
        count_evidence(scope, subject_of(effect))
    if effect.cls is ManifestClass.EVIDENCE and not changed.rowcount:
        _move_evidence(scope, row, effect)
    if effect.cls is ManifestClass.FALLBACK:
        # A list of nothing has the same bytes whatever it is about. Once it is put for a second subject it is about none,
        # and is answered as no list is: what shows the one subject must not show a tag that names the other.
        scope.connection.execute(
            "UPDATE manifest SET subject = NULL WHERE id = ? AND class = ? AND subject IS NOT ?",
            (row, ManifestClass.FALLBACK.value, subject_of(effect)),
        )


def _move_evidence(scope: Scope, row: int, effect: PutManifest) -> None:
    """Keep evidence for the subject of this PUT, whose payload names it. Raises `Internal` where another was proven."""
    subject = subject_of(effect)
    before, verified = scope.connection.execute(
        """SELECT m.subject, EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = m.id) FROM manifest m
        WHERE m.id = ? AND m.class = ? AND m.subject IS NOT ?""",
        (row, ManifestClass.EVIDENCE.value, subject),
    ).fetchone() or (subject, False)
    if before == subject:
        return
    if verified:
        raise Internal(
            f"{effect.manifest.digest} is verified evidence of {before}, and was put as evidence of {subject}"
        )
    scope.connection.execute(
        "UPDATE manifest SET subject = ?, evidence_format = ? WHERE id = ?", (subject, effect.evidence_format, row)
    )
    scope.connection.execute(
        """UPDATE subject_state SET generation = generation + 1, unverified = unverified - 1
        WHERE repo_id = ? AND subject = ?""",
        (scope.repo_id, before),
    )
    count_evidence(scope, subject)
    # Under the evidence tags of the other digest clients would find what is not about it.
    scope.connection.execute(
        """UPDATE tag SET target_id = NULL, target_alias = NULL, generation = generation + 1, moved = ?,
        pending_generation = CASE WHEN pending_id IS NULL THEN NULL ELSE generation + 1 END
        WHERE repo_id = ? AND target_id = ? AND name IN (?, ?)""",
        (scope.now, scope.repo_id, row, f"sha256-{before}.sig", f"sha256-{before}.att"),
    )


def count_evidence(scope: Scope, subject: str | None) -> None:
    """Count one piece more of unverified evidence of the subject."""
    if subject is None:
        return
    scope.connection.execute(
        """INSERT INTO subject_state (repo_id, subject, generation, unverified) VALUES (?, ?, 1, 1)
        ON CONFLICT (repo_id, subject) DO UPDATE SET generation = generation + 1, unverified = unverified + 1""",
        (scope.repo_id, subject),
    )


def subject_of(effect: PutManifest) -> str | None:
    """Return the sha256 of what the manifest is about; a subject named otherwise binds nothing."""
    named = effect.manifest.subject
    subject = effect.subject or (None if named is None else named.digest)
    return subject.hex if subject is not None and subject.algorithm == "sha256" else None
