"""Stores with one fault each: what the search must be able to find. Never used but to show that it does.

`Blind` commits without looking at one part of the world: as if that part were not re-read. `Forgetful` loses effects.

I/O: through the store they spoil.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from gateway.catalog.effects import Effect, PromoteTag, RecordDecision, RecordEvent
from gateway.catalog.saying import Said
from gateway.catalog.stores import AdmissionStore
from gateway.catalog.values import DecisionRow
from gateway.catalog.world import World, WorldKey
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag

PARTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "everything": tuple(field.name for field in dataclasses.fields(World)),
        "standing": ("standing", "requesters"),
        "manifest": ("manifest", "tags", "requesters"),
        "clock": ("clock",),
        "blobs": ("missing_blobs", "wrong_sizes"),
        "children": ("children", "too_many"),
        "revoked": ("revoked",),
        "evidence": ("generation", "evidence"),
        "tags": ("tags", "requesters"),
        "policy": ("policy",),
        "trust": ("trust",),
    }
)
"""What a blind store does not compare. Facts that follow from one another are left out together."""


class _Spoilt:
    """An `AdmissionStore` that is what it wraps, but for `commit`."""

    def __init__(self, inner: AdmissionStore) -> None:
        self._inner = inner

    async def read_world(self, key: WorldKey, *, now: int) -> World | None:
        return await self._inner.read_world(key, now=now)

    async def decisions(self, repository: RepositoryName, digest: Digest, *, limit: int) -> Sequence[DecisionRow]:
        return await self._inner.decisions(repository, digest, limit=limit)

    async def newest_decision(self, repository: RepositoryName, digest: Digest, *, tag: Tag | None) -> Said | None:
        return await self._inner.newest_decision(repository, digest, tag=tag)

    async def drift(self, project: ProjectName | None, *, limit: int) -> Sequence[DecisionRow]:
        return await self._inner.drift(project, limit=limit)

    async def decision_input(self, sha256: str) -> bytes | None:
        return await self._inner.decision_input(sha256)


class Blind(_Spoilt):
    """Takes parts of the world as they are now for what they were."""

    def __init__(self, inner: AdmissionStore, parts: Sequence[str]) -> None:
        super().__init__(inner)
        self._parts = parts

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        seen = []
        for key, world in expected:
            current = await self._inner.read_world(key, now=now)
            parts = {} if current is None else {part: getattr(current, part) for part in self._parts}
            seen.append((key, dataclasses.replace(world, **parts)))
        return await self._inner.commit(seen, effects, repository=repository, now=now)


class Forgetful(_Spoilt):
    """Leaves out effects of some kind."""

    def __init__(self, inner: AdmissionStore, forgets: Callable[[Effect], bool]) -> None:
        super().__init__(inner)
        self._forgets = forgets

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        kept = [effect for effect in effects if not self._forgets(effect)]
        return await self._inner.commit(expected, kept, repository=repository, now=now)


FORGETS: Final[Mapping[str, Callable[[Effect], bool]]] = MappingProxyType(
    {
        "decisions": lambda effect: isinstance(effect, RecordDecision),
        "events": lambda effect: isinstance(effect, RecordEvent),
        "promotions": lambda effect: isinstance(effect, PromoteTag),
    }
)
