"""What comes to be shown is there for everybody: who waits for it, or for what it shows, is looked at.

A root shows what it judged, and with each of these its blobs and the evidence about it. All of that is found by background
work, page by page, and only where somebody here waits for anything: the transaction that shows something asks for one row
of work for each root.

I/O: on the caller's connection.
Source: docs/decisions/0007-parts-are-there-for-their-writer.md ("when the part is shown to everybody").
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

from typing import Final

from gateway.catalog.sqlite.holding import is_shown, judged_rows, roots_above
from gateway.catalog.sqlite.scope import Scope, find_manifest
from gateway.catalog.sqlite.telling import PAGE, WORK, tell, tell_later
from gateway.catalog.sqlite.waiting import complete_later
from gateway.catalog.sqlite.work import enqueue_work
from gateway.catalog.values import ManifestClass
from gateway.oci.digest import Digest

OF_IMAGES: Final = "images"
OF_EVIDENCE: Final = "evidence"
"""What a page is of: a root and what it judged, or the evidence about a manifest."""

_ANY_WAITS: Final = "SELECT 1 FROM missing w WHERE w.repo_id = ? LIMIT 1"
_ABOUT: Final = f"""FROM manifest m WHERE m.repo_id = :repo AND m.class = '{ManifestClass.EVIDENCE.value}'
AND m.subject = (SELECT s.sha256 FROM manifest s WHERE s.id = :id)"""
_ANY: Final = f"SELECT 1 {_ABOUT} LIMIT 1"
_IS_NAMED: Final = "EXISTS (SELECT 1 FROM entry x WHERE x.repo_id = m.repo_id AND x.child = m.sha256)"
_ANY_NAMED: Final = f"SELECT 1 {_ABOUT} AND {_IS_NAMED} LIMIT 1"
_ANY_NAMED_BELOW: Final = f"""SELECT 1 FROM edge e CROSS JOIN manifest m ON m.repo_id = e.repo_id AND m.subject = e.child
WHERE e.root_id = :id AND m.class = '{ManifestClass.EVIDENCE.value}' AND {_IS_NAMED} LIMIT 1"""
EVIDENCE: Final = f"SELECT m.id {_ABOUT} AND m.id > :after ORDER BY m.id LIMIT :limit"
WAITED_FOR: Final = """SELECT b.digest FROM link l JOIN blob b ON b.id = l.blob_id WHERE l.manifest_id = ?
AND EXISTS (SELECT 1 FROM missing w WHERE w.repo_id = l.repo_id AND w.digest = b.digest AND w.named = 1)"""


def shows(scope: Scope, root_id: int) -> None:
    """Have everything looked at that this manifest, shown from now on, shows."""
    if _may_be_waited_for(scope, root_id):
        _ask(scope, root_id, OF_IMAGES, after=0)


def shows_again(scope: Scope, manifest_id: int) -> None:
    """The same of a manifest that came back, and of what it leads to from the roots that judged it."""
    for root in (manifest_id, *roots_above(scope, manifest_id)):
        shows(scope, root)


def evidence_shown(scope: Scope, evidence_id: int) -> None:
    """Have what names this piece of evidence, or waits for a part of it, looked at, where it is shown."""
    if is_shown(scope, evidence_id):
        tell(scope, evidence_id)
        _complete_blobs(scope, evidence_id)


def show_page(scope: Scope, name: Digest, *, of: str, after: int, limit: int = PAGE) -> None:
    """Look at the next of what a manifest shows, and ask for the page after it."""
    manifest_id = find_manifest(scope, name)
    if manifest_id is None:
        return
    if of == OF_EVIDENCE:
        values = {"repo": scope.repo_id, "id": manifest_id, "after": after, "limit": limit}
        page = [row[0] for row in scope.connection.execute(EVIDENCE, values)]
    else:
        rows = sorted({manifest_id, *judged_rows(scope, manifest_id)})
        page = [row for row in rows if row > after][:limit]
    for row in page:
        if not is_shown(scope, row):
            continue
        _complete_blobs(scope, row)
        if of == OF_EVIDENCE:
            tell_later(scope, row)
        elif scope.connection.execute(_ANY, {"repo": scope.repo_id, "id": row}).fetchone() is not None:
            _ask(scope, row, OF_EVIDENCE, after=0)
    if len(page) == limit:
        _ask(scope, manifest_id, of, after=page[-1])


def _complete_blobs(scope: Scope, manifest_id: int) -> None:
    for (digest,) in scope.connection.execute(WAITED_FOR, (manifest_id,)).fetchall():
        complete_later(scope, digest, shown_by=manifest_id)


def _may_be_waited_for(scope: Scope, manifest_id: int) -> bool:
    """Return whether anybody here waits for anything, or names evidence about this or below it: nearly nobody ever does."""
    if scope.connection.execute(_ANY_WAITS, (scope.repo_id,)).fetchone() is not None:
        return True
    values = {"repo": scope.repo_id, "id": manifest_id}
    return any(
        scope.connection.execute(statement, values).fetchone() is not None
        for statement in (_ANY_NAMED, _ANY_NAMED_BELOW)
    )


def _ask(scope: Scope, manifest_id: int, of: str, *, after: int) -> None:
    (sha256,) = scope.connection.execute("SELECT sha256 FROM manifest WHERE id = ?", (manifest_id,)).fetchone()
    data = {"repository": scope.repository.text, "digest": f"sha256:{sha256}", "of": of, "after": str(after)}
    enqueue_work(scope.connection, WORK, f"{scope.repository}@sha256:{sha256}^{of}>{after}", data, due=scope.now)
