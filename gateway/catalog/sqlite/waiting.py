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
from gateway.catalog.sqlite.holding import count_more, is_over_quota
from gateway.catalog.sqlite.many import select_in
from gateway.catalog.sqlite.scope import Scope, name_blobs, raise_repository
from gateway.catalog.sqlite.telling import AT_ONCE, WORK, ask_again, tell_later, waits
from gateway.catalog.sqlite.visibility import ADMITTED
from gateway.catalog.sqlite.work import enqueue_work

WAITING: Final = """SELECT w.parent_id, p.sha256, p.who, w.size, p.class, p.held_size > 0
FROM missing w JOIN manifest p ON p.id = w.parent_id
WHERE w.repo_id = ? AND w.digest = ? AND w.parent_id > ? AND w.named = 1 ORDER BY w.parent_id LIMIT ?"""
"""Who names a blob waits for a blob: the bytes of a manifest, uploaded as one, complete no index that names it."""
LACKED: Final = """SELECT w.digest FROM missing w WHERE w.parent_id = ?1
UNION ALL SELECT 'sha256:' || m.sha256 FROM missing w JOIN alias a ON a.repo_id = w.repo_id AND a.digest = w.digest
JOIN manifest m ON m.id = a.manifest_id WHERE w.parent_id = ?1"""
"""What a manifest waits for: as it names it, and by its sha256 where that is another name of something that is here."""

_MAY_SHOW: Final = f"""SELECT 1 FROM manifest m WHERE m.id IN ({{keys}}) AND (m.state = {ADMITTED}
OR EXISTS (SELECT 1 FROM edge e WHERE e.repo_id = m.repo_id AND e.child = m.sha256))"""


@dataclass(frozen=True, slots=True)
class Part:
    """A blob that came: its digest as those that wait name it, who brought it, its length, and its row."""

    digest: str
    brought_by: str
    size: int
    blob_id: int


def complete(scope: Scope, part: Part, *, after: int = 0, limit: int = AT_ONCE) -> None:
    """Complete its bringer's own manifests, and those of whoever may read what others bring; ask for the next page.

    What waits for it in another length goes on waiting: a rule on sizes must not rest on the word of who named it first.
    So does what waits for a blob in a project that holds more than it may: who names parts first and brings them later is
    held to the same limit. He puts it again when there is room.
    """
    page = scope.connection.execute(WAITING, (scope.repo_id, part.digest, after, limit)).fetchall()
    writers = {who: _may_name(scope, who, part) for who in {row[2] for row in page}}
    full = _without_room(scope, page)
    completed = [
        (parent_id, sha256)
        for parent_id, sha256, who, size, cls, counts in page
        if writers[who] and size in (None, part.size) and not (counts and cls in full)
    ]
    _link(scope, part.blob_id, [row[0] for row in completed])
    scope.connection.executemany(
        "DELETE FROM missing WHERE repo_id = ? AND digest = ? AND parent_id = ?",
        [(scope.repo_id, part.digest, row[0]) for row in completed],
    )
    for parent_id, sha256 in completed:
        if not waits(scope, parent_id):
            ask_again(scope, sha256, kind="missing-part")
            tell_later(scope, parent_id)
    if len(page) == limit:
        _ask(scope, part, after=page[-1][0])


def _may_name(scope: Scope, writer: str, part: Part) -> bool:
    return writer == part.brought_by or reads_held(scope.connection, writer, scope.repository)


def _without_room(scope: Scope, page: Sequence[Sequence[Any]]) -> frozenset[str]:
    """Return of which classes the project has no room for the bytes of a blob: what counts for them goes on waiting."""
    counting = frozenset(cls for *_, cls, counts in page if counts)
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


def _ask(scope: Scope, part: Part, *, after: int) -> None:
    data = {
        "repository": scope.repository.text,
        "digest": part.digest,
        "brought_by": part.brought_by,
        "after": str(after),
    }
    key = f"{scope.repository}@{part.digest}<{part.brought_by}>{after}"
    enqueue_work(scope.connection, WORK, key, data, due=scope.now)
