"""Everything at once, in seeded schedules; ``python -m tests.interleavings.run`` runs ten times as many."""

import shutil
from collections.abc import Iterator

import pytest

from tests.interleavings.rig import run
from tests.interleavings.scenario import STARTS, Starts
from tests.interleavings.schedule import random_schedules

SCHEDULES = 200
"""What four seconds are enough for. It is a sample beside `test_pairs`, which has every order of every two; the store that
re-reads nothing is found within 40 of them (`test_mutants`)."""
AT_A_TIME = 25
"""In one test, so that two workers share them."""


@pytest.fixture(scope="module")
def starts() -> Iterator[Starts]:
    made = Starts()
    for name in STARTS:
        made.prepared(name)
    yield made
    shutil.rmtree(made.folder)


@pytest.mark.parametrize("first", range(0, SCHEDULES, AT_A_TIME))
def test_everything_at_once(first: int, starts: Starts) -> None:
    found = run(random_schedules(starts, range(first, first + AT_A_TIME)))
    assert not found, "\n".join(map(str, found))
