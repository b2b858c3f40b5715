"""The world of a decision, read in one snapshot: once before the decision, once more inside its transaction.

One function for both, so that what is compared is what was read. Whatever a query here returns in no fixed order is
sorted: two reads of the same rows are equal.

I/O: reads on the caller's connection.
Source: DESIGN 2, "What commit re-reads"; docs/decisions/0002-one-world-read-twice.md.
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from gateway.access import rights
from gateway.access.values import Standing
from gateway.catalog.sqlite.ci_sessions import is_at_work
from gateway.catalog.sqlite.descendants import read_descendants
from gateway.catalog.sqlite.directory import read_standing, reads_held
from gateway.catalog.sqlite.evidence import read_evidence
from gateway.catalog.sqlite.many import select_in
from gateway.catalog.sqlite.rows import alias_digest, sha256
from gateway.catalog.sqlite.sight import BlobHere, Sight
from gateway.catalog.sqlite.visibility import carried, grounded
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import ActiveRevision, ChildFacts, ClockFacts, ManifestFacts, TagFacts, World, WorldKey
from gateway.errors import ManifestInvalid
from gateway.oci.digest import Digest
from gateway.oci.names import Tag

_Row: TypeAlias = Sequence[Any]

PLACE: Final = """SELECT p.held_bytes > p.held_bytes_limit, p.cache_bytes > p.held_bytes_limit, r.id
FROM project p LEFT JOIN repository r ON r.name = :repository AND r.project_id = p.id WHERE p.id = :project"""

_MANIFEST: Final = f"""SELECT m.id, m.class, m.state, {grounded("m")}, m.unverified,
EXISTS (SELECT 1 FROM edge e WHERE e.repo_id = m.repo_id AND e.child = m.sha256), m.subject, m.who, m.who_claims,
m.created, m.narrow, EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = m.id),
EXISTS (SELECT 1 FROM support u WHERE u.evidence_id = m.id),
EXISTS (SELECT 1 FROM missing g WHERE g.parent_id = m.id) FROM manifest m"""
MANIFEST: Final = f"{_MANIFEST} WHERE m.repo_id = :repo AND m.sha256 = :sha256"
MANIFEST_BY_ALIAS: Final = f"""{_MANIFEST} WHERE m.id =
(SELECT a.manifest_id FROM alias a WHERE a.repo_id = :repo AND a.digest = :digest)"""

CLOCK: Final = f"""SELECT m.expires, m.announced, {carried("m")},
EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = m.id),
EXISTS (SELECT 1 FROM manifest s WHERE s.sha256 = m.subject AND s.repo_id = m.repo_id)
FROM manifest m JOIN repository r ON r.id = m.repo_id WHERE m.id = :id"""
TAGS_AT: Final = "SELECT t.name FROM tag t WHERE t.target_id = ?"
TAGS_FOR: Final = "SELECT t.name FROM tag t WHERE t.pending_id = ?"

BLOBS_HERE: Final = """SELECT b.digest, b.size, b.id FROM blob b
WHERE EXISTS (SELECT 1 FROM repo_blob k WHERE k.repo_id = ? AND k.blob_id = b.id) AND b.digest IN ({keys})"""
CHILD_SIZES: Final = "SELECT 'sha256:' || sha256, size FROM manifest WHERE repo_id = ? AND sha256 IN ({keys})"
ALIAS_SIZES: Final = """SELECT a.digest, m.size FROM alias a JOIN manifest m ON m.id = a.manifest_id
WHERE a.repo_id = ? AND a.digest IN ({keys})"""
TOMBSTONES: Final = "SELECT sha256 FROM tombstone WHERE project_id = ? AND +repo_id IN (0, ?) AND sha256 IN ({keys})"

_TAG: Final = """SELECT t.name, t.generation, m.sha256, m.state, n.sha256, t.pending_alias, t.pending_generation,
t.requester_id, t.requester_claims
FROM tag t LEFT JOIN manifest m ON m.id = t.target_id LEFT JOIN manifest n ON n.id = t.pending_id"""
TAGS: Final = f"{_TAG} WHERE t.repo_id = ? AND t.name IN ({{keys}})"
TAGS_PENDING: Final = f"{_TAG} WHERE t.pending_id = ? AND t.repo_id = ?"

ACTIVE: Final = (
    """SELECT v.digest, a.generation FROM active a JOIN revision v ON v.id = a.revision_id WHERE a.kind = ?"""
)


def read_world(
    connection: sqlite3.Connection, key: WorldKey, *, now: int, with_bodies: bool = True, walks: bool = True
) -> World | None:
    """Return the world of ``key``; None where no project claims the repository's name.

    Without ``with_bodies`` the bodies are empty: they take no part in a comparison. Raises `ManifestInvalid` where an index
    is pushed that names more than can be judged; without ``walks``, `Unsettled` where to say what is missing takes long.
    """
    standing = read_standing(connection, key.caller, key.repository, now=now)
    if standing is None:
        return None
    if key.session is not None and not is_at_work(connection, key.session, key.caller, now=now):
        standing = replace(standing, active=False, roles=frozenset(), instance_roles=frozenset())
    place = {"repository": key.repository.text, "project": standing.project.id}
    over_quota, over_cache_quota, repo_id = connection.execute(PLACE, place).fetchone()
    manifest = _manifest(connection, repo_id, key.digest, now=now)
    manifest_id, own = (None, False) if manifest is None else (manifest.id, manifest.who == key.caller)
    writer = key.caller if key.pushing or manifest is None else manifest.who
    narrow = not key.reads if key.pushing else _is_narrow(manifest)
    if key.pushing:
        full = key.reads and rights.reads_held(standing)
    else:
        full = bool(key.children) and not narrow and reads_held(connection, writer, key.repository)
    sight = Sight(connection, key, repo_id, manifest_id, own, writer, full, now, walks, narrow)
    here = _blobs_here(connection, repo_id, key.blobs)
    descendants, too_many = _descendants(connection, repo_id, key, with_bodies=with_bodies)
    children = sight.children(descendants)
    generation, evidence = read_evidence(connection, repo_id, key.digest, with_bodies=with_bodies)
    tags = _tags(connection, repo_id, manifest_id, key.tags)
    named = (key.digest, *(child.digest for child in children))
    return World(
        standing=standing,
        repository_exists=repo_id is not None,
        over_quota=bool(over_quota),
        over_cache_quota=bool(over_cache_quota),
        manifest=manifest,
        clock=_clock(connection, manifest, now=now) if key.clock else None,
        missing_blobs=sight.missing_blobs(here),
        wrong_sizes=_wrong_sizes(connection, repo_id, key, here),
        children=children,
        revoked=_revoked(connection, standing.project.id, repo_id, named),
        generation=generation,
        evidence=evidence,
        tags=tags,
        requesters=_requesters(connection, key, tags),
        policy=_active(connection, "policy"),
        trust=_active(connection, "trust"),
        too_many=too_many,
    )


def _manifest(connection: sqlite3.Connection, repo_id: int | None, digest: Digest, *, now: int) -> ManifestFacts | None:
    if repo_id is None:
        return None
    values = {"repo": repo_id, "sha256": digest.hex, "digest": str(digest), "now": now}
    statement = MANIFEST if digest.algorithm == "sha256" else MANIFEST_BY_ALIAS
    row: _Row | None = connection.execute(statement, values).fetchone()
    if row is None:
        return None
    return ManifestFacts(
        id=row[0],
        cls=ManifestClass(row[1]),
        admitted=bool(row[2]),
        grounded=bool(row[3]),
        unverified=bool(row[4]),
        judged=bool(row[5]),
        narrow=bool(row[10]),
        verified=bool(row[11]),
        supports=bool(row[12]),
        waits=bool(row[13]),
        subject=None if row[6] is None else sha256(row[6]),
        who=row[7],
        who_claims=json.loads(row[8]),
        first_seen=row[9],
    )


def _descendants(
    connection: sqlite3.Connection, repo_id: int | None, key: WorldKey, *, with_bodies: bool
) -> tuple[tuple[ChildFacts, ...], str | None]:
    """Return the descendants or, of an index that came to lead to too many after it was put, none and what is wrong."""
    try:
        return read_descendants(connection, repo_id, key.children, with_bodies=with_bodies), None
    except ManifestInvalid as invalid:
        if key.pushing:
            raise
        return (), invalid.message


def _is_narrow(manifest: ManifestFacts | None) -> bool:
    return manifest is not None and manifest.narrow


def _clock(connection: sqlite3.Connection, manifest: ManifestFacts | None, *, now: int) -> ClockFacts | None:
    if manifest is None:
        return None
    row = connection.execute(CLOCK, {"id": manifest.id, "now": now}).fetchone()
    tags = {found[0] for query in (TAGS_AT, TAGS_FOR) for found in connection.execute(query, (manifest.id,))}
    return ClockFacts(row[0], bool(row[1]), bool(row[2]), bool(row[3]), bool(row[4]), tuple(sorted(tags)))


def _blobs_here(connection: sqlite3.Connection, repo_id: int | None, blobs: Sequence[Digest]) -> dict[Digest, BlobHere]:
    rows = select_in(connection, BLOBS_HERE, [str(blob) for blob in blobs], repo_id)
    found = {row[0]: BlobHere(row[2], row[1]) for row in rows}
    return {blob: here for blob in blobs if (here := found.get(str(blob))) is not None}


def _wrong_sizes(
    connection: sqlite3.Connection, repo_id: int | None, key: WorldKey, here: Mapping[Digest, BlobHere]
) -> tuple[Digest, ...]:
    """Return what is here in another length than the manifest gives it: a limit on sizes must not rest on its word."""
    if not key.sizes:
        return ()
    declared = dict(zip((*key.blobs, *key.children), key.sizes, strict=True))
    known = {digest: blob.size for digest, blob in here.items()}
    plain = [child.hex for child in key.children if child.algorithm == "sha256"]
    other = [str(child) for child in key.children if child.algorithm != "sha256"]
    for statement, digests in ((CHILD_SIZES, plain), (ALIAS_SIZES, other)):
        known.update({Digest.parse(row[0]): row[1] for row in select_in(connection, statement, digests, repo_id)})
    return tuple(digest for digest, size in declared.items() if known.get(digest, size) != size)


def _revoked(
    connection: sqlite3.Connection, project_id: int, repo_id: int | None, named: Sequence[Digest]
) -> tuple[Digest, ...]:
    keys = list(dict.fromkeys(digest.hex for digest in named if digest.algorithm == "sha256"))
    return tuple(sorted({sha256(row[0]) for row in select_in(connection, TOMBSTONES, keys, project_id, repo_id or 0)}))


def _tags(
    connection: sqlite3.Connection, repo_id: int | None, manifest_id: int | None, asked: Sequence[Tag]
) -> tuple[TagFacts, ...]:
    rows = list(select_in(connection, TAGS, [tag.text for tag in asked], repo_id))
    if manifest_id is not None:
        rows.extend(connection.execute(TAGS_PENDING, (manifest_id, repo_id)))
    found = {tag: TagFacts(tag, 0, None, False, None, None, None, None, {}) for tag in asked}
    for row in rows:
        tag = Tag(row[0])
        found[tag] = TagFacts(
            tag=tag,
            generation=row[1],
            target=None if row[2] is None else sha256(row[2]),
            target_admitted=bool(row[3]),
            pending=None if row[4] is None else sha256(row[4]),
            pending_alias=alias_digest(row[5]),
            pending_generation=row[6],
            requester=row[7],
            requester_claims={} if row[8] is None else json.loads(row[8]),
        )
    return tuple(found[tag] for tag in sorted(found))


def _requesters(connection: sqlite3.Connection, key: WorldKey, tags: Sequence[TagFacts]) -> tuple[Standing, ...]:
    waiting = {tag.requester for tag in tags if tag.pending == key.digest and tag.requester is not None}
    standings = (read_standing(connection, requester, key.repository, now=None) for requester in sorted(waiting))
    return tuple(standing for standing in standings if standing is not None)


def _active(connection: sqlite3.Connection, kind: str) -> ActiveRevision | None:
    row = connection.execute(ACTIVE, (kind,)).fetchone()
    return None if row is None else ActiveRevision(digest=row[0], generation=row[1])
