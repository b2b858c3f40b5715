"""A manifest is there for those that name it: they are judged again, one level at a time.

It has come to be there where it is put and lacks nothing, where it becomes somebody else's, and where it is shown. Nothing
is noted when it goes, or is somebody else's from now on: who names it finds it absent (`sight`), at every decision.

An index may be named by thousands: the first few are looked at in the transaction that says so, the others page by page, by
background work; and whoever names those, by work of its own. No transaction looks at two levels.

I/O: on the caller's connection.
Source: DESIGN 3 ("Missing parts", "Indexes"); docs/decisions/0007-parts-are-there-for-their-writer.md.
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

from collections.abc import Sequence
from typing import Final

from gateway.catalog.sqlite.directory import reads_held
from gateway.catalog.sqlite.holding import is_shown
from gateway.catalog.sqlite.scope import Scope, find_manifest
from gateway.catalog.sqlite.visibility import HELD, grounded
from gateway.catalog.sqlite.work import enqueue_work
from gateway.oci.digest import Digest

WORK: Final = "arrival"
"""The kind of the work that does the rest, of a blob (`waiting`) or a manifest."""

AT_ONCE: Final = 16
"""Looked at in the transaction of the arrival itself: nearly always one."""

PAGE: Final = 250
"""Looked at in one transaction of background work: about 5 ms of the writer."""

PARENTS: Final = f"""SELECT e.index_id, m.sha256, m.who, m.narrow, m.state = {HELD} OR NOT {grounded("m")}
OR EXISTS (SELECT 1 FROM missing g WHERE g.parent_id = m.id) OR EXISTS (SELECT 1 FROM tag t WHERE t.pending_id = m.id)
FROM entry e LEFT JOIN manifest m ON m.id = e.index_id AND m.class = 'image' AND (:only IS NULL OR m.who = :only)
WHERE e.repo_id = :repo AND e.child = :child AND e.index_id > :after ORDER BY e.index_id LIMIT :limit"""
"""The next of those that name it, and whether an answer about them can change: not where they stand and no tag waits."""

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


def tell(scope: Scope, manifest_id: int, *, only: str | None = None, shown: bool | None = None) -> None:
    """Have what names this manifest judged again; while it waits itself, they go on waiting for it.

    ``only``: whose those are to whom it says anything; ``shown``: whether everybody sees it, where the caller knows.
    """
    if waits(scope, manifest_id):
        return
    for name in _named(scope, manifest_id):
        tell_page(scope, name, after=0, limit=AT_ONCE, only=only, shown=shown)


def tell_page(
    scope: Scope,
    name: Digest,
    *,
    after: int,
    limit: int = PAGE,
    only: str | None = None,
    shown: bool | None = None,
) -> None:
    """Tell the next of those that name a manifest by this digest; ask for the page after it.

    What waits for nothing that is noted passes it on, also where its own answer stays: what names that may be somebody's
    who sees more, and may have been signed while this was gone.

    It is there for whose it is, for whoever reads what is held, and where it is shown for everybody. Whom it is given in
    another length than it has goes on waiting: a rule on sizes must not rest on the word of who named it first.
    """
    manifest_id = find_manifest(scope, name)
    if manifest_id is None or waits(scope, manifest_id):
        return
    _, size, owner = scope.connection.execute(_CAME, (manifest_id,)).fetchone()
    names = _names(scope, manifest_id)
    values = {"repo": scope.repo_id, "child": name.hex, "after": after, "limit": limit, "only": only, "now": scope.now}
    page = scope.connection.execute(PARENTS, values).fetchall()
    if shown is None:
        shown = bool(page) and is_shown(scope, manifest_id)
    writers = {(row[2], row[3]) for row in page if row[2] is not None}
    theirs = {
        (who, narrow): shown or who == owner or reads_held_for(scope, who, narrow=narrow) for who, narrow in writers
    }
    for parent, sha256, who, narrow, asks in page:
        if who is None:
            continue
        if theirs[who, narrow]:
            scope.connection.executemany(_NOTED, [(scope.repo_id, known, parent, size) for known in names])
        if waits(scope, parent):
            continue
        if asks and theirs[who, narrow]:
            ask_again(scope, sha256, kind="missing-part")
        tell_later(scope, parent, only=only)
    if len(page) == limit:
        _ask(scope, name, after=page[-1][0], only=only)


def tell_later(scope: Scope, manifest_id: int, *, only: str | None = None) -> None:
    """Ask for the work that tells those which name a manifest that waits for nothing any more."""
    for name in _named(scope, manifest_id):
        _ask(scope, name, after=0, only=only)


def reads_held_for(scope: Scope, who: str, *, narrow: int) -> bool:
    """Return whether whose row it is reads what is held, for this row: not where his token let nobody read (``narrow``)."""
    return not narrow and reads_held(scope.connection, who, scope.repository)


def _named(scope: Scope, manifest_id: int) -> Sequence[Digest]:
    """Return the digests by which something names the manifest here."""
    names = map(Digest.parse, _names(scope, manifest_id))
    return [name for name in names if scope.connection.execute(NAMED, (scope.repo_id, name.hex)).fetchone() is not None]


def _names(scope: Scope, manifest_id: int) -> Sequence[str]:
    """Return every digest that the manifest is known by here."""
    (sha256, _, _) = scope.connection.execute(_CAME, (manifest_id,)).fetchone()
    return (f"sha256:{sha256}", *(row[0] for row in scope.connection.execute(_ALIASES, (manifest_id,))))


def _ask(scope: Scope, name: Digest, *, after: int, only: str | None) -> None:
    data = {"repository": scope.repository.text, "digest": str(name), "after": str(after)}
    key = f"{scope.repository}@{name}>{after}"
    if only is not None:  # with a key of its own: it must not take the place of what tells all
        data, key = data | {"only": only}, f"{key}!{only}"
    enqueue_work(scope.connection, WORK, key, data, due=scope.now)
