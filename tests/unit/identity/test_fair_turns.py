"""A queue in which everybody has his turn."""

import pytest

from gateway.identity.fair_turns import FairTurns, Full


def drained(queue: FairTurns[str]) -> list[str]:
    return [item for _, item in iter(queue.take, None)]


def test_keys_take_turns_and_within_one_the_first_is_first() -> None:
    queue: FairTurns[str] = FairTurns(max_waiting=10)
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert queue.put(item[0], item) is None
    assert (queue.waiting("a"), queue.waiting("nobody")) == (3, 0)
    assert drained(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert queue.take() is None


def test_when_it_is_full_who_has_most_gives_way_to_who_has_less() -> None:
    queue: FairTurns[str] = FairTurns(max_waiting=4)
    for item in ("a1", "a2", "a3", "a4"):
        queue.put("a", item)
    with pytest.raises(Full):
        queue.put("a", "a5")
    assert queue.put("b", "b1") == "a4"
    assert queue.put("c", "c1") == "a3"
    with pytest.raises(Full):
        queue.put("b", "b2")
    with pytest.raises(Full):
        queue.put("a", "a5")
    assert drained(queue) == ["a1", "b1", "c1", "a2"]


def test_without_any_place_nobody_waits() -> None:
    queue: FairTurns[str] = FairTurns(max_waiting=0)
    with pytest.raises(Full):
        queue.put("a", "a1")


def test_who_leaves_gives_his_place_back() -> None:
    queue: FairTurns[str] = FairTurns(max_waiting=2)
    queue.put("a", "a1")
    queue.put("b", "b1")
    queue.remove("a", "a1")
    queue.remove("a", "a1")
    queue.remove("b", "another")
    assert queue.put("c", "c1") is None
    assert drained(queue) == ["b1", "c1"]
