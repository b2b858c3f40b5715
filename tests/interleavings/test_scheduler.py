"""The search itself: it finds what can go wrong in a counter, runs every order that differs, and no order twice."""

import asyncio
import itertools
from collections.abc import Callable

from tests.support.scheduler import Scheduler, Search, Step, Work, at_random

COUNTER = frozenset({"counter"})


class Counter:
    """A number that is read in one step and written in another."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.value = 0

    async def read(self) -> int:
        await self._scheduler.point(Step("read", reads=COUNTER))
        return self.value

    async def write(self, value: int) -> None:
        await self._scheduler.point(Step("write", writes=COUNTER))
        self.value = value


def explore(tasks: Callable[[Counter], dict[str, Work]]) -> list[tuple[int, tuple[str, ...]]]:
    """Return (final value, order of tasks) of every schedule."""

    async def all_of_them() -> list[tuple[int, tuple[str, ...]]]:
        search, found = Search(), []
        while True:
            scheduler = Scheduler()
            counter = Counter(scheduler)
            schedule = await scheduler.run(tasks(counter), search.choose)
            if schedule is not None:
                found.append((counter.value, tuple(task for task, call in schedule if call != "begin")))
            if not search.advance():
                return found

    return asyncio.run(all_of_them())


def increments(*names: str) -> Callable[[Counter], dict[str, Work]]:
    def tasks(counter: Counter) -> dict[str, Work]:
        async def increment() -> None:
            await counter.write(await counter.read() + 1)

        return dict.fromkeys(names, increment)

    return tasks


def test_a_lost_update_is_found() -> None:
    assert {value for value, _ in explore(increments("a", "b"))} == {1, 2}


def canonical(order: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the class of an order of read-and-write tasks: neighbouring reads may change places."""
    seen: dict[str, int] = {}
    calls = []
    for task in order:
        seen[task] = seen.get(task, 0) + 1
        calls.append((task, "write" if seen[task] % 2 == 0 else "read"))
    groups: list[tuple[str, ...]] = []
    for call, group in itertools.groupby(calls, key=lambda each: each[1]):
        names = [task for task, _ in group]
        groups.extend([tuple(sorted(names))] if call == "read" else [(name,) for name in names])
    return tuple(groups)


def test_every_class_of_orders_is_run_once() -> None:
    for names in (("a", "b"), ("a", "b", "c")):
        steps = [name for name in names for _ in range(2)]
        everything = {canonical(order) for order in itertools.permutations(steps)}
        ran = [canonical(order) for _, order in explore(increments(*names))]
        assert set(ran) == everything
        assert len(ran) == len(everything)


def test_tasks_that_share_nothing_run_once() -> None:
    def tasks(counter: Counter) -> dict[str, Work]:
        async def look() -> None:
            await counter.read()
            await counter.read()

        return {"a": look, "b": look, "c": look}

    assert len(explore(tasks)) == 1


def test_a_seed_is_a_schedule() -> None:
    async def once(seed: int) -> list[tuple[str, str]] | None:
        scheduler = Scheduler()
        return await scheduler.run(increments("a", "b", "c")(Counter(scheduler)), at_random(seed))

    runs = [asyncio.run(once(seed)) for seed in range(20)]
    assert runs == [asyncio.run(once(seed)) for seed in range(20)]
    assert len({str(schedule) for schedule in runs}) > 5
