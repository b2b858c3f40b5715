"""Wrong passwords are counted where they come from, and forgotten in time."""

import pytest

from gateway.errors import TooManyRequests
from gateway.identity.throttle import Limit, Throttle, address_network, address_prefix

NOW = 1_000_000
HERE, THERE = "192.0.2.1", "192.0.2.2"


def throttle(*, max_entries: int = 100) -> Throttle:
    return Throttle(
        of_account=Limit(failures=3, seconds_each=60),
        of_prefix=Limit(failures=5, seconds_each=10),
        max_entries=max_entries,
    )


def waits(made: Throttle, username: str, prefix: str, *, now: int = NOW) -> int:
    """Make an attempt that fails; return for how long it was refused, 0 where it was not."""
    try:
        made.attempt(username, prefix, now=now)
    except TooManyRequests as error:
        return error.retry_after_seconds
    return 0


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="ipv4"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", id="ipv4-in-ipv6"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="ipv6"),
        pytest.param("fe80::1%eth0", "fe80::/64", id="with-a-zone"),
        pytest.param("", "", id="none"),
        pytest.param("x" * 100, "x" * 64, id="no-address"),
    ],
)
def test_an_address_counts_as_its_prefix(address: str, prefix: str) -> None:
    assert address_prefix(address) == prefix


@pytest.mark.parametrize(
    ("address", "network"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="ipv4"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", id="ipv4-in-ipv6"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48", id="ipv6"),
        pytest.param("", "", id="none"),
        pytest.param("x" * 100, "x" * 64, id="no-address"),
    ],
)
def test_turns_are_taken_by_networks(address: str, network: str) -> None:
    """Else the seventeen parts of one customer's network fill all places, each with one."""
    assert address_network(address) == network


def test_an_account_is_throttled_from_one_address_and_from_no_other() -> None:
    made = throttle()
    assert [waits(made, "alice", HERE) for _ in range(4)] == [0, 0, 0, 60]
    assert waits(made, "bob", HERE) == 0
    assert waits(made, "alice", THERE) == 0


def test_an_address_is_throttled_whatever_the_account() -> None:
    made = throttle()
    assert [waits(made, f"name-{number}", HERE) for number in range(6)] == [0, 0, 0, 0, 0, 10]
    assert waits(made, "name-7", THERE) == 0


def test_what_is_refused_is_not_counted_and_what_is_counted_is_forgotten() -> None:
    made = throttle()
    for _ in range(3):
        waits(made, "alice", HERE)
    assert [waits(made, "alice", HERE) for _ in range(9)] == [60] * 9
    assert waits(made, "alice", HERE, now=NOW + 59) == 1
    assert waits(made, "alice", HERE, now=NOW + 60) == 0
    assert waits(made, "alice", HERE, now=NOW + 60) == 60
    assert [waits(made, "alice", HERE, now=NOW + 10_000) for _ in range(4)] == [0, 0, 0, 60]


def test_what_was_right_is_taken_back() -> None:
    made = throttle()
    for _ in range(50):
        made.attempt("alice", HERE, now=NOW)
        made.take_back("alice", HERE)
    made.take_back("nobody", "nowhere")
    assert [waits(made, "alice", HERE) for _ in range(4)] == [0, 0, 0, 60]
    made.take_back("alice", HERE)
    assert [waits(made, "alice", HERE) for _ in range(2)] == [0, 60]


def test_a_clock_that_is_set_back_forgets_nothing() -> None:
    made = throttle()
    assert [waits(made, "alice", HERE, now=NOW - number) for number in range(4)] == [0, 0, 0, 60]


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    made = throttle(max_entries=3)
    for number in range(50):
        waits(made, "x" * 16_000, f"prefix-{number}")
    assert len(made._accounts._found) == len(made._prefixes._found) == 3
    assert all(len(key) == 16 for key in made._accounts._found)
    assert list(made._prefixes._found) == ["prefix-47", "prefix-48", "prefix-49"]
