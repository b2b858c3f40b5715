"""What went wrong, told once: to the process itself where it cannot go on, to the metrics, to the log. In this order.

A failed fsync or I/O error leaves nobody knowing what is durable. The process answers no more as ready, drains and ends
with a status that makes its service manager start another one, which opens the stores anew. An fsync is never tried
again on the same descriptor. The same where background work has come to an end: what is pushed from then on would wait
for ever, and nobody would know.

I/O: the log; ends the process through ``stop``.
Source: DESIGN 4 ("EIO, or any fsync error on the store or the database: not ready, then exit").
"""

from collections.abc import Callable, Mapping

from gateway.errors import GatewayError, Internal, StorageFailed
from gateway.server import log
from gateway.server.metrics import Metrics


class Surprises:
    """Takes note of every surprise. ``broken`` is the first after which this process is not to go on."""

    def __init__(self, *, metrics: Metrics, stop: Callable[[], None]) -> None:
        self._metrics = metrics
        self._stop = stop
        self.broken: GatewayError | None = None

    def __call__(self, what: str, error: BaseException) -> None:
        """Take note of one."""
        if isinstance(error, StorageFailed):
            # Before it is told of: a telling that fails must not keep a process going whose store has failed.
            self._end(error)
        self._metrics.failure()
        log.failure(what, error)

    def ended(self, what: str, error: BaseException | None) -> None:
        """Take note of a loop of background work that has come to its end, by ``error`` or by nothing that is known."""
        self._end(Internal(f"background work has ended: {what}"))
        self._metrics.failure()
        log.failure(f"background {what}", error or Internal("the loop was left"))

    def _end(self, error: GatewayError) -> None:
        if self.broken is None:
            self.broken = error
            self._stop()

    def down(self) -> Mapping[str, str]:
        """Return the part that is down and why, where this process is ending; nothing where it is not."""
        match self.broken:
            case None:
                return {}
            case StorageFailed():
                return {"storage": "a store failed, and this process is ending"}
            case _:
                return {"background": f"{self.broken.message}, and this process is ending"}

    def check(self) -> None:
        """Raise the failure that ended the process, if one did."""
        if self.broken is not None:
            raise self.broken
