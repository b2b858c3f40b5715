"""A deterministic scheduler: tasks take turns at named points, and somebody else decides whose turn it is.

A task runs alone from one point to the next, whatever threads it waits for meanwhile; so the same choices give the same
run. `Search` is who decides exhaustively: every schedule of the tasks, one of each class of equivalent ones. Two
neighbouring steps of different tasks may change places where neither writes what the other touches; of schedules that
differ in such orders alone, one is run. `at_random` is who decides by a seed.

I/O: none of its own.
Source: C. Flanagan, P. Godefroid, "Dynamic Partial-Order Reduction for Model Checking Software" (POPL 2005);
P. Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems" (LNCS 1032), chapter 5 (sleep sets).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeAlias

_NOTHING: frozenset[str] = frozenset()
_TASK: ContextVar[str | None] = ContextVar("scheduled_task", default=None)


@dataclass(frozen=True, slots=True)
class Step:
    """What a task does next: the call it waits to make, and which shared things that reads and writes."""

    call: str
    reads: frozenset[str] = _NOTHING
    writes: frozenset[str] = _NOTHING

    def independent(self, other: "Step") -> bool:
        """Return whether both orders of the two steps lead to the same."""
        touched = other.reads | other.writes
        return not (self.writes & touched or other.writes & self.reads)


Choose: TypeAlias = Callable[[Mapping[str, Step]], str | None]
"""Who runs next of those that wait (None: this schedule is not worth finishing)."""

Work: TypeAlias = Callable[[], Awaitable[None]]


class Scheduler:
    """Runs tasks one step at a time."""

    def __init__(self) -> None:
        self._parked: dict[str, tuple[Step, asyncio.Future[None]]] = {}
        self._progress = asyncio.Event()
        self._current = Step("nothing yet")

    def declared(self, thing: str) -> None:
        """Raise `AssertionError` unless the step that runs now has said that it reads ``thing``: else orders are missed."""
        if _TASK.get() is not None and thing not in self._current.reads | self._current.writes:
            raise AssertionError(f"{thing} is read in a step that does not say so: {self._current}")

    async def point(self, step: Step) -> None:
        """Wait here until it is this task's turn to take ``step``. Outside of a scheduled task: no wait."""
        name = _TASK.get()
        if name is None:
            return
        turn = asyncio.get_running_loop().create_future()
        self._parked[name] = (step, turn)
        self._progress.set()
        await turn

    async def run(self, tasks: Mapping[str, Work], choose: Choose) -> list[tuple[str, str]] | None:
        """Run ``tasks`` to their ends and return the schedule as (task, call); None where ``choose`` gave up."""
        schedule: list[tuple[str, str]] = []
        running: dict[str, asyncio.Task[None]] = {}
        try:
            for name, work in tasks.items():
                running[name] = asyncio.create_task(self._named(name, work))
                await self._paused(running[name])
            while self._parked:
                chosen = choose({name: self._parked[name][0] for name in sorted(self._parked)})
                if chosen is None:
                    return None
                step, turn = self._parked.pop(chosen)
                self._current = step
                schedule.append((chosen, step.call))
                turn.set_result(None)
                await self._paused(running[chosen])
            for task in running.values():
                await task
            return schedule
        finally:
            for task in running.values():
                task.cancel()
            await asyncio.gather(*running.values(), return_exceptions=True)
            self._parked.clear()

    async def _named(self, name: str, work: Work) -> None:
        _TASK.set(name)
        await self.point(Step("begin"))
        await work()

    async def _paused(self, task: "asyncio.Task[None]") -> None:
        """Wait until the one task that runs is at its next point, or over."""
        task.add_done_callback(lambda _: self._progress.set())
        await self._progress.wait()
        self._progress.clear()


@dataclass(slots=True)
class _Node:
    """A state on the way of the current schedule: who could run, who need not, who has been or is to be tried."""

    enabled: Mapping[str, Step]
    sleeping: dict[str, Step]
    chosen: str
    wanted: set[str]
    tried: dict[str, Step] = field(default_factory=dict)

    @property
    def step(self) -> Step:
        return self.enabled[self.chosen]

    def asleep_after(self) -> dict[str, Step]:
        """Return who need not run in the state after the chosen step: that order has been tried from here."""
        resting = {**self.sleeping, **self.tried}
        return {name: other for name, other in resting.items() if name != self.chosen and self.step.independent(other)}


class Search:
    """Depth-first over all schedules. Each one is run from the beginning: call `choose` at every point, then `advance`.

    No task ever blocks another one, so that every task that is not over can run in every state; the algorithm relies on
    that. Where a step was taken after a dependent one of another task, and nothing between forced that order, the other
    order is tried as well.
    """

    def __init__(self) -> None:
        self._nodes: list[_Node] = []
        self._depth = 0
        self._left: Mapping[str, Step] = {}

    def choose(self, enabled: Mapping[str, Step]) -> str | None:
        """Return whose turn it is in the current schedule; None where it is equivalent to an earlier one."""
        depth, self._depth = self._depth, self._depth + 1
        if depth < len(self._nodes):
            node = self._nodes[depth]
            if node.enabled != enabled:
                raise AssertionError(f"not deterministic: {dict(enabled)} where {dict(node.enabled)} was")
            return node.chosen
        sleeping = self._nodes[-1].asleep_after() if self._nodes else {}
        chosen = next((name for name in enabled if name not in sleeping), None)
        if chosen is None:
            self._left = dict(enabled)
        else:
            self._nodes.append(_Node(dict(enabled), sleeping, chosen, {chosen}))
        return chosen

    def advance(self) -> bool:
        """Turn to the next schedule; return False where every one was run."""
        self._find_races()
        self._depth, self._left = 0, {}
        while self._nodes:
            node = self._nodes[-1]
            node.tried[node.chosen] = node.step
            following = sorted(node.wanted - node.sleeping.keys() - node.tried.keys())
            if following:
                node.chosen = following[0]
                return True
            self._nodes.pop()
        return False

    def _find_races(self) -> None:
        """Ask for the other order of every two dependent steps that nothing between them orders."""
        before: list[set[int]] = []  # for each step, those that it comes after by necessity, itself included
        last: dict[str, int] = {}
        taken = [(node.chosen, node.step) for node in self._nodes]
        for number, (task, step) in enumerate((*taken, *self._left.items())):
            known = set(before[last[task]]) if task in last else set()
            after = set(known)
            for earlier in range(min(number, len(taken)) - 1, -1, -1):
                other, taken_step = taken[earlier]
                if other == task or earlier in known or step.independent(taken_step):
                    continue
                if earlier not in after:
                    self._nodes[earlier].wanted.add(task)
                after |= before[earlier]
            if number < len(taken):
                before.append({*after, number})
                last[task] = number


def at_random(seed: int) -> Choose:
    """Return one who decides by ``seed``: uniformly, or staying with the same task for a while."""
    source = random.Random(seed)
    stay = source.choice((0.0, 0.0, 0.5, 0.8))
    last: str | None = None

    def choose(enabled: Mapping[str, Step]) -> str | None:
        nonlocal last
        if last not in enabled or source.random() >= stay:
            last = source.choice(sorted(enabled))
        return last

    return choose
