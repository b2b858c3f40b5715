"""The listener's protocol: what a head may be, how files go out."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.api.asgi import SENDFILE
from gateway.api.head import MAX_HEAD_BYTES, MAX_HEAD_FIELDS
from gateway.server.protocol import GatewayProtocol, protocol_class
from tests.support.listener import exchange, listener

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


async def hello(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer 200 after the body was read."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def sender(path: Path, *, offset: int, count: int) -> Callable[..., Awaitable[None]]:
    """Return an application that answers with a part of a file."""

    async def application(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        assert SENDFILE in scope["extensions"]
        headers = [(b"content-length", str(count).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": SENDFILE, "path": str(path), "offset": offset, "count": count})

    return application


def test_row_090_a_head_over_the_limit_in_one_header_is_431() -> None:
    with listener(hello) as port:
        answer = exchange(port, HEAD + b"X: " + b"a" * (MAX_HEAD_BYTES + 1) + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_row_090_a_head_without_end_is_cut_at_the_limit() -> None:
    with listener(hello) as port:
        answer = exchange(port, HEAD + b"X: ", *[b"a" * 65536] * 320)
    assert answer.startswith(b"HTTP/1.1 431 ") or answer == b""


def test_row_090_too_many_fields_are_431() -> None:
    fields = b"".join(b"X-%d: 1\r\n" % number for number in range(MAX_HEAD_FIELDS))
    with listener(hello) as port:
        assert exchange(port, HEAD + fields + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_a_head_of_the_allowed_size_is_served() -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 500) for number in range(MAX_HEAD_FIELDS - 2))
    with listener(hello) as port:
        assert exchange(port, HEAD + fields + b"\r\n").startswith(b"HTTP/1.1 200 ")


def head_of(size: int) -> bytes:
    """Return a head of exactly ``size`` bytes."""
    return HEAD + b"X: " + b"a" * (size - len(HEAD) - 7) + b"\r\n\r\n"


def cut(data: bytes, every: int) -> list[bytes]:
    return [data[start : start + every] for start in range(0, len(data), every)]


async def given(*pieces: bytes, application: Callable[..., Awaitable[None]] = hello) -> bytes:
    """Return what the protocol answers where each piece arrives as it was cut, which a socket promises nobody."""
    config = uvicorn.Config(application, http=protocol_class(head_seconds=10, body_seconds=60), lifespan="off")
    config.load()
    protocol = GatewayProtocol(config, ServerState(), {}, asyncio.get_running_loop())
    transport = Recorded()
    protocol.connection_made(transport)
    for piece in pieces:
        if not transport.closed:
            protocol.data_received(piece)
        for _ in range(3):  # so that what is complete is answered
            await asyncio.sleep(0)
    protocol.connection_lost(None)
    return bytes(transport.sent)


class Recorded(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.closed = False

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
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""


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


@CUTS
@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(40_000, b"200", id="40-KB"),
        pytest.param(MAX_HEAD_BYTES, b"200", id="limit"),
        pytest.param(MAX_HEAD_BYTES + 1, b"431", id="one-more"),
    ],
)
def test_row_090_a_head_counts_its_bytes_once_however_it_is_cut(size: int, status: bytes, every: int) -> None:
    assert asyncio.run(given(*cut(head_of(size), every))).startswith(b"HTTP/1.1 " + status + b" ")


@CUTS
def test_row_090_fields_of_spaces_count_too(every: int) -> None:
    head = HEAD + b"X:" + b" " * MAX_HEAD_BYTES + b"1\r\n\r\n"
    assert asyncio.run(given(*cut(head, every))).startswith(b"HTTP/1.1 431 ")


@CUTS
@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(40_000, b"200", id="40-KB"),
        pytest.param(MAX_HEAD_BYTES + 1, b"431", id="one-more"),
    ],
)
def test_row_090_the_next_head_is_counted_anew(size: int, status: bytes, every: int) -> None:
    """Each of two requests has its own 64 KiB, and the body of the first none of them."""
    body = b"b" * MAX_HEAD_BYTES
    first = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX: %s\r\n\r\n" % (len(body), b"a" * 40_000)
    answer = asyncio.run(given(*cut(first, every), *cut(body, every), *cut(head_of(size), every)))
    assert b"HTTP/1.1 431 " in answer if status == b"431" else answer.count(b"HTTP/1.1 200 ") == 2


def test_row_091_a_head_that_does_not_come_ends_the_connection() -> None:
    with listener(hello, head_seconds=0.2) as port:
        assert exchange(port, b"GET / HT") == b""
        assert exchange(port) == b""


def test_row_091_a_body_that_stops_coming_ends_the_connection() -> None:
    with listener(hello, body_seconds=0.2) as port:
        answer = exchange(port, b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert b"200" not in answer


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


def test_two_requests_on_one_connection_are_both_answered() -> None:
    first = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with listener(hello) as port:
        assert exchange(port, first + HEAD + b"\r\n").count(b"HTTP/1.1 200 ") == 2


def test_row_091_an_empty_line_does_not_keep_a_connection() -> None:
    """It is allowed before a request, and is none: it must not only end the limit of an idle connection."""
    with listener(hello, head_seconds=0.2) as port, socket.create_connection(("127.0.0.1", port), timeout=4) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"\r\n")
        assert client.recv(65536) == b""


def test_an_empty_line_after_a_body_does_not_cut_the_answer_off() -> None:
    release = threading.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.to_thread(release.wait, 10)
        await hello(scope, receive, send)

    with listener(slow, head_seconds=0.1) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        client.sendall(b"\r\n")
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.recv(1)
        release.set()
        client.settimeout(10)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3.0"])
def test_a_version_that_is_not_spoken_here_is_505(version: bytes) -> None:
    with listener(hello) as port:
        answer = exchange(port, b"GET / " + version + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 505 ")
    assert answer.count(b"HTTP/1.1 ") == 2, "the answer, and its own words"


def test_http_1_0_is_answered_and_its_connection_ended() -> None:
    with listener(hello) as port:
        answer = exchange(port, b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_what_is_no_version_at_all_is_400() -> None:
    with listener(hello) as port:
        assert exchange(port, b"GET / HTTQ/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 400 ")


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


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
    "target", [pytest.param(b"http://evil/livez", id="absolute"), pytest.param(b"/v2/#x", id="fragment")]
)
def test_a_target_in_another_form_is_400(target: bytes) -> None:
    with listener(hello) as port:
        answer = exchange(port, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


UPGRADE = b"Connection: upgrade\r\nUpgrade: %s\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN
CHUNK = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n"

FIRST = pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"", id="first"),
        pytest.param(b"GET /before HTTP/1.1\r\nHost: x\r\n\r\n", id="second"),
    ],
)


def asked(*pieces: bytes) -> tuple[list[str], bytes]:
    """Return the paths that were asked for, and what was answered."""
    paths: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])
        await hello(scope, receive, send)

    return paths, asyncio.run(given(*pieces, application=application))


@FIRST
@CUTS
@pytest.mark.parametrize("body", [pytest.param(LENGTH, id="length"), pytest.param(CHUNK, id="chunked")])
@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"POST /a HTTP/1.1\r\nHost: x\r\n" + UPGRADE % b"x", id="any"),
        pytest.param(b"POST /a HTTP/1.1\r\nHost: x\r\n" + UPGRADE % b"websocket", id="websocket"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: x\r\n" + H2C, id="h2c"),
        pytest.param(b"POST /a HTTP/1.0\r\nHost: x\r\n" + UPGRADE % b"x", id="http-1.0"),
        pytest.param(b"CONNECT /a HTTP/1.1\r\nHost: x\r\n", id="connect"),
    ],
)
def test_row_120_a_body_behind_an_upgrade_is_no_request(head: bytes, body: bytes, first: bytes, every: int) -> None:
    """The parser would take such a message to end with its head, and its body for what comes next."""
    paths, answer = asked(*([first] if first else []), *cut(head + body, every))
    assert paths == (["/before"] if first else [])
    assert answer.count(b"HTTP/1.1 400 ") == 1
    assert answer.count(b"HTTP/1.1 ") == 1 + len(paths)


@FIRST
@CUTS
@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /a HTTP/1.1\r\nHost: x\r\n" + H2C, id="h2c"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: x\r\n" + UPGRADE % b"websocket", id="websocket"),
        pytest.param(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" + UPGRADE % b"x", id="empty-body"),
        pytest.param(b"CONNECT /a HTTP/1.1\r\nHost: x\r\n", id="connect"),
    ],
)
def test_row_120_an_upgrade_is_answered_in_http_1_1_and_nothing_behind_it(
    head: bytes, first: bytes, every: int
) -> None:
    paths, answer = asked(*([first] if first else []), *cut(head + b"\r\n" + HIDDEN, every))
    assert paths == (["/before", "/a"] if first else ["/a"])
    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 ") == len(paths)
    assert answer.rpartition(b"HTTP/1.1 ")[2].lower().count(b"connection: close") == 1


def test_row_120_nothing_is_read_behind_an_upgrade_while_it_is_answered() -> None:
    release = threading.Event()
    paths: list[str] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])
        await asyncio.to_thread(release.wait, 10)
        await hello(scope, receive, send)

    with listener(slow) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n" + H2C + b"\r\n")
        until(lambda: paths == ["/a"])
        client.sendall(HIDDEN + b"\0garbage")
        release.set()
        received = bytearray()
        while piece := client.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1 ") == 1
    assert paths == ["/a"]


def test_no_upgrade_without_both_of_its_fields() -> None:
    """One of them alone means nothing to a parser: the body is one, and the connection stays."""
    for field in (b"Upgrade: x\r\n", b"Connection: upgrade\r\n"):
        paths, answer = asked(b"POST /a HTTP/1.1\r\nHost: x\r\n" + field + LENGTH + HIDDEN)
        assert paths == ["/a", "/hidden"]
        assert answer.count(b"HTTP/1.1 200 ") == 2


@pytest.mark.parametrize(
    "behind",
    [
        pytest.param(b"\0garbage\r\n\r\n", id="no-request"),
        pytest.param(b"GET / HTTP/2.0\r\n\r\n", id="version"),
        pytest.param(b"GET http://evil/ HTTP/1.1\r\n\r\n", id="target"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", id="two-ends"),
        pytest.param(b"POST / HTTP/1.1\r\n" + UPGRADE % b"x" + LENGTH, id="upgrade"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * (MAX_HEAD_BYTES + 1) + b"\r\n\r\n", id="too-large"),
    ],
)
def test_row_120_no_refusal_is_written_into_an_answer(tmp_path: Path, behind: bytes) -> None:
    path = tmp_path / "blob"
    count = 32 << 20  # more than the kernel takes at once
    with path.open("wb") as file:
        file.truncate(count)
    with (
        listener(sender(path, offset=0, count=count)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=10) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        client.sendall(behind)
        body = bytearray()
        with contextlib.suppress(ConnectionError):
            while piece := client.recv(1 << 20):
                body += piece
    # Where what follows is only read after the last byte, the refusal comes behind the answer.
    assert not body[:count].strip(b"\0"), "nothing but the blob's bytes"


async def early(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer before the body was read."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


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
    answer = asyncio.run(given(CHUNKED, *cut(end, 30_000), application=early))
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("behind", [b"\0garbage\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n"])
def test_what_is_no_request_is_refused_behind_an_answer_that_is_complete(behind: bytes) -> None:
    answer = asyncio.run(given(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", behind))
    first, _, second = answer.partition(b"\r\n\r\nok")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 "))


def test_every_refusal_is_an_error_of_the_specification() -> None:
    with listener(hello) as port:
        head, _, body = exchange(port, b"\0garbage\r\n\r\n").partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    assert json.loads(body)["errors"][0]["code"] == "UNSUPPORTED"


def until(true: Callable[[], bool], *, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "never came"
        time.sleep(0.01)
