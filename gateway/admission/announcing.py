"""A store that tells of each decision once it is durable: for the log and for the metrics.

Never tells of what was not written. A commit that lost its race decided nothing: whoever decides again is told of.

I/O: through the store it wraps.
Source: issue item 9 ("one JSON line per request and per decision"); INTERFACE 6 ("the same decision id").
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.catalog.effects import Effect, RecordDecision
from gateway.catalog.saying import Said
from gateway.catalog.stores import AdmissionStore
from gateway.catalog.values import DecisionRow
from gateway.catalog.world import World, WorldKey
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag
from gateway.oci.strict_json import JsonValue


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision that was committed. ``codes`` are those of its reasons, in order; never a message, an input or a secret.

    ``principal`` is whom it was decided for, ``trigger`` what caused it.
    """

    decision_id: str
    outcome: str
    repository: RepositoryName
    digest: Digest
    tag: Tag | None
    codes: tuple[str, ...]
    principal: str
    trigger: str
    policy_revision: str | None


class Announcing:
    """`AdmissionStore` that tells ``decided`` of each decision after its commit.

    ``decided`` returns at once. That it fails changes nothing: what was committed is not answered as if it were not.
    """

    def __init__(self, inner: AdmissionStore, *, decided: Callable[[Decided], None]) -> None:
        self._inner = inner
        self._decided = decided

    async def read_world(self, key: WorldKey, *, now: int) -> World | None:
        """As `AdmissionStore.read_world`."""
        return await self._inner.read_world(key, now=now)

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        """As `AdmissionStore.commit`."""
        committed = await self._inner.commit(expected, effects, repository=repository, now=now)
        if committed:
            for effect in effects:
                if isinstance(effect, RecordDecision):
                    with contextlib.suppress(Exception):
                        self._decided(_told(effect, repository))
        return committed

    async def decisions(self, repository: RepositoryName, digest: Digest, *, limit: int) -> Sequence[DecisionRow]:
        """As `AdmissionStore.decisions`."""
        return await self._inner.decisions(repository, digest, limit=limit)

    async def newest_decision(self, repository: RepositoryName, digest: Digest, *, tag: Tag | None) -> Said | None:
        """As `AdmissionStore.newest_decision`."""
        return await self._inner.newest_decision(repository, digest, tag=tag)

    async def drift(self, project: ProjectName | None, *, limit: int) -> Sequence[DecisionRow]:
        """As `AdmissionStore.drift`."""
        return await self._inner.drift(project, limit=limit)

    async def decision_input(self, sha256: str) -> bytes | None:
        """As `AdmissionStore.decision_input`."""
        return await self._inner.decision_input(sha256)


def _told(effect: RecordDecision, repository: RepositoryName) -> Decided:
    record = effect.record
    reasons = record["reasons"]
    return Decided(
        decision_id=effect.id,
        outcome=effect.outcome,
        repository=repository,
        digest=effect.digest,
        tag=effect.tag,
        codes=tuple(str(_member(reason, "code")) for reason in reasons) if isinstance(reasons, list) else (),
        principal=str(_member(record["who"], "id")),
        trigger=str(_member(record["trigger"], "kind")),
        policy_revision=None if record["policy_revision"] is None else str(record["policy_revision"]),
    )


def _member(value: JsonValue, name: str) -> JsonValue:
    return value.get(name) if isinstance(value, Mapping) else None
