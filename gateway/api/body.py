"""The body of a request: read at most once, at most so far.

Nothing reads without a bound: `read` has a limit in bytes, a share of what the process has for all of them, and a time
where its caller sets one; `chunks` is counted by the store that it feeds; `settle` gives up after a little. How slowly a
body may come at all is the server's to say.

I/O: receives.
Source: CVE-2017-11468 (a manifest body read without limit); security row 91; RFC 9110, 10.1.1 (Expect).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from gateway.api.asgi import Receive
from gateway.api.budget import BodyBudget
from gateway.api.head import Request
from gateway.errors import BodyTooSlow, GatewayError

SETTLE_BYTES: Final = 256 * 1024
"""What is read of a refused body so that the client, still sending, gets to read the refusal; Go's servers do the same."""
SETTLE_SECONDS: Final = 1.0


class Disconnected(Exception):
    """The client went away in the middle of its request: nobody is there to be answered."""


class Body:
    """The body of one request."""

    def __init__(
        self, receive: Receive, *, expected: bool, waits_to_be_asked: bool, budget: BodyBudget, sender: str
    ) -> None:
        self._receive = receive
        self._more = expected
        self._waits = waits_to_be_asked
        self._budget = budget
        self._sender = sender
        self._taken = 0

    @classmethod
    def of(cls, request: Request, receive: Receive, *, budget: BodyBudget) -> "Body":
        """Return the body that the head of ``request`` announces. Its sender is an address, until somebody knows better."""
        return cls(
            receive,
            expected=request.has_body,
            waits_to_be_asked=request.expects_continue,
            budget=budget,
            sender=request.address,
        )

    async def read(
        self, *, max_bytes: int, max_seconds: float | None, too_large: GatewayError, sender: str | None = None
    ) -> bytes:
        """Return all of it.

        Raises ``too_large`` as soon as it is over ``max_bytes``, `BodyTooSlow` where it is not here after ``max_seconds``
        (None: as long as the server lets it take), and `Disconnected`.

        ``sender`` is who is known to send it (a principal's id), None where only his address is. Raises `TooManyRequests`
        or `Unavailable` where he, or all, have too much in memory. What was read counts until `release`.
        """
        if sender is not None:
            self._sender = sender
        # Not a list of pieces: of a body that comes byte by byte, that is forty times as large.
        whole = bytearray()
        try:
            # Nothing is done between two pieces: all of this time is the client's.
            async with asyncio.timeout(max_seconds), aclosing(self.chunks()) as chunks:
                async for chunk in chunks:
                    if len(whole) + len(chunk) > max_bytes:
                        raise too_large
                    self._budget.take(self._sender, len(chunk))
                    self._taken += len(chunk)
                    whole += chunk
        except TimeoutError:
            if max_seconds is None:
                raise
            raise BodyTooSlow(max_seconds) from None
        return bytes(whole)

    def release(self) -> None:
        """Say that what was read is not in memory any more: the request has been answered, or given up."""
        self._budget.give_back(self._sender, self._taken)
        self._taken = 0

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the pieces as they come. Raises `Disconnected`."""
        while self._more:
            self._waits = False
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._more = False
                raise Disconnected
            self._more = bool(message.get("more_body", False))
            piece: bytes = message.get("body", b"")
            if piece:
                yield piece

    async def settle(self) -> bool:
        """Read a little of what nobody wanted; return whether that was all, and the connection can go on.

        A client that waits to be asked for its body (``Expect``) is not asked.
        """
        if not self._more:
            return True
        if self._waits:
            return False
        left = SETTLE_BYTES
        try:
            async with asyncio.timeout(SETTLE_SECONDS), aclosing(self.chunks()) as chunks:
                async for chunk in chunks:
                    left -= len(chunk)
                    if left < 0:
                        return False
        except (TimeoutError, Disconnected):
            return False
        return True
