"""One process that serves an application until it is told to stop.

SIGTERM and SIGINT drain: the listener closes, requests in flight may finish within ``drain_seconds``, then the
application's shutdown runs. A second signal ends the requests as the end of that time does.

I/O: the listener.
"""

import asyncio
import math
import os
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, cast

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from gateway.config.sections import Config
from gateway.errors import Unavailable
from gateway.server.accepting import Acceptor
from gateway.server.protocol import GatewayProtocol, protocol_class
from gateway.server.tls import listener_context

BODY_SECONDS: Final = 60.0
LEAST_BODY_BYTES: Final = 8 * 1024
"""What has to come of a body in each `BODY_SECONDS` in which it is waited for: 1.1 kbit/s. The slowest link that anybody
pushes over, a GSM data call of 9.6 kbit/s, may be at its eighth part. And it is half a TLS record: of one nothing is seen
before all of its 16 KiB are here, and one in that time is enough. The last bytes of a body may be fewer."""
KEEP_ALIVE_SECONDS: Final = 75
BACKLOG: Final = 2048


def listening_socket(config: Config) -> socket.socket:
    """Return the socket that listens on `server.listen`. Whoever connects before it is served waits.

    Raises `Unavailable` where the address cannot be had.
    """
    host, port = config.server.address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise Unavailable(
            f"{config.server.listen} cannot be listened on ({why}): end what uses it, or set another server.listen"
        ) from None


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many connections there may be; who is told of one too many, and how to ask how many there are."""

    max_connections: int
    refused: Callable[[], None]
    counted: Callable[[Callable[[], int]], None]


class Server(uvicorn.Server):
    """uvicorn's server with our `Acceptor`, which tells when requests are answered, and when that comes to its end."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        context: ssl.SSLContext | None,
        handshake_seconds: float,
        ending_seconds: float,
        crowd: Crowd,
        listening: Callable[[], None],
        draining: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._context = context
        self._handshake_seconds = handshake_seconds
        self._ending_seconds = ending_seconds
        self._crowd = crowd
        self._listening = listening
        self._draining = draining

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain, or where that was asked for already, end.

        uvicorn would end with the signal itself once it has; to a service manager that is a crash. And it would wait on
        whatever number of SIGTERMs.
        """
        forced = self.should_exit
        super().handle_exit(sig, frame)
        self.force_exit = forced
        self._captured_signals.clear()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then accept. In place of uvicorn's, which bounds neither connections nor handshakes."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        (listener,) = sockets or []
        acceptor = Acceptor(
            listener,
            protocol=self._protocol,
            established=self.server_state.connections,
            context=self._context,
            handshake_seconds=self._handshake_seconds,
            ending_seconds=self._ending_seconds,
            max_connections=self._crowd.max_connections,
            refused=self._crowd.refused,
        )
        self.servers = cast(Any, [acceptor])
        self._crowd.counted(acceptor.connections)
        acceptor.start()
        self.started = True
        if not self.should_exit:
            self._listening()

    def _protocol(self) -> asyncio.Protocol:
        made = cast(type[GatewayProtocol], self.config.http_protocol_class)
        return made(self.config, self.server_state, self.lifespan.state)

    async def shutdown(self, sockets: Any = None) -> None:
        """Drain. Told before the listener closes and not in the signal's handler, which may interrupt a line of the log."""
        self._draining()
        await super().shutdown(sockets)
        if self.force_exit:
            # Where it is forced uvicorn leaves out what the application does at its end.
            for task in self.server_state.tasks:
                task.cancel()
            await self.lifespan.shutdown()


def serve_application(
    application: Callable[..., Awaitable[None]],
    lifespan: Callable[[], AbstractAsyncContextManager[None]],
    config: Config,
    *,
    listener: socket.socket,
    crowd: Crowd,
    listening: Callable[[], None],
    draining: Callable[[], None],
) -> None:
    """Serve on ``listener`` until SIGTERM or SIGINT. Raises `ConfigInvalid` before anything is served.

    ``listening`` is called when requests are answered, ``draining`` when a signal has come and requests are finished.
    """
    context = listener_context(config)
    head_seconds = config.server.limits.head_seconds
    settings = uvicorn.Config(
        _with_lifespan(application, lifespan),
        loop="uvloop",
        http=protocol_class(head_seconds=head_seconds, body_seconds=BODY_SECONDS, least_body_bytes=LEAST_BODY_BYTES),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=whole_seconds(config.server.limits.drain_seconds),
    )
    Server(
        settings,
        context=context,
        handshake_seconds=head_seconds,
        ending_seconds=BODY_SECONDS,
        crowd=crowd,
        listening=listening,
        draining=draining,
    ).run([listener])


def whole_seconds(seconds: float) -> int:
    """Return ``seconds`` as uvicorn takes them, rounded up: a part of a second is not none at all."""
    return math.ceil(seconds)


def _with_lifespan(
    application: Callable[..., Awaitable[None]], lifespan: Callable[[], AbstractAsyncContextManager[None]]
) -> Callable[..., Awaitable[None]]:
    """Return the application with ASGI's lifespan protocol spoken for it."""

    async def run(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        await receive()
        async with lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return run
