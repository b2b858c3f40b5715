"""Everything at once, in seeded schedules; ``python -m tests.interleavings.run`` runs ten times as many."""

import shutil

import pytest

from tests.interleavings.rig import run
from tests.interleavings.scenario import STARTS, Starts
from tests.interleavings.schedule import random_schedules


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_everything_at_once(first: int) -> None:
    starts = Starts()
    try:
        for name in STARTS:
            starts.prepared(name)
        found = run(random_schedules(starts, range(first, first + 50)))
        assert not found, "\n".join(map(str, found))
    finally:
        shutil.rmtree(starts.folder)
