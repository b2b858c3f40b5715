"""One process that serves an application until it is told to stop.

SIGTERM and SIGINT drain: the listener closes, requests in flight may finish within ``drain_seconds``, then the
application's shutdown runs. A second signal ends the requests as the end of that time does.

I/O: the listener.
"""

import math
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import FrameType
from typing import Any, Final

import uvicorn

from gateway.config.sections import Config
from gateway.errors import Unavailable
from gateway.server.protocol import protocol_class
from gateway.server.tls import server_context

BODY_SECONDS: Final = 60.0
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


class Server(uvicorn.Server):
    """uvicorn's server, which tells when requests are answered, and when that comes to its end."""

    def __init__(self, config: uvicorn.Config, *, listening: Callable[[], None], draining: Callable[[], None]) -> None:
        super().__init__(config)
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

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._listening()

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
    listening: Callable[[], None],
    draining: Callable[[], None],
) -> None:
    """Serve on ``listener`` until SIGTERM or SIGINT. Raises `ConfigInvalid` before anything is served.

    ``listening`` is called when requests are answered, ``draining`` when a signal has come and requests are finished.
    """
    tls = config.server.tls
    context = None
    if tls.mode != "off":
        context = server_context(
            certificate=config.path(tls.certificate), key=config.path(tls.key), minimum=tls.minimum
        )
    made = context
    settings = uvicorn.Config(
        _with_lifespan(application, lifespan),
        loop="uvloop",
        http=protocol_class(head_seconds=config.server.limits.head_seconds, body_seconds=BODY_SECONDS),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=whole_seconds(config.server.limits.drain_seconds),
        backlog=BACKLOG,
        ssl_context_factory=None if made is None else lambda _config, _default: made,
    )
    Server(settings, listening=listening, draining=draining).run([listener])


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
