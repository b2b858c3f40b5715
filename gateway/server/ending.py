"""The end of a connection, which comes.

A transport that is closed first writes what it has. A client that reads none of it would keep its connection for ever: what
ends a TLS connection has a time of its own, what ends any other has not.

I/O: the transport that it is given.
Source: security row 91.
"""

import asyncio
from typing import Any, Final

DRAINED_SECONDS: Final = 5.0
"""For a client to read the end of its last answer, and to confirm the end, once the process is on its way out."""


class Ending(asyncio.Transport):
    """A transport of which `close` is an end within ``seconds``; for the rest the one that it is made of."""

    def __init__(self, transport: asyncio.Transport, *, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._seconds = seconds
        self._lost = False
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Write what is left in its time, and read nothing more."""
        if self._timer is None and not self._lost:
            self._timer = self._loop.call_later(self._seconds, self._transport.abort)
        self._transport.close()

    def hurry(self) -> None:
        """Where its end has begun, let it take no longer than `DRAINED_SECONDS` from now."""
        if self._timer is not None and not self._lost:
            self._timer.cancel()
            self._timer = self._loop.call_later(DRAINED_SECONDS, self._transport.abort)

    def lost(self) -> None:
        """Take note that it has ended: nothing is to be waited for, or kept for that."""
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()

    def give_up(self) -> None:
        """End at once, but for an end that has begun: nobody is there who could make something of an answer."""
        if not self.is_closing():
            self.abort()

    def abort(self) -> None:
        """End at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._lost or self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write ``data``, as soon as there is room."""
        self._transport.write(data)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait for room."""
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Read nothing for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        return self._transport.get_extra_info(name, default)
