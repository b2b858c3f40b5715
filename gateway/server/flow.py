"""When a connection is read, and when it is not.

I/O: none of its own.
"""

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """uvicorn's, which also tells that reading has ended for now, and that somebody wants to read, paused or not."""

    def __init__(self, transport: asyncio.Transport, *, paused: Callable[[], None], wanted: Callable[[], None]) -> None:
        super().__init__(transport)
        self._paused: Callable[[], None] = paused
        self._wanted: Callable[[], None] = wanted

    def forget(self) -> None:
        """Tell nobody any more. A connection that is lost would keep itself until the collector comes."""
        self._paused = self._wanted = _nothing

    def pause_reading(self) -> None:
        super().pause_reading()
        self._paused()

    def resume_reading(self) -> None:
        super().resume_reading()
        self._wanted()


def _nothing() -> None:
    """Do nothing."""
