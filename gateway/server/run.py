"""One process that serves an application until it is told to stop.

SIGTERM and SIGINT drain: the listener closes, requests in flight may finish within ``drain_seconds``, then the
application's shutdown runs.

I/O: the listener.
"""

import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import FrameType
from typing import Any, Final

import uvicorn

from gateway.config import Config
from gateway.server.protocol import protocol_class
from gateway.server.tls import server_context

BODY_SECONDS: Final = 60.0
KEEP_ALIVE_SECONDS: Final = 75


class Server(uvicorn.Server):
    """uvicorn's server, with a callback once the socket listens."""

    def __init__(self, config: uvicorn.Config, *, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain. uvicorn would end with the signal itself once it has; to a service manager that is a crash."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._listening()


def serve_application(
    application: Callable[..., Awaitable[None]],
    lifespan: Callable[[], AbstractAsyncContextManager[None]],
    config: Config,
    *,
    listening: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ConfigInvalid` before anything listens."""
    host, port = config.server.address
    tls = config.server.tls
    context = None
    if tls.mode != "off":
        context = server_context(
            certificate=config.path(tls.certificate), key=config.path(tls.key), minimum=tls.minimum
        )
    made = context
    settings = uvicorn.Config(
        _with_lifespan(application, lifespan),
        host=host,
        port=port,
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
        backlog=2048,
        ssl_context_factory=None if made is None else lambda _config, _default: made,
    )
    Server(settings, listening=listening).run()


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
