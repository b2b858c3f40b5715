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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.access.rights import rights
from gateway.access.values import QuarantineLevel
from gateway.catalog.sqlite.directory import read_standing
from gateway.catalog.sqlite.holding import count_more
from gateway.catalog.sqlite.scope import Scope, name_blobs
from gateway.catalog.sqlite.work import enqueue_work

WORK: Final = "arrival"
"""The kind of the work that completes the rest."""

AT_ONCE: Final = 16
"""Completed in the transaction of the arrival itself: nearly always one."""

PAGE: Final = 250
"""Completed in one transaction of background work: about 5 ms of the writer."""

WAITING: Final = """SELECT w.parent_id, w.named, p.sha256, p.who, w.size
FROM missing w JOIN manifest p ON p.id = w.parent_id
WHERE w.repo_id = ? AND w.digest = ? AND w.parent_id > ? ORDER BY w.parent_id LIMIT ?"""
LACKED: Final = """SELECT w.digest FROM missing w WHERE w.parent_id = ?1
UNION ALL SELECT 'sha256:' || m.sha256 FROM missing w JOIN alias a ON a.repo_id = w.repo_id AND a.digest = w.digest
JOIN manifest m ON m.id = a.manifest_id WHERE w.parent_id = ?1"""
"""What a manifest waits for: as it names it, and by its sha256 where that is another name of something that is here."""

_WAITS: Final = "SELECT 1 FROM missing w WHERE w.parent_id = ? LIMIT 1"
_WAITED_FOR: Final = "SELECT 1 FROM missing w WHERE w.repo_id = ? AND w.digest = ? LIMIT 1"
_ALIASES: Final = "SELECT a.digest FROM alias a WHERE a.manifest_id = ?"


@dataclass(frozen=True, slots=True)
class Part:
    """What came: its digest as those that wait name it, who brought it, its length, and its row where it is a blob."""

    digest: str
    brought_by: str
    size: int
    blob_id: int | None


def ask_again(scope: Scope, sha256: str, *, kind: str) -> None:
    """Enqueue the re-evaluation of a manifest of this repository, in this transaction."""
    digest = f"sha256:{sha256}"
    data = {"repository": scope.repository.text, "digest": digest, "kind": kind}
    enqueue_work(scope.connection, "reevaluate", f"{scope.repository}@{digest}", data, due=scope.now)


def may_name(scope: Scope, writer: str, *, brought_by: str) -> bool:
    """Return whether a manifest of ``writer`` is completed by what somebody else brings: if he may read what is held."""
    if writer == brought_by:
        return True
    standing = read_standing(scope.connection, writer, scope.repository, now=None)
    return standing is not None and rights(standing).quarantine is QuarantineLevel.FULL


def waits(scope: Scope, manifest_id: int) -> bool:
    """Return whether the manifest waits for anything."""
    return scope.connection.execute(_WAITS, (manifest_id,)).fetchone() is not None


def complete(scope: Scope, part: Part, *, after: int = 0, limit: int = AT_ONCE) -> None:
    """Complete its bringer's own manifests, and those of whoever may read what others bring; ask for the next page.

    What waits for it in another length goes on waiting: a rule on sizes must not rest on the word of who named it first.
    """
    page = scope.connection.execute(WAITING, (scope.repo_id, part.digest, after, limit)).fetchall()
    writers = {who: may_name(scope, who, brought_by=part.brought_by) for who in {row[3] for row in page}}
    completed = [row for row in page if writers[row[3]] and row[4] in (None, part.size)]
    if part.blob_id is not None:
        _link(scope, part.blob_id, [row[0] for row in completed if row[1]])
    scope.connection.executemany(
        "DELETE FROM missing WHERE repo_id = ? AND digest = ? AND parent_id = ?",
        [(scope.repo_id, part.digest, row[0]) for row in completed],
    )
    for parent_id, _, sha256, who, _ in completed:
        ask_again(scope, sha256, kind="missing-part")
        if not waits(scope, parent_id):
            _tell_parents(scope, parent_id, sha256, who)
    if len(page) == limit:
        _ask(scope, part.digest, part.brought_by, after=page[-1][0])


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


def _tell_parents(scope: Scope, manifest_id: int, sha256: str, who: str) -> None:
    """Ask for the work that completes what waits for this manifest, which waits for nothing any more."""
    aliases = (row[0] for row in scope.connection.execute(_ALIASES, (manifest_id,)))
    for digest in (f"sha256:{sha256}", *aliases):
        if scope.connection.execute(_WAITED_FOR, (scope.repo_id, digest)).fetchone() is not None:
            _ask(scope, digest, who, after=0)


def _ask(scope: Scope, digest: str, brought_by: str, *, after: int) -> None:
    data = {"repository": scope.repository.text, "digest": digest, "brought_by": brought_by, "after": str(after)}
    enqueue_work(scope.connection, WORK, f"{scope.repository}@{digest}<{brought_by}>{after}", data, due=scope.now)
