"""The long version: ``python -m tests.interleavings.run [--schedules N] [--first SEED] [--pairs] [--jobs J]``.

Runs every kind at once in N seeded schedules; with ``--pairs`` also every pair of kinds from every start, in every order
that makes a difference. Pairs and seeds are independent of one another: J processes share them. Prints each violation
with the schedule that shows it again. The last line is ``interleavings: 0 violations in N schedules``; exits 1 where
there are any.

``--start NAME`` keeps to the pairs from one start. A long search can so be done in one part for each start; together they
are all of it.
"""

import argparse
import itertools
import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Final, TypeAlias

from tests.interleavings.rig import folder, run
from tests.interleavings.scenario import KINDS, STARTS, Starts
from tests.interleavings.schedule import Violation, every_schedule, random_schedules

SEEDS_AT_ONCE: Final = 25

Pair: TypeAlias = tuple[str, tuple[str, str]]
"""A start, and the two kinds that are done to it at the same time."""

Task: TypeAlias = Pair | range
"""What one process does at a time: every schedule of a pair, or the schedules of some seeds."""

Done: TypeAlias = tuple[Task, int, list[Violation]]
"""How many schedules it was, and what was found."""


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--pairs", action="store_true", help="every pair of kinds from every start before that")
    parser.add_argument("--start", choices=tuple(STARTS), action="append", help="of the pairs, those from this start")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args()
    pairs = list(_pairs(asked.start or tuple(STARTS))) if asked.pairs else []
    seeds = range(asked.first, asked.first + asked.schedules)
    count, found = 0, 0
    for _, ran, violations in _done([*pairs, *_seeds(seeds)], jobs=asked.jobs, watched=Counter(map(_group, pairs))):
        count, found = count + ran, found + len(violations)
        for violation in violations:
            sys.stdout.write(f"{violation}\n")
            sys.stdout.flush()
    sys.stdout.write(f"interleavings: {found} violations in {count} schedules\n")
    return 1 if found else 0


def _pairs(starts: Sequence[str]) -> Iterator[Pair]:
    for start in starts:
        for kinds in itertools.combinations_with_replacement(KINDS, 2):
            yield start, kinds


def _seeds(seeds: range) -> Iterator[range]:
    for first in range(seeds.start, seeds.stop, SEEDS_AT_ONCE):
        yield range(first, min(first + SEEDS_AT_ONCE, seeds.stop))


def _group(task: Task) -> str:
    return "seeds" if isinstance(task, range) else f"pairs from {task[0]}"


def _done(tasks: Sequence[Task], *, jobs: int, watched: Counter[str]) -> Iterator[Done]:
    """Yield what each task came to, and say when the last pair from a start is done."""
    files = folder()
    schedules: Counter[str] = Counter()
    # Fresh interpreters: a fork would share connections and threads. A process that cannot begin ends all of it.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (files,))
    try:
        for future in as_completed([pool.submit(_carry_out, task) for task in tasks]):
            done = future.result()
            group = _group(done[0])
            schedules[group] += done[1]
            watched[group] -= 1
            if watched[group] == 0:
                sys.stdout.write(f"{group}: {schedules[group]} schedules\n")
                sys.stdout.flush()
            yield done
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(files)


_HERE: dict[str, Starts] = {}
"""What this process of the pool works on."""


def _begin(files: Path) -> None:
    """Give this process starts of its own: the files of its schedules lie beside them, and are numbered."""
    starts = Starts()
    starts.folder.rmdir()
    starts.folder = files / str(os.getpid())
    starts.folder.mkdir()
    for name in starts.names:
        starts.prepared(name)
    _HERE["starts"] = starts


def _carry_out(task: Task) -> Done:
    starts = _HERE["starts"]
    if isinstance(task, range):
        return task, len(task), run(random_schedules(starts, task))
    count, violation = run(every_schedule(starts, *task))
    return task, count, [] if violation is None else [violation]


if __name__ == "__main__":
    sys.exit(main())
