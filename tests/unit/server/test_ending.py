"""What is closed ends, read or not."""

import asyncio
import socket
from typing import Any

import pytest

from gateway.server.ending import DRAINED_SECONDS, Ending
from gateway.server.run import Crowd
from tests.support.connection import Connection, Recorded, hello, passed, run, settled
from tests.support.listener import listener
from tests.support.programs import until


class Unread(Recorded):
    """A transport whose client reads nothing: it ends where it is aborted only."""

    aborted = False

    def abort(self) -> None:
        super().abort()
        self.aborted = True


def test_row_091_what_is_closed_and_not_read_is_aborted_in_time() -> None:
    async def story() -> list[bool]:
        transport, told = Unread(), []
        ending = Ending(transport, loop=asyncio.get_running_loop(), seconds=60)
        ending.close()
        ending.close()
        for seconds in (59, 1):
            await passed(seconds)
            told.append(transport.aborted)
        return told

    assert run(story()) == [False, True]


def test_an_end_is_hurried_where_it_has_begun() -> None:
    async def story() -> list[bool]:
        transport, told = Unread(), []
        ending = Ending(transport, loop=asyncio.get_running_loop(), seconds=60)
        ending.hurry()
        await passed(DRAINED_SECONDS)
        told.append(transport.aborted)
        ending.close()
        ending.hurry()
        for seconds in (DRAINED_SECONDS - 1, 1):
            await passed(seconds)
            told.append(transport.aborted)
        return told

    assert run(story()) == [False, False, True]


@pytest.mark.parametrize("first", ["close", "lost"])
def test_what_has_ended_is_not_waited_for(first: str) -> None:
    async def story() -> bool:
        transport = Unread()
        ending = Ending(transport, loop=asyncio.get_running_loop(), seconds=60)
        for call in (ending.close, ending.lost) if first == "close" else (ending.lost, ending.close):
            call()
        assert ending.is_closing()
        await passed(3600)
        return transport.aborted

    assert not run(story())


def test_a_connection_that_ends_is_not_given_up_before_its_time() -> None:
    async def story() -> bool:
        transport = Unread()
        ending = Ending(transport, loop=asyncio.get_running_loop(), seconds=60)
        ending.close()
        ending.give_up()
        await settled()
        return transport.aborted

    assert not run(story())


def test_row_091_the_last_answer_is_kept_for_nobody() -> None:
    """Without TLS, which has a time for this of its own."""
    size = 8 << 20
    counted: list[Any] = []
    crowd = Crowd(max_connections=10, refused=lambda: None, counted=counted.append)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"%d" % size), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(size)})

    with listener(application, body_seconds=0.3, crowd=crowd) as port, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1)
        until(lambda: counted[-1]() == 0, seconds=10)


def test_an_answer_that_is_read_is_whole() -> None:
    async def story() -> bytes:
        connection = Connection(hello)
        await connection.comes(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return connection.answer

    assert run(story()).endswith(b"ok")
