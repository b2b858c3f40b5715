"""The long version: ``python -m tests.interleavings.run [--schedules N] [--first SEED] [--pairs]``.

Runs every kind at once in N seeded schedules, and with ``--pairs`` first every pair of kinds from every start in every
order that makes a difference. Prints each violation with the schedule that shows it again. The last line is
``interleavings: 0 violations in N schedules``; exits 1 where there are any.
"""

import argparse
import itertools
import shutil
import sys

from tests.interleavings.rig import run
from tests.interleavings.scenario import KINDS, STARTS, Starts
from tests.interleavings.schedule import Violation, every_schedule, random_schedules


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--pairs", action="store_true", help="every pair of kinds from every start before that")
    asked = parser.parse_args()
    starts = Starts()
    for name in STARTS:
        starts.prepared(name)
    try:
        count, found = run(_pairs(starts)) if asked.pairs else (0, [])
        seeds = range(asked.first, asked.first + asked.schedules)
        found.extend(run(random_schedules(starts, seeds)))
    finally:
        shutil.rmtree(starts.folder)
    for violation in found:
        sys.stdout.write(f"{violation}\n")
    sys.stdout.write(f"interleavings: {len(found)} violations in {count + asked.schedules} schedules\n")
    return 1 if found else 0


async def _pairs(starts: Starts) -> tuple[int, list[Violation]]:
    count, found = 0, []
    for start in STARTS:
        for kinds in itertools.combinations_with_replacement(KINDS, 2):
            ran, violation = await every_schedule(starts, start, kinds)
            count += ran
            if violation is not None:
                found.append(violation)
        sys.stdout.write(f"pairs from {start}: {count} schedules, {len(found)} violations so far\n")
        sys.stdout.flush()
    return count, found


if __name__ == "__main__":
    sys.exit(main())
