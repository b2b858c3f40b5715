"""Taking connections: as many as there may be, handshakes included, and again after descriptors had run out."""

import contextlib
import datetime
import errno
import functools
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.server import accepting
from gateway.server.run import Crowd
from gateway.server.tls import issue_self_signed, server_context, write_issued
from tests.support import programs
from tests.support.listener import exchange, listener

until = functools.partial(programs.until, seconds=10.0)

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
MOST = 3


async def alive(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer 200."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


class Counted:
    """How many were refused, and how many there are."""

    def __init__(self) -> None:
        self.refused = 0
        self.open: Callable[[], int] = lambda: -1
        self.crowd = Crowd(max_connections=MOST, refused=self._refuse, counted=self._count)

    def _refuse(self) -> None:
        self.refused += 1

    def _count(self, count: Callable[[], int]) -> None:
        self.open = count


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder = tmp_path_factory.mktemp("accepting") / "tls"
    write_issued(issue_self_signed(["localhost"], now=datetime.datetime.now(tz=datetime.UTC)), folder)
    return server_context(certificate=folder / "certificate.pem", key=folder / "key.pem", minimum="1.3")


@contextlib.contextmanager
def silent(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Give connections over which nothing is said."""
    with contextlib.ExitStack() as opened:
        yield [opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(count)]


def ended(client: socket.socket) -> bool:
    """Whether the other side ends the connection."""
    with contextlib.suppress(ConnectionError):
        return client.recv(1) == b""
    return True


@pytest.mark.parametrize("over_tls", [pytest.param(False, id="plain"), pytest.param(True, id="tls")])
def test_row_090_one_connection_too_many_is_closed_at_once_and_one_fewer_is_room(
    tls: ssl.SSLContext, over_tls: bool
) -> None:
    counted = Counted()
    with listener(alive, context=tls if over_tls else None, head_seconds=60, crowd=counted.crowd) as port:
        until(lambda: counted.open() == 0)  # whoever asked whether it listens is gone
        with silent(port, MOST):
            until(lambda: counted.open() == MOST)
            with silent(port, 2) as more:
                assert all(ended(client) for client in more)
            assert (counted.open(), counted.refused) == (MOST, 2)
        until(lambda: counted.open() == 0)
        if not over_tls:
            assert exchange(port, GET).startswith(b"HTTP/1.1 200 ")
        assert counted.refused == 2


def test_row_091_a_handshake_that_does_not_begin_has_the_time_of_a_head(tls: ssl.SSLContext) -> None:
    counted = Counted()
    with (
        listener(alive, context=tls, head_seconds=0.2, body_seconds=0.2, crowd=counted.crowd) as port,
        silent(port, 1) as (client,),
    ):
        assert ended(client)
        until(lambda: counted.open() == 0)


def test_row_091_a_client_that_does_not_confirm_the_end_is_left(tls: ssl.SSLContext) -> None:
    """A head that is late ends the connection, and TLS would wait half a minute for the client to agree."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    counted = Counted()
    with (
        listener(alive, context=tls, head_seconds=0.2, body_seconds=0.2, crowd=counted.crowd) as port,
        silent(port, 1) as (plain,),
        context.wrap_socket(plain, server_hostname="localhost"),
    ):
        until(lambda: counted.open() == 0)  # without one byte of ours


def test_handshakes_do_not_keep_it_from_ending(tls: ssl.SSLContext) -> None:
    began = time.monotonic()
    with listener(alive, context=tls, head_seconds=60) as port, silent(port, 2):
        pass
    assert time.monotonic() - began < 10


class NoDescriptors(socket.socket):
    """A listening socket whose process has no descriptor left for a while."""

    free = False

    def accept(self) -> tuple[socket.socket, Any]:
        if not self.free:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_after_descriptors_ran_out_it_accepts_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(accepting, "PAUSE_SECONDS", 0.05)
    with NoDescriptors() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(8)
        with listener(alive, bound=bound) as port, silent(port, 1) as (client,):
            client.sendall(GET)
            client.settimeout(0.3)
            with pytest.raises(TimeoutError):
                client.recv(1)
            bound.free = True
            client.settimeout(10)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
