"""Is this blob shown to everybody who may pull here? One answer, for whoever reads it and for whoever names it.

A base layer may be named by 100,000 manifests, so each blob of a repository keeps a *witness*, the manifest that showed it
last. It is verified whenever it is asked and never believed:

1. the witness is visible, and names the blob: yes;
2. it was looked for in vain, and nothing was made visible in this repository since (`none_at` = `raised`): no;
3. else the newest manifests that name it are asked inline; where there are more, all are, off the event loop, and what
   was found is written back: a witness only over the one that failed, a "none" with the count it was found under.

I/O: reads and writes on the caller's connection.
Source: DESIGN 3 ("Visibility is one rule"), 4 (CVE-2024-39897: knowing a digest gives no access).
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import sqlite3
from dataclasses import dataclass
from typing import Final

from gateway.catalog.sqlite.visibility import visible

MAX_INLINE_LINKS: Final = 8
"""21 to 31 us; a walk over 100,000 takes 84 ms."""

WITNESS: Final = """LEFT JOIN link l ON l.repo_id = k.repo_id AND l.blob_id = k.blob_id AND l.manifest_id = k.witness
LEFT JOIN manifest m ON m.id = l.manifest_id"""
"""Of a row ``k`` of `repo_blob`: the witness is ``m``, where it names the blob."""

SHOWN: Final = f"""SELECT {visible("m")}, k.none_at IS r.raised
FROM repo_blob k JOIN repository r ON r.id = k.repo_id {WITNESS} WHERE k.repo_id = :repo AND k.blob_id = :blob"""

_LINKS: Final = """FROM repository r JOIN link l ON l.repo_id = r.id JOIN manifest m ON m.id = l.manifest_id
WHERE r.id = :repo AND l.blob_id = :blob"""
NEWEST: Final = f"SELECT {visible('m')} {_LINKS} ORDER BY l.manifest_id DESC LIMIT :limit"
WALK: Final = f"SELECT m.id {_LINKS} AND {visible('m')} ORDER BY l.manifest_id DESC LIMIT 1"
_FROM: Final = """SELECT r.raised, k.witness FROM repo_blob k JOIN repository r ON r.id = k.repo_id
WHERE k.repo_id = :repo AND k.blob_id = :blob"""

_STORE_WITNESS: Final = """UPDATE repo_blob SET witness = :found, none_at = NULL
WHERE repo_id = :repo AND blob_id = :blob AND witness IS :old"""
_STORE_NONE: Final = "UPDATE repo_blob SET none_at = :raised WHERE repo_id = :repo AND blob_id = :blob"


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk found: the manifest that shows the blob or none, under which count, and the witness that failed."""

    repo_id: int
    blob_id: int
    found: int | None
    raised: int | None
    old: int | None


def is_shown_now(
    connection: sqlite3.Connection, repo_id: int, blob_id: int, *, now: int, max_inline_links: int = MAX_INLINE_LINKS
) -> bool | None:
    """Return whether the blob is shown; None where that takes a `walk`."""
    row = connection.execute(SHOWN, {"repo": repo_id, "blob": blob_id, "now": now}).fetchone()
    if row is None:
        return False
    return settled(
        connection, repo_id, blob_id, by_witness=row[0], in_vain=row[1], now=now, max_inline_links=max_inline_links
    )


def settled(
    connection: sqlite3.Connection,
    repo_id: int,
    blob_id: int,
    *,
    by_witness: int | None,
    in_vain: int,
    now: int,
    max_inline_links: int,
) -> bool | None:
    """The same, where the witness and the remembered "none" were read already."""
    if by_witness:
        return True
    if in_vain:
        return False
    asked = 0
    values = {"repo": repo_id, "blob": blob_id, "now": now, "limit": max_inline_links}
    for (seen,) in connection.execute(NEWEST, values):
        if seen:
            return True
        asked += 1
    return False if asked < max_inline_links else None


def walk(connection: sqlite3.Connection, repo_id: int, blob_id: int, *, now: int) -> Walked:
    """Ask every manifest that names the blob, in one snapshot: a "none" holds for the count that was read with it."""
    values = {"repo": repo_id, "blob": blob_id, "now": now}
    raised, old = connection.execute(_FROM, values).fetchone() or (None, None)
    row = connection.execute(WALK, values).fetchone()
    return Walked(repo_id, blob_id, None if row is None else row[0], raised, old)


def remember(connection: sqlite3.Connection, walked: Walked) -> None:
    """Keep what was found, for who asks next."""
    values = {"repo": walked.repo_id, "blob": walked.blob_id}
    if walked.found is None:
        connection.execute(_STORE_NONE, {**values, "raised": walked.raised})
    else:
        connection.execute(_STORE_WITNESS, {**values, "found": walked.found, "old": walked.old})
