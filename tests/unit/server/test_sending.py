"""How an answer goes out: one write for a small one, and always the bytes that were meant."""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.api.asgi import SENDFILE, ClientLeft
from gateway.server.sending import SEND_BYTES, TOGETHER_BYTES, Sending
from tests.support.connection import HEAD, sender
from tests.support.listener import exchange, listener


def answering(body: bytes) -> Callable[..., Awaitable[None]]:
    async def application(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


@pytest.mark.parametrize("size", [0, 1, TOGETHER_BYTES, TOGETHER_BYTES + 1, 300_000])
def test_a_body_of_any_size_arrives_as_it_is(size: int) -> None:
    body = b"ab" * (size // 2) + b"c" * (size % 2)
    with listener(answering(body)) as port:
        head, _, got = exchange(port, HEAD + b"\r\n").partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert got == body
        bare = exchange(port, HEAD.replace(b"GET", b"HEAD") + b"\r\n")
    assert bare.endswith(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % size in bare


def test_an_application_that_fails_after_its_head_has_said_nothing() -> None:
    async def failing(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]})
        raise RuntimeError("between the two")

    with listener(failing) as port:
        answer = exchange(port, HEAD + b"\r\n")
    assert b"201" not in answer
    assert answer.startswith(b"HTTP/1.1 500 ")


@dataclass
class Wire:
    """A transport that notes what it is told, and a cycle that writes to it as uvicorn's does."""

    told: list[bytes | str] = field(default_factory=list)
    keep_alive: bool = True
    response_started: bool = False
    disconnected: bool = False
    closing: bool = False
    scope: dict[str, str] = field(default_factory=lambda: {"method": "GET"})

    def __post_init__(self) -> None:
        self.transport: Any = self
        self.flow: Any = self
        self.write_paused = False

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def close(self) -> None:
        self.told.append("closed")

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    async def send(self, message: Any) -> None:
        self.response_started = True
        self.transport.write(message.get("body", b"head "))
        if message["type"] == "http.response.body" and not self.keep_alive:
            self.transport.close()


@pytest.mark.parametrize(
    ("size", "keep_alive", "told"),
    [
        pytest.param(4, True, [b"head body"], id="small"),
        pytest.param(4, False, [b"head body", "closed"], id="last-of-its-connection"),
        pytest.param(TOGETHER_BYTES + 1, True, [b"head ", b"b" * (TOGETHER_BYTES + 1)], id="large"),
    ],
)
def test_a_small_answer_is_one_write(size: int, keep_alive: bool, told: list[bytes | str]) -> None:
    wire = Wire(keep_alive=keep_alive)
    sending = Sending(wire, read_seconds=1)  # type: ignore[arg-type]  # all of a cycle that it uses

    async def answer() -> None:
        await sending({"type": "http.response.start", "status": 200, "headers": []})
        assert wire.told == []
        await sending({"type": "http.response.body", "body": b"body" if size == 4 else b"b" * size})

    asyncio.run(answer())
    assert wire.told == told
    assert wire.transport is wire


def test_a_request_after_the_last_answer_is_not_carried_out() -> None:
    carried_out: list[str] = []

    async def application(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        carried_out.append(scope["path"])
        headers = [(b"content-length", b"2"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    two = b"GET /first HTTP/1.1\r\nHost: x\r\n\r\nDELETE /second HTTP/1.1\r\nHost: x\r\n\r\n"
    with listener(application) as port:
        answer = exchange(port, two)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert carried_out == ["/first"]


def test_a_client_that_reads_nothing_is_left() -> None:
    ended: list[str] = []
    size = 64 * 1024 * 1024

    async def application(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
        try:
            for _ in range(size // (1 << 20)):
                await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        except ClientLeft:
            ended.append("told so")

    with listener(application, body_seconds=0.2) as port, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not ended:
            time.sleep(0.01)
        client.settimeout(30)
        got = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(1 << 20):
                got += len(piece)
    assert 0 < got < size


@pytest.mark.parametrize(
    ("offset", "count"),
    [
        pytest.param(0, 1_000_000, id="whole"),
        pytest.param(999_999, 1, id="last-byte"),
        pytest.param(300_000, 300_001, id="over-several-reads"),
        pytest.param(0, 0, id="empty"),
    ],
)
def test_a_part_of_a_file_is_sent_as_it_is(tmp_path: Path, offset: int, count: int) -> None:
    content = bytes(range(256)) * 3907
    content = content[:1_000_000]
    path = tmp_path / "blob"
    path.write_bytes(content)
    with listener(sender(path, offset=offset, count=count)) as port:
        head, _, body = exchange(port, HEAD + b"\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == content[offset : offset + count]


def test_a_file_that_ends_early_ends_the_connection(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"abc")
    with listener(sender(path, offset=0, count=10)) as port:
        _, _, body = exchange(port, HEAD + b"\r\n").partition(b"\r\n\r\n")
    assert len(body) < 10


@pytest.mark.parametrize("sign", ["disconnected", "closing"])
def test_row_091_a_file_is_not_read_on_for_a_client_that_left(tmp_path: Path, sign: str) -> None:
    """Others have their turn between its pieces: it may be told then at the latest. What went out is what is told."""
    path = tmp_path / "blob"
    with path.open("wb") as file:
        file.truncate(64 * SEND_BYTES)
    wire = Wire()

    async def story() -> int:
        asyncio.get_running_loop().call_soon(setattr, wire, sign, True)
        sending = Sending(wire, read_seconds=1)  # type: ignore[arg-type]  # all of a cycle that it uses
        await sending({"type": "http.response.start", "status": 200, "headers": []})
        with pytest.raises(ClientLeft) as caught:
            await sending({"type": SENDFILE, "path": str(path), "offset": 0, "count": 64 * SEND_BYTES})
        return caught.value.sent

    sent = asyncio.run(story())
    assert sent == sum(len(piece) for piece in wire.told[1:])
    assert 0 < sent <= 2 * SEND_BYTES
    assert wire.disconnected


def test_nothing_is_sent_to_a_client_that_left() -> None:
    wire = Wire(disconnected=True)

    async def story() -> None:
        sending = Sending(wire, read_seconds=1)  # type: ignore[arg-type]  # all of a cycle that it uses
        with pytest.raises(ClientLeft):
            await sending({"type": "http.response.start", "status": 200, "headers": []})

    asyncio.run(story())
    assert wire.told == []


def test_row_091_a_client_that_left_with_another_request_behind_is_not_sent_to(tmp_path: Path) -> None:
    path, ended = tmp_path / "blob", threading.Event()
    count = 1 << 34
    with path.open("wb") as file:
        file.truncate(count)
    left: list[int] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        try:
            await sender(path, offset=0, count=count)(scope, receive, send)
        except ClientLeft as error:
            left.append(error.sent)
        ended.set()

    with listener(application) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        assert client.recv(1024)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert ended.wait(20)
    assert len(left) == 1
    assert left[0] < count
