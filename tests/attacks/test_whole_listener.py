"""A real process, its real listener, and clients that do not behave: rows 7, 12, 32, 33, 87, 90, 106 and 120.

One gateway for the module; what is sent are bytes, over TLS, as no client library would send them.
"""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from gateway.access.values import Role
from tests.support.api import Reply
from tests.support.evidence import signed_bundle, trust_files
from tests.support.gateway_process import GatewayProcess
from tests.support.images import Artifact, digest_of, image
from tests.support.whole import KEY, PASSWORD, whole
from tests.support.wire import Wire

REPOSITORY = "acme/app"


@dataclass
class Site:
    """A running gateway, and two people."""

    gateway: GatewayProcess
    writer: Wire
    reader: Wire

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.gateway.host.rpartition(":")[2])

    def raw(self, request: bytes) -> bytes:
        """Send these bytes over TLS; return everything that comes back until the other side ends the connection."""
        context = ssl.create_default_context(cafile=str(self.gateway.ca))
        received = bytearray()
        with (
            socket.create_connection(self.address, timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            try:
                secure.sendall(request)
                while piece := secure.recv(65536):
                    received += piece
            except (ConnectionError, ssl.SSLError):
                pass
        return bytes(received)

    def statuses(self, request: bytes) -> list[int]:
        """Return the status of each answer to these bytes."""
        return [int(part[:3]) for part in self.raw(request).split(b"HTTP/1.1 ")[1:]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    gateway = GatewayProcess(tmp_path_factory.mktemp("listener"))
    with whole(gateway.folder, made=True, ahead_seconds=0) as furnishing:
        # Through the parts and not by one command each, which costs a second.
        furnishing.project("acme")
        furnishing.person("writer", ("acme", Role.WRITER))
        furnishing.person("reader", ("acme", Role.READER))
        furnishing.trust(trust_files(KEY))
    gateway.start()
    writer, reader = (
        Wire(host=gateway.host, ca=gateway.ca, name=name, password=PASSWORD) for name in ("writer", "reader")
    )
    yield Site(gateway, writer, reader)
    assert gateway.stop() == 0
    assert '"event": "failure"' not in gateway.log()


@pytest.mark.parametrize(
    "version",
    [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2],
    ids=lambda version: version.name,
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_row_012_nothing_older_than_tls_1_3_is_spoken(site: Site, version: ssl.TLSVersion) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(site.gateway.ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = version
    with socket.create_connection(site.address, timeout=30) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(plain, server_hostname="localhost")


def test_row_012_tls_1_3_is_and_no_plain_text(site: Site) -> None:
    context = ssl.create_default_context(cafile=str(site.gateway.ca))
    with (
        socket.create_connection(site.address, timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() == "TLSv1.3"
    with socket.create_connection(site.address, timeout=30) as plain:
        plain.sendall(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        try:
            while piece := plain.recv(4096):
                received += piece
        except ConnectionError:
            pass
        assert b"HTTP/" not in received


HIDDEN = b"GET /livez HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
"""What a smuggler wants to be read as a request of its own."""

SMUGGLED = {
    "length-and-chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked-and-length": b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two-lengths": b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + HIDDEN,
    "equal-lengths": b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "list-of-lengths": b"Content-Length: 0, 0\r\n\r\n" + HIDDEN,
    "signed-length": b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "hexadecimal-length": b"Content-Length: 0x0\r\n\r\n" + HIDDEN,
    "negative-length": b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "length-with-a-space": b"Content-Length : 0\r\n\r\n" + HIDDEN,
    "xchunked": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "twice-chunked": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked-identity": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked-by-tab": b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + HIDDEN,
    "bad-end-of-chunk": b"Transfer-Encoding: chunked\r\n\r\n1\r\nxY\r\n0\r\n\r\n" + HIDDEN,
    "signed-chunk": b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + HIDDEN,
    "huge-chunk": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + HIDDEN,
    "bare-line-feeds": b"X: y\nTransfer-Encoding: chunked\n\n0\r\n\r\n" + HIDDEN,
    "folded": b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "upgrade-and-length": b"Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 60\r\n\r\n" + HIDDEN,
    "upgrade-and-chunked": b"Connection: upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN,
    "nul-in-a-header": b"X: a\x00b\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
}


IN_THE_BODY = frozenset({"xchunked", "bad-end-of-chunk", "signed-chunk", "huge-chunk"})
"""Those of which the parser says so after an application has the message: nothing is written beside its answer, and the
connection ends without one. (Of a coding that is not chunked it says so where the body would begin.)"""


@pytest.mark.parametrize("case", SMUGGLED)
@pytest.mark.parametrize("target", [b"POST /token", b"GET /v2/", b"PUT /v2/acme/app/manifests/x"])
def test_row_120_a_request_in_a_request_is_never_answered(site: Site, case: str, target: bytes) -> None:
    host = site.gateway.host.encode()
    request = target + b" HTTP/1.1\r\nHost: HOST\r\n" + SMUGGLED[case]
    statuses = site.statuses(request.replace(b"HOST", host))
    assert statuses == ([] if case in IN_THE_BODY else [400])


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Host: HOST\r\nHost: HOST\r\n", id="twice-the-same"),
        pytest.param(b"Host: HOST\r\nHost: evil.example\r\n", id="two"),
        pytest.param(b"", id="none"),
        pytest.param(b"Host: evil.example\r\n", id="another"),
        pytest.param(b"Host: HOST/v2/acme?\r\n", id="with-a-path"),
        pytest.param(b"Host: user@HOST\r\n", id="with-a-user"),
        pytest.param(b"Host: HOST:1\r\n", id="with-two-ports"),
        pytest.param(b"Host: HOST\r\nAuthorization: a\r\nAuthorization: b\r\n", id="two-authorizations"),
        pytest.param(b"Host: HOST\r\nRange: bytes=0-1\r\nRange: bytes=2-3\r\n", id="two-ranges"),
        pytest.param(b"Host: HOST\r\nHost : evil.example\r\n", id="space-before-the-colon"),
    ],
)
def test_row_032_two_readings_of_a_head_are_none(site: Site, head: bytes) -> None:
    request = b"GET /livez HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n"
    assert site.statuses(request.replace(b"HOST", site.gateway.host.encode())) == [400]


@pytest.mark.parametrize(
    ("method", "status"),
    [
        pytest.param(b"TRACE", 405, id="TRACE"),
        pytest.param(b"CONNECT", 405, id="CONNECT"),
        pytest.param(b"OPTIONS", 405, id="OPTIONS"),
        pytest.param(b"PROPFIND", 405, id="PROPFIND"),
        pytest.param(b"get", 400, id="lower-case"),
        pytest.param(b"GET\x00", 400, id="nul"),
        pytest.param(b"_GET", 400, id="no-method"),
    ],
)
def test_row_033_methods_that_there_are_not(site: Site, method: bytes, status: int) -> None:
    request = method + b" /livez HTTP/1.1\r\nHost: " + site.gateway.host.encode() + b"\r\nConnection: close\r\n\r\n"
    assert site.statuses(request) == [status]


@pytest.mark.parametrize("version", [b"RTSP/1.1", b"RTSP/1.0", b"ICE/1.1"])
def test_row_033_protocols_that_are_not_spoken(site: Site, version: bytes) -> None:
    request = b"GET /livez " + version + b"\r\nHost: " + site.gateway.host.encode() + b"\r\nConnection: close\r\n\r\n"
    assert site.statuses(request) == [400]


def test_row_007_no_header_says_who_calls_or_from_where(site: Site) -> None:
    forged = {
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "http",
        "forwarded": "for=203.0.113.9;host=evil.example",
        "x-real-ip": "203.0.113.9",
        "x-remote-user": "writer",
        "remote-user": "writer",
        "x-ssl-client-cert": "writer",
    }
    reply = site.reader.request("GET", "/v2/acme/app/tags/list", headers=forged)
    assert reply.status == 401
    assert reply.one("www-authenticate").startswith(f'Bearer realm="{site.gateway.url}/token"')
    assert "203.0.113.9" not in site.gateway.log()
    assert "evil.example" not in site.gateway.log()


def test_row_087_ten_thousand_ranges(site: Site) -> None:
    artifact = image("ranges")
    assert site.writer.push(artifact, "ranges", repository=REPOSITORY).status == 201
    signed = site.writer.attach(signed_bundle(KEY, subject=artifact.digest), repository=REPOSITORY)
    assert signed.status == 201
    path = f"/v2/{REPOSITORY}/blobs/{artifact.blobs[1].digest}"
    for text, status in (("0-," * 10_000, 416), (",".join(f"{n}-{n}" for n in range(10_000)), 431)):
        # Ten thousand that fit into a head, and ten thousand that do not.
        reply = site.writer.send("GET", path, repository=REPOSITORY, headers={"range": f"bytes={text}"})
        assert reply.status == status


def test_row_083_a_manifest_of_one_byte_too_many(site: Site) -> None:
    """At the limit it is read, and is an image whose blobs are not there: held. A byte more, and it is not read."""
    limit = 4 * 1024 * 1024
    artifact = image("too large")
    for size, status, state in ((limit, 201, ["held"]), (limit + 1, 413, [])):
        body = artifact.manifest.content + b" " * (size - len(artifact.manifest.content))
        path = f"/v2/{REPOSITORY}/manifests/{digest_of(body)}"
        reply = site.writer.send("PUT", path, repository=REPOSITORY, body=body, kind=artifact.manifest.media_type)
        assert (reply.status, reply.every("registry-gateway-state")) == (status, state), reply.body
        kept = site.writer.send("GET", path, repository=REPOSITORY)
        assert kept.status == (200 if status == 201 else 404)


def test_row_106_fifty_pushes_of_one_tag_at_once(site: Site) -> None:
    """Each push is stored whole; the tag waits for one of them, and a late signature of another never moves it."""
    artifacts = [image(f"racing {number}") for number in range(50)]
    shared = b"one layer that all of them upload at the same time" * 1000

    def push(artifact: Artifact) -> tuple[int, Reply]:
        upload = f"/v2/{REPOSITORY}/blobs/uploads/?digest={digest_of(shared)}"
        blob = site.writer.send("POST", upload, repository=REPOSITORY, body=shared)
        return blob.status, site.writer.push(artifact, "raced", repository=REPOSITORY)

    def found(artifact: Artifact) -> Reply:
        return site.writer.send("GET", f"/v2/{REPOSITORY}/manifests/{artifact.digest}", repository=REPOSITORY)

    assert site.writer.push(image("before"), "before", repository=REPOSITORY).status == 201
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(push, artifacts))
    assert {blob for blob, _ in replies} == {201}
    assert {reply.status for _, reply in replies} == {201}
    for artifact in artifacts:
        assert found(artifact).body == artifact.manifest.content
    waiting = site.writer.send("GET", f"/v2/{REPOSITORY}/manifests/raced", repository=REPOSITORY)
    assert waiting.one("registry-gateway-state") == "held"
    (last,) = [each for each in artifacts if each.digest == waiting.one("docker-content-digest")]
    others = [signed_bundle(KEY, subject=each.digest) for each in artifacts if each is not last][:10]
    with ThreadPoolExecutor(10) as pool:
        signed = list(pool.map(lambda each: site.writer.attach(each, repository=REPOSITORY).status, others))
    assert set(signed) == {201}
    assert site.reader.pull(last, "raced", repository=REPOSITORY) == {404}
    assert site.writer.attach(signed_bundle(KEY, subject=last.digest), repository=REPOSITORY).status == 201
    assert site.reader.pull(last, "raced", repository=REPOSITORY) == {200}


def test_the_certificate_is_for_these_names_and_from_this_authority(site: Site) -> None:
    ours = ssl.create_default_context(cafile=str(site.gateway.ca))
    for context, name in ((ssl.create_default_context(), "localhost"), (ours, "evil.example")):
        with (
            socket.create_connection(site.address, timeout=30) as plain,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(plain, server_hostname=name)
