"""A connection without a socket: pieces arrive as they were cut, and time passes as it is told.

Also the applications and the requests that the tests of the protocol share.

I/O: none.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.api.asgi import SENDFILE
from gateway.api.head import MAX_HEAD_BYTES
from gateway.server.protocol import protocol_class
from gateway.server.run import BODY_SECONDS, LEAST_BODY_BYTES

Application = Callable[..., Awaitable[None]]
T = TypeVar("T")

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
UPGRADE = b"Connection: upgrade\r\nUpgrade: %s\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN
CHUNK = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n"

CUTS = pytest.mark.parametrize(
    "every",
    [
        pytest.param(1 << 20, id="in-one"),
        pytest.param(MAX_HEAD_BYTES, id="at-the-limit"),
        pytest.param(40_000, id="in-two"),
        pytest.param(16_384, id="as-tls-does"),
        pytest.param(1_000, id="in-many"),
        pytest.param(7, id="in-very-many"),
    ],
)


async def hello(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer 200 after the body was read."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def sender(path: Path, *, offset: int, count: int) -> Application:
    """Return an application that answers with a part of a file."""

    async def application(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        assert SENDFILE in scope["extensions"]
        headers = [(b"content-length", str(count).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": SENDFILE, "path": str(path), "offset": offset, "count": count})

    return application


async def early(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer before the body was read."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def head_of(size: int) -> bytes:
    """Return a head of exactly ``size`` bytes."""
    return HEAD + b"X: " + b"a" * (size - len(HEAD) - 7) + b"\r\n\r\n"


def cut(data: bytes, every: int) -> list[bytes]:
    return [data[start : start + every] for start in range(0, len(data), every)]


class Connection:
    """A connection with the limits that are served with, while a `Hours` loop runs."""

    def __init__(self, application: Application = hello) -> None:
        limits = protocol_class(head_seconds=10, body_seconds=BODY_SECONDS, least_body_bytes=LEAST_BODY_BYTES)
        config = uvicorn.Config(application, http=limits, lifespan="off")
        config.load()
        self.transport = Recorded()
        self.protocol = limits(config, ServerState(), {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.transport)

    async def comes(self, piece: bytes) -> None:
        """Let a piece arrive, and let what is complete be answered."""
        if not self.transport.closed:
            self.protocol.data_received(piece)
        await settled()

    async def passes(self, seconds: float) -> None:
        """Let time go by in which nothing comes."""
        await passed(seconds)

    @property
    def open(self) -> bool:
        return not self.transport.closed

    def reads(self) -> bool:
        """Whether what the client sends now would be taken."""
        return not self.transport.paused

    @property
    def answer(self) -> bytes:
        return bytes(self.transport.sent)


async def passed(seconds: float) -> None:
    """Let so much time go by in `Hours`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Hours)
    loop.ahead_seconds += seconds
    await settled()


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Hours(asyncio.SelectorEventLoop):
    """A loop in which hours go by at once."""

    ahead_seconds = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_seconds


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` in `Hours`."""
    with asyncio.Runner(loop_factory=Hours) as runner:
        return runner.run(work)


def given(*pieces: bytes, application: Application = hello) -> bytes:
    """Return what the protocol answers where each piece arrives as it was cut, which a socket promises nobody."""

    async def answer() -> bytes:
        connection = Connection(application)
        for piece in pieces:
            await connection.comes(piece)
        connection.protocol.connection_lost(None)
        return connection.answer

    return run(answer())


class Recorded(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.closed = False
        self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
