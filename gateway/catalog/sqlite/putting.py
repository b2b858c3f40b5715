"""`PutManifest`: the row of a manifest and everything that its bytes name.

Never deletes a row, never changes a state, never changes bytes that are there.

I/O: on the caller's connection.
Source: `gateway.catalog.effects.PutManifest`; DESIGN 3.
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

from typing import Final

from gateway.catalog.effects import PutManifest
from gateway.catalog.sqlite.directory import reads_held
from gateway.catalog.sqlite.holding import count, is_carried, is_shown, renew_entries, subject_came
from gateway.catalog.sqlite.lacking import drop_unbrought, note_lost, put_missing, sees_less
from gateway.catalog.sqlite.many import select_in
from gateway.catalog.sqlite.rows import claims_json
from gateway.catalog.sqlite.scope import Scope, find_manifest, name_blobs, raise_repository
from gateway.catalog.sqlite.visibility import ADMITTED, HELD
from gateway.catalog.sqlite.waiting import tell
from gateway.catalog.values import METADATA, ManifestClass
from gateway.errors import Internal
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest

_INSERT: Final = """INSERT INTO manifest (repo_id, sha256, class, state, subject, evidence_format, media_type,
artifact_type, size, who, who_claims, created) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)"""
_BLOBS_HERE: Final = """SELECT b.digest, b.id FROM blob b
WHERE EXISTS (SELECT 1 FROM repo_blob k WHERE k.repo_id = ? AND k.blob_id = b.id) AND b.digest IN ({keys})"""

_METADATA: Final = ", ".join(f"'{cls.value}'" for cls in sorted(METADATA))
_LINKED: Final = "SELECT b.digest, b.size FROM link l JOIN blob b ON b.id = l.blob_id WHERE l.manifest_id = ?"


def put_manifest(scope: Scope, effect: PutManifest) -> None:
    """Store the manifest, or refresh the row that is there."""
    found = find_manifest(scope, effect.manifest.digest)
    new = found is None
    row = _insert(scope, effect) if found is None else found
    full = reads_held(scope.connection, effect.who.id, scope.repository)
    if found is not None:
        _check_bytes(scope, found, effect.manifest)
        if effect.cls not in METADATA and sees_less(
            scope, found, effect.manifest, effect.missing, writer=effect.who.id, reads_held=full
        ):
            _put_aliases(scope, found, effect)  # another name for bytes that he has
            tell(scope, found)
            return  # nothing else comes of it: not to the row, not to what waits for it, not to what it counts for
        if effect.cls not in METADATA and not full:
            drop_unbrought(scope, found, effect.manifest, effect.missing, writer=effect.who.id)
        _refresh(scope, found, effect)
    _put_names(scope, row, effect)
    linked, newly = _put_links(scope, row, effect)
    missing = [digest for digest in effect.missing if digest not in linked]
    blobs = frozenset(named_blobs(effect.manifest))
    lacks_more = put_missing(scope, row, effect.manifest, missing, blobs=blobs, new=new)
    if not new:
        _take_over(scope, row, effect, complete=not missing)
    if not lacks_more:
        tell(scope, row)
        _count(scope, row, effect, reads_held=full)
    if (new or newly) and _may_show(scope, row, effect.manifest.digest):
        # A judged child that comes back, or a blob that came after what names it: nothing else announces them.
        raise_repository(scope)
    if new and effect.cls is ManifestClass.EVIDENCE:
        _count_evidence(scope, _subject(effect))
    if new:
        subject_came(scope, effect.manifest.digest.hex)


def named_blobs(manifest: Manifest) -> tuple[Digest, ...]:
    """Return every blob that the manifest names, foreign layers and what a build cache lists included."""
    parts = (*(() if manifest.config is None else (manifest.config,)), *manifest.layers)
    entries = (entry for entry in manifest.manifests if entry.media_type not in media_types.MANIFESTS)
    return tuple(dict.fromkeys(part.digest for part in (*parts, *entries)))


def _insert(scope: Scope, effect: PutManifest) -> int:
    manifest = effect.manifest
    cursor = scope.connection.execute(
        _INSERT,
        (
            scope.repo_id,
            manifest.digest.hex,
            effect.cls.value,
            _subject(effect),
            effect.evidence_format,
            manifest.media_type,
            manifest.declared_type,
            len(manifest.raw),
            effect.who.id,
            claims_json(effect.who_claims),
            scope.now,
        ),
    )
    row = cursor.lastrowid
    if row is None:
        raise Internal("the database gave the new manifest no id")
    scope.connection.execute("INSERT INTO body (manifest_id, bytes) VALUES (?, ?)", (row, manifest.raw))
    return row


def _check_bytes(scope: Scope, row: int, manifest: Manifest) -> None:
    """Raise `Internal` where other bytes are stored under this digest: a damaged database, or a broken SHA-256."""
    stored = scope.connection.execute("SELECT bytes FROM body WHERE manifest_id = ?", (row,)).fetchone()
    if stored is None or stored[0] != manifest.raw:
        raise Internal(f"the stored bytes of {manifest.digest} are not those that it names")


def _take_over(scope: Scope, row: int, effect: PutManifest, *, complete: bool) -> None:
    """Let the row be the writer's, with his claims, where he lacks nothing of it; where it is his, with these claims."""
    # Evidence counts for whom it was first here: nobody takes over another's, and with it the other's turn to be tried.
    before = scope.connection.execute("SELECT who FROM manifest WHERE id = ?", (row,)).fetchone()[0]
    changed = scope.connection.execute(
        f"""UPDATE manifest SET who = :who, who_claims = :claims
        WHERE id = :id AND class NOT IN ({_METADATA}) AND (:complete OR who = :who)""",
        {"who": effect.who.id, "claims": claims_json(effect.who_claims), "id": row, "complete": complete},
    )
    if changed.rowcount and before != effect.who.id and not is_shown(scope, row):
        note_lost(scope, row, kept_by=effect.who.id)


def _refresh(scope: Scope, row: int, effect: PutManifest) -> None:
    if effect.cls not in METADATA:
        return
    # The one change of class: what was pushed by digest, before the tag that says what it is (cosign, oras copy). Not where
    # an admitted index judged it: as evidence it would be gone from there.
    changed = scope.connection.execute(
        """UPDATE manifest SET class = ?, subject = ?, evidence_format = ? WHERE id = ? AND class = ? AND state = ?
        AND NOT EXISTS (SELECT 1 FROM edge e WHERE e.repo_id = manifest.repo_id AND e.child = manifest.sha256)""",
        (effect.cls.value, _subject(effect), effect.evidence_format, row, ManifestClass.IMAGE.value, HELD),
    )
    if changed.rowcount and effect.cls is ManifestClass.EVIDENCE:
        _count_evidence(scope, _subject(effect))
    if effect.cls is ManifestClass.EVIDENCE and not changed.rowcount:
        _move_evidence(scope, row, effect)
    if effect.cls is ManifestClass.FALLBACK:
        # A list of nothing has the same bytes whatever it is about. Once it is put for a second subject it is about none,
        # and is answered as no list is: what shows the one subject must not show a tag that names the other.
        scope.connection.execute(
            "UPDATE manifest SET subject = NULL WHERE id = ? AND class = ? AND subject IS NOT ?",
            (row, ManifestClass.FALLBACK.value, _subject(effect)),
        )


def _move_evidence(scope: Scope, row: int, effect: PutManifest) -> None:
    """Keep evidence for the subject of this PUT, whose payload names it. Raises `Internal` where another was proven."""
    subject = _subject(effect)
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
    _count_evidence(scope, subject)
    # Under the evidence tags of the other digest clients would find what is not about it.
    scope.connection.execute(
        """UPDATE tag SET target_id = NULL, target_alias = NULL, generation = generation + 1, moved = ?,
        pending_generation = CASE WHEN pending_id IS NULL THEN NULL ELSE generation + 1 END
        WHERE repo_id = ? AND target_id = ? AND name IN (?, ?)""",
        (scope.now, scope.repo_id, row, f"sha256-{before}.sig", f"sha256-{before}.att"),
    )


def _put_names(scope: Scope, row: int, effect: PutManifest) -> None:
    """Aliases, the entries of an index, and the row of the referrers list."""
    manifest = effect.manifest
    execute, insert = scope.connection.execute, scope.connection.executemany
    _put_aliases(scope, row, effect)
    insert(
        "INSERT INTO entry (index_id, child) VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(row, entry.digest.hex) for entry in manifest.manifests],
    )
    if manifest.subject is not None:
        execute(
            """INSERT INTO referrer (repo_id, subject, artifact_type, manifest_id) VALUES (?, ?, ?, ?)
            ON CONFLICT DO NOTHING""",
            (scope.repo_id, str(manifest.subject.digest), manifest.declared_type or "", row),
        )


def _put_links(scope: Scope, row: int, effect: PutManifest) -> tuple[frozenset[Digest], bool]:
    """Link the named blobs that are here for the writer; return them, and whether one was not linked before.

    What the closure does not look at (foreign layers, what a build cache lists) is linked where the writer brought it
    himself: a link shows the blob to whoever sees the manifest.
    """
    judged = {blob.digest for blob in effect.manifest.referenced_blobs}
    # What a build cache lists is missing as a manifest, which it is not.
    lacks = judged.intersection(effect.missing)
    named = {str(digest): digest for digest in named_blobs(effect.manifest) if digest not in lacks}
    here = [
        (digest, blob_id)
        for digest, blob_id in select_in(scope.connection, _BLOBS_HERE, list(named), scope.repo_id)
        if named[digest] in judged or _brought(scope, blob_id, effect.who.id)
    ]
    cursor = scope.connection.executemany(
        "INSERT INTO link (repo_id, blob_id, manifest_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(scope.repo_id, blob_id, row) for _, blob_id in here],
    )
    if cursor.rowcount > 0:
        name_blobs(scope, [blob_id for _, blob_id in here])
    return frozenset(named[digest] for digest, _ in here), cursor.rowcount > 0


def _brought(scope: Scope, blob_id: int, principal_id: str) -> bool:
    found = scope.connection.execute(
        "SELECT 1 FROM holder WHERE repo_id = ? AND blob_id = ? AND principal_id = ?",
        (scope.repo_id, blob_id, principal_id),
    ).fetchone()
    return found is not None


def _count(scope: Scope, row: int, effect: PutManifest, *, reads_held: bool) -> None:
    state, cls = scope.connection.execute("SELECT state, class FROM manifest WHERE id = ?", (row,)).fetchone()
    if cls != effect.cls.value:
        return  # put as something that it is not here: what it counts for and when it ends are as they were
    if cls == ManifestClass.EVIDENCE.value and _is_verified(scope, row):
        return  # as it was when it was verified, also where it is not at this moment: its key may come back
    if state == ADMITTED or is_carried(scope, row):
        count(scope, row, held_bytes=0, expires=None)
    else:
        more = _unjudged_bytes(scope, row, effect.manifest) if effect.held_bytes else 0
        count(scope, row, held_bytes=effect.held_bytes + more, expires=effect.expires)
        if effect.manifest.manifests and effect.expires is not None:
            renew_entries(scope, row, effect.expires, of_others=reads_held)


def _is_verified(scope: Scope, row: int) -> bool:
    found = scope.connection.execute("SELECT 1 FROM verified v WHERE v.evidence_id = ? LIMIT 1", (row,)).fetchone()
    return found is not None


def _unjudged_bytes(scope: Scope, row: int, manifest: Manifest) -> int:
    """Return the length of the linked blobs that no decision looks at: foreign layers, and what a build cache lists."""
    judged = {str(blob.digest) for blob in manifest.referenced_blobs}
    linked = scope.connection.execute(_LINKED, (row,))
    return sum(size for digest, size in linked if digest not in judged)


def _may_show(scope: Scope, row: int, digest: Digest) -> bool:
    """Return whether the row may be visible by what was there before: an admission, or a root that judged it."""
    found = scope.connection.execute(
        """SELECT m.state OR EXISTS (SELECT 1 FROM edge e WHERE e.repo_id = ? AND e.child = ?)
        FROM manifest m WHERE m.id = ?""",
        (scope.repo_id, digest.hex, row),
    ).fetchone()
    return bool(found[0])


def _count_evidence(scope: Scope, subject: str | None) -> None:
    if subject is None:
        return
    scope.connection.execute(
        """INSERT INTO subject_state (repo_id, subject, generation, unverified) VALUES (?, ?, 1, 1)
        ON CONFLICT (repo_id, subject) DO UPDATE SET generation = generation + 1, unverified = unverified + 1""",
        (scope.repo_id, subject),
    )


def _subject(effect: PutManifest) -> str | None:
    """Return the sha256 of what the manifest is about; a subject named otherwise binds nothing."""
    named = effect.manifest.subject
    subject = effect.subject or (None if named is None else named.digest)
    return subject.hex if subject is not None and subject.algorithm == "sha256" else None


def _put_aliases(scope: Scope, row: int, effect: PutManifest) -> None:
    scope.connection.executemany(
        "INSERT INTO alias (repo_id, digest, manifest_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(scope.repo_id, str(alias), row) for alias in effect.aliases if alias.algorithm != "sha256"],
    )
