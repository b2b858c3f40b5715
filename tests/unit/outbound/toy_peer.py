"""A server of the test's choice behind real TLS on loopback, and what it saw.

Speaks HTTP/1.1 by hand, so that it can also speak it badly. I/O: sockets, PEM files in the test's folder.
"""

import asyncio
import contextlib
import datetime
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.errors import OutboundFailed
from gateway.outbound.addresses import Address
from gateway.outbound.client import Outbound, Peer
from gateway.server.tls import Issued, issue_self_signed

HOST = "issuer.test"
"""No resolver knows it (RFC 6761): whoever reaches it took the address from the test's `Names`."""
CANARY = "CANARY-7f3a"
"""In every query, every body and most heads; in no error."""
PATIENCE_SECONDS = 20.0
"""For what is expected to end by itself."""

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
T = TypeVar("T")


@dataclass
class Names:
    """A resolver that gives one answer after the other, the last one for ever, and counts."""

    answers: Sequence[Sequence[str]] = (("127.0.0.1",),)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        return [ip_address(text) for text in self.answers[min(len(self.asked), len(self.answers)) - 1]]


@dataclass
class ToyPeer:
    """``heads`` are the requests as they came, ``names`` what TLS was asked for, ``ended`` connections seen closing."""

    port: int
    ca_file: Path
    heads: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/keys?code={CANARY}"

    def peer(self, *, internal: bool = True) -> Peer:
        return Peer(name="the-issuer", ca_file=self.ca_file, internal=internal)


@functools.cache
def issued(*names: str) -> Issued:
    return issue_self_signed(names, now=datetime.datetime.now(datetime.UTC))


def server_context(folder: Path, names: Sequence[str]) -> tuple[ssl.SSLContext, Path]:
    """Return a context that shows a certificate for ``names``, and the file of the authority that signed it."""
    made, stem = issued(*names), "-".join(names).replace(":", "_")
    for suffix, content in (("ca", made.ca), ("chain", made.chain), ("key", made.key)):
        (folder / f"{stem}.{suffix}").write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{stem}.chain", folder / f"{stem}.key")
    return context, folder / f"{stem}.ca"


def ok(body: bytes = b"{}", *headers: bytes) -> bytes:
    lines = (b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers)
    return b"\r\n".join((*lines, b"", body))


async def forever(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def toy_peer(
    folder: Path,
    answer: bytes | Answer,
    *,
    names: Sequence[str] = (HOST,),
    address: str = "127.0.0.1",
    port: int = 0,
    tune: Callable[[ssl.SSLContext], None] = lambda _: None,
) -> AsyncIterator[ToyPeer]:
    """Serve ``answer`` while inside: bytes and then the end, or whatever a coroutine does."""
    context, ca_file = server_context(folder, names)
    tune(context)
    running: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            seen.heads.append(await reader.readuntil(b"\r\n\r\n"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
                return
            watch = asyncio.ensure_future(reader.read())
            watch.add_done_callback(lambda _: seen.ended.set())
            await answer(reader, writer)
            await asyncio.wait((watch,))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, address, port, ssl=context)
    seen = ToyPeer(port=server.sockets[0].getsockname()[1], ca_file=ca_file)
    context.sni_callback = lambda _, name, __: seen.names.append(name)
    try:
        yield seen
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.sleep(0)


async def ask(
    seen: ToyPeer,
    *,
    outbound: Outbound | None = None,
    url: str | None = None,
    to: Peer | None = None,
    max_bytes: int = 1024,
    timeout_seconds: float = PATIENCE_SECONDS,
) -> bytes:
    """One `get`, with what most tests have in common."""
    return await (outbound or Outbound(resolve=Names())).get(
        url or seen.url,
        to=to or seen.peer(),
        accept="application/json",
        max_bytes=max_bytes,
        timeout_seconds=timeout_seconds,
    )


async def refused(asked: Coroutine[Any, Any, bytes]) -> str:
    """Return the sentence of the refusal that ``asked`` ends in, after the checks that hold for every one of them."""
    with pytest.raises(OutboundFailed) as caught:
        await asked
    assert "the-issuer" in caught.value.message
    assert CANARY not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value.message


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)
