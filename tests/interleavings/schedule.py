"""One schedule: a copy of a start, some kinds at once, the background work to its end, and what the oracle says of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.admission.values import Admitted, Held
from gateway.errors import GatewayError, Internal
from gateway.oci.digest import Digest
from tests.interleavings.oracle import Oracle
from tests.interleavings.rig import NOW, REPOSITORY, Mutant, Rig, copy, remove
from tests.interleavings.scenario import ARTIFACTS, KINDS, SIGNERS, Starts, refill
from tests.support.scheduler import Choose, Search, Work, at_random


@dataclass(frozen=True, slots=True)
class Violation:
    """What went wrong, and the schedule that shows it again."""

    start: str
    kinds: tuple[str, ...]
    wrong: tuple[str, ...]
    answers: tuple[str, ...]
    schedule: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        steps = " ".join(f"{task}:{call}" for task, call in self.schedule if not call.startswith(("after", "begin")))
        return f"{self.start} + {', '.join(self.kinds)}: {'; '.join(self.wrong)}\n  {self.answers}\n  {steps}"


@dataclass(frozen=True, slots=True)
class Result:
    """``violation`` None: all is well. ``ran`` false: the schedule was equivalent to an earlier one."""

    ran: bool
    violation: Violation | None


async def run_schedule(
    starts: Starts, start: str, kinds: Sequence[str], choose: Choose, *, mutant: Mutant | None = None
) -> Result:
    """Run ``kinds`` at once over a copy of ``start``, in the order that ``choose`` chooses."""
    path = copy(starts.prepared(start))
    rig = Rig.open(path, mutant=mutant)
    answers: dict[str, object] = {}
    try:
        await refill(rig)
        await rig.active.activate_policy()
        tasks = {f"{number}-{kind}": _task(rig, f"{number}-{kind}", kind, answers) for number, kind in enumerate(kinds)}
        schedule = await rig.scheduler.run(tasks, choose)
        if schedule is None:
            return Result(False, None)
        await rig.drain()
        seen = await visible(rig)
        wrong = Oracle(path).check(acknowledged=_acknowledged(answers.values()), visible=seen)
        wrong.extend(rig.failures)
        wrong.extend(f"{name} raised {error!r}" for name, error in answers.items() if _surprises(error))
        if not wrong:
            return Result(True, None)
        told = tuple(f"{name}: {type(answer).__name__}" for name, answer in answers.items())
        return Result(True, Violation(start, tuple(kinds), tuple(wrong), told, tuple(schedule)))
    finally:
        await rig.close()
        remove(path)


async def every_schedule(
    starts: Starts, start: str, kinds: Sequence[str], *, mutant: Mutant | None = None
) -> tuple[int, Violation | None]:
    """Run ``kinds`` from ``start`` in every order that makes a difference; return how many, and the first violation."""
    search, count = Search(), 0
    while True:
        result = await run_schedule(starts, start, kinds, search.choose, mutant=mutant)
        count += result.ran
        if result.violation is not None or not search.advance():
            return count, result.violation


async def random_schedules(starts: Starts, seeds: Iterable[int], *, mutant: Mutant | None = None) -> list[Violation]:
    """Run every kind at once, one schedule for each seed; the seed chooses the start as well."""
    found = []
    names = sorted(starts.names)
    for seed in seeds:
        start = names[seed % len(names)]
        result = await run_schedule(starts, start, tuple(KINDS), at_random(seed), mutant=mutant)
        if result.violation is not None:
            found.append(result.violation)
    return found


def _task(rig: Rig, name: str, kind: str, answers: dict[str, object]) -> Work:
    async def work() -> None:
        try:
            answers[name] = await KINDS[kind](rig)
        except Exception as error:
            answers[name] = error

    return work


def _acknowledged(answers: Iterable[object]) -> list[str]:
    return [str(answer.stored.digest) for answer in answers if isinstance(answer, Admitted | Held)]


def _surprises(answer: object) -> bool:
    """Return whether the answer is one that no client should get: an error of the program."""
    return isinstance(answer, Exception) and (not isinstance(answer, GatewayError) or isinstance(answer, Internal))


async def visible(rig: Rig) -> set[str]:
    """Return which of all the manifests there could be are seen by whoever may pull."""
    digests = [*(artifact.digest for artifact in ARTIFACTS), *SIGNERS]
    seen = set()
    for digest in digests:
        view = await rig.manifests.by_digest(REPOSITORY, Digest.parse(digest), now=NOW, with_body=False)
        if view is not None and view.visible:
            seen.add(digest)
    return seen
