"""A manifest is there for those that name it: they are judged again, one level at a time.

It has come to be there where it is put and lacks nothing, where it becomes somebody else's, and where it is shown. Nothing
is noted when it goes, or is somebody else's from now on: who names it finds it absent (`sight`), at every decision.

An index may be named by thousands: the first few are looked at in the transaction that says so, the others page by page, by
background work; and whoever names those, by work of its own. No transaction looks at two levels.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts", "Indexes"); docs/decisions/0007-parts-are-there-for-their-writer.md.
"""

from collections.abc import Sequence
from typing import Final

from gateway.catalog.sqlite.directory import reads_held
from gateway.catalog.sqlite.holding import is_shown
from gateway.catalog.sqlite.scope import Scope, find_manifest
from gateway.catalog.sqlite.work import enqueue_work
from gateway.oci.digest import Digest

WORK: Final = "arrival"
"""The kind of the work that does the rest, of a blob (`waiting`) or a manifest."""

AT_ONCE: Final = 16
"""Looked at in the transaction of the arrival itself: nearly always one."""

PAGE: Final = 250
"""Looked at in one transaction of background work: about 5 ms of the writer."""

PARENTS: Final = """SELECT e.index_id, m.sha256, m.who FROM entry e LEFT JOIN manifest m ON m.id = e.index_id
AND m.class = 'image' AND (m.state = 0 OR EXISTS (SELECT 1 FROM missing w WHERE w.parent_id = m.id))
WHERE e.repo_id = ? AND e.child = ? AND e.index_id > ? ORDER BY e.index_id LIMIT ?"""
"""The next of those that name it; of what is admitted and lacks nothing the row's id alone."""

NAMED: Final = "SELECT 1 FROM entry e WHERE e.repo_id = ? AND e.child = ? LIMIT 1"

_WAITS: Final = "SELECT 1 FROM missing w WHERE w.parent_id = ? LIMIT 1"
_CAME: Final = "SELECT m.sha256, m.size, m.who FROM manifest m WHERE m.id = ?"
_ALIASES: Final = "SELECT a.digest FROM alias a WHERE a.manifest_id = ?"
_NOTED: Final = """DELETE FROM missing WHERE repo_id = ? AND digest = ? AND parent_id = ? AND named = 0
AND (size IS NULL OR size = ?)"""


def ask_again(scope: Scope, sha256: str, *, kind: str) -> None:
    """Enqueue the re-evaluation of a manifest of this repository, in this transaction."""
    digest = f"sha256:{sha256}"
    data = {"repository": scope.repository.text, "digest": digest, "kind": kind}
    enqueue_work(scope.connection, "reevaluate", f"{scope.repository}@{digest}", data, due=scope.now)


def waits(scope: Scope, manifest_id: int) -> bool:
    """Return whether the manifest waits for anything that is noted."""
    return scope.connection.execute(_WAITS, (manifest_id,)).fetchone() is not None


def tell(scope: Scope, manifest_id: int) -> None:
    """Have what names this manifest judged again; while it waits itself, they go on waiting for it."""
    if waits(scope, manifest_id):
        return
    for name in _named(scope, manifest_id):
        tell_page(scope, name, after=0, limit=AT_ONCE)


def tell_page(scope: Scope, name: Digest, *, after: int, limit: int = PAGE) -> None:
    """Tell the next of those that name a manifest by this digest; ask for the page after it.

    It is there for whose it is, for whoever reads what is held, and where it is shown for everybody. Whom it is given in
    another length than it has goes on waiting: a rule on sizes must not rest on the word of who named it first.
    """
    manifest_id = find_manifest(scope, name)
    if manifest_id is None or waits(scope, manifest_id):
        return
    _, size, owner = scope.connection.execute(_CAME, (manifest_id,)).fetchone()
    names = _names(scope, manifest_id)
    page = scope.connection.execute(PARENTS, (scope.repo_id, name.hex, after, limit)).fetchall()
    shown = bool(page) and is_shown(scope, manifest_id)
    theirs = {who: shown or who == owner or _reads_held(scope, who) for who in {row[2] for row in page} - {None}}
    for parent, sha256, who in page:
        if who is None or not theirs[who]:
            continue
        scope.connection.executemany(_NOTED, [(scope.repo_id, known, parent, size) for known in names])
        if not waits(scope, parent):
            ask_again(scope, sha256, kind="missing-part")
            tell_later(scope, parent)
    if len(page) == limit:
        _ask(scope, name, after=page[-1][0])


def tell_later(scope: Scope, manifest_id: int) -> None:
    """Ask for the work that tells those which name a manifest that waits for nothing any more."""
    for name in _named(scope, manifest_id):
        _ask(scope, name, after=0)


def _named(scope: Scope, manifest_id: int) -> Sequence[Digest]:
    """Return the digests by which something names the manifest here."""
    names = map(Digest.parse, _names(scope, manifest_id))
    return [name for name in names if scope.connection.execute(NAMED, (scope.repo_id, name.hex)).fetchone() is not None]


def _names(scope: Scope, manifest_id: int) -> Sequence[str]:
    """Return every digest that the manifest is known by here."""
    (sha256, _, _) = scope.connection.execute(_CAME, (manifest_id,)).fetchone()
    return (f"sha256:{sha256}", *(row[0] for row in scope.connection.execute(_ALIASES, (manifest_id,))))


def _reads_held(scope: Scope, who: str) -> bool:
    return reads_held(scope.connection, who, scope.repository)


def _ask(scope: Scope, name: Digest, *, after: int) -> None:
    data = {"repository": scope.repository.text, "digest": str(name), "after": str(after)}
    enqueue_work(scope.connection, WORK, f"{scope.repository}@{name}>{after}", data, due=scope.now)
