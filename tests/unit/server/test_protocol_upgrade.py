"""Nothing is upgraded: a request to do so is answered as if it were none, and nothing behind it is read."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from tests.support.connection import CHUNK, CUTS, HIDDEN, LENGTH, UPGRADE, cut, given, hello
from tests.support.listener import listener
from tests.support.programs import until

H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"

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

    return paths, given(*pieces, application=application)


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
        until(lambda: paths == ["/a"], seconds=10)
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
