"""The commit: compare the worlds, then apply the effects, inside one transaction.

Nothing is written where any world differs from the one a decision was made in. What an effect means is in
`gateway.catalog.effects`; this module only says which function carries it out.

I/O: on the caller's connection, in its transaction.
Source: DESIGN 2; docs/decisions/0002-one-world-read-twice.md.
"""

import sqlite3
from collections.abc import Sequence
from typing import assert_never

from gateway.access.values import ProjectFacts
from gateway.catalog.effects import (
    Admit,
    AnnounceExpiry,
    DeleteManifest,
    DeleteTag,
    DropPending,
    Effect,
    EnqueueWork,
    Entomb,
    MoveTag,
    PendTag,
    PromoteTag,
    PutManifest,
    RecordDecision,
    RecordEvent,
    RecordVerified,
    Recount,
)
from gateway.catalog.saying import canonical, reasons_sha256, record_sha256
from gateway.catalog.sqlite.admitting import admit, record_verified
from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.holding import announce, recount
from gateway.catalog.sqlite.inputs import keep_input
from gateway.catalog.sqlite.putting import put_manifest
from gateway.catalog.sqlite.removing import delete_manifest, entomb
from gateway.catalog.sqlite.scope import Scope, create_repository, find_manifest, manifest_id, open_scope
from gateway.catalog.sqlite.tagging import change_tag, clear_tag
from gateway.catalog.sqlite.work import enqueue_work
from gateway.catalog.sqlite.world import read_world
from gateway.catalog.world import World, WorldKey
from gateway.errors import Internal
from gateway.oci.names import RepositoryName


def commit(
    connection: sqlite3.Connection,
    expected: Sequence[tuple[WorldKey, World]],
    effects: Sequence[Effect],
    *,
    repository: RepositoryName,
    now: int,
) -> bool:
    """Apply the effects if every world is still the expected one; return whether it did. Raises `Internal`."""
    if not expected:
        raise Internal("a commit without a world it was decided in")
    if any(read_world(connection, key, now=now, with_bodies=False) != world for key, world in expected):
        return False
    project = read_project(connection, repository)
    if project is None:
        return False
    scope = _scope(connection, project, effects, repository, now=now)
    for effect in effects:
        _apply(scope, effect)
    return True


def _apply(scope: Scope, effect: Effect) -> None:
    match effect:
        case PutManifest():
            put_manifest(scope, effect)
        case Admit():
            admit(scope, effect)
        case RecordVerified():
            record_verified(scope, effect)
        case MoveTag() | PromoteTag() | PendTag():
            change_tag(scope, effect)
        case DropPending() | DeleteTag():
            clear_tag(scope, effect)
        case DeleteManifest():
            delete_manifest(scope, effect)
        case AnnounceExpiry():
            announce(scope, manifest_id(scope, effect.digest), effect.expires)
        case Recount():
            recount(scope, manifest_id(scope, effect.digest))
        case Entomb():
            entomb(scope, effect)
        case RecordDecision():
            _record_decision(scope, effect)
        case RecordEvent():
            _record_event(scope, effect)
        case EnqueueWork():
            enqueue_work(scope.connection, effect.kind, effect.key, effect.data, due=effect.due)
        case _:
            assert_never(effect)


def _scope(
    connection: sqlite3.Connection,
    project: ProjectFacts,
    effects: Sequence[Effect],
    repository: RepositoryName,
    *,
    now: int,
) -> Scope:
    """Return the scope. Only a manifest that is stored makes a repository: a refusal leaves no trace of a name."""
    if any(isinstance(effect, PutManifest) for effect in effects):
        create_repository(connection, project, repository, now=now)
    return open_scope(connection, project, repository, now=now)


def _record_decision(scope: Scope, effect: RecordDecision) -> None:
    if effect.input_document is not None:
        keep_input(scope, effect.input_document, admitted=effect.outcome == "admitted" and not effect.again)
    scope.connection.execute(
        """INSERT INTO decision (id, manifest_id, repo_name, digest, tag, outcome, at, record, reasons_sha256,
        record_sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            effect.id,
            find_manifest(scope, effect.digest),
            scope.repository.text,
            str(effect.digest),
            None if effect.tag is None else effect.tag.text,
            effect.outcome,
            scope.now,
            canonical(effect.record),
            reasons_sha256(effect.record.get("reasons")),
            record_sha256(effect.record),
        ),
    )


def _record_event(scope: Scope, effect: RecordEvent) -> None:
    insert_event(
        scope.connection,
        effect.kind,
        principal_id=effect.principal_id,
        now=scope.now,
        project=scope.project.name,
        repository=scope.repository.text,
        digest=None if effect.digest is None else str(effect.digest),
        decision_id=effect.decision_id,
        data=effect.data,
    )
