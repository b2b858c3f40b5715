"""Logins are counted, bounded, written soon, and never lost in silence."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.logins import MANY, UNKNOWN, LoginCounter, LoginKey, LoginSpan

NOW = 1_800_000_000 // 60 * 60
MINUTE = NOW // 60


def count(
    counter: LoginCounter,
    *,
    now: int = NOW,
    principal: str | None = "u:a",
    address: str = "192.0.2.1",
    succeeded: bool = False,
    method: str = "password",
) -> None:
    counter.count(principal_id=principal, method=method, address=address, succeeded=succeeded, now=now)


def total(*taken: Mapping[LoginKey, LoginSpan]) -> int:
    return sum(span.count for each in taken for span in each.values())


def test_the_first_of_a_minute_is_written_soon_and_the_others_when_it_is_over() -> None:
    counter = LoginCounter()
    key = LoginKey("u:a", "password", "192.0.2.1", False, MINUTE)
    count(counter)
    assert counter.take(now=NOW) == {key: LoginSpan(NOW, NOW, 1)}
    for second in (1, 2, 30):
        count(counter, now=NOW + second)
        assert counter.take(now=NOW + second) == {}
    assert counter.take(now=NOW + 60) == {key: LoginSpan(NOW + 1, NOW + 30, 3)}
    assert counter.take(now=NOW + 60) == {}


def test_at_the_end_nothing_is_held_back() -> None:
    counter = LoginCounter()
    count(counter)
    counter.take(now=NOW)
    count(counter)
    assert total(counter.take(now=NOW, everything=True)) == 1
    assert len(counter) == 0


def test_what_differs_is_told_apart() -> None:
    counter = LoginCounter()
    count(counter)
    count(counter, principal="u:b")
    count(counter, address="192.0.2.2")
    count(counter, succeeded=True)
    count(counter, method="robot")
    count(counter, principal=None)
    taken = counter.take(now=NOW)
    assert len(taken) == 6
    assert [key.principal_id for key in taken].count(UNKNOWN) == 1


def test_a_flood_from_everywhere_keeps_whom_it_is_aimed_at() -> None:
    counter = LoginCounter(max_failed=3)
    for number in range(1_000):
        count(counter, address=f"192.0.2.{number}")
    taken = counter.take(now=NOW)
    assert total(taken) == 1_000
    assert taken[LoginKey("u:a", "password", MANY, False, MINUTE)].count == 997


def test_a_flood_at_everybody_from_everywhere_is_one_count() -> None:
    counter = LoginCounter(max_failed=3)
    for number in range(1_000):
        count(counter, principal=f"u:{number}", address=f"192.0.2.{number}")
    taken = counter.take(now=NOW)
    assert (total(taken), len(taken)) == (1_000, 7)
    assert taken[LoginKey(MANY, MANY, MANY, False, MINUTE)].count == 994


def test_the_bound_is_of_the_minute_and_not_of_the_batch() -> None:
    counter = LoginCounter(max_failed=3)
    written = 0
    for number in range(600):
        count(counter, principal=f"u:{number}", address=f"192.0.2.{number}", now=NOW + number // 10)
        written += len(counter.take(now=NOW + number // 10))
    written += len(counter.take(now=NOW + 60))
    assert written <= 2 * (2 * 3 + 1)


def test_failures_take_no_room_from_successes() -> None:
    counter = LoginCounter(max_failed=1, max_succeeded=1)
    for number in range(10):
        count(counter, principal=f"u:{number}", address=f"192.0.2.{number}")
    count(counter, principal="u:real", succeeded=True)
    assert counter.take(now=NOW)[LoginKey("u:real", "password", "192.0.2.1", True, MINUTE)].count == 1


def test_what_could_not_be_written_is_taken_again_with_both_ends_of_its_span() -> None:
    counter = LoginCounter()
    count(counter, now=NOW + 1)
    count(counter, now=NOW + 5)
    taken = counter.take(now=NOW + 6)
    counter.put_back(taken)
    count(counter, now=NOW + 9)
    (span,) = counter.take(now=NOW + 9).values()
    assert span == LoginSpan(NOW + 1, NOW + 9, 3)


def test_while_nothing_can_be_written_memory_stays_bounded() -> None:
    counter = LoginCounter(max_failed=2)
    for minute in range(100):
        for number in range(20):
            count(counter, principal=f"u:{minute}-{number}", address=f"{minute}.{number}", now=NOW + 60 * minute)
        counter.put_back(counter.take(now=NOW + 60 * minute))
    assert len(counter) <= 5
    assert total(counter.take(now=NOW + 6_000)) == 2_000


@given(
    st.lists(
        st.tuples(
            st.integers(0, 200), st.sampled_from(["u:a", "u:b", None]), st.booleans(), st.integers(0, 9), st.booleans()
        )
    )
)
def test_every_login_is_counted_once(logins: list[tuple[int, str | None, bool, int, bool]]) -> None:
    counter = LoginCounter(max_failed=2, max_succeeded=2)
    taken = []
    for second, principal, succeeded, address, fails in logins:
        count(counter, now=NOW + second, principal=principal, succeeded=succeeded, address=str(address))
        batch = counter.take(now=NOW + second)
        if fails:
            counter.put_back(batch)
        else:
            taken.append(batch)
    taken.append(counter.take(now=NOW + 300, everything=True))
    assert total(*taken) == len(logins)
