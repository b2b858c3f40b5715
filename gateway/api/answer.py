"""An answer as a value, and how it is sent.

Every answer has a length, says what it is and forbids guessing (``nosniff``): a registry serves bytes that strangers
wrote. The bytes of a blob go out through the server's own extension where it offers one, else in reads of 1 MiB in a
thread; never one small piece at a time through Python.

I/O: `send` reads the files it sends.
Source: DESIGN 10, rule 1; RFC 9110, sections 8.6, 9.3.2 (HEAD) and 15.4.5 (304).
"""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self, TypeAlias

from gateway.api.asgi import SENDFILE, Send
from gateway.errors import Internal
from gateway.oci.strict_json import JsonObject

READ_BYTES: Final = 1024 * 1024
NOT_KEPT: Final = ("cache-control", "private, no-store")
"""On whatever only this caller may see, and on secrets."""

_ALWAYS: Final = (
    (b"docker-distribution-api-version", b"registry/2.0"),
    (b"x-content-type-options", b"nosniff"),
)
_WITHOUT_LENGTH: Final = frozenset({204, 304})

Header: TypeAlias = tuple[str, str]
"""Lower-case name, value; ASCII."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """``count`` bytes of a file from ``offset``."""

    path: Path
    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class Omitted:
    """A body of ``count`` bytes that a HEAD tells the length of."""

    count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent. ``close``: the connection ends with it, because what the client still sends is not read."""

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes | FilePart | Omitted = field(default=b"", repr=False)
    close: bool = False

    @classmethod
    def of_json(cls, status: int, document: JsonObject, *headers: Header) -> Self:
        """Return an answer with ``document`` as its body. ASCII only: nothing in it can move a terminal's cursor."""
        kind = () if any(name == "content-type" for name, _ in headers) else (("content-type", "application/json"),)
        return cls(status, (*kind, *headers), json.dumps(document, separators=(",", ":")).encode("ascii"))

    @property
    def count(self) -> int:
        """The length of the body in bytes."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.count

    def adding(self, *headers: Header) -> Self:
        """Return the same answer with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    def closing(self) -> Self:
        """Return the same answer as the last of its connection."""
        return replace(self, close=True)


async def send(answer: Answer, *, method: str, extensions: Sequence[str], to: Send) -> None:
    """Send ``answer``. A HEAD has the headers of the GET and no body."""
    await to({"type": "http.response.start", "status": answer.status, "headers": _headers(answer)})
    body = answer.body
    if method == "HEAD" or isinstance(body, Omitted) or answer.status in _WITHOUT_LENGTH:
        await to({"type": "http.response.body", "body": b""})
    elif isinstance(body, bytes):
        await to({"type": "http.response.body", "body": body})
    elif SENDFILE in extensions:
        await to({"type": SENDFILE, "path": str(body.path), "offset": body.offset, "count": body.count})
    else:
        await _send_file(body, to)


def _headers(answer: Answer) -> list[tuple[bytes, bytes]]:
    """Return the headers as bytes. Raises `Internal` for a value that would be two (CVE-2020-7695)."""
    encoded = [*_ALWAYS]
    for name, value in answer.headers:
        if not value.isascii() or not value.isprintable():
            raise Internal(f"a value of {name} cannot be a header")
        encoded.append((name.encode("ascii"), value.encode("ascii")))
    if answer.status not in _WITHOUT_LENGTH:
        encoded.append((b"content-length", b"%d" % answer.count))
    if answer.close:
        encoded.append((b"connection", b"close"))
    return encoded


async def _send_file(part: FilePart, to: Send) -> None:
    """Send a part of a file in large reads. A file that ends early is an error, so that nobody takes half for whole."""
    file = await asyncio.to_thread(os.open, part.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        position, end = part.offset, part.offset + part.count
        while position < end:
            piece = await asyncio.to_thread(os.pread, file, min(READ_BYTES, end - position), position)
            if not piece:
                raise Internal(f"{part.path.name} is shorter than it was")
            await to({"type": "http.response.body", "body": piece, "more_body": True})
            position += len(piece)
    finally:
        os.close(file)
    await to({"type": "http.response.body", "body": b""})
