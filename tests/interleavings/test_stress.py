"""Two real processes for five seconds; ``python -m tests.interleavings.stress`` gives them a minute."""

from tests.interleavings.stress import stress


def test_two_processes_on_one_catalog() -> None:
    wrong, actions = stress(seconds=5, seed=1)
    assert wrong == []
    assert actions > 0
