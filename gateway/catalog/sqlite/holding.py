"""What waits: its clock, and what it counts for in its project.

A row counts (`held_size`) and has a clock (`expires`) while it waits and nothing visible carries it. Both end when it is
admitted or carried; the clock starts anew when its last visible parent is gone. Verified evidence counts for nothing, and
has a clock while its subject is not here.

I/O: on the caller's connection.
Source: DESIGN 3 ("Indexes", "Held things wait").
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

from collections.abc import Sequence
from typing import Final

from gateway.catalog.sqlite.scope import Scope
from gateway.catalog.sqlite.visibility import HELD, carried, visible
from gateway.catalog.values import ManifestClass

_CARRIED: Final = f"""SELECT {carried("m")} FROM manifest m JOIN repository r ON r.id = m.repo_id WHERE m.id = :id"""

_SHOWN: Final = f"""SELECT {visible("m")} FROM manifest m JOIN repository r ON r.id = m.repo_id WHERE m.id = :id"""

_JUDGED_ROWS: Final = """SELECT m.id FROM edge e JOIN manifest m ON m.sha256 = e.child AND m.repo_id = e.repo_id
WHERE e.root_id = ?"""
_ROOTS: Final = """SELECT e.root_id FROM manifest m JOIN edge e ON e.repo_id = m.repo_id AND e.child = m.sha256
WHERE m.id = ? AND EXISTS (SELECT 1 FROM entry x WHERE x.index_id = m.id)"""

# What counted for it once is not kept: its own bytes and those of the blobs it names are.
_STRANDED: Final = f"""SELECT m.id, m.size + (SELECT coalesce(sum(b.size), 0) FROM link l JOIN blob b ON b.id = l.blob_id
WHERE l.manifest_id = m.id) FROM manifest m JOIN repository r ON r.id = m.repo_id
WHERE m.id = :id AND m.state = {HELD} AND m.class = '{ManifestClass.IMAGE.value}' AND m.expires IS NULL
AND NOT {carried("m")}"""

_VERIFIED_OF: Final = f"""repo_id = ? AND subject = ? AND class = '{ManifestClass.EVIDENCE.value}'
AND EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = manifest.id)"""
_NOT_ORPHAN: Final = f"""UPDATE manifest SET expires = NULL, announced = 0
WHERE id = ? AND class = '{ManifestClass.EVIDENCE.value}'
AND EXISTS (SELECT 1 FROM verified v WHERE v.evidence_id = manifest.id)
AND EXISTS (SELECT 1 FROM manifest s WHERE s.sha256 = manifest.subject AND s.repo_id = manifest.repo_id)"""
_RENEW: Final = f"""UPDATE manifest SET expires = :expires, announced = 0 WHERE repo_id = :repo AND expires < :expires
AND state = {HELD} AND class = '{ManifestClass.IMAGE.value}'
AND (:of_others OR who = (SELECT i.who FROM manifest i WHERE i.id = :index))
AND sha256 IN (SELECT x.child FROM entry x WHERE x.index_id = :index)"""


def count(scope: Scope, manifest_id: int, *, held_bytes: int, expires: int | None) -> None:
    """Set what the row counts for and when it expires; its project's counter follows."""
    before, cls = scope.connection.execute(
        "SELECT held_size, class FROM manifest WHERE id = ?", (manifest_id,)
    ).fetchone()
    _add(scope, cls, held_bytes - before)
    scope.connection.execute(
        """UPDATE manifest SET held_size = ?, announced = announced AND expires IS ?, expires = ? WHERE id = ?""",
        (held_bytes, expires, expires, manifest_id),
    )


def count_more(scope: Scope, manifest_id: int, blob_id: int) -> None:
    """Let a row that counts count for a blob that was linked to it, by the length that is here."""
    row = scope.connection.execute(
        """SELECT m.class, b.size FROM manifest m JOIN blob b ON b.id = ? WHERE m.id = ? AND m.held_size > 0""",
        (blob_id, manifest_id),
    ).fetchone()
    if row is not None:
        cls, size = row
        scope.connection.execute("UPDATE manifest SET held_size = held_size + ? WHERE id = ?", (size, manifest_id))
        _add(scope, cls, size)


def _add(scope: Scope, cls: str, length: int) -> None:
    """Let the project's counter for this class follow: build caches have one of their own."""
    if length == 0:
        return
    counter = _counter(cls)
    scope.connection.execute(f"UPDATE project SET {counter} = {counter} + ? WHERE id = ?", (length, scope.project.id))


def _counter(cls: str) -> str:
    return "cache_bytes" if cls == ManifestClass.CACHE.value else "held_bytes"


def is_over_quota(scope: Scope, cls: str) -> bool:
    """Return whether the project keeps more bytes than it may of what counts as this class does."""
    row = scope.connection.execute(
        f"SELECT {_counter(cls)} > held_bytes_limit FROM project WHERE id = ?", (scope.project.id,)
    ).fetchone()
    return bool(row and row[0])


def announce(scope: Scope, manifest_id: int, expires: int) -> None:
    """Note that the row's end was told, and when it is."""
    scope.connection.execute("UPDATE manifest SET announced = 1, expires = ? WHERE id = ?", (expires, manifest_id))


def recount(scope: Scope, manifest_id: int) -> None:
    """Let clock and count of a row follow what is so now."""
    end_clocks(scope, [manifest_id])
    scope.connection.execute(_NOT_ORPHAN, (manifest_id,))
    start_clocks(scope, [manifest_id])


def subject_came(scope: Scope, sha256: str) -> None:
    """End the clocks of the verified evidence of a manifest that is here from now on."""
    scope.connection.execute(
        f"UPDATE manifest SET expires = NULL, announced = 0 WHERE {_VERIFIED_OF}", (scope.repo_id, sha256)
    )


def subject_went(scope: Scope, sha256: str) -> None:
    """Start the clocks of the verified evidence of a manifest that is gone."""
    scope.connection.execute(
        f"UPDATE manifest SET expires = ?, announced = 0 WHERE {_VERIFIED_OF}",
        (scope.now + held_seconds(scope), scope.repo_id, sha256),
    )


def renew_entries(scope: Scope, index_id: int, expires: int, *, of_others: bool) -> None:
    """Let what a waiting index names wait as long as the index: a client that finds it here does not put it again.

    ``of_others``: also what is not the index's writer's. Who may not read it would keep it alive by its digest.
    """
    scope.connection.execute(
        _RENEW, {"expires": expires, "index": index_id, "repo": scope.repo_id, "of_others": of_others}
    )


def held_seconds(scope: Scope) -> int:
    """Return for how long something waits in the project."""
    return scope.project.held_seconds


def is_carried(scope: Scope, manifest_id: int) -> bool:
    """Return whether a visible root carries the row now."""
    row = scope.connection.execute(_CARRIED, {"id": manifest_id, "now": scope.now}).fetchone()
    return bool(row and row[0])


def is_shown(scope: Scope, manifest_id: int) -> bool:
    """Return whether everybody who may pull here sees the row now."""
    row = scope.connection.execute(_SHOWN, {"id": manifest_id, "now": scope.now}).fetchone()
    return bool(row and row[0])


def judged_rows(scope: Scope, root_id: int) -> Sequence[int]:
    """Return the row ids of what the root judged, as far as it is here."""
    return sorted({row[0] for row in scope.connection.execute(_JUDGED_ROWS, (root_id,))})


def roots_above(scope: Scope, manifest_id: int) -> Sequence[int]:
    """Return the row ids of the roots that judged this index."""
    return sorted({row[0] for row in scope.connection.execute(_ROOTS, (manifest_id,))})


def rows_below(scope: Scope, manifest_id: int) -> Sequence[int]:
    """Return the row ids of what the manifest may carry: as a root, or as an index between a root and its leaves."""
    roots = {manifest_id, *roots_above(scope, manifest_id)}
    return sorted({row for root in roots for row in judged_rows(scope, root)} - {manifest_id})


def end_clocks(scope: Scope, manifest_ids: Sequence[int]) -> None:
    """Stop counting what is carried from now on."""
    for found in manifest_ids:
        if is_carried(scope, found):
            count(scope, found, held_bytes=0, expires=None)


def start_clocks(scope: Scope, manifest_ids: Sequence[int]) -> None:
    """Count again, from now, what waits and has lost the last parent that carried it."""
    for found in manifest_ids:
        stranded = scope.connection.execute(_STRANDED, {"id": found, "now": scope.now}).fetchone()
        if stranded is not None:
            count(scope, found, held_bytes=stranded[1], expires=scope.now + held_seconds(scope))
