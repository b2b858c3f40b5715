"""The one HTTP client of the gateway: asks somebody configured, and nobody else, for a document.

A host is resolved once, every address is checked, and the connection goes to a checked address; the certificate is
checked against the host's name. So no name that changes its mind (DNS rebinding), no redirect, no proxy and no variable of
the environment leads a request elsewhere. Each request has a connection of its own, so that nothing of one peer (cookies,
a TLS session, a connection verified for another name on the same address) is there for the next.

I/O: sockets, and what `resolving` and `trust` do.
Source: DESIGN 5; reference/auth.md 3, rule 6; reference/security.md rows 76-79; OWASP, SSRF Prevention.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final, Protocol, cast

import httpx2

from gateway.errors import OutboundFailed
from gateway.outbound.addresses import Address
from gateway.outbound.answer import read_answer
from gateway.outbound.resolving import Resolver, checked_addresses, resolve_by_system
from gateway.outbound.trust import client_context, why_not_trusted
from gateway.outbound.urls import Destination, check_url

MAX_CONNECTIONS_PER_PEER: Final = 4
_ADDRESSES_TRIED: Final = 3
"""Of one host, one after the other: enough for one that is dead and one that has no route."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody configured whom the gateway asks.

    ``name`` is what the operator calls it, ``ca_file`` replaces the system's authorities (PEM), ``internal`` allows an
    address that is not public.
    """

    name: str
    ca_file: Path | None
    internal: bool


@dataclass(slots=True)
class _Line:
    """What is kept for a peer: its turns, and its context from the first use on."""

    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONNECTIONS_PER_PEER))
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    context: ssl.SSLContext | None = None


class _Stream(Protocol):
    async def aclose(self) -> None: ...


class Outbound:
    """Asks peers. At most `MAX_CONNECTIONS_PER_PEER` connections to one peer at once, none kept after its answer."""

    def __init__(self, *, resolve: Resolver = resolve_by_system) -> None:
        self._resolve = resolve
        self._lines: dict[Peer, _Line] = {}
        self._deadlines: set[asyncio.Timeout] = set()
        self._closed = False

    async def get(self, url: str, *, to: Peer, accept: str, max_bytes: int, timeout_seconds: float) -> bytes:
        """Return the body of ``to``'s answer to a GET of ``url``: of a 200, whole, of at most ``max_bytes``.

        ``timeout_seconds`` is for all of it: waiting for a turn, resolving, connecting, TLS, head and body. ``accept`` is
        the request's Accept. Raises `OutboundFailed` and nothing else; its sentence names the peer and the host.
        """
        try:
            destination = check_url(url)
        except ValueError as reason:
            raise OutboundFailed(f"{to.name}: its URL {reason}") from None
        where = f"{to.name} ({destination.host})"
        try:
            async with self._deadline(timeout_seconds, where), self._line(to).turns:
                context = await self._context(to, where)
                addresses = await checked_addresses(
                    destination, resolve=self._resolve, internal=to.internal, where=where
                )
                return await _ask_one_of(
                    addresses[:_ADDRESSES_TRIED],
                    _Question(destination, context, accept, max_bytes, where),
                    timeout_seconds=timeout_seconds,
                )
        except TimeoutError:
            how = "was given up" if self._closed else f"did not answer within {timeout_seconds:g} seconds"
            raise OutboundFailed(f"{where} {how}") from None
        except (httpx2.HTTPError, OSError) as error:
            raise OutboundFailed(f"{where} {why_not_trusted(error) or _why(error)}") from None

    async def close(self) -> None:
        """Give up whatever is being asked, and ask nothing any more: each `get` raises `OutboundFailed`."""
        self._closed = True
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def _deadline(self, seconds: float, where: str) -> AsyncIterator[None]:
        if self._closed:
            raise OutboundFailed(f"{where} is not asked: the gateway is stopping")
        async with asyncio.timeout(seconds) as deadline:
            self._deadlines.add(deadline)
            try:
                yield
            finally:
                self._deadlines.remove(deadline)

    def _line(self, peer: Peer) -> _Line:
        return self._lines.setdefault(peer, _Line())

    async def _context(self, peer: Peer, where: str) -> ssl.SSLContext:
        line = self._line(peer)
        async with line.reading:
            if line.context is None:
                try:
                    line.context = await asyncio.to_thread(client_context, peer.ca_file)
                except OSError:
                    raise OutboundFailed(f"{where} is not asked: its CA file cannot be read") from None
            return line.context


@dataclass(frozen=True, slots=True)
class _Question:
    destination: Destination
    context: ssl.SSLContext
    accept: str
    max_bytes: int
    where: str


async def _ask_one_of(addresses: Sequence[Address], question: _Question, *, timeout_seconds: float) -> bytes:
    """Return the answer of the first of ``addresses`` that takes the connection.

    All but the last have their share of the time to do so, half of it for TLS; what is left is the last one's.
    """
    connect_seconds = timeout_seconds / len(addresses) / 2
    for address in addresses[:-1]:
        try:
            return await _ask(address, question, connect_seconds=connect_seconds)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            # Nothing was asked yet, so asking the next one is not asking twice. It would show the same certificate.
            if why_not_trusted(error):
                raise
    return await _ask(addresses[-1], question, connect_seconds=None)


async def _ask(address: Address, question: _Question, *, connect_seconds: float | None) -> bytes:
    opened: list[_Stream] = []

    async def keep_stream(event: str, info: Mapping[str, object]) -> None:
        if event == "connection.connect_tcp.complete":
            opened.append(cast(_Stream, info["return_value"]))

    destination = question.destination
    request = httpx2.Request(
        "GET",
        # The checked address: with it nothing is left to resolve. The name goes into SNI, the check of the certificate
        # and Host; the target as it was given, because httpx2 would escape and shorten it.
        f"https://{_in_url(address)}:{destination.port}/",
        headers={
            "Host": destination.authority,
            "User-Agent": "registry-gateway",
            "Accept": question.accept,
            "Accept-Encoding": "identity",
            "Connection": "close",
        },
        extensions={
            "sni_hostname": destination.host,
            "target": destination.target.encode("ascii"),
            "timeout": {"connect": connect_seconds},
            "trace": keep_stream,
        },
    )
    # The transport without its client: no redirects, cookies, proxies, .netrc, decoding or log lines with the URL.
    transport = httpx2.AsyncHTTPTransport(verify=question.context, trust_env=False)
    try:
        answer = await transport.handle_async_request(request)
        try:
            return await read_answer(answer, max_bytes=question.max_bytes, where=question.where)
        finally:
            await answer.aclose()
    finally:
        await transport.aclose()
        # httpcore forgets a connection that is cancelled in its TLS handshake, and the socket would stay open.
        for stream in opened:
            await stream.aclose()


def _in_url(address: Address) -> str:
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


def _why(error: Exception) -> str:
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return "cannot be reached"
    if isinstance(error, httpx2.ProtocolError):
        return "breaks off, or answers something that is not HTTP/1.1 within its bounds"
    return "breaks off"
