"""Decisions are told of once they are durable, and only then."""

import asyncio
from collections.abc import Sequence

from gateway.admission.announcing import Announcing, Decided
from gateway.catalog.effects import Effect, RecordDecision, RecordEvent
from gateway.catalog.saying import Said
from gateway.catalog.values import DecisionRow
from gateway.catalog.world import World, WorldKey
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag

APP = RepositoryName.parse("team/app")
ONE = Digest.of(b"one")
CANARY = "canary-in-a-message"
RECORDED = RecordDecision(
    "d1",
    ONE,
    Tag("v1"),
    "held",
    {
        "outcome": "held",
        "reasons": [{"code": "SIGNATURE_MISSING", "message": CANARY, "severity": "hold", "subject": None}],
        "who": {"id": "u:alice", "kind": "user", "name": CANARY, "claims": {"sub": CANARY}},
        "trigger": {"kind": "push", "principal": "u:bob"},
        "policy_revision": "sha256:policy",
    },
    CANARY.encode(),
)


class Store:
    """`AdmissionStore` whose commits have the given ends, in order."""

    def __init__(self, *ends: bool) -> None:
        self.ends = list(ends)

    async def read_world(self, key: WorldKey, *, now: int) -> World | None:
        """No project claims anything here."""
        return None

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        """End as told."""
        return self.ends.pop(0)

    async def decisions(self, repository: RepositoryName, digest: Digest, *, limit: int) -> Sequence[DecisionRow]:
        """Return none."""
        return []

    async def newest_decision(self, repository: RepositoryName, digest: Digest, *, tag: Tag | None) -> Said | None:
        """Return none."""
        return None

    async def drift(self, project: ProjectName | None, *, limit: int) -> Sequence[DecisionRow]:
        """Return none."""
        return []

    async def decision_input(self, sha256: str) -> bytes | None:
        """Return what was asked for."""
        return sha256.encode()


def told(*ends: bool) -> list[Decided]:
    heard: list[Decided] = []
    store = Announcing(Store(*ends), decided=heard.append)
    effects = (RECORDED, RecordEvent("manifest.held", "u:alice", ONE, "d1", {}))

    async def commits() -> None:
        for end in ends:
            assert await store.commit([], effects, repository=APP, now=1) is end

    asyncio.run(commits())
    return heard


def test_a_committed_decision_is_told_with_its_codes_and_without_a_word_of_its_messages() -> None:
    (heard,) = told(True)
    assert heard == Decided(
        decision_id="d1",
        outcome="held",
        repository=APP,
        digest=ONE,
        tag=Tag("v1"),
        codes=("SIGNATURE_MISSING",),
        principal="u:alice",
        trigger="push",
        policy_revision="sha256:policy",
    )
    assert CANARY not in repr(heard)


def test_a_lost_race_is_not_told_of() -> None:
    assert told(False) == []
    assert len(told(False, True)) == 1


def test_what_is_read_is_the_stores() -> None:
    store = Announcing(Store(), decided=lambda decided: None)
    key = WorldKey(repository=APP, caller="u:alice", digest=ONE)
    assert asyncio.run(store.read_world(key, now=1)) is None
    assert asyncio.run(store.decisions(APP, ONE, limit=1)) == []
    assert asyncio.run(store.drift(None, limit=1)) == []
    assert asyncio.run(store.decision_input("00")) == b"00"


def test_what_was_committed_stands_where_nobody_can_be_told_of_it() -> None:
    def full(_: Decided) -> None:
        raise OSError(28, "No space left on device")

    store = Announcing(Store(True), decided=full)
    assert asyncio.run(store.commit([], (RECORDED,), repository=APP, now=1)) is True
