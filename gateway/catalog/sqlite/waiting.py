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
from typing import Final, NamedTuple

from gateway.catalog.sqlite.holding import count_more, is_over_quota, is_shown
from gateway.catalog.sqlite.many import select_in
from gateway.catalog.sqlite.scope import Scope, name_blobs, raise_repository
from gateway.catalog.sqlite.telling import AT_ONCE, WORK, ask_again, reads_held_for, tell_later, waits
from gateway.catalog.sqlite.visibility import ADMITTED
from gateway.catalog.sqlite.work import enqueue_work

WAITING: Final = """SELECT w.parent_id, p.sha256, p.who, w.size, p.class, p.held_size > 0, p.narrow
FROM missing w JOIN manifest p ON p.id = w.parent_id
WHERE w.repo_id = ? AND w.digest = ? AND w.parent_id > ? AND w.named = 1 ORDER BY w.parent_id LIMIT ?"""
"""Who names a blob waits for a blob: the bytes of a manifest, uploaded as one, complete no index that names it."""
LACKED: Final = """SELECT w.digest FROM missing w WHERE w.parent_id = ?1
UNION ALL SELECT 'sha256:' || m.sha256 FROM missing w JOIN alias a ON a.repo_id = w.repo_id AND a.digest = w.digest
JOIN manifest m ON m.id = a.manifest_id WHERE w.parent_id = ?1"""
"""What a manifest waits for: as it names it, and by its sha256 where that is another name of something that is here."""

_SHOWN_PART: Final = """SELECT b.id, b.size FROM blob b
WHERE EXISTS (SELECT 1 FROM link l WHERE l.blob_id = b.id AND l.manifest_id = ?) AND b.digest = ?"""
_MAY_SHOW: Final = f"""SELECT m.id FROM manifest m WHERE m.id IN ({{keys}}) AND (m.state = {ADMITTED}
OR EXISTS (SELECT 1 FROM edge e WHERE e.repo_id = m.repo_id AND e.child = m.sha256))"""


@dataclass(frozen=True, slots=True)
class Part:
    """A blob that came: its digest as those that wait name it, who brought it, its length, and its row.

    ``brought_by`` None: the manifest ``shown_by``, a row id, shows it, so that it is there for everybody.
    """

    digest: str
    brought_by: str | None
    size: int
    blob_id: int
    shown_by: int | None = None


class _Waiting(NamedTuple):
    """A manifest that waits for a blob, as `WAITING` finds it. ``size``: the length that it gives the blob."""

    parent_id: int
    sha256: str
    who: str
    size: int | None
    cls: str
    counts: int
    narrow: int


def complete_later(scope: Scope, digest: str, *, shown_by: int) -> None:
    """Ask for the work that completes everybody who waits for a blob, since this manifest shows it from now on."""
    _ask(scope, digest, after=0, shown_by=shown_by)


def complete_shown(scope: Scope, digest: str, *, shown_by: int, after: int, limit: int) -> None:
    """Complete the next of those who wait for a blob, whosever they are, if this manifest shows it still."""
    found = scope.connection.execute(_SHOWN_PART, (shown_by, digest)).fetchone()
    if found is not None and is_shown(scope, shown_by):
        complete(scope, Part(digest, None, found[1], found[0], shown_by), after=after, limit=limit)


def complete(scope: Scope, part: Part, *, after: int = 0, limit: int = AT_ONCE) -> None:
    """Complete its bringer's own manifests, and those of whoever may read what others bring; of what is shown, everybody's.

    Asks for the next page. What waits for it in another length goes on waiting: a rule on sizes must not rest on the word
    of who named it first. So does what waits for a blob in a project that holds more than it may: who names parts first and
    brings them later is held to the same limit. He puts it again when there is room.
    """
    values = (scope.repo_id, part.digest, after, limit)
    page = [_Waiting(*row) for row in scope.connection.execute(WAITING, values)]
    there = {
        (who, narrow): part.brought_by in (None, who) or reads_held_for(scope, who, narrow=narrow)
        for who, narrow in {(row.who, row.narrow) for row in page}
    }
    full = _without_room(scope, page)
    completed = [
        row
        for row in page
        if there[row.who, row.narrow] and row.size in (None, part.size) and not (row.counts and row.cls in full)
    ]
    _link(scope, part, [row.parent_id for row in completed])
    scope.connection.executemany(
        "DELETE FROM missing WHERE repo_id = ? AND digest = ? AND parent_id = ?",
        [(scope.repo_id, part.digest, row.parent_id) for row in completed],
    )
    for row in completed:
        if not waits(scope, row.parent_id):
            ask_again(scope, row.sha256, kind="missing-part")
            tell_later(scope, row.parent_id)
    if len(page) == limit:
        _ask(scope, part.digest, after=page[-1].parent_id, brought_by=part.brought_by, shown_by=part.shown_by)


def _without_room(scope: Scope, page: Sequence[_Waiting]) -> frozenset[str]:
    """Return of which classes the project has no room for the bytes of a blob: what counts for them goes on waiting."""
    counting = frozenset(row.cls for row in page if row.counts)
    return frozenset(cls for cls in counting if is_over_quota(scope, cls))


def _link(scope: Scope, part: Part, manifest_ids: Sequence[int]) -> None:
    """Link the blob to what names it itself, and so shows it; what counts in its project counts for the blob too."""
    blob_id = part.blob_id
    for manifest_id in manifest_ids:
        linked = scope.connection.execute(
            "INSERT INTO link (repo_id, blob_id, manifest_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (scope.repo_id, blob_id, manifest_id),
        )
        if linked.rowcount:
            count_more(scope, manifest_id, blob_id)
    if manifest_ids:
        name_blobs(scope, [blob_id])
    showing = sorted(row[0] for row in select_in(scope.connection, _MAY_SHOW, manifest_ids))
    if showing:
        raise_repository(scope)
    if part.brought_by is not None:
        shown = next((manifest_id for manifest_id in showing if is_shown(scope, manifest_id)), None)
        if shown is not None:
            complete_later(scope, part.digest, shown_by=shown)


def _ask(scope: Scope, digest: str, *, after: int, brought_by: str | None = None, shown_by: int | None = None) -> None:
    data = {"repository": scope.repository.text, "digest": digest, "after": str(after)}
    data |= {"shown_by": str(shown_by)} if brought_by is None else {"brought_by": brought_by}
    whose = f"^{shown_by}" if brought_by is None else f"<{brought_by}"
    enqueue_work(scope.connection, WORK, f"{scope.repository}@{digest}{whose}>{after}", data, due=scope.now)
