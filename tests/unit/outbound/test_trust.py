"""Whom the gateway believes, over TLS: this peer's authorities, this host's name, a version that is safe."""

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.outbound.client import Outbound, Peer
from gateway.outbound.trust import client_context
from tests.unit.outbound.toy_peer import HOST, Names, ask, ok, refused, run, server_context, toy_peer


def test_the_name_is_what_tls_is_asked_for(tmp_path: Path) -> None:
    async def story() -> tuple[bytes, list[str | None]]:
        async with toy_peer(tmp_path, ok(b"{}")) as seen:
            return await ask(seen), seen.names

    assert run(story()) == (b"{}", [HOST])


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["other.test"], id="another-name"),
        pytest.param(["127.0.0.1"], id="the-address-that-is-connected-to"),
        pytest.param(["test"], id="parent"),
        pytest.param([f"x.{HOST}"], id="child"),
        pytest.param(["*.issuer.test"], id="wildcard-below"),
    ],
)
def test_a_certificate_for_another_name_is_refused(tmp_path: Path, names: list[str]) -> None:
    async def story() -> tuple[str, list[bytes]]:
        async with toy_peer(tmp_path, ok(), names=names) as seen:
            return await refused(ask(seen)), seen.heads

    sentence, heads = run(story())
    assert sentence.startswith(f"the-issuer ({HOST}) shows a certificate that is not believed (Hostname mismatch")
    assert heads == []


def test_another_authority_is_not_believed_and_no_other_address_is_asked(tmp_path: Path) -> None:
    async def story() -> tuple[list[str], list[bytes], list[bytes]]:
        _, other_ca = server_context(tmp_path, [HOST, "second.test"])
        async with (
            toy_peer(tmp_path, ok()) as seen,
            toy_peer(tmp_path, ok(), names=[HOST, "second.test"], address="127.0.0.2", port=seen.port) as other,
        ):
            outbound = Outbound(resolve=Names((("127.0.0.1", "127.0.0.2"),)))
            peers = (Peer("the-issuer", other_ca, internal=True), Peer("the-issuer", None, internal=True))
            return [await refused(ask(seen, outbound=outbound, to=peer)) for peer in peers], seen.heads, other.heads

    sentences, first, second = run(story())
    assert all("shows a certificate that is not believed" in sentence for sentence in sentences)
    assert len(sentences) == 2
    assert (first, second) == ([], [])


def test_a_ca_file_is_for_its_peer_only(tmp_path: Path) -> None:
    """What one peer's file makes believable stays unbelievable for another peer of the same client."""

    async def story() -> tuple[bytes, str]:
        async with toy_peer(tmp_path, ok(b"{}")) as seen:
            outbound = Outbound(resolve=Names())
            body = await ask(seen, outbound=outbound)
            return body, await refused(ask(seen, outbound=outbound, to=replace(seen.peer(), ca_file=None)))

    body, sentence = run(story())
    assert body == b"{}"
    assert "shows a certificate that is not believed" in sentence


def test_a_ca_file_is_read_once(tmp_path: Path) -> None:
    async def story() -> list[bytes]:
        async with toy_peer(tmp_path, ok(b"{}")) as seen:
            outbound = Outbound(resolve=Names())
            first = await ask(seen, outbound=outbound)
            seen.ca_file.unlink()
            return [first, await ask(seen, outbound=outbound)]

    assert run(story()) == [b"{}", b"{}"]


@pytest.mark.parametrize(
    "content", [pytest.param(None, id="absent"), pytest.param(b"", id="empty"), pytest.param(b"x", id="no-pem")]
)
def test_a_ca_file_that_cannot_be_read_is_refused_until_it_can(tmp_path: Path, content: bytes | None) -> None:
    async def story() -> tuple[str, bytes]:
        async with toy_peer(tmp_path, ok(b"{}")) as seen:
            outbound, file = Outbound(resolve=Names()), tmp_path / "given.pem"
            if content is not None:
                file.write_bytes(content)
            peer = replace(seen.peer(), ca_file=file)
            sentence = await refused(ask(seen, outbound=outbound, to=peer))
            file.write_bytes(seen.ca_file.read_bytes())
            return sentence, await ask(seen, outbound=outbound, to=peer)

    assert run(story()) == (f"the-issuer ({HOST}) is not asked: its CA file cannot be read", b"{}")


def at_most(version: ssl.TLSVersion, context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")  # without it OpenSSL has no TLS 1.1 to offer
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = version


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_1_1_is_refused(tmp_path: Path) -> None:
    """By a server that does speak it: somebody less careful gets through."""

    async def story() -> tuple[list[bytes], str | None]:
        async with toy_peer(tmp_path, ok(), tune=lambda each: at_most(ssl.TLSVersion.TLSv1_1, each)) as seen:
            await refused(ask(seen))
            heads = list(seen.heads)
            careless = ssl.create_default_context(cafile=seen.ca_file)
            at_most(ssl.TLSVersion.TLSv1_1, careless)
            _, writer = await asyncio.open_connection("127.0.0.1", seen.port, ssl=careless, server_hostname=HOST)
            version = writer.get_extra_info("ssl_object").version()
            writer.close()
            return heads, version

    assert run(story()) == ([], "TLSv1.1")


def test_tls_1_2_is_enough(tmp_path: Path) -> None:
    async def story() -> bytes:
        async with toy_peer(tmp_path, ok(b"{}"), tune=lambda each: at_most(ssl.TLSVersion.TLSv1_2, each)) as seen:
            return await ask(seen)

    assert run(story()) == b"{}"


def test_a_context_checks_all_of_it_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    for context in (client_context(None), client_context(server_context(tmp_path, [HOST])[1])):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert not context.hostname_checks_common_name
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert context.keylog_filename is None


def test_a_ca_file_replaces_the_systems_store(tmp_path: Path) -> None:
    _, ca_file = server_context(tmp_path, [HOST])
    assert len(client_context(ca_file).get_ca_certs()) == 1


def test_a_server_without_tls_is_refused(tmp_path: Path) -> None:
    async def story() -> str:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(ok())
            writer.close()

        async with toy_peer(tmp_path, ok()) as seen:
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            async with server:
                return await refused(ask(replace(seen, port=server.sockets[0].getsockname()[1])))

    assert run(story()) == f"the-issuer ({HOST}) fails at TLS 1.2 or newer (WRONG_VERSION_NUMBER)"
