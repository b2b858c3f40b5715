"""What went wrong, told once: to the log, to the metrics, and where a store failed, to the process itself.

A failed fsync or I/O error leaves nobody knowing what is durable. The process answers no more as ready, drains and ends
with a status that makes its service manager start another one, which opens the stores anew. An fsync is never tried
again on the same descriptor.

I/O: the log; ends the process through ``stop``.
Source: DESIGN 4 ("EIO, or any fsync error on the store or the database: not ready, then exit").
"""

from collections.abc import Callable

from gateway.errors import StorageFailed
from gateway.server import log
from gateway.server.metrics import Metrics


class Surprises:
    """Takes note of every surprise. ``broken`` is the first failure of a store, after which nothing is trusted."""

    def __init__(self, *, metrics: Metrics, stop: Callable[[], None]) -> None:
        self._metrics = metrics
        self._stop = stop
        self.broken: StorageFailed | None = None

    def __call__(self, what: str, error: BaseException) -> None:
        """Take note of one."""
        self._metrics.failure()
        log.failure(what, error)
        if isinstance(error, StorageFailed) and self.broken is None:
            self.broken = error
            self._stop()

    def check(self) -> None:
        """Raise the failure that ended the process, if one did."""
        if self.broken is not None:
            raise self.broken
