"""What stories about admission are told with: a house whose rules are scripted, and what is read off an outcome."""

import dataclasses
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from gateway.access.values import Grant, InstanceRole, Mode
from gateway.admission.gate import Gate
from gateway.admission.values import Admitted, Held, Outcome, Push, Refused, TriggerKind
from gateway.catalog.effects import Effect
from gateway.catalog.world import World, WorldKey
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from tests.support.admission import REPOSITORY, House, house, run
from tests.support.evidence import Evidence
from tests.support.images import Artifact
from tests.support.scripted_engine import ScriptedEngine

Story: TypeAlias = Callable[[House, ScriptedEngine], Coroutine[Any, Any, None]]


def play(folder: Path, story: Story, *, mode: Mode = Mode.HOLD) -> None:
    """Run a story in a new house."""
    engine = ScriptedEngine()
    with house(folder, engine=engine, mode=mode) as home:
        run(story(home, engine))


def codes(outcome: Outcome) -> set[str]:
    """Return the codes of why something waits or is refused."""
    assert isinstance(outcome, Held | Refused), outcome
    return {reason.code for reason in outcome.reasons}


def warned(outcome: Outcome) -> set[str]:
    """Return the codes of what an admission says besides."""
    assert isinstance(outcome, Admitted), outcome
    return {reason.code for reason in outcome.warnings}


def with_limit(home: House, **settings: Any) -> None:
    """Give the house a gate with other limits."""
    tools = home.gate.tools
    home.gate = Gate(dataclasses.replace(tools, settings=dataclasses.replace(tools.settings, **settings)))


async def reevaluate(home: House, artifact: Artifact | Evidence) -> Outcome:
    """Judge a stored manifest again, as an operator asks for it."""
    return await home.gate.reevaluate(
        REPOSITORY,
        Digest.parse(artifact.digest),
        principal=next(iter(home.people.values())),
        kind=TriggerKind.REEVALUATE,
    )


async def put_bytes(home: House, who: str | Grant, what: Evidence | Artifact, *tags: str) -> Outcome:
    """PUT a manifest and nothing else, under ``tags`` or by its digest."""
    media_type, body = (
        (what.media_type, what.manifest)
        if isinstance(what, Evidence)
        else (what.manifest.media_type, what.manifest.content)
    )
    return await home.gate.push(
        Push(
            grant=await home.grant(who) if isinstance(who, str) else who,
            reference=None if tags else Digest.parse(what.digest),
            tags=tuple(Tag.parse(tag) for tag in tags),
            content_type=media_type,
            body=body,
        )
    )


async def administrator(home: House) -> Grant:
    """Return what an administrator may."""
    if "admin" not in home.people:
        await home.person("admin", instance=(InstanceRole.ADMINISTRATOR,))
    return await home.grant("admin")


async def distrust(home: House, evidence: Evidence) -> None:
    """Take away what an admission rests on, as only an administrator can."""
    await home.gate.delete_manifest(await administrator(home), Digest.parse(evidence.digest))


async def condition(home: House, artifact: Artifact) -> str:
    """Return what the manifest is now."""
    view = await home.view(artifact.digest)
    assert view is not None
    return view.condition.value


async def pending(home: House, tag: str) -> str | None:
    """Return what waits for the tag."""
    view = await home.tag(tag)
    return None if view is None or view.pending is None else str(view.pending.digest)


async def limit_held_bytes(home: House, limit: int) -> None:
    """Set how much the project may hold, in bytes."""
    await home.database.write(
        lambda connection: connection.execute("UPDATE project SET held_bytes_limit = ?", (limit,)).rowcount
    )


class Store:
    """`AdmissionStore` over the house's, that loses every race, or in which the project is gone."""

    def __init__(self, home: House, *, loses: bool = False, gone: bool = False) -> None:
        self._inner, self._loses, self._gone = home.store, loses, gone

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def read_world(self, key: WorldKey, *, now: int) -> World | None:
        """Return the world, unless the project is gone."""
        return None if self._gone else await self._inner.read_world(key, now=now)

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        """Commit, unless somebody else was faster."""
        return not self._loses and await self._inner.commit(expected, effects, repository=repository, now=now)


def over(home: House, *, loses: bool = False, gone: bool = False) -> Gate:
    """Return the house's gate over such a store."""
    store = Store(home, loses=loses, gone=gone)
    return Gate(dataclasses.replace(home.gate.tools, store=store))  # type: ignore[arg-type]  # the rest by __getattr__
