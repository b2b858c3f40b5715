"""Taking connections from a listening socket, no more at a time than there may be.

asyncio's own server counts nothing, and tells a protocol of a connection when its TLS handshake is done. So whoever opens
connections and says nothing could take every descriptor, also those that the catalog needs. Here a connection counts from
the moment that it is accepted, and one too many is closed at once: it is not kept waiting for what may never come.

There is no limit of one address's connections: behind a NAT, or a proxy that passes TCP on, all clients have the same.

I/O: sockets.
Source: security rows 90 and 91; accept(2), "Error handling".
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Collection
from typing import Final

AT_ONCE: Final = 64
"""Connections that are accepted before anything else is done."""

PAUSE_SECONDS: Final = 1.0
"""As asyncio waits where nothing can be accepted: the kernel would tell of the same connection again and again."""

_log: Final = logging.getLogger(__name__)


class Acceptor:
    """The server of one listening socket, with the methods of asyncio's that uvicorn calls."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        protocol: Callable[[], asyncio.Protocol],
        established: Collection[object],
        context: ssl.SSLContext | None,
        handshake_seconds: float,
        ending_seconds: float,
        max_connections: int,
        refused: Callable[[], None],
    ) -> None:
        """``established`` holds the protocol of each connection from `connection_made` to `connection_lost`.

        ``handshake_seconds`` is for the TLS handshake, ``ending_seconds`` for the client to read what is left when a
        connection ends, and to confirm its end.
        """
        self._listener = listener
        self._protocol = protocol
        self._established = established
        self._context = context
        self._handshake_seconds = handshake_seconds
        self._ending_seconds = ending_seconds
        self._max_connections = max_connections
        self._refused = refused
        self._greeted: dict[asyncio.Task[None], asyncio.Protocol] = {}
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None

    def connections(self) -> int:
        """Return how many there are, those in a handshake included."""
        # One is established before its handshake is told to have ended: it is one all the same.
        return len(self._established) + sum(one not in self._established for one in self._greeted.values())

    def start(self) -> None:
        """Accept from now on."""
        self._listener.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Accept nothing more. A handshake that has not ended is given up; what is established is not touched."""
        self._suspend()
        for task in self._greeted:
            task.cancel()

    async def wait_closed(self) -> None:
        """Return when nothing is left of handshakes."""
        await asyncio.gather(*self._greeted, return_exceptions=True)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    def _suspend(self) -> None:
        if self._pause is None:
            self._loop.remove_reader(self._listener)
        else:
            self._pause.cancel()

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.warning("no connection can be accepted now: %s", error.strerror)
                self._suspend()
                self._pause = self._loop.call_later(PAUSE_SECONDS, self._resume)
                return
            self._take(connection)

    def _take(self, connection: socket.socket) -> None:
        if self.connections() >= self._max_connections:
            self._refused()
            connection.close()
            return
        connection.setblocking(False)
        protocol = self._protocol()
        task = self._loop.create_task(self._greet(connection, protocol))
        self._greeted[task] = protocol
        task.add_done_callback(self._greeted.pop)

    async def _greet(self, connection: socket.socket, protocol: asyncio.Protocol) -> None:
        """Make a connection of a socket; one whose handshake fails is closed by the event loop, and nobody's loss."""
        tls = self._context is not None
        try:
            await self._loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._handshake_seconds if tls else None,
                ssl_shutdown_timeout=self._ending_seconds if tls else None,
            )
        except OSError:  # ssl.SSLError, ConnectionError and TimeoutError are
            return
