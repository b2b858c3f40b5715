"""How an answer goes out: small ones in one piece, blobs straight from their files.

Bytes of blobs go out in `SEND_BYTES` reads from the file, without a thread hop and without an ASGI message for each.

I/O: sockets and the files it is told to send.
Source: ASGI 3.0 "Extensions"; DESIGN 10.
"""

import asyncio
import os
from collections.abc import MutableMapping
from typing import Any, Final, TypeAlias, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.api.asgi import SENDFILE, ClientLeft
from gateway.errors import Internal

SEND_BYTES: Final = 256 * 1024
TOGETHER_BYTES: Final = 16 * 1024
"""A body up to this long goes out with its head: what fits one TLS record."""

Message: TypeAlias = MutableMapping[str, Any]


class Sending:
    """What an application sends to: uvicorn's cycle, but for files, and for small answers, which go out in one piece.

    Each write to the transport is a TLS record of its own and a good part of what a small answer costs. So the head waits
    for the first piece of the body. An application that fails between the two has said nothing yet, and uvicorn answers
    500 for it.
    """

    __slots__ = ("_cycle", "_head", "_seconds")

    def __init__(self, cycle: RequestResponseCycle, *, read_seconds: float) -> None:
        """``read_seconds``: how long a client may read nothing of what is written already."""
        self._cycle = cycle
        self._seconds = read_seconds
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        kind, cycle = message["type"], self._cycle
        self._look()
        if kind == "http.response.start" and self._head is None and not cycle.response_started:
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            if kind == "http.response.body" and len(message.get("body", b"")) <= TOGETHER_BYTES:
                await self._together(head, message)
                return
            await self._send(head)
        if kind == SENDFILE:
            await self._send_file(message["path"], offset=message["offset"], count=message["count"])
        else:
            await self._send(message)

    def _look(self) -> None:
        """Raise `ClientLeft` where nobody is there to read. A connection that was aborted is lost only a moment later."""
        cycle = self._cycle
        if cycle.disconnected or cycle.transport.is_closing():
            cycle.disconnected = True
            raise ClientLeft

    async def _send(self, message: Message) -> None:
        """Write once there is room for it; who makes none in time is left: his answer would be kept for ever."""
        cycle = self._cycle
        if cycle.flow.write_paused:
            try:
                await asyncio.wait_for(cycle.flow.drain(), self._seconds)
            except TimeoutError:
                cycle.transport.abort()
        self._look()
        await cycle.send(cast(Any, message))

    async def _together(self, head: Message, body: Message) -> None:
        cycle = self._cycle
        if cycle.flow.write_paused:
            await self._send(head)
            await self._send(body)
            return
        transport = cycle.transport
        gathered = _Gathered(transport)
        cycle.transport = cast(asyncio.Transport, gathered)
        try:
            await cycle.send(cast(Any, head))
            await cycle.send(cast(Any, body))
        finally:
            cycle.transport = transport
            gathered.flush()

    async def _send_file(self, path: str, *, offset: int, count: int) -> None:
        """Write ``count`` bytes of the file from ``offset`` as the body of the answer that was begun, and complete it.

        Reads are from the page cache or one seek away and take the time of a copy; a hop to a thread would cost more. A
        file that ends early ends the connection, so that nobody takes half a blob for a whole one.
        """
        cycle, position = self._cycle, offset
        end = offset if cycle.scope["method"] == "HEAD" else offset + count
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            while position < end:
                piece = os.pread(file, min(SEND_BYTES, end - position), position)
                if not piece:
                    cycle.transport.abort()
                    raise Internal(f"{os.path.basename(path)} is shorter than it was")
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
                position += len(piece)
                if not cycle.flow.write_paused:
                    # This client waits for nothing: others may be waiting for us.
                    await asyncio.sleep(0)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except ClientLeft:
            raise ClientLeft(position - offset) from None
        finally:
            os.close(file)


class _Gathered:
    """A transport that writes when it is told to, once; the two methods of it that `RequestResponseCycle.send` uses."""

    __slots__ = ("_pieces", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        self._pieces.append(data)

    def close(self) -> None:
        # At once: uvicorn asks right after this whether the connection is closing, before it goes on to a request that
        # came in the same packet. One that will never be answered must not be carried out.
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        if self._pieces:
            self._transport.write(b"".join(self._pieces))
            self._pieces.clear()
