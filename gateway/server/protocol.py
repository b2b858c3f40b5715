"""HTTP/1.1 on uvicorn, with the limits it lacks.

uvicorn reads a request head of any size, for any time: one header of 100 MB costs 13 s of CPU before anybody has said who
he is. Here a head has at most `MAX_HEAD_BYTES`, `MAX_HEAD_FIELDS` and a deadline, and a body that comes too slowly ends the
connection. Behind a message that is not answered nothing is read, and what came with it waits. Nothing is upgraded to
another protocol. What cannot be read is refused, and never in the middle of an answer or besides one. How an answer goes
out is `gateway.server.sending`'s.

I/O: sockets.
Source: security row 90, 91, 120; RFC 9110, section 7.8 ("Upgrade"); RFC 9112, section 9.3.
"""

import asyncio
import sys
from asyncio.events import TimerHandle
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.api.asgi import SENDFILE, ClientLeft
from gateway.api.head import MAX_HEAD_BYTES
from gateway.server.body_pace import BodyPace
from gateway.server.cutting import Cutter
from gateway.server.ending import Ending
from gateway.server.flow import Flow
from gateway.server.head_count import HeadCount
from gateway.server.head_fault import body_length, head_fault
from gateway.server.refusing import NOT_READ, OTHER_VERSION, TOO_LARGE, refusal
from gateway.server.sending import Message, Sending

_NO_VERSION: Final = "Invalid HTTP version"
"""What the parser says of one that it does not know, and of nothing else."""

Application = Callable[..., Awaitable[None]]


class Phase(Enum):
    """What the next byte of a connection belongs to."""

    HEAD = auto()
    """A head; the first one from the connection's first moment on."""
    BODY = auto()
    """The body of a message that an application has, or the end of it."""
    BETWEEN = auto()
    """A head that has not begun."""
    NOTHING = auto()
    """Nothing: the message before it was the last one."""


class GatewayProtocol(HttpToolsProtocol):
    """One connection. Its limits are set on the subclass that `protocol_class` makes."""

    head_seconds: float
    body_seconds: float
    least_body_bytes: int
    flow: Flow

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._phase = Phase.HEAD
        self._head = HeadCount()
        self._cutter = Cutter()
        self._head_timer: TimerHandle | None = None
        self._idle_bytes = 0  # that were neither, since a piece of a body or a new head

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self._ending = transport = Ending(transport, loop=self.loop, seconds=self.body_seconds)
        super().connection_made(transport)
        self._body = BodyPace(
            self.loop, least_bytes=self.least_body_bytes, seconds=self.body_seconds, too_slow=self._ending.give_up
        )
        self.flow = Flow(transport, paused=self._body.pause, wanted=self._run_body_time)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop(self._head_timer)
        self._body.end()
        self.flow.forget()
        self._unset_keepalive_if_required()  # uvicorn leaves it where a connection was reset
        super().connection_lost(exc)
        self._ending.lost()

    def data_received(self, data: bytes) -> None:
        """Read ``data`` up to the end of one message, and what is behind it once that is answered."""
        if self.flow.keeps:
            self.flow.keep(data)
        else:
            self._take(data)

    def _take(self, data: bytes) -> None:
        start = 0
        while start < len(data) and self._phase is not Phase.NOTHING and not self.transport.is_closing():
            if self._phase is Phase.BETWEEN:
                if self._answering():
                    self.flow.keep(data[start:])
                    return
                self._begin_head()  # with this byte: an empty line before it counts
            start = self._read(data, start)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.flow.keeps and not self.transport.is_closing():
            # Later: the answer may not be written yet, and a refusal of what follows comes behind it.
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._take(self.flow.take())

    def _read(self, data: bytes, start: int) -> int:
        """Give the parser what it may have now of ``data`` from ``start``; return where that ends.

        Of a head it has never more than a head may have. So it does not matter how one is cut: one of `MAX_HEAD_BYTES` is
        read, and one byte more is refused.
        """
        in_head = self._phase is Phase.HEAD
        stop = min(len(data), start + self._head.room) if in_head else len(data)
        if start == stop:
            self._refuse(TOO_LARGE)
            return len(data)
        end = self._cutter.cut(data, start, stop)
        size = end - start
        if in_head:
            self._head.came(size)
        # Forgotten as soon as one of them is a body's.
        self._idle_bytes = 0 if in_head else self._idle_bytes + size
        super().data_received(data[start:end])
        if self._phase is Phase.BODY and self._idle_bytes > MAX_HEAD_BYTES:
            # The end of a chunked body that does not end.
            self._refuse(TOO_LARGE)
        return end

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused, while its error is handled: 505 for another version of HTTP, else 400."""
        if str(sys.exception()) == _NO_VERSION:
            self._refuse(OTHER_VERSION)
        else:
            self._refuse(NOT_READ)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._phase is Phase.HEAD:
            self._await_head()

    def _begin_head(self) -> None:
        self._phase = Phase.HEAD
        self._head.begin()
        self._cutter.head()
        self._await_head()

    def _await_head(self) -> None:
        self._stop(self._head_timer)
        self._head_timer = self.loop.call_later(self.head_seconds, self._late)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is not Phase.HEAD:
            # A trailer. uvicorn would add it to the head, where it would be read as what the head said: a second
            # Authorization, a Host that no proxy saw.
            self._refuse(NOT_READ)
            return
        super().on_header(name, value)
        self._head.field()

    def on_headers_complete(self) -> None:
        self._stop(self._head_timer)
        if self.transport.is_closing():
            return
        status = self._fault()
        if status is not None:
            self._refuse(status)
            return
        self._cutter.body(body_length(self.headers))
        super().on_headers_complete()
        self._phase, self._idle_bytes = Phase.BODY, 0
        if self.parser.should_upgrade():
            # The parser drops what came behind it in the same piece, and would go on with the next one.
            self._phase, self.cycle.keep_alive = Phase.NOTHING, False
        self._body.begin()
        self._run_body_time()

    def _fault(self) -> int | None:
        """Return the status that refuses the head that is complete, or None where an application may have it."""
        if self._phase is not Phase.HEAD:
            return NOT_READ  # where the parser found a request that nobody saw begin
        if self._head.too_many_fields:
            return TOO_LARGE
        return head_fault(
            version=self.parser.get_http_version(),
            says_http=self._cutter.says_http,
            target=self.url,
            headers=self.headers,
            upgrade=self.parser.should_upgrade(),
        )

    def _should_upgrade(self) -> bool:
        """Never: a request to upgrade is answered as if it were none, which RFC 9110 leaves to the server."""
        return False

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: uvicorn would advise its operator to install WebSockets."""

    def on_body(self, body: bytes) -> None:
        if self._phase is not Phase.BODY or self.transport.is_closing():
            return
        self._idle_bytes = 0
        self._body.came(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._body.end()
        if self._phase is Phase.BODY:
            self._phase = Phase.BETWEEN
        if self.transport.is_closing():
            return
        super().on_message_complete()
        if not self._answering():
            # Answered before it was here, and idle only now: uvicorn's time ended when it came.
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Application) -> None:
        async def with_files(scope: Message, receive: object, send: Callable[[Message], Awaitable[None]]) -> None:
            scope["extensions"] = {SENDFILE: {}}
            try:
                await app(scope, receive, Sending(cycle, read_seconds=self.body_seconds))
            except ClientLeft:
                pass
            except asyncio.CancelledError:
                # The end of a drain. As where the client went away: uvicorn would tell of an exception, and answer 500.
                cycle.disconnected = True
                self.transport.abort()

        super()._start_asgi_task(cycle, cast(Any, with_files))

    def shutdown(self) -> None:
        """End with the process: where nothing is being answered soon, whatever the client does."""
        super().shutdown()
        self._ending.hurry()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection; also where the client never read its last answer, which a mere close would wait for."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _run_body_time(self) -> None:
        """Let the time of the body run, unless its client may not send it yet."""
        if not self.flow.read_paused and not self.cycle.waiting_for_100_continue:
            self._body.resume()

    def _late(self) -> None:
        """End a connection whose head did not come in time."""
        if self._phase is Phase.HEAD and not self.transport.is_closing():
            self.timeout_keep_alive_handler()

    def _answering(self) -> bool:
        """Whether an application has a message that it has not answered."""
        cycle = cast(RequestResponseCycle | None, self.cycle)  # uvicorn has none before the first head is complete
        return cycle is not None and not cycle.response_complete

    def _refuse(self, status: int) -> None:
        """Answer without an application, and end the connection: nothing more of it is read.

        Where an application is answering, the answer is cut off, since nothing may be written into it. Where it has
        answered and the rest of the body is not one, that was the answer: a second one would be taken for that of the next
        request.
        """
        if self.transport.is_closing():
            return
        if self._answering():
            self.transport.abort()
            return
        if self._phase is Phase.BODY:
            self.transport.close()
            return
        self.transport.write(refusal(status))
        self.transport.close()

    @staticmethod
    def _stop(timer: TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


def protocol_class(*, head_seconds: float, body_seconds: float, least_body_bytes: int) -> type[GatewayProtocol]:
    """Return the protocol with these limits, in the form that uvicorn takes: a class.

    Each ``least_body_bytes`` of a body have ``body_seconds`` to come, and so have fewer at its end.
    """
    limits = {"head_seconds": head_seconds, "body_seconds": body_seconds, "least_body_bytes": least_body_bytes}
    return type("ConfiguredProtocol", (GatewayProtocol,), limits)
