"""What a body may be: how it comes and how it ends."""

import asyncio
import gc
import socket
import weakref
from typing import Any

import pytest

from gateway.api.head import MAX_HEAD_BYTES
from gateway.server.run import BODY_SECONDS, LEAST_BODY_BYTES
from tests.support.connection import Connection, cut, early, given, hello, run, settled
from tests.support.listener import exchange, listener

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def put(size: int, *fields: bytes) -> bytes:
    """Return the head of a PUT of so many bytes."""
    return b"\r\n".join((b"PUT / HTTP/1.1", b"Host: x", b"Content-Length: %d" % size, *fields, b"", b""))


def test_row_091_a_body_that_stops_coming_ends_the_connection() -> None:
    with listener(hello, body_seconds=0.2) as port:
        answer = exchange(port, b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert b"200" not in answer


@pytest.mark.parametrize(
    ("size", "every_seconds"),
    [
        pytest.param(1, 2, id="a-byte-in-two-seconds"),
        pytest.param(1, 59, id="a-byte-a-minute"),
        pytest.param(60, 1, id="480-bits-a-second"),
    ],
)
@pytest.mark.parametrize("head", [pytest.param(put(1 << 30), id="length"), pytest.param(CHUNKED, id="chunked")])
def test_row_091_a_body_that_trickles_ends_the_connection(head: bytes, size: int, every_seconds: int) -> None:
    async def seconds() -> int:
        connection, passed = Connection(), 0
        await connection.comes(head)
        while connection.open and passed < 10_000:
            piece = b"a" * size
            await connection.comes(b"%x\r\n%s\r\n" % (size, piece) if head is CHUNKED else piece)
            await connection.passes(every_seconds)
            passed += every_seconds
        assert connection.answer == b""
        return passed

    assert BODY_SECONDS <= run(seconds()) < 2 * BODY_SECONDS


def test_row_091_what_surrounds_a_body_is_none_of_it() -> None:
    async def story() -> bool:
        connection = Connection()
        await connection.comes(CHUNKED)
        for _ in range(7):
            await connection.comes(b"1;%s\r\na\r\n" % (b"x" * LEAST_BODY_BYTES))
            await connection.passes(10)
        return connection.open

    assert not run(story())


@pytest.mark.parametrize(
    ("size", "every_seconds"),
    [
        pytest.param(300, 2, id="an-eighth-of-gsm"),
        pytest.param(16_384, 59, id="a-tls-record-a-minute"),
    ],
)
def test_row_091_an_honest_slow_upload_is_read_to_its_end(size: int, every_seconds: int) -> None:
    """Its last bytes are fewer than a minute must bring."""
    content = bytes(100_000 + 7)

    async def story() -> bytes:
        connection = Connection()
        await connection.comes(put(len(content)))
        for piece in cut(content, size):
            await connection.passes(every_seconds)
            await connection.comes(piece)
        return connection.answer

    assert run(story()).startswith(b"HTTP/1.1 200 ")


def test_row_091_a_client_is_not_slow_while_nobody_reads() -> None:
    """Nor is the time forgotten that it took before."""
    wanted = asyncio.Event()
    content = bytes(200_000)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await wanted.wait()
        await hello(scope, receive, send)

    async def story() -> bytes:
        connection = Connection(slow)
        await connection.comes(put(len(content)) + content[:1])
        await connection.comes(content[1:100_000])
        assert not connection.reads()
        await connection.passes(24 * 3600)
        wanted.set()
        await settled()
        assert connection.reads()
        await connection.passes(BODY_SECONDS - 1)
        await connection.comes(content[100_000:-1])
        await connection.passes(BODY_SECONDS - 1)
        await connection.comes(content[-1:])
        return connection.answer

    assert run(story()).startswith(b"HTTP/1.1 200 ")


def test_row_091_a_client_that_was_read_again_has_its_time_and_no_more() -> None:
    wanted = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await wanted.wait()
        await hello(scope, receive, send)

    async def story() -> bool:
        connection = Connection(slow)
        await connection.comes(put(200_000) + bytes(100_000))
        await connection.passes(3600)
        assert connection.open
        wanted.set()
        await settled()
        await connection.passes(BODY_SECONDS)
        return connection.open

    assert not run(story())


def test_row_091_a_client_that_waits_to_be_asked_is_not_slow() -> None:
    """And is, once it was asked."""
    wanted = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await wanted.wait()
        await hello(scope, receive, send)

    async def story() -> bool:
        connection = Connection(slow)
        await connection.comes(put(3, b"Expect: 100-continue"))
        await connection.passes(3600)
        assert connection.open
        wanted.set()
        await settled()
        assert connection.answer == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.passes(BODY_SECONDS)
        return connection.open

    assert not run(story())


def test_row_091_a_body_behind_another_request_has_its_time_from_when_it_is_read() -> None:
    release = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET":
            await release.wait()
        await hello(scope, receive, send)

    async def story() -> bytes:
        connection = Connection(slow)
        await connection.comes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + put(3) + b"a")
        assert not connection.reads()
        await connection.passes(3600)
        release.set()
        await settled()
        await connection.passes(BODY_SECONDS - 1)
        await connection.comes(b"bc")
        return connection.answer

    assert run(story()).count(b"HTTP/1.1 200 ") == 2


def test_an_application_may_take_longer_with_a_body_that_is_here() -> None:
    release = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        await hello(scope, receive, send)

    async def story() -> bytes:
        connection = Connection(slow)
        await connection.comes(put(3) + b"abc")
        await connection.passes(3600)
        assert connection.open
        release.set()
        await settled()
        return connection.answer

    assert run(story()).startswith(b"HTTP/1.1 200 ")


def test_a_connection_that_is_lost_keeps_nothing() -> None:
    """Not even until the collector comes: a crowd of them would be a crowd of what they hold."""

    async def story() -> weakref.ref[object]:
        connection = Connection()
        await connection.comes(put(3) + b"abc")
        connection.protocol.connection_lost(None)
        await settled()
        return weakref.ref(connection.protocol)

    gc.disable()
    try:
        assert run(story())() is None
    finally:
        gc.enable()


def test_row_091_a_trickle_over_a_socket_ends() -> None:
    with (
        listener(hello, body_seconds=0.3, least_body_bytes=1000) as port,
        socket.create_connection(("127.0.0.1", port), timeout=0.02) as client,
    ):
        client.sendall(put(1 << 20))
        received: bytes | None = None
        for _ in range(500):
            try:
                client.sendall(b"a")
                received = client.recv(1)
            except TimeoutError:
                continue
            except ConnectionError:
                received = b""
            break
    assert received == b"", "far more often than it may"


def test_row_091_an_upload_over_a_socket_waits_until_it_is_read() -> None:
    async def later(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1.2)
        await hello(scope, receive, send)

    content = bytes(4 << 20)
    with listener(later, body_seconds=0.8, least_body_bytes=1000) as port:
        assert exchange(port, put(len(content), b"Connection: close"), content).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("pieces", [pytest.param(1, id="one-segment"), pytest.param(2, id="two-segments")])
def test_a_trailer_is_never_a_header(pieces: int) -> None:
    seen: list[object] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append([name for name, _ in scope["headers"]])
        await hello(scope, receive, send)

    end = b"0\r\nAuthorization: Bearer stolen\r\n\r\n"
    sent = (CHUNKED + end,) if pieces == 1 else (CHUNKED, end)
    with listener(application) as port:
        answer = exchange(port, *sent)
    assert b"200" not in answer
    assert all(b"authorization" not in names for names in seen if isinstance(names, list))


@pytest.mark.parametrize(
    "trailer",
    [
        pytest.param(b"X-A: " + b"a" * (4 << 20), id="one-endless-field"),
        pytest.param(b"X: 1\r\n" * 200_000, id="many-fields"),
    ],
)
def test_endless_trailers_end_the_connection(trailer: bytes) -> None:
    with listener(hello) as port:
        assert b"200" not in exchange(port, CHUNKED + b"3\r\nabc\r\n0\r\n", trailer)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(b"no chunk\r\n", id="no-chunk"),
        pytest.param(b"0\r\nX: trailer\r\n\r\n", id="trailer"),
        pytest.param(b"3;" + b"a" * (MAX_HEAD_BYTES + 1), id="endless-extension"),
    ],
)
def test_row_120_what_was_answered_is_not_refused_besides(end: bytes) -> None:
    """Two answers to one request: the second would be taken for that of the next."""
    answer = given(CHUNKED, *cut(end, 30_000), application=early)
    assert answer.count(b"HTTP/1.1 ") == 1
