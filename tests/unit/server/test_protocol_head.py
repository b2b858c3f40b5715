"""What a head may be: its size, its time, its version, its target, and what of it is refused behind an answer."""

import asyncio
import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway.api.head import MAX_HEAD_BYTES, MAX_HEAD_FIELDS
from tests.support.connection import CUTS, HEAD, LENGTH, UPGRADE, cut, given, head_of, hello, sender
from tests.support.listener import exchange, listener


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
    assert given(*cut(head_of(size), every)).startswith(b"HTTP/1.1 " + status + b" ")


@CUTS
def test_row_090_fields_of_spaces_count_too(every: int) -> None:
    head = HEAD + b"X:" + b" " * MAX_HEAD_BYTES + b"1\r\n\r\n"
    assert given(*cut(head, every)).startswith(b"HTTP/1.1 431 ")


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
    answer = given(*cut(first, every), *cut(body, every), *cut(head_of(size), every))
    assert b"HTTP/1.1 431 " in answer if status == b"431" else answer.count(b"HTTP/1.1 200 ") == 2


def test_row_091_a_head_that_does_not_come_ends_the_connection() -> None:
    with listener(hello, head_seconds=0.2) as port:
        assert exchange(port, b"GET / HT") == b""
        assert exchange(port) == b""


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


@pytest.mark.parametrize(
    "target", [pytest.param(b"http://evil/livez", id="absolute"), pytest.param(b"/v2/#x", id="fragment")]
)
def test_a_target_in_another_form_is_400(target: bytes) -> None:
    with listener(hello) as port:
        answer = exchange(port, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


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


@pytest.mark.parametrize("behind", [b"\0garbage\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n"])
def test_what_is_no_request_is_refused_behind_an_answer_that_is_complete(behind: bytes) -> None:
    answer = given(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", behind)
    first, _, second = answer.partition(b"\r\n\r\nok")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 505 "))


def test_every_refusal_is_an_error_of_the_specification() -> None:
    with listener(hello) as port:
        head, _, body = exchange(port, b"\0garbage\r\n\r\n").partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    assert json.loads(body)["errors"][0]["code"] == "UNSUPPORTED"
