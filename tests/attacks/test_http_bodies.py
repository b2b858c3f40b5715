"""Attacks with the body of a request: too much of it, in too many parts, too deep, or none of it at the end.

The numbers are rows of the register of known attacks.
"""

import json
import socket
import time
import tracemalloc

import pytest

from gateway.api import body, oauth
from gateway.oci import media_types
from gateway.oci.digest import Digest
from tests.support.api import HOST, Disconnect, House, basic, house
from tests.support.listener import listener

PUT = "/v2/team/app/manifests/v1"
OCI = ("content-type", media_types.OCI_MANIFEST)
FORM = ("content-type", "application/x-www-form-urlencoded")
MIB = 1024 * 1024


@pytest.fixture
def made() -> House:
    return house()


class Endless(list[bytes | Disconnect]):
    """A body of ``count`` pieces that is not there before it is read."""

    def __init__(self, piece: bytes, count: int) -> None:
        super().__init__([piece] * count)


def test_row_83_a_manifest_without_end_is_read_to_the_limit_and_no_further(made: House) -> None:
    client = made.client
    token = made.token("writer", "repository:team/app:push")
    piece = b" " * 65536
    tracemalloc.start()
    reply = client.send("PUT", PUT, body=Endless(piece, 4096), token=token, headers=[OCI], chunked=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (reply.status, reply.code, reply.one("connection")) == (413, "SIZE_INVALID", "close")
    assert client.received <= 65 + 6
    assert peak < 16 * MIB
    assert made.registry.pushes == []


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        pytest.param("GET", "/v2/", [], id="ping"),
        pytest.param("GET", "/v2/_catalog", [], id="catalog"),
        pytest.param("GET", PUT, [], id="manifest"),
        pytest.param("PUT", PUT, [OCI], id="manifest-put"),
        pytest.param("POST", "/token", [FORM], id="token"),
        pytest.param("GET", "/token", [basic("writer")], id="token-get"),
        pytest.param("POST", "/v2/team/app/blobs/uploads/", [], id="upload-start"),
        pytest.param("DELETE", PUT, [], id="delete"),
        pytest.param("GET", "/livez", [], id="health"),
        pytest.param("GET", "/no/such/address", [], id="nowhere"),
    ],
)
@pytest.mark.parametrize("who", [None, "owner"])
def test_row_85_no_route_reads_a_body_without_end(
    made: House, method: str, target: str, headers: list[tuple[str, str]], who: str | None
) -> None:
    client = made.client
    token = None if who is None or any(name == "authorization" for name, _ in headers) else made.all_of(who)
    if target == "/token":
        token = None
    client.send(method, target, body=Endless(b" " * 65536, 2048), headers=headers, token=token, chunked=True)
    assert client.received <= 72


def test_row_85_an_upload_ends_at_the_limit_of_a_blob(made: House) -> None:
    client = made.client
    token = made.token("writer", "repository:team/app:push")
    target = f"/v2/team/app/blobs/uploads/?digest={Digest.of(b'x')}"
    reply = client.send("POST", target, body=Endless(b" " * 65536, 2048), token=token, chunked=True)
    assert reply.status == 413
    assert client.received <= 16 + 8


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"&" * 65536, 400, id="64-ki-separators"),
        pytest.param(b"a=1&" * 16384, 400, id="16-ki-fields"),
        pytest.param(b"a" * 65537, 413, id="too-large"),
        pytest.param(b"%" * 65536, 400, id="escapes"),
        pytest.param(b"=" * 65536, 400, id="equals-signs"),
        pytest.param(b"+" * 65536, 400, id="blanks"),
        pytest.param(b"scope=" + b"+".join([b"a:b:c"] * 10000), 400, id="scopes"),
    ],
)
def test_row_88_forms_are_bounded_before_they_are_read(made: House, body: bytes, status: int) -> None:
    begun = time.process_time()
    reply = made.client.send("POST", "/token", body=body, headers=[FORM])
    assert reply.status == status
    assert time.process_time() - begun < 1


def test_row_091_a_form_has_its_time_however_it_trickles(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows who sends it, and each byte comes long before a body that stops would end."""
    monkeypatch.setattr(oauth, "MAX_FORM_SECONDS", 0.3)
    monkeypatch.setattr(body, "SETTLE_SECONDS", 0.1)
    head = f"POST /token HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: {FORM[1]}\r\ncontent-length: 60000\r\n\r\n"
    received = bytearray()
    with listener(made.api) as port, socket.create_connection(("127.0.0.1", port), timeout=0.01) as client:
        client.sendall(head.encode())
        for _ in range(1000):
            try:
                client.sendall(b"a")
                piece = client.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            received += piece
            if not piece:
                break
        else:
            pytest.fail("it was never ended")
    told, _, document = bytes(received).partition(b"\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close" in told
    assert json.loads(document)["error"] == "invalid_request"
    assert [record["status"] for record in made.records] == [408]
    assert made.failures == []


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data", "text/plain", ""])
def test_row_89_no_other_kind_of_form(made: House, kind: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\npassword\r\n--x--\r\n'
    reply = made.client.send("POST", "/token", body=body, headers=[("content-type", kind)])
    assert (reply.status, reply.json()["error"]) == (400, "invalid_request")


def test_row_89_a_semicolon_separates_nothing(made: House) -> None:
    body = b"grant_type=password;username=writer;password=x"
    assert made.client.send("POST", "/token", body=body, headers=[FORM]).json()["error"] == "unsupported_grant_type"
    reply = made.client.send("GET", "/token?service=registry.example:5000;scope=x", headers=[basic("writer")])
    assert reply.status == 400


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_row_99_nesting(made: House, bracket: bytes) -> None:
    token = made.token("writer", "repository:team/app:push")
    reply = made.client.send("PUT", PUT, body=bracket * 100_000, token=token, headers=[OCI])
    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")
    assert made.failures == []


def test_a_client_that_hangs_up_in_mid_body_changes_nothing(made: House) -> None:
    token = made.token("writer", "repository:team/app:push")
    body: list[bytes | Disconnect] = [b'{"schemaVersion":', Disconnect()]
    reply = made.client.send("PUT", PUT, body=body, token=token, headers=[OCI], chunked=True)
    assert reply.status == 0
    assert made.registry.pushes == []
    assert made.failures == []
