"""`PutManifest`: the row of a manifest and everything that its bytes name.

Never deletes a row, never changes a state, never changes bytes that are there.

I/O: on the caller's connection.
Source: `gateway.catalog.effects.PutManifest`; DESIGN 3.
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import dataclasses
from collections.abc import Collection
from typing import Final

from gateway.catalog.effects import PutManifest
from gateway.catalog.sqlite.directory import reads_held
from gateway.catalog.sqlite.holding import (
    count,
    is_carried,
    is_over_quota,
    is_shown,
    renew_entries,
    rows_below,
    subject_came,
)
from gateway.catalog.sqlite.lacking import drop_unbrought, put_missing, sees_less
from gateway.catalog.sqlite.many import change_in, select_in
from gateway.catalog.sqlite.reclassing import count_evidence, refresh, subject_of
from gateway.catalog.sqlite.rows import claims_json
from gateway.catalog.sqlite.scope import Scope, find_manifest, name_blobs, raise_repository
from gateway.catalog.sqlite.showing import shows_again
from gateway.catalog.sqlite.telling import ask_again, tell, tell_later, waits
from gateway.catalog.sqlite.visibility import ADMITTED
from gateway.catalog.values import METADATA, ManifestClass
from gateway.errors import Internal
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest

_INSERT: Final = """INSERT INTO manifest (repo_id, sha256, class, state, subject, evidence_format, media_type,
artifact_type, size, who, who_claims, narrow, created) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_BLOBS_HERE: Final = """SELECT b.digest, b.id FROM blob b
WHERE EXISTS (SELECT 1 FROM repo_blob k WHERE k.repo_id = ? AND k.blob_id = b.id) AND b.digest IN ({keys})"""
LINK: Final = """INSERT INTO link (repo_id, blob_id, manifest_id) SELECT k.repo_id, k.blob_id, ? FROM repo_blob k
WHERE k.repo_id = ? AND k.blob_id IN ({keys}) ON CONFLICT DO NOTHING"""
"""Of rows of ``repo_blob``, where each of these blobs was found: one statement for twenty layers."""

_BEFORE: Final = (
    "SELECT m.who, EXISTS (SELECT 1 FROM missing w WHERE w.parent_id = m.id) FROM manifest m WHERE m.id = ?"
)
_METADATA: Final = ", ".join(f"'{cls.value}'" for cls in sorted(METADATA))
_LINKED: Final = "SELECT b.digest, b.size FROM link l JOIN blob b ON b.id = l.blob_id WHERE l.manifest_id = ?"


def put_manifest(scope: Scope, effect: PutManifest) -> None:
    """Store the manifest, or refresh the row that is there."""
    found = find_manifest(scope, effect.manifest.digest)
    new = found is None
    row = _insert(scope, effect) if found is None else found
    may_read = reads_held(scope.connection, effect.who.id, scope.repository)
    full, weaker = effect.reads and may_read, may_read and not effect.reads
    lacks = _lacks(scope, effect, reads_held=full)
    if found is not None:
        _check_bytes(scope, found, effect.manifest)
        if effect.cls not in METADATA and (
            _is_metadata(scope, found)
            or sees_less(scope, found, effect.manifest, lacks, writer=effect.who.id, reads_held=full, weaker=weaker)
        ):
            if _put_aliases(scope, found, effect):  # another name for bytes that he has
                tell(scope, found)
            return  # nothing else comes of it: not to the row, not to what waits for it, not to what it counts for
        if effect.cls not in METADATA and not full:
            drop_unbrought(scope, found, effect.manifest, lacks, writer=effect.who.id)
        refresh(scope, found, effect)
    owner, waited = scope.connection.execute(_BEFORE, (row,)).fetchone()
    renamed = _put_names(scope, row, effect)
    newly = _put_links(scope, row, effect, lacks, reads_held=full)
    blobs = frozenset(named_blobs(effect.manifest))
    lacks_more = put_missing(scope, row, effect.manifest, lacks, blobs=blobs, his=owner == effect.who.id)
    if not new:
        _take_over(scope, row, effect, complete=not lacks)
    if lacks_more and waited and not waits(scope, row):
        # The last part, of evidence that several have brought in parts: what it is worth is found out by the background.
        ask_again(scope, effect.manifest.digest.hex, kind="missing-part")
        tell(scope, row)
        length = _length(scope, row) if effect.held_bytes else 0
        _count(scope, row, dataclasses.replace(effect, held_bytes=length), reads_held=full)
    if not lacks_more:
        if new or waited or renamed:
            tell(scope, row)
        elif owner != effect.who.id and not is_shown(scope, row):
            tell(scope, row, only=effect.who.id)  # to everybody else it is there as it was, or is not
        _count(scope, row, effect, reads_held=full)
    if (new or newly) and _may_show(scope, row, effect.manifest.digest):
        # A judged child that comes back, or a blob that came after what names it: nothing else announces them.
        raise_repository(scope)
        shows_again(scope, row)
        for below in rows_below(scope, row) if new else ():
            if is_shown(scope, below):
                tell_later(scope, below)  # what comes back shows again what it led to
    if new and effect.cls is ManifestClass.EVIDENCE:
        count_evidence(scope, subject_of(effect))
    if new:
        subject_came(scope, effect.manifest.digest.hex)


def named_blobs(manifest: Manifest) -> tuple[Digest, ...]:
    """Return every blob that the manifest names, foreign layers and what a build cache lists included."""
    parts = (*(() if manifest.config is None else (manifest.config,)), *manifest.layers)
    entries = (entry for entry in manifest.manifests if entry.media_type not in media_types.MANIFESTS)
    return tuple(dict.fromkeys(part.digest for part in (*parts, *entries)))


def _is_metadata(scope: Scope, row: int) -> bool:
    """Return whether the row is evidence or a list of it, which comes to nothing where it is put as an image."""
    (cls,) = scope.connection.execute("SELECT class FROM manifest WHERE id = ?", (row,)).fetchone()
    return ManifestClass(cls) in METADATA


def _lacks(scope: Scope, effect: PutManifest, *, reads_held: bool) -> list[Digest]:
    """Return what the writer lacks. What a build cache lists is missing as a manifest, which it is not."""
    judged = {blob.digest for blob in effect.manifest.referenced_blobs}
    listed = {str(digest) for digest in named_blobs(effect.manifest) if digest not in judged}
    asked = [str(digest) for digest in effect.missing if str(digest) in listed]
    here = {
        digest
        for digest, blob_id in select_in(scope.connection, _BLOBS_HERE, asked, scope.repo_id)
        if reads_held or _brought(scope, blob_id, effect.who.id)
    }
    return [digest for digest in dict.fromkeys(effect.missing) if str(digest) not in here]


def _insert(scope: Scope, effect: PutManifest) -> int:
    manifest = effect.manifest
    cursor = scope.connection.execute(
        _INSERT,
        (
            scope.repo_id,
            manifest.digest.hex,
            effect.cls.value,
            subject_of(effect),
            effect.evidence_format,
            manifest.media_type,
            manifest.declared_type,
            len(manifest.raw),
            effect.who.id,
            claims_json(effect.who_claims),
            int(not effect.reads),
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
    """Let the row be the writer's, with his claims, where he lacks nothing of it.

    Of one that waits the first claims stay, also where another job of the same rule puts it: no rule was asked about his.

    Not where it stands, and so nobody has asked about him: later decisions are about whose it is. But that he puts his own
    with a token that reads counts in any case, for evidence too: what he may read is there for it from now on.
    """
    if effect.reads:
        scope.connection.execute("UPDATE manifest SET narrow = 0 WHERE id = ? AND who = ?", (row, effect.who.id))
    if not effect.judged:
        return
    # Evidence counts for whom it was first here: nobody takes over another's, and with it the other's turn to be tried.
    scope.connection.execute(
        f"""UPDATE manifest SET narrow = :narrow AND (who <> :who OR narrow), who = :who, who_claims = :claims
        WHERE id = :id AND class NOT IN ({_METADATA}) AND :complete""",
        {
            "who": effect.who.id,
            "claims": claims_json(effect.who_claims),
            "narrow": int(not effect.reads),
            "id": row,
            "complete": complete,
        },
    )


def _put_names(scope: Scope, row: int, effect: PutManifest) -> bool:
    """Aliases, the entries of an index, and the row of the referrers list; return whether it has a name more."""
    manifest = effect.manifest
    execute, insert = scope.connection.execute, scope.connection.executemany
    renamed = _put_aliases(scope, row, effect)
    insert(
        "INSERT INTO entry (index_id, child, repo_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(row, entry.digest.hex, scope.repo_id) for entry in manifest.manifests],
    )
    if manifest.subject is not None:
        execute(
            """INSERT INTO referrer (repo_id, subject, artifact_type, manifest_id) VALUES (?, ?, ?, ?)
            ON CONFLICT DO NOTHING""",
            (scope.repo_id, str(manifest.subject.digest), manifest.declared_type or "", row),
        )
    return renamed


def _put_links(scope: Scope, row: int, effect: PutManifest, lacks: Collection[Digest], *, reads_held: bool) -> bool:
    """Link the named blobs that are here for the writer; return whether one was not linked before.

    What the closure does not look at (foreign layers, what a build cache lists) is linked where the writer brought it
    himself: a link shows the blob to whoever sees the manifest. A build cache is never shown. In a project that holds more
    than it may, nothing of that is added to a row that counts: it lacks nothing, so that putting it again is not refused.
    """
    judged = {blob.digest for blob in effect.manifest.referenced_blobs}
    named = {str(digest): digest for digest in named_blobs(effect.manifest) if digest not in lacks}
    all_his = reads_held and effect.cls is ManifestClass.CACHE
    if not judged.issuperset(named.values()) and _is_full(scope, row):
        named = {text: digest for text, digest in named.items() if digest in judged}
    here = [
        blob_id
        for digest, blob_id in select_in(scope.connection, _BLOBS_HERE, list(named), scope.repo_id)
        if all_his or named[digest] in judged or _brought(scope, blob_id, effect.who.id)
    ]
    linked = change_in(scope.connection, LINK, here, row, scope.repo_id)
    if linked:
        name_blobs(scope, here)
    return linked > 0


def _is_full(scope: Scope, row: int) -> bool:
    """Return whether the row counts in a project that has no room for what counts as it does."""
    cls, counts = scope.connection.execute("SELECT class, held_size > 0 FROM manifest WHERE id = ?", (row,)).fetchone()
    return bool(counts) and is_over_quota(scope, cls)


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


def _length(scope: Scope, row: int) -> int:
    """Return the length of the row's bytes and of all that is linked to it, whoever brought it."""
    (size,) = scope.connection.execute("SELECT size FROM manifest WHERE id = ?", (row,)).fetchone()
    return int(size + sum(length for _, length in scope.connection.execute(_LINKED, (row,))))


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


def _put_aliases(scope: Scope, row: int, effect: PutManifest) -> bool:
    """Keep the other digests of the manifest; return whether one is new."""
    cursor = scope.connection.executemany(
        "INSERT INTO alias (repo_id, digest, manifest_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(scope.repo_id, str(alias), row) for alias in effect.aliases if alias.algorithm != "sha256"],
    )
    return cursor.rowcount > 0
