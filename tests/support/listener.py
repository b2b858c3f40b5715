"""A listener with our protocol over an application of the test's choice, in a thread, on a loopback port.

I/O: sockets.
"""

import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator

import uvicorn

from gateway.server.protocol import protocol_class

Application = Callable[..., Awaitable[None]]


@contextlib.contextmanager
def listener(application: Application, *, head_seconds: float = 10.0, body_seconds: float = 60.0) -> Iterator[int]:
    """Serve ``application`` while inside; give the port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(128)
        config = uvicorn.Config(
            application,
            loop="uvloop",
            http=protocol_class(head_seconds=head_seconds, body_seconds=body_seconds),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
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
