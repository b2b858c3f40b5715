"""So many bytes have so much time, and only the time counts in which they were waited for."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.server.body_pace import BodyPace

SECONDS = 60.0
LEAST = 1000


@dataclass
class Call:
    """A call that is to come at ``due``."""

    due: float
    callback: Callable[[], object]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Clock:
    """Timers whose time passes as it is told."""

    now: float = 5.0
    calls: list[Call] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Call:
        self.calls.append(Call(self.now + delay, callback))
        return self.calls[-1]

    def passes(self, seconds: float) -> None:
        self.now += seconds
        due = [call for call in self.calls if call.due <= self.now and not call.cancelled]
        self.calls = [call for call in self.calls if call.due > self.now and not call.cancelled]
        for call in due:
            call.callback()


class Waiting:
    """A body that is awaited, and whether it was found too slow."""

    def __init__(self, *, runs: bool = True) -> None:
        self.clock = Clock()
        self.too_slow = 0
        self.pace = BodyPace(self.clock, least_bytes=LEAST, seconds=SECONDS, too_slow=self._found)
        self.pace.begin()
        if runs:
            self.pace.resume()

    def _found(self) -> None:
        self.too_slow += 1

    def trickle(self, *, size: int, every_seconds: float, until_seconds: float) -> None:
        end = self.clock.now + until_seconds
        while self.clock.now < end:
            self.clock.passes(every_seconds)
            self.pace.came(size)


@pytest.mark.parametrize(
    ("size", "every_seconds", "slow"),
    [
        pytest.param(1, 2.0, True, id="a-byte-in-two-seconds"),
        pytest.param(1, 59.9, True, id="a-byte-before-each-end"),
        pytest.param(249, 15.0, True, id="a-little-too-slow"),
        pytest.param(250, 14.9, False, id="just-fast-enough"),
        pytest.param(LEAST, 59.9, False, id="in-lumps"),
        pytest.param(1 << 20, 59.9, False, id="in-large-lumps"),
    ],
)
def test_row_091_so_many_bytes_have_so_much_time(size: int, every_seconds: float, slow: bool) -> None:
    waiting = Waiting()
    waiting.trickle(size=size, every_seconds=every_seconds, until_seconds=600)
    assert waiting.too_slow == (1 if slow else 0)


def test_the_end_of_a_body_may_be_short() -> None:
    waiting = Waiting()
    waiting.pace.came(LEAST)
    waiting.clock.passes(SECONDS - 1)
    waiting.pace.came(1)
    waiting.pace.end()
    waiting.clock.passes(SECONDS * 10)
    assert waiting.too_slow == 0


def test_what_came_beyond_them_is_not_saved_up() -> None:
    waiting = Waiting()
    waiting.pace.came(LEAST * 1000)
    waiting.clock.passes(SECONDS)
    assert waiting.too_slow == 1


def test_time_in_which_nothing_is_read_does_not_count() -> None:
    waiting = Waiting()
    waiting.clock.passes(SECONDS - 1)
    waiting.pace.pause()
    waiting.pace.pause()
    waiting.clock.passes(SECONDS * 100)
    assert waiting.too_slow == 0
    waiting.pace.resume()
    waiting.pace.resume()
    waiting.clock.passes(0.5)
    assert waiting.too_slow == 0
    waiting.clock.passes(0.5)
    assert waiting.too_slow == 1, "what is left of it does"


def test_bytes_that_come_while_nothing_is_read_count() -> None:
    waiting = Waiting()
    waiting.clock.passes(SECONDS - 1)
    waiting.pace.pause()
    waiting.pace.came(LEAST)
    waiting.pace.resume()
    waiting.clock.passes(SECONDS - 1)
    assert waiting.too_slow == 0


def test_time_stands_still_until_it_is_told_to_run() -> None:
    waiting = Waiting(runs=False)
    waiting.clock.passes(SECONDS * 10)
    assert waiting.too_slow == 0
    waiting.pace.resume()
    waiting.clock.passes(SECONDS)
    assert waiting.too_slow == 1


def test_nothing_runs_where_no_body_is_awaited() -> None:
    waiting = Waiting()
    waiting.pace.end()
    waiting.pace.pause()
    waiting.pace.resume()
    waiting.clock.passes(SECONDS * 10)
    assert waiting.too_slow == 0


def test_the_next_body_begins_anew() -> None:
    waiting = Waiting()
    waiting.clock.passes(SECONDS - 1)
    waiting.pace.came(LEAST - 1)
    waiting.pace.end()
    waiting.pace.begin()
    waiting.pace.resume()
    waiting.pace.came(1)
    waiting.clock.passes(SECONDS - 1)
    assert waiting.too_slow == 0
    waiting.clock.passes(1)
    assert waiting.too_slow == 1
