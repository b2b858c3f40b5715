"""What waits for a part, and what becomes of it when the part is there.

A manifest waits, by the rows of `missing`, for each blob that it names, for each manifest that it leads to and that is not
here, and for each one that is here and waits itself: *for that manifest*, not for what that lacks. So there is a row for
each part at most, and never one for each part of each child. Whoever has lost his last row has come to be complete, and
those that wait for him are looked at in the same way, one level at a time, by work of its own.

Thousands may wait for one part: the first few are completed in the transaction that brings it, the others page by page by
background work that it asks for. What waits, and whether it names the blob itself, is in `missing`: no manifest is read.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts").
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.catalog.sqlite.directory import reads_held
from gateway.catalog.sqlite.holding import count_more, is_over_quota, is_shown
from gateway.catalog.sqlite.many import select_in
from gateway.catalog.sqlite.scope import Scope, name_blobs, raise_repository
from gateway.catalog.sqlite.visibility import ADMITTED
from gateway.catalog.sqlite.work import enqueue_work

WORK: Final = "arrival"
"""The kind of the work that completes the rest."""

AT_ONCE: Final = 16
"""Completed in the transaction of the arrival itself: nearly always one."""

PAGE: Final = 250
"""Completed in one transaction of background work: about 5 ms of the writer."""

WAITING: Final = """SELECT w.parent_id, p.sha256, p.who, w.size, p.class, p.held_size > 0
FROM missing w JOIN manifest p ON p.id = w.parent_id
WHERE w.repo_id = ? AND w.digest = ? AND w.parent_id > ? AND w.named = ? ORDER BY w.parent_id LIMIT ?"""
"""Who names a blob waits for a blob: the bytes of a manifest, uploaded as one, complete no index that names it."""
LACKED: Final = """SELECT w.digest FROM missing w WHERE w.parent_id = ?1
UNION ALL SELECT 'sha256:' || m.sha256 FROM missing w JOIN alias a ON a.repo_id = w.repo_id AND a.digest = w.digest
JOIN manifest m ON m.id = a.manifest_id WHERE w.parent_id = ?1"""
"""What a manifest waits for: as it names it, and by its sha256 where that is another name of something that is here."""

_WAITS: Final = "SELECT 1 FROM missing w WHERE w.parent_id = ? LIMIT 1"
_WAITED_FOR: Final = "SELECT 1 FROM missing w WHERE w.repo_id = ? AND w.digest = ? AND w.named = 0 LIMIT 1"
_MAY_SHOW: Final = f"""SELECT 1 FROM manifest m WHERE m.id IN ({{keys}}) AND (m.state = {ADMITTED}
OR EXISTS (SELECT 1 FROM edge e WHERE e.repo_id = m.repo_id AND e.child = m.sha256))"""
_CAME: Final = "SELECT m.sha256, m.size, m.who FROM manifest m WHERE m.id = ?"
_ALIASES: Final = "SELECT a.digest FROM alias a WHERE a.manifest_id = ?"


@dataclass(frozen=True, slots=True)
class Part:
    """What came: its digest as those that wait name it, who brought it, its length, and its row where it is a blob."""

    digest: str
    brought_by: str
    size: int
    blob_id: int | None
    shown: bool = False
    """Everybody who may pull here sees it: then it is there for every writer."""


def ask_again(scope: Scope, sha256: str, *, kind: str) -> None:
    """Enqueue the re-evaluation of a manifest of this repository, in this transaction."""
    digest = f"sha256:{sha256}"
    data = {"repository": scope.repository.text, "digest": digest, "kind": kind}
    enqueue_work(scope.connection, "reevaluate", f"{scope.repository}@{digest}", data, due=scope.now)


def waits(scope: Scope, manifest_id: int) -> bool:
    """Return whether the manifest waits for anything."""
    return scope.connection.execute(_WAITS, (manifest_id,)).fetchone() is not None


def complete(scope: Scope, part: Part, *, after: int = 0, limit: int = AT_ONCE) -> None:
    """Complete its bringer's own manifests, and those of whoever may read what others bring; ask for the next page.

    What waits for it in another length goes on waiting: a rule on sizes must not rest on the word of who named it first.
    So does what waits for a blob in a project that holds more than it may: who names parts first and brings them later is
    held to the same limit. He puts it again when there is room.
    """
    is_blob = part.blob_id is not None
    page = scope.connection.execute(WAITING, (scope.repo_id, part.digest, after, is_blob, limit)).fetchall()
    writers = {who: part.shown or _may_name(scope, who, part) for who in {row[2] for row in page}}
    full = _without_room(scope, part, page)
    completed = [
        (parent_id, sha256, who)
        for parent_id, sha256, who, size, cls, counts in page
        if writers[who] and size in (None, part.size) and not (counts and cls in full)
    ]
    if part.blob_id is not None:
        _link(scope, part.blob_id, [row[0] for row in completed])
    scope.connection.executemany(
        "DELETE FROM missing WHERE repo_id = ? AND digest = ? AND parent_id = ?",
        [(scope.repo_id, part.digest, row[0]) for row in completed],
    )
    for parent_id, sha256, who in completed:
        ask_again(scope, sha256, kind="missing-part")
        if not waits(scope, parent_id):
            _tell_parents(scope, parent_id, sha256, who)
    if len(page) == limit:
        _ask(scope, part.digest, part.brought_by, blob=is_blob, after=page[-1][0])


def tell(scope: Scope, manifest_id: int) -> None:
    """Have what waits for this manifest judged again; while it waits itself, they go on waiting for it."""
    if waits(scope, manifest_id):
        return
    sha256, size, who = scope.connection.execute(_CAME, (manifest_id,)).fetchone()
    shown = is_shown(scope, manifest_id)
    for name in names_of(scope, manifest_id, sha256):
        complete(scope, Part(name, who, size, None, shown=shown))


def names_of(scope: Scope, manifest_id: int, sha256: str) -> Sequence[str]:
    """Return every digest that the manifest is known by here."""
    return (f"sha256:{sha256}", *(row[0] for row in scope.connection.execute(_ALIASES, (manifest_id,))))


def _may_name(scope: Scope, writer: str, part: Part) -> bool:
    return writer == part.brought_by or reads_held(scope.connection, writer, scope.repository)


def _without_room(scope: Scope, part: Part, page: Sequence[Sequence[Any]]) -> frozenset[str]:
    """Return of which classes the project has no room for the bytes of a blob: what counts for them goes on waiting."""
    counting = frozenset[str]() if part.blob_id is None else frozenset(cls for *_, cls, counts in page if counts)
    return frozenset(cls for cls in counting if is_over_quota(scope, cls))


def _link(scope: Scope, blob_id: int, manifest_ids: Sequence[int]) -> None:
    """Link the blob to what names it itself, and so shows it; what counts in its project counts for the blob too."""
    for manifest_id in manifest_ids:
        linked = scope.connection.execute(
            "INSERT INTO link (repo_id, blob_id, manifest_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (scope.repo_id, blob_id, manifest_id),
        )
        if linked.rowcount:
            count_more(scope, manifest_id, blob_id)
    if manifest_ids:
        name_blobs(scope, [blob_id])
    if any(select_in(scope.connection, _MAY_SHOW, manifest_ids)):
        raise_repository(scope)


def _tell_parents(scope: Scope, manifest_id: int, sha256: str, who: str) -> None:
    """Ask for the work that completes what waits for this manifest, which waits for nothing any more."""
    for digest in names_of(scope, manifest_id, sha256):
        if scope.connection.execute(_WAITED_FOR, (scope.repo_id, digest)).fetchone() is not None:
            _ask(scope, digest, who, blob=False, after=0)


def _ask(scope: Scope, digest: str, brought_by: str, *, blob: bool, after: int) -> None:
    data = {
        "repository": scope.repository.text,
        "digest": digest,
        "brought_by": brought_by,
        "blob": str(int(blob)),
        "after": str(after),
    }
    key = f"{scope.repository}@{digest}<{brought_by}>{int(blob)}>{after}"
    enqueue_work(scope.connection, WORK, key, data, due=scope.now)
