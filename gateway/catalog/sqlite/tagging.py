"""The effects on tags. A generation never goes back: a deleted tag keeps its row, with nothing in it.

I/O: on the caller's connection.
Source: `gateway.catalog.effects`; DESIGN 3 ("Pending tags", "Deletes").
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

from typing import Final

from gateway.catalog.effects import DeleteTag, DropPending, MoveTag, PendTag, PromoteTag
from gateway.catalog.sqlite.rows import claims_json
from gateway.catalog.sqlite.scope import Scope, manifest_id
from gateway.errors import Internal
from gateway.oci.digest import Digest

_NOTHING_PENDING: Final = """pending_id = NULL, pending_alias = NULL, pending_generation = NULL, requester_id = NULL,
requester_claims = NULL"""

_MOVE: Final = f"""INSERT INTO tag (repo_id, name, target_id, target_alias, generation, moved)
VALUES (:repo, :name, :id, :alias, 1, :now) ON CONFLICT (repo_id, name) DO UPDATE SET target_id = excluded.target_id,
target_alias = excluded.target_alias, generation = generation + 1, moved = excluded.moved, {_NOTHING_PENDING}"""
_PROMOTE: Final = f"""UPDATE tag SET target_id = :id, target_alias = :alias, moved = :now, {_NOTHING_PENDING}
WHERE repo_id = :repo AND name = :name AND pending_id = :id"""
_PEND: Final = """INSERT INTO tag
(repo_id, name, generation, pending_id, pending_alias, pending_generation, requester_id, requester_claims, moved)
VALUES (:repo, :name, 1, :id, :alias, 1, :requester, :claims, :now) ON CONFLICT (repo_id, name) DO UPDATE SET
generation = generation + 1, pending_id = excluded.pending_id, pending_alias = excluded.pending_alias,
pending_generation = generation + 1, requester_id = excluded.requester_id,
requester_claims = excluded.requester_claims"""
_DROP: Final = f"UPDATE tag SET {_NOTHING_PENDING} WHERE repo_id = :repo AND name = :name"
_DELETE: Final = f"""UPDATE tag SET target_id = NULL, target_alias = NULL, generation = generation + 1, moved = :now,
{_NOTHING_PENDING} WHERE repo_id = :repo AND name = :name"""


def change_tag(scope: Scope, effect: MoveTag | PromoteTag | PendTag) -> None:
    """Point the tag somewhere, or let it wait. Raises `Internal` for a promotion of what does not wait."""
    values = {
        "repo": scope.repo_id,
        "name": effect.tag.text,
        "id": manifest_id(scope, effect.digest),
        "alias": _alias(effect.alias),
        "now": scope.now,
        "requester": effect.requester if isinstance(effect, PendTag) else None,
        "claims": claims_json(effect.claims) if isinstance(effect, PendTag) else None,
    }
    statement = {MoveTag: _MOVE, PromoteTag: _PROMOTE, PendTag: _PEND}[type(effect)]
    if scope.connection.execute(statement, values).rowcount != 1:
        raise Internal(f"tag {effect.tag} does not wait for {effect.digest}")


def clear_tag(scope: Scope, effect: DropPending | DeleteTag) -> None:
    """Forget what waits for the tag, or the tag."""
    values = {"repo": scope.repo_id, "name": effect.tag.text, "now": scope.now}
    scope.connection.execute(_DELETE if isinstance(effect, DeleteTag) else _DROP, values)


def clear_tags_of(scope: Scope, row: int) -> None:
    """Take a manifest that is going away out of every tag: a request for each of them, so its generation moves."""
    values = {"id": row, "now": scope.now}
    # What else waits for the tag is not superseded by that: its generation moves along.
    scope.connection.execute(
        """UPDATE tag SET target_id = NULL, target_alias = NULL, generation = generation + 1, moved = :now,
        pending_generation = CASE WHEN pending_id IS NULL THEN NULL ELSE generation + 1 END WHERE target_id = :id""",
        values,
    )
    scope.connection.execute(
        f"UPDATE tag SET generation = generation + 1, {_NOTHING_PENDING} WHERE pending_id = :id", values
    )


def _alias(alias: Digest | None) -> str | None:
    return None if alias is None else str(alias)
