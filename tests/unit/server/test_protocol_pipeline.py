"""Requests that come before the one before them is answered: they wait unread, in their order, and take little."""

import asyncio
from typing import Any

import pytest

from tests.support.connection import CUTS, Connection, cut, early, given, hello, run, settled

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST /%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
LENGTH = b"PUT /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
MANY = 10_000


class Held:
    """An application that answers when it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.paths: list[str] = []
        self.left: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope["path"])
        while (await receive()).get("more_body"):
            pass
        while not self.let.is_set():
            if (await receive())["type"] == "http.disconnect":
                self.left.append(scope["path"])
                return
        await early(scope, receive, send)


@pytest.mark.parametrize("one", [GET, CHUNKED, LENGTH], ids=["get", "chunked", "length"])
def test_row_090_behind_a_request_that_is_not_answered_nothing_is_read(one: bytes) -> None:
    async def story() -> None:
        held = Held()
        connection = Connection(held)
        await connection.comes(b"".join(one % number for number in range(MANY)))
        assert held.paths == ["/0"]
        assert not connection.protocol.pipeline
        assert not connection.reads(), "not even where the application waits for the client to leave"
        connection.protocol.connection_lost(None)
        await settled()
        assert held.left == ["/0"]

    run(story())


@CUTS
@pytest.mark.parametrize("one", [GET, CHUNKED, LENGTH], ids=["get", "chunked", "length"])
def test_requests_are_answered_in_their_order(one: bytes, every: int) -> None:
    paths: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])
        await hello(scope, receive, send)

    async def story() -> bytes:
        connection = Connection(application)
        for piece in cut(b"".join(one % number for number in range(100)), every):
            await connection.comes(piece)
        while connection.protocol.flow.keeps:
            await settled()
        await settled()
        assert connection.reads()
        return connection.answer

    assert run(story()).count(b"HTTP/1.1 200 ") == 100
    assert paths == [f"/{number}" for number in range(100)]


def test_what_cannot_be_read_is_refused_behind_the_answer_before_it() -> None:
    first, _, second = given(GET % 1 + b"\0garbage\r\n\r\n").partition(b"\r\n\r\nok")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 400 ")


def test_a_drain_answers_what_is_carried_out_and_carries_out_nothing_else() -> None:
    async def story() -> tuple[list[str], bytes, bool]:
        held = Held()
        connection = Connection(held)
        await connection.comes(GET % 1 + GET % 2 + GET % 3)
        connection.protocol.shutdown()
        held.let.set()
        connection.protocol.cycle.message_event.set()
        await settled()
        return held.paths, connection.answer, connection.open

    paths, answer, still = run(story())
    assert (paths, still) == (["/1"], False)
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert b"connection: close" in answer


def test_row_091_a_connection_that_is_idle_after_a_body_nobody_read_ends() -> None:
    async def story() -> bool:
        connection = Connection(early)
        await connection.comes(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
        await connection.comes(b"abc")
        assert connection.open
        await connection.passes(3600)
        return connection.open

    assert not run(story())


def test_nothing_waits_for_a_connection_that_was_reset() -> None:
    async def story() -> bool:
        connection = Connection()
        await connection.comes(GET % 1)
        timer = connection.protocol.timeout_keep_alive_task
        assert timer is not None
        connection.protocol.connection_lost(ConnectionResetError())
        return timer.cancelled()

    assert run(story())


def test_nothing_is_carried_out_of_a_connection_that_is_lost() -> None:
    async def story() -> list[str]:
        held = Held()
        connection = Connection(held)
        await connection.comes(GET % 1 + GET % 2)
        held.let.set()
        connection.protocol.cycle.message_event.set()
        connection.protocol.connection_lost(None)
        await settled()
        return held.paths

    assert run(story()) == ["/1"]


@pytest.mark.parametrize("line", [b"GET / RTSP/1.1", b"GET / RTSP/1.0", b"SOURCE / ICE/1.1"])
def test_another_protocol_is_400(line: bytes) -> None:
    answer = given(*cut(line + b"\r\nHost: x\r\n\r\n", 3))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
