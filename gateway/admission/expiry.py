"""What waits does not wait for ever: it is announced, then removed as by DELETE, unless something came in between.

A clock is `manifest.expires`. It runs for an image or a cache that is held and not carried, for evidence in which nobody
trusted has signed, and for verified evidence whose subject is not here. Nothing is removed that was not announced: where
the gateway was down when that was due, it is announced late, and its end put off by as much.

An image that loses its last visible parent gets a whole new period. Where a delete or a revocation takes the parent, the
transaction that does so starts the clock. Distrust and the end of a waiver are derived and no transaction of the child's,
so those are looked for (`strays`): what waits and has no clock, though nothing carries it. Found late, it is removed late,
never early; the other way, to let clocks run on while something is carried, would remove it right after its parent went.

A removal holds its commit to the world that it was decided in. An admission, a new PUT, evidence, a parent that carries it:
each makes the worlds differ, and then wins.

I/O: through the store.
Source: DESIGN 3 ("Held things wait", "Indexes").
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, assert_never

from gateway.admission.records import event
from gateway.admission.tools import STALE, Stale, Tools, until_committed
from gateway.audit.events import EventKind
from gateway.catalog.effects import AnnounceExpiry, DeleteManifest, Effect, Recount
from gateway.catalog.stores import ClockReads
from gateway.catalog.values import Clock, ManifestClass
from gateway.catalog.world import ClockFacts, ManifestFacts, WorldKey
from gateway.errors import GatewayError
from gateway.identity.values import SYSTEM

NOTICE_SECONDS: Final = 24 * 3600
"""How long before its end something is announced (DESIGN 3)."""

NOTICE_SHARE: Final = 4
"""Where things wait for less than four days, the last quarter of the time is enough."""

PAGE: Final = 100


class Fate(Enum):
    """What a look at a clock comes to."""

    STAYS = auto()
    RECOUNTED = auto()
    ANNOUNCED = auto()
    REMOVED = auto()


class Done:
    """It was committed, or there was nothing to commit."""


DONE: Final = Done()


def notice_seconds(held_seconds: int) -> int:
    """Return how long before its end something is announced in a project where it waits for ``held_seconds``."""
    return min(NOTICE_SECONDS, held_seconds // NOTICE_SHARE)


def fate(cls: ManifestClass, clock: ClockFacts, *, admitted: bool, notice: int, now: int) -> Fate:
    """Return what becomes of a manifest. ``notice`` in seconds, ``now`` in Unix seconds."""
    if cls is ManifestClass.FALLBACK or admitted:
        return Fate.STAYS
    if _has_no_clock(cls, clock) != (clock.expires is None):
        return Fate.RECOUNTED
    if clock.expires is None or now < clock.expires - notice:
        return Fate.STAYS
    if not clock.announced:
        return Fate.ANNOUNCED
    return Fate.REMOVED if clock.expires <= now else Fate.STAYS


def _has_no_clock(cls: ManifestClass, clock: ClockFacts) -> bool:
    """Return whether a manifest that is not admitted stays as long as things are as they are."""
    if cls is ManifestClass.EVIDENCE:
        return clock.verified and clock.subject_here
    return clock.carried


class Expiry:
    """Looks at clocks page by page. ``failed`` is told of every surprise; it never stops the others."""

    def __init__(self, *, tools: Tools, clocks: ClockReads, failed: Callable[[str, BaseException], None]) -> None:
        self._tools = tools
        self._clocks = clocks
        self._failed = failed

    async def due(self, after: tuple[int, int]) -> tuple[int, int] | None:
        """Look at one page of what is to be announced or removed; return where the next begins, None after the last.

        ``after``: the end and the row id of the last one looked at.
        """
        page = await self._clocks.due(
            after=after, limit=PAGE, now=self._tools.now(), notice_seconds=NOTICE_SECONDS, notice_share=NOTICE_SHARE
        )
        for clock in page:
            await self._look(clock)
        return (page[-1].expires or 0, page[-1].id) if len(page) == PAGE else None

    async def strays(self, after: int) -> int | None:
        """Look at one page of what has no clock and is not admitted; return the row id to go on from, as `due` does."""
        page = await self._clocks.unclocked(after=after, limit=PAGE, now=self._tools.now())
        for clock in page:
            if not clock.carried:
                await self._look(clock)
        return page[-1].id if len(page) == PAGE else None

    async def _look(self, clock: Clock) -> None:
        try:
            # Where it loses every race, others are busy with it: the next look finds it again.
            await until_committed(lambda: self._decide(clock))
        except GatewayError as error:
            self._failed(f"expiry of {clock.repository}@{clock.digest}", error)

    async def _decide(self, clock: Clock) -> Done | Stale:
        now = self._tools.now()
        key = WorldKey(repository=clock.repository, caller=SYSTEM.id, digest=clock.digest, clock=True)
        world = await self._tools.store.read_world(key, now=now)
        if world is None or world.manifest is None or world.clock is None:
            return DONE
        facts, found = world.manifest, world.clock
        notice = notice_seconds(world.standing.project.held_seconds)
        effects: tuple[Effect, ...]
        match fate(facts.cls, found, admitted=facts.admitted, notice=notice, now=now):
            case Fate.STAYS:
                return DONE
            case Fate.RECOUNTED:
                effects = (Recount(clock.digest),)
            case Fate.ANNOUNCED:
                expires = max(found.expires or 0, now + notice)
                told = self._event(EventKind.MANIFEST_EXPIRING, clock, facts, found, expires=expires)
                effects = (AnnounceExpiry(clock.digest, expires), told)
            case Fate.REMOVED:
                told = self._event(EventKind.MANIFEST_EXPIRED, clock, facts, found, expires=found.expires)
                effects = (DeleteManifest(clock.digest), told)
            case unreachable:
                assert_never(unreachable)
        committed = await self._tools.store.commit([(key, world)], effects, repository=clock.repository, now=now)
        return DONE if committed else STALE

    def _event(
        self, kind: EventKind, clock: Clock, facts: ManifestFacts, found: ClockFacts, *, expires: int | None
    ) -> Effect:
        return event(
            kind,
            principal=SYSTEM.id,
            digest=clock.digest,
            expires=expires,
            **{"class": facts.cls.value},
            subject=None if facts.subject is None else str(facts.subject),
            pushed_by=facts.who,
            first_seen=facts.first_seen,
            tags=list(found.tags),
        )
