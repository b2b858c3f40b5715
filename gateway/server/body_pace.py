"""The least pace at which a body comes.

A time that begins anew with every byte bounds nothing: one byte a minute keeps a connection for weeks. So it is so many
bytes that have a time, and what came beyond them is not saved up. Only the time counts in which the client could send: not
while we do not read, because the application is slow, and not before a client that waits for it (``Expect``) is asked.

I/O: timers.
Source: security row 91.
"""

from collections.abc import Callable
from typing import Protocol


class Handle(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Let it not come."""


class Timers(Protocol):
    """What an event loop has of a clock."""

    def time(self) -> float:
        """Return the seconds since some moment."""

    def call_later(self, seconds: float, callback: Callable[[], object], /) -> Handle:
        """Call after so many seconds."""


class BodyPace:
    """Calls ``too_slow`` once where a body takes longer than ``seconds`` for ``least_bytes``, or for fewer at its end."""

    __slots__ = ("_came_bytes", "_due", "_handle", "_least_bytes", "_left_seconds", "_seconds", "_timers", "_too_slow")

    def __init__(self, timers: Timers, *, least_bytes: int, seconds: float, too_slow: Callable[[], None]) -> None:
        self._timers = timers
        self._least_bytes = least_bytes
        self._seconds = seconds
        self._too_slow = too_slow
        self._came_bytes = 0
        self._left_seconds: float | None = None  # while it does not run; None where no body is awaited
        self._handle: Handle | None = None
        self._due = 0.0

    def begin(self) -> None:
        """Await a body. The time stands still until it is told to run: `resume`."""
        self.end()
        self._came_bytes, self._left_seconds = 0, self._seconds

    def came(self, size: int) -> None:
        """Count a piece of the body of ``size`` bytes, whether the time runs or not."""
        self._came_bytes += size
        if self._came_bytes >= self._least_bytes:
            running = self._handle is not None
            self.begin()
            if running:
                self.resume()

    def pause(self) -> None:
        """Let the time stand still."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle, self._left_seconds = None, max(self._due - self._timers.time(), 0)

    def resume(self) -> None:
        """Let the time run on, where a body is awaited."""
        if self._left_seconds is not None:
            self._due = self._timers.time() + self._left_seconds
            self._handle = self._timers.call_later(self._left_seconds, self._end_of_time)
            self._left_seconds = None

    def end(self) -> None:
        """Await nothing more: the body is complete, or nobody is there who sends it."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._left_seconds = None

    def _end_of_time(self) -> None:
        self._handle = None
        self._too_slow()
