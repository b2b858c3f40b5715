"""Pulls are counted, bounded, and never lost in silence."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.pulls import DENIED, OVERFLOW, PULLED, PullCounter

NOW = 1_800_000_000 // 60 * 60


def count(
    counter: PullCounter, *, now: int = NOW, principal: str = "u:a", digest: str = "d", outcome: str = PULLED
) -> None:
    counter.count(
        principal_id=principal, repository="acme/web", digest=digest, address="192.0.2.1", outcome=outcome, now=now
    )


def test_one_entry_per_minute_with_first_and_last() -> None:
    counter = PullCounter()
    for now in (NOW + 5, NOW + 1, NOW + 59, NOW + 60):
        count(counter, now=now)
    assert counter.take() == {
        ("u:a", "acme/web", "d", "192.0.2.1", "pulled", NOW // 60): (NOW + 1, NOW + 59, 3),
        ("u:a", "acme/web", "d", "192.0.2.1", "pulled", NOW // 60 + 1): (NOW + 60, NOW + 60, 1),
    }
    assert counter.take() == {}


def test_denials_are_apart() -> None:
    counter = PullCounter()
    count(counter)
    count(counter, outcome=DENIED)
    assert sorted(key[4] for key in counter.take()) == ["denied", "pulled"]


def test_more_than_fits_is_counted_without_its_digest() -> None:
    counter = PullCounter(max_entries=2)
    for number in range(1000):
        count(counter, digest=f"{number}", outcome=DENIED)
    count(counter, digest="0", outcome=DENIED)  # it has its entry
    taken = counter.take()
    overflow = taken.pop(("u:a", "acme/web", OVERFLOW, OVERFLOW, DENIED, NOW // 60))
    assert overflow == (NOW, NOW, 998)
    assert {key[2]: span[2] for key, span in taken.items()} == {"0": 2, "1": 1}


def test_more_principals_than_fit_are_still_bounded() -> None:
    counter = PullCounter(max_entries=3)
    for number in range(1000):
        count(counter, principal=f"u:{number}")
    assert len(counter) == 7
    taken = counter.take()
    assert sum(span[2] for span in taken.values()) == 1000
    assert taken[OVERFLOW, OVERFLOW, OVERFLOW, OVERFLOW, PULLED, NOW // 60][2] == 994


def test_what_was_not_written_is_counted_again() -> None:
    counter = PullCounter()
    for now in (NOW + 1, NOW + 30):
        count(counter, now=now)
    taken = counter.take()
    count(counter, now=NOW + 40)
    counter.put_back(taken)
    (span,) = counter.take().values()
    assert span == (NOW + 1, NOW + 40, 3)


@pytest.mark.parametrize("bound", [1, 2, 5, 100])
@given(pulls=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 180)), max_size=50))
def test_every_pull_is_counted_exactly_once(bound: int, pulls: list[tuple[str, str, int]]) -> None:
    counter = PullCounter(max_entries=bound)
    for principal, digest, offset in pulls:
        count(counter, principal=principal, digest=digest, now=NOW + offset)
    counter.put_back(counter.take())
    taken = counter.take()
    per_minute = Counter((NOW + offset) // 60 for _, _, offset in pulls)
    found: Counter[int] = Counter()
    for key, (first, last, times) in taken.items():
        assert first // 60 == last // 60 == key[5]
        found[key[5]] += times
    assert found == per_minute
