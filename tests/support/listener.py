"""A listener with our protocol over an application of the test's choice, in a thread, on a loopback port.

I/O: sockets.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import uvicorn

from gateway.server.protocol import protocol_class
from gateway.server.run import BODY_SECONDS, LEAST_BODY_BYTES, Crowd, Server

Application = Callable[..., Awaitable[None]]

ALL: Final = Crowd(max_connections=1_000, refused=lambda: None, counted=lambda _: None)
"""Nobody is one too many."""


@contextlib.contextmanager
def listener(
    application: Application,
    *,
    head_seconds: float = 10.0,
    body_seconds: float = BODY_SECONDS,
    least_body_bytes: int = LEAST_BODY_BYTES,
    context: ssl.SSLContext | None = None,
    crowd: Crowd = ALL,
    bound: socket.socket | None = None,
) -> Iterator[int]:
    """Serve ``application`` while inside, on ``bound`` where it is given; give the port."""
    with contextlib.ExitStack() as opened:
        if bound is None:
            bound = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
        config = uvicorn.Config(
            application,
            loop="uvloop",
            http=protocol_class(
                head_seconds=head_seconds, body_seconds=body_seconds, least_body_bytes=least_body_bytes
            ),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        started = threading.Event()
        server = Server(
            config,
            context=context,
            handshake_seconds=head_seconds,
            ending_seconds=body_seconds,
            crowd=crowd,
            listening=started.set,
            draining=lambda: None,
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            assert started.wait(20)
            yield bound.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(timeout=20)
            assert not thread.is_alive()


def exchange(port: int, *pieces: bytes, wait_seconds: float = 20.0) -> bytes:
    """Send ``pieces`` and return all that comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait_seconds) as client:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                client.sendall(piece)
        received = bytearray()
        with contextlib.suppress(ConnectionError):
            while chunk := client.recv(65536):
                received += chunk
        return bytes(received)
