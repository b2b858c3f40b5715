"""When a connection is read, and when it is not.

I/O: none of its own.
"""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """uvicorn's, which also tells that reading has ended for now, and that somebody wants to read, paused or not.

    And it keeps what came behind a message that is not answered: nothing is read until that was taken.
    """

    def __init__(self, transport: asyncio.Transport, *, paused: Callable[[], None], wanted: Callable[[], None]) -> None:
        super().__init__(transport)
        self._paused: Callable[[], None] = paused
        self._wanted: Callable[[], None] = wanted
        self._kept = b""

    @property
    def keeps(self) -> bool:
        """Whether something is kept."""
        return bool(self._kept)

    def keep(self, data: bytes) -> None:
        """Keep ``data``, behind what is kept. It is what came at once: nothing more is read."""
        self._kept += data
        self.pause_reading()

    def take(self) -> bytes:
        """Return what is kept, and read again."""
        kept, self._kept = self._kept, b""
        self.resume_reading()
        return kept

    def forget(self) -> None:
        """Tell nobody any more. A connection that is lost would keep itself until the collector comes."""
        self._paused = self._wanted = _nothing
        self._kept = b""

    def pause_reading(self) -> None:
        super().pause_reading()
        self._paused()

    def resume_reading(self) -> None:
        if self._kept:
            return
        super().resume_reading()
        self._wanted()


def _nothing() -> None:
    """Do nothing."""
