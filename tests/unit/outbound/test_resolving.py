"""Where a connection goes: to a checked address of one resolution, or nowhere. One suite for row 76 to 79."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from gateway.errors import OutboundFailed
from gateway.outbound.addresses import Address
from gateway.outbound.client import Outbound, Peer
from gateway.outbound.resolving import resolve_by_system
from tests.unit.outbound.toy_peer import CANARY, HOST, Names, ask, ok, refused, run, toy_peer

NOT_PUBLIC = f"the-issuer ({HOST}) has an address that is not public, and is not configured as internal"
NEVER = f"the-issuer ({HOST}) has an address that is never asked"
NOWHERE = Peer(name="the-issuer", ca_file=None, internal=False)


def test_a_name_is_resolved_once_and_the_connection_goes_there(tmp_path: Path) -> None:
    """DNS rebinding: whoever asks again gets the other server, whose certificate is just as good."""

    async def story() -> tuple[bytes, list[str], list[str | None]]:
        names = Names((("127.0.0.1",), ("127.0.0.2",)))
        async with (
            toy_peer(tmp_path, ok(b"checked")) as seen,
            toy_peer(tmp_path, ok(b"rebound"), address="127.0.0.2", port=seen.port) as other,
        ):
            body = await ask(seen, outbound=Outbound(resolve=names))
            return body, names.asked, other.names

    assert run(story()) == (b"checked", [HOST], [])


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["127.0.0.1"], id="loopback"),
        pytest.param(["::1"], id="loopback-ipv6"),
        pytest.param(["0.0.0.0"], id="unspecified"),
        pytest.param(["::"], id="unspecified-ipv6"),
        pytest.param(["10.0.0.1"], id="private"),
        pytest.param(["fd00::1"], id="unique-local"),
        pytest.param(["169.254.169.254"], id="metadata"),
        pytest.param(["fd00:ec2::254"], id="metadata-ipv6"),
        pytest.param(["fe80::1%lo"], id="link-local"),
        pytest.param(["::ffff:127.0.0.1"], id="mapped"),
        pytest.param(["64:ff9b::7f00:1"], id="nat64"),
        pytest.param(["2002:7f00:1::"], id="6to4"),
        pytest.param(["192.0.2.1"], id="documentation"),
        pytest.param(["224.0.0.1"], id="multicast"),
        pytest.param(["8.8.8.8", "127.0.0.1"], id="public-and-loopback"),
        pytest.param(["127.0.0.1", "8.8.8.8"], id="loopback-and-public"),
        pytest.param([*["8.8.8.8"] * 50, "10.0.0.1"], id="one-in-fifty"),
    ],
)
def test_an_address_that_is_not_public_is_not_connected_to(tmp_path: Path, texts: Sequence[str]) -> None:
    async def story() -> tuple[str, list[str | None]]:
        async with toy_peer(tmp_path, ok()) as seen:
            sentence = await refused(
                ask(seen, outbound=Outbound(resolve=Names((texts,))), to=seen.peer(internal=False))
            )
            return sentence, seen.names

    assert run(story()) == (NOT_PUBLIC, [])


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(["169.254.169.254"], id="metadata"),
        pytest.param(["::ffff:169.254.169.254"], id="metadata-mapped"),
        pytest.param(["fd00:ec2::254"], id="metadata-ipv6"),
        pytest.param(["fe80::1%lo"], id="link-local"),
        pytest.param(["0.0.0.0"], id="unspecified"),
        pytest.param(["127.0.0.1", "169.254.169.254"], id="allowed-and-metadata"),
    ],
)
def test_some_addresses_are_for_no_peer(tmp_path: Path, texts: Sequence[str]) -> None:
    async def story() -> tuple[str, list[str | None]]:
        async with toy_peer(tmp_path, ok()) as seen:
            return await refused(ask(seen, outbound=Outbound(resolve=Names((texts,))))), seen.names

    assert run(story()) == (NEVER, [])


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "0.0.0.0", "10.1.2.3", "169.254.169.254", "[::1]", "[::]", "[fd00:ec2::254]", "[64:ff9b::a00:1]"],
)
def test_an_address_in_the_url_is_checked_as_well(host: str) -> None:
    names = Names()
    asked = Outbound(resolve=names).get(
        f"https://{host}/?{CANARY}", to=NOWHERE, accept="*/*", max_bytes=1, timeout_seconds=20
    )
    assert "has an address that is not public" in run(refused(asked))
    assert names.asked == []


def test_an_address_in_the_url_is_checked_against_the_certificate(tmp_path: Path) -> None:
    async def story() -> tuple[bytes, list[str], str, bytes]:
        names = Names()
        async with toy_peer(tmp_path, ok(b"by address"), names=["127.0.0.1"]) as seen:
            outbound, url = Outbound(resolve=names), f"https://127.0.0.1:{seen.port}/"
            body = await ask(seen, outbound=outbound, url=url)
            async with toy_peer(tmp_path, ok()) as other:
                url = f"https://127.0.0.1:{other.port}/"
                return body, names.asked, await refused(ask(other, outbound=outbound, url=url)), seen.heads[0]

    body, asked, sentence, head = run(story())
    assert (body, asked) == (b"by address", [])
    assert "certificate that is not believed" in sentence
    assert b"\r\nHost: 127.0.0.1:" in head


def test_the_next_address_is_tried_when_one_is_dead(tmp_path: Path) -> None:
    async def story() -> bytes:
        async with toy_peer(tmp_path, ok(b"alive")) as seen:
            return await ask(seen, outbound=Outbound(resolve=Names((("127.0.0.3", "::1", "127.0.0.1"),))))

    assert run(story()) == b"alive"


def test_the_next_address_is_tried_when_one_stays_silent(tmp_path: Path) -> None:
    """It has its share of the time only. The server that stays silent takes the connection, and never speaks TLS."""

    async def story() -> bytes:
        async with toy_peer(tmp_path, ok(b"alive")) as seen:
            with socket.create_server(("127.0.0.2", seen.port)):
                outbound = Outbound(resolve=Names((("127.0.0.2", "127.0.0.1"),)))
                return await ask(seen, outbound=outbound, timeout_seconds=6)

    assert run(story()) == b"alive"


def test_no_more_than_three_addresses_are_tried(tmp_path: Path) -> None:
    dead = tuple(f"127.0.0.{last}" for last in (3, 4, 5))

    async def story() -> tuple[str, list[str | None]]:
        async with toy_peer(tmp_path, ok()) as seen:
            sentence = await refused(ask(seen, outbound=Outbound(resolve=Names(((*dead, "127.0.0.1"),)))))
            return sentence, seen.names

    assert run(story()) == (f"the-issuer ({HOST}) cannot be reached", [])


def test_a_name_without_an_address_is_refused(tmp_path: Path) -> None:
    class Unknown:
        async def __call__(self, host: str) -> Sequence[Address]:
            raise socket.gaierror(socket.EAI_NONAME, CANARY)

    async def story() -> list[str]:
        async with toy_peer(tmp_path, ok()) as seen:
            return [await refused(ask(seen, outbound=Outbound(resolve=each))) for each in (Unknown(), Names(((),)))]

    assert run(story()) == [f"the-issuer ({HOST}) has no address: its host name is not known"] * 2


def test_the_systems_resolver_is_asked_where_no_other_is_given(tmp_path: Path) -> None:
    async def story() -> tuple[bytes, str]:
        async with toy_peer(tmp_path, ok(b"local"), names=["localhost"]) as seen:
            url, outbound = f"https://localhost:{seen.port}/", Outbound()
            body = await ask(seen, outbound=outbound, url=url)
            with pytest.raises(OutboundFailed, match="has an address that is not public"):
                await ask(seen, outbound=outbound, url=url, to=replace(seen.peer(), internal=False))
            return body, seen.heads[0].split(b"\r\n")[1].decode()

    body, host = run(story())
    assert body == b"local"
    assert host.startswith("Host: localhost:")


def test_the_systems_resolver_gives_each_address_once() -> None:
    addresses = asyncio.run(resolve_by_system("localhost"))
    assert IPv4Address("127.0.0.1") in addresses or ip_address("::1") in addresses
    assert len(set(addresses)) == len(addresses)
    with pytest.raises(OSError, match=r"."):
        asyncio.run(resolve_by_system("no-such-host.invalid"))
