"""Blobs over HTTP: whole, in part, or only whether they are there."""

from pathlib import Path

import pytest

from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from tests.support.api import Client, House, Reply, house
from tests.support.oci import encode, image

CONTENT = bytes(range(256)) * 8
DIGEST = Digest.of(CONTENT)


@pytest.fixture(params=["memory", "files", "sendfile"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    built = house(folder=None if request.param == "memory" else tmp_path / "content")
    built.sendfile = request.param == "sendfile"
    return built


def ask(
    made: House, *headers: tuple[str, str], who: str = "reader", method: str = "GET", digest: Digest = DIGEST
) -> Reply:
    token = made.token(who, "repository:team/app:pull,delete")
    client = Client(made.api, sendfile=made.sendfile)
    return client.send(method, f"/v2/team/app/blobs/{digest}", token=token, headers=headers)


def content(reply: Reply) -> bytes:
    """Return the bytes a client gets, whoever sends them."""
    if reply.sent_file is None:
        return reply.body
    assert reply.body == b""
    start, count = reply.sent_file["offset"], reply.sent_file["count"]
    return Path(reply.sent_file["path"]).read_bytes()[start : start + count]


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_whole(made: House, algorithm: str) -> None:
    digest = made.add_blob(CONTENT, algorithm=algorithm)
    reply = ask(made, digest=digest)
    assert (reply.status, content(reply)) == (200, CONTENT)
    assert reply.one("content-length") == "2048"
    assert reply.one("content-type") == "application/octet-stream"
    assert reply.one("docker-content-digest") == str(digest)
    assert reply.one("etag") == f'"{digest}"'
    assert reply.one("accept-ranges") == "bytes"
    assert not reply.every("cache-control")
    assert (reply.sent_file is not None) == made.sendfile
    head = ask(made, method="HEAD", digest=digest)
    assert (head.status, head.headers) == (200, reply.headers)
    assert [pull["outcome"] for pull in made.pulls] == ["pulled"]


def test_empty(made: House) -> None:
    digest = made.add_blob(b"")
    reply = ask(made, digest=digest)
    assert (reply.status, content(reply), reply.one("content-length")) == (200, b"", "0")


@pytest.mark.parametrize(
    ("header", "content_range", "part"),
    [
        pytest.param("bytes=500-1499", "bytes 500-1499/2048", CONTENT[500:1500], id="middle"),
        pytest.param("bytes=500-", "bytes 500-2047/2048", CONTENT[500:], id="to-the-end"),
        pytest.param("bytes=-500", "bytes 1548-2047/2048", CONTENT[-500:], id="the-last"),
        pytest.param("bytes=2000-5000", "bytes 2000-2047/2048", CONTENT[2000:], id="over-the-end"),
        pytest.param("bytes=0-0", "bytes 0-0/2048", CONTENT[:1], id="first-byte"),
    ],
)
def test_part(made: House, header: str, content_range: str, part: bytes) -> None:
    made.add_blob(CONTENT)
    reply = ask(made, ("range", header))
    assert (reply.status, content(reply)) == (206, part)
    assert reply.one("content-range") == content_range
    assert reply.one("content-length") == str(len(part))


@pytest.mark.parametrize("header", ["bytes=500-0", "bytes=5000-10000", "bytes=x", "bytes=" + "0-1," * 200])
def test_a_part_that_there_is_not(made: House, header: str) -> None:
    made.add_blob(CONTENT)
    reply = ask(made, ("range", header))
    assert (reply.status, reply.one("content-range")) == (416, "bytes */2048")
    assert made.pulls == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("range", "bytes=0-1,3-4")], id="two-ranges"),
        pytest.param([("range", "lines=0-1")], id="another-unit"),
        pytest.param([("range", "bytes=0-1"), ("if-range", '"sha256:other"')], id="of-other-content"),
    ],
)
def test_a_range_that_is_not_looked_at(made: House, headers: list[tuple[str, str]]) -> None:
    made.add_blob(CONTENT)
    reply = ask(made, *headers)
    assert (reply.status, content(reply)) == (200, CONTENT)


def test_a_range_of_what_the_client_has(made: House) -> None:
    made.add_blob(CONTENT)
    assert ask(made, ("range", "bytes=0-1"), ("if-range", f'"{DIGEST}"')).status == 206
    assert ask(made, ("range", "bytes=0-1"), method="HEAD").status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_already(made: House, method: str) -> None:
    made.add_blob(CONTENT)
    reply = ask(made, ("if-none-match", f'"{DIGEST}"'), method=method)
    assert reply.status == 304


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_hidden_reads_like_what_is_not_there(made: House, method: str) -> None:
    before = ask(made, method=method)
    assert before.status == 404
    made.add_blob(CONTENT, visible=False)
    hidden = ask(made, method=method)
    assert (hidden.status, hidden.headers, hidden.body) == (404, before.headers, before.body)
    assert [pull["outcome"] for pull in made.pulls] == ["denied"]
    # Bytes that only another repository has are not here.
    elsewhere = made.add_blob(b"elsewhere", repository=RepositoryName("team/other"))
    assert ask(made, who="owner", method=method, digest=elsewhere).status == 404


def test_quarantine_read(made: House) -> None:
    made.add_blob(CONTENT, visible=False)
    reply = ask(made, who="writer")
    assert (reply.status, content(reply)) == (200, CONTENT)
    assert reply.one("registry-gateway-state") == "held"
    assert reply.one("cache-control") == "private, no-store"


def test_bytes_that_are_gone_are_our_fault(made: House) -> None:
    made.registry.blob_put(DIGEST, len(CONTENT))
    reply = ask(made)
    assert (reply.status, reply.code) == (500, "UNKNOWN")
    assert str(DIGEST) not in reply.message
    assert str(DIGEST) in str(made.failures[0][1])
    made.add_blob(CONTENT)
    made.registry.blob_put(DIGEST, len(CONTENT) + 1)
    assert ask(made).status == 500


def test_delete(made: House) -> None:
    made.add_blob(CONTENT)
    assert ask(made, who="maintainer", method="DELETE").status == 202
    assert ask(made, who="maintainer", method="HEAD").status == 404
    reply = ask(made, who="maintainer", method="DELETE")
    assert (reply.status, reply.code) == (404, "BLOB_UNKNOWN")
    assert ask(made, who="writer", method="DELETE").status == 401


def test_delete_of_what_a_manifest_names(made: House) -> None:
    config = made.add_blob(b"{}")
    made.registry.put(encode(image()))
    reply = ask(made, who="maintainer", method="DELETE", digest=config)
    assert (reply.status, reply.code) == (405, "UNSUPPORTED")
    assert "delete the manifest first" in reply.message


def test_delete_of_what_the_account_does_not_see(made: House) -> None:
    made.add_blob(CONTENT, visible=False)
    made.directory._people["u:maintainer"].quarantine_read = False
    assert ask(made, who="maintainer", method="DELETE").status == 404
    assert made.registry.blob_rows
