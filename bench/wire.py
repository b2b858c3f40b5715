"""HTTP/1.1 over TLS for one connection that never blocks: as little of it as a load generator may do.

A request is bytes that were made before the clock started; a body may follow it, sent from memory in slices. Of an answer,
the status, the `Location` and the length are read, and the body is counted. Never follows, retries, decodes or guesses: an
answer with another status than the expected one, or without a `Content-Length`, ends the measurement.

I/O: one socket, loopback only.
Source: RFC 9112; RFC 9110, section 8.6.
"""

import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SLICE_BYTES: Final = 128 * 1024
READ_BYTES: Final = 256 * 1024
KEPT_BYTES: Final = 64 * 1024
"""Of a body that is kept: those of manifests, small blobs and refusals."""
EXCERPT_BYTES: Final = 300
CONNECT_SECONDS: Final = 10.0
HOST: Final = "localhost"

ACCEPT: Final = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    )
)
"""What every client sends; distribution serves no manifest without it."""

_END: Final = b"\r\n\r\n"
_NO_BODY: Final = frozenset({204, 304})


class BenchmarkBroken(Exception):
    """A peer did not answer as expected: there is no number to report."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its head, what follows it on the wire, and the only status that counts."""

    head: bytes
    expected: int
    body: tuple[memoryview, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered. ``body`` is all of it up to `KEPT_BYTES`, the beginning of a longer one."""

    status: int
    location: str
    size: int
    body: bytes


def head(
    method: str, target: str, *, port: int, authorization: str | None, length: int | None = None, kind: str = ""
) -> bytes:
    """Return a request head as every client of a registry would send it, on a connection that is kept."""
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {HOST}:{port}",
        "User-Agent: registry-gateway-bench",
        f"Accept: {ACCEPT}",
    ]
    if authorization is not None:
        lines.append(f"Authorization: {authorization}")
    if kind:
        lines.append(f"Content-Type: {kind}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def client_context(ca_file: Path) -> ssl.SSLContext:
    """Return the context of every connection: TLS 1.3, the peer's certificate verified."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


class Connection:
    """One kept connection. `begin` a request, then `advance` whenever the socket can go on, until there is a response."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=CONNECT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname=HOST)
        self.socket.setblocking(False)
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        self._pending: list[memoryview] = []
        self._request = Request(b"", 0)
        self._head = b""
        self._body = b""
        self._status = 0
        self._location = ""
        self._size = 0
        self._left = -1  # of the body; negative until the head of the answer is complete

    @property
    def sending(self) -> bool:
        """Whether a part of the request still waits for the socket to take it."""
        return bool(self._pending)

    @property
    def cipher(self) -> str:
        """What was negotiated."""
        found = self.socket.cipher()
        return "none" if found is None else found[0]

    def close(self) -> None:
        """End the connection."""
        self.socket.close()

    def begin(self, request: Request) -> None:
        """Send ``request``, as far as the socket takes it now."""
        self._request = request
        self._head, self._body, self._left = b"", b"", -1
        self._pending = [memoryview(request.head)]
        for part in request.body:
            self._pending += [part[at : at + SLICE_BYTES] for at in range(0, len(part), SLICE_BYTES)]
        self._pending.reverse()
        self._send()

    def advance(self) -> Response | None:
        """Send and read what is possible now; return the answer once it is complete."""
        if self._pending:
            self._send()
        while True:
            try:
                count = self.socket.recv_into(self._buffer)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None
            if count == 0:
                raise BenchmarkBroken(f"the connection ended in the middle of {self._told()}")
            if self._left >= 0:
                self._left -= count
                if self._size <= KEPT_BYTES:
                    self._body += self._view[:count]
            else:
                self._head += self._view[:count]
                self._read_head()
            if self._left == 0:
                return self._complete()

    def _send(self) -> None:
        try:
            while self._pending:
                part = self._pending[-1]
                sent = self.socket.send(part)
                if sent == len(part):
                    self._pending.pop()
                else:
                    self._pending[-1] = part[sent:]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return

    def _read_head(self) -> None:
        end = self._head.find(_END)
        if end < 0:
            return
        self._status = int(self._head[9:12])
        lower = self._head[: end + 2].lower()
        self._size = _length(lower, self._status)
        at = lower.find(b"\r\nlocation:")
        self._location = "" if at < 0 else self._head[at + 11 : lower.index(b"\r\n", at + 2)].strip().decode("ascii")
        self._body = self._head[end + 4 :]
        self._left = self._size - len(self._body)
        if self._left < 0:
            raise BenchmarkBroken(f"more was answered than announced to {self._told()}")

    def _complete(self) -> Response:
        if self._status != self._request.expected:
            said = self._body[:EXCERPT_BYTES].decode("utf-8", errors="replace")
            raise BenchmarkBroken(f"{self._status} instead of {self._request.expected} to {self._told()}: {said}")
        return Response(self._status, self._location, self._size, self._body)

    def _told(self) -> str:
        return self._request.head.partition(b"\r\n")[0].decode("ascii")


def _length(lower: bytes, status: int) -> int:
    """Return the length that a head, in lower case, announces."""
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        if status in _NO_BODY:
            return 0
        raise BenchmarkBroken(f"an answer without Content-Length: {lower[:EXCERPT_BYTES]!r}")
    return int(lower[at + 17 : lower.index(b"\r\n", at + 2)])
