"""Connections that were refused because there were too many: each is counted, and the log says so once in a while.

I/O: the log.
"""

from collections.abc import Callable
from typing import Final

from gateway.server import log
from gateway.server.metrics import Metrics

TOLD_SECONDS: Final = 60.0
"""A flood of connections is not to be one of lines."""


class Crowding:
    """Takes note of every refused connection. ``monotonic`` in seconds of any origin."""

    def __init__(self, *, metrics: Metrics, max_connections: int, monotonic: Callable[[], float]) -> None:
        self._metrics = metrics
        self._max_connections = max_connections
        self._monotonic = monotonic
        self._told: float | None = None

    def __call__(self) -> None:
        """Take note of one."""
        self._metrics.refused_connection()
        now = self._monotonic()
        if self._told is None or now - self._told >= TOLD_SECONDS:
            self._told = now
            log.notice("crowded", connections=self._max_connections)
