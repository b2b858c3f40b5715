"""What is asked, how long, how many at once, and what is kept afterwards: nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.outbound.addresses import Address
from gateway.outbound.client import MAX_CONNECTIONS_PER_PEER, Outbound
from tests.unit.outbound.toy_peer import (
    CANARY,
    HOST,
    PATIENCE_SECONDS,
    Answer,
    Names,
    ToyPeer,
    ask,
    forever,
    ok,
    refused,
    run,
    toy_peer,
)

SHORT_SECONDS = 0.3
"""For what never ends by itself."""
LATE = f"the-issuer ({HOST}) did not answer within 0.3 seconds"


class Nobody:
    """A resolver that never answers."""

    async def __call__(self, host: str) -> Sequence[Address]:
        await asyncio.Event().wait()
        return ()


def test_a_request_is_exactly_this(tmp_path: Path) -> None:
    """The target byte for byte: an issuer with an odd path is asked for that path, not for its normal form."""
    target = "/a/../%7euser/'x'//.well-known?q=[1]&a=b%20c+d"

    async def story() -> tuple[bytes, ToyPeer]:
        async with toy_peer(tmp_path, ok(b"{}")) as seen:
            return await ask(seen, url=f"https://Issuer.test:{seen.port}{target}"), seen

    body, seen = run(story())
    assert body == b"{}"
    assert seen.heads[0].decode("ascii").split("\r\n") == [
        f"GET {target} HTTP/1.1",
        f"Host: {HOST}:{seen.port}",
        "User-Agent: registry-gateway",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param(f"http://{HOST}/?{CANARY}", "does not start with https://", id="http"),
        pytest.param(f"https://{CANARY}:x@{HOST}/", "carries user information", id="user"),
        pytest.param(f"https://{HOST}/#{CANARY}", "has a fragment", id="fragment"),
        pytest.param(f"https://2130706433/?{CANARY}", "has a number for a host that is not an IP address", id="number"),
        pytest.param(f"https://{HOST}/{CANARY}\r\nX: y", "has a character that may not be in a URL", id="injection"),
    ],
)
def test_a_url_that_is_not_followed_is_not_resolved_either(tmp_path: Path, url: str, reason: str) -> None:
    names = Names()

    async def story() -> str:
        async with toy_peer(tmp_path, ok()) as seen:
            return await refused(ask(seen, outbound=Outbound(resolve=names), url=url))

    assert run(story()) == f"the-issuer: its URL {reason}"
    assert names.asked == []


def test_the_environment_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {HOST} login x password {CANARY}\nmachine 127.0.0.1 login x password {CANARY}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.9:9")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))

    async def story() -> tuple[bytes, bytes]:
        async with toy_peer(tmp_path, ok(b"direct")) as seen:
            return await ask(seen), seen.heads[0]

    body, head = run(story())
    assert body == b"direct"
    assert b"uthorization" not in head


def test_no_cookie_comes_back(tmp_path: Path) -> None:
    async def story() -> list[bytes]:
        async with toy_peer(tmp_path, ok(b"{}", b"Set-Cookie: a=b; Path=/; Secure")) as seen:
            outbound = Outbound(resolve=Names())
            await ask(seen, outbound=outbound)
            await ask(seen, outbound=outbound)
            return seen.heads

    heads = run(story())
    assert len(heads) == 2
    assert heads[0] == heads[1]
    assert b"ookie" not in heads[1]


def test_nothing_is_kept_after_an_answer(tmp_path: Path) -> None:
    """Although the server would keep the connection: it answers and waits."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ok(b"{}", b"Connection: keep-alive"))

    async def story() -> tuple[bytes, bytes, int]:
        async with toy_peer(tmp_path, answer) as seen:
            outbound = Outbound(resolve=Names())
            first = await ask(seen, outbound=outbound)
            await asyncio.wait_for(seen.ended.wait(), PATIENCE_SECONDS)
            return first, await ask(seen, outbound=outbound), len(seen.names)

    assert run(story()) == (b"{}", b"{}", 2)


async def drip(writer: asyncio.StreamWriter, content: bytes) -> None:
    """Ends well, if somebody is patient enough: each byte comes long before any one read would be given up."""
    for index in range(len(content)):
        writer.write(content[index : index + 1])
        await writer.drain()
        await asyncio.sleep(SHORT_SECONDS / 10)


async def drip_all(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await drip(writer, ok(b"x" * 20))


async def drip_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")
    await drip(writer, b"x" * 40)


async def drip_chunks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await drip(writer, b"1\r\nx\r\n" * 10 + b"0\r\n\r\n")


async def hints(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(forever, id="no-head"),
        pytest.param(drip_all, id="dripping-head"),
        pytest.param(drip_body, id="dripping-body"),
        pytest.param(drip_chunks, id="dripping-chunks"),
        pytest.param(hints, id="hints-for-ever"),
    ],
)
def test_the_time_is_for_the_whole_answer(tmp_path: Path, answer: Answer) -> None:
    async def story() -> str:
        async with toy_peer(tmp_path, answer) as seen:
            return await refused(ask(seen, timeout_seconds=SHORT_SECONDS))

    assert run(story()) == LATE


def test_the_time_is_for_resolving_as_well(tmp_path: Path) -> None:
    async def story() -> str:
        async with toy_peer(tmp_path, ok()) as seen:
            return await refused(ask(seen, outbound=Outbound(resolve=Nobody()), timeout_seconds=SHORT_SECONDS))

    assert run(story()) == LATE


@asynccontextmanager
async def mute_port() -> AsyncIterator[tuple[int, asyncio.Event, asyncio.Event]]:
    """A port that takes connections and says nothing; the events are the first bytes, and the end of the connection."""
    spoken, ended = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        spoken.set()
        await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], spoken, ended
    finally:
        server.close()


@pytest.mark.parametrize(
    "addresses", [("127.0.0.1",), ("127.0.0.1", "127.0.0.1")], ids=["one-address", "two-addresses"]
)
def test_a_handshake_that_stalls_ends_in_time_and_its_connection_is_closed(
    tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    async def story() -> str:
        async with toy_peer(tmp_path, ok()) as seen, mute_port() as (port, _, ended):
            outbound = Outbound(resolve=Names((addresses,)))
            mute = replace(seen, port=port)
            sentence = await refused(ask(mute, outbound=outbound, timeout_seconds=SHORT_SECONDS))
            await asyncio.wait_for(ended.wait(), PATIENCE_SECONDS)
            return sentence

    assert run(story()) == LATE


def test_a_caller_that_goes_away_in_the_handshake_leaves_no_connection(tmp_path: Path) -> None:
    async def story() -> None:
        async with toy_peer(tmp_path, ok()) as seen, mute_port() as (port, spoken, ended):
            task = asyncio.ensure_future(ask(replace(seen, port=port)))
            await asyncio.wait_for(spoken.wait(), PATIENCE_SECONDS)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(ended.wait(), PATIENCE_SECONDS)

    run(story())


def test_a_caller_that_goes_away_in_the_answer_leaves_no_connection_and_no_turn_taken(tmp_path: Path) -> None:
    async def story() -> bytes:
        outbound = Outbound(resolve=Names())
        started = asyncio.Event()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if started.is_set():
                writer.write(ok(b"{}"))
                return
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nhalf")
            started.set()

        async with toy_peer(tmp_path, answer) as seen:
            for _ in range(MAX_CONNECTIONS_PER_PEER + 1):
                started.clear()
                seen.ended.clear()
                task = asyncio.ensure_future(ask(seen, outbound=outbound))
                await asyncio.wait_for(started.wait(), PATIENCE_SECONDS)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.wait_for(seen.ended.wait(), PATIENCE_SECONDS)
            return await ask(seen, outbound=outbound)

    assert run(story()) == b"{}"


def test_at_most_four_connections_to_one_peer_at_once(tmp_path: Path) -> None:
    async def story() -> tuple[int, list[bytes], bytes]:
        open_now = most = 0
        full, release = asyncio.Event(), asyncio.Event()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal open_now, most
            open_now += 1
            most = max(most, open_now)
            if open_now == MAX_CONNECTIONS_PER_PEER:
                full.set()
            await release.wait()
            open_now -= 1
            writer.write(ok(b"{}"))

        async with toy_peer(tmp_path, answer) as seen, toy_peer(tmp_path, ok(b"other")) as other:
            outbound = Outbound(resolve=Names())
            tasks = [asyncio.ensure_future(ask(seen, outbound=outbound)) for _ in range(12)]
            await asyncio.wait_for(full.wait(), PATIENCE_SECONDS)
            # Another peer has its own four; and waiting for a turn counts as time.
            another = await ask(other, outbound=outbound, to=replace(other.peer(), name="another"))
            late = await refused(ask(seen, outbound=outbound, timeout_seconds=SHORT_SECONDS))
            assert late == LATE
            release.set()
            return most, await asyncio.gather(*tasks), another

    assert run(story()) == (4, [b"{}"] * 12, b"other")


def test_closing_gives_up_what_runs_and_asks_nothing_more(tmp_path: Path) -> None:
    async def story() -> list[str]:
        asked = asyncio.Event()

        async def answer(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.Event().wait()

        async with toy_peer(tmp_path, answer) as seen:
            outbound = Outbound(resolve=Names())
            running = asyncio.ensure_future(refused(ask(seen, outbound=outbound, timeout_seconds=3600)))
            await asyncio.wait_for(asked.wait(), PATIENCE_SECONDS)
            await outbound.close()
            await outbound.close()
            sentences = [await asyncio.wait_for(running, PATIENCE_SECONDS), await refused(ask(seen, outbound=outbound))]
            assert len(seen.heads) == 1
            return sentences

    assert run(story()) == [
        f"the-issuer ({HOST}) was given up",
        f"the-issuer ({HOST}) is not asked: the gateway is stopping",
    ]
