"""A disk that is full or read-only, under the whole gateway: a 5xx that says nothing, nothing visible, and it goes on.

The content store's system calls are failed one kind at a time; the catalog is given no more pages, or made read-only.
"""

import dataclasses
import errno
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.app import Parts, content_path
from gateway.content.filesystem import open_content
from gateway.errors import ConfigInvalid
from tests.support.api import Reply
from tests.support.content import WatchedFileSystem
from tests.support.images import Artifact, digest_of, image
from tests.support.whole import Whole, furnished, whole

STORED = ("manifest", "tag", "repo_blob", "upload", "decision")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Whole, WatchedFileSystem]]:
    folder = tmp_path_factory.mktemp("storage") / "state"
    calls = WatchedFileSystem(folder)

    def watched(parts: Parts) -> Parts:
        return dataclasses.replace(parts, content=open_content(content_path(parts.config), filesystem=calls))

    with whole(folder, adapt=watched) as built:
        yield furnished(built), calls


def refused(reply: Reply, status: int) -> None:
    """Assert an answer of this status that tells nothing of the machine."""
    assert reply.status == status, reply.body
    assert b"/" not in reply.body.replace(b"application/json", b"")
    assert b"errno" not in reply.body.lower()


def bytes_on_disk(built: Whole) -> set[Path]:
    """Return the files of the content store, what is being uploaded included."""
    return {path for path in content_path(built.parts.config).rglob("*") if path.is_file()}


FAILURES = pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(errno.ENOSPC, 507, id="full"),
        pytest.param(errno.EDQUOT, 507, id="over-quota"),
        pytest.param(errno.EROFS, 503, id="read-only"),
        pytest.param(errno.EMFILE, 503, id="no-descriptors"),
    ],
)


@contextmanager
def failing(calls: WatchedFileSystem, call: str, number: int) -> Iterator[None]:
    """Fail every ``call``; assert at the end that there was one, or what was shown would be that all is well."""
    failed: list[str] = []

    def fail(name: str, path: str) -> BaseException | None:
        if name != call:
            return None
        failed.append(path)
        return OSError(number, "injected")

    calls.fail_when = fail
    try:
        yield
    finally:
        calls.fail_when = lambda name, path: None
    assert failed, f"{call} was never called"


def in_a_new_folder(built: Whole, name: str) -> Artifact:
    """Return an image whose layer is the first blob of its folder, so that storing it makes one."""
    for number in itertools.count():
        artifact = image(f"{name} {number}")
        layer = artifact.blobs[1]
        if not (
            content_path(built.parts.config) / "blobs" / "sha256" / layer.digest.removeprefix("sha256:")[:2]
        ).exists():
            return artifact
    raise AssertionError("unreachable: the count has no end")


@pytest.mark.parametrize("call", ["create", "write", "fsync", "link", "mkdir"])
@FAILURES
def test_a_content_store_that_refuses(
    made: tuple[Whole, WatchedFileSystem], call: str, number: int, status: int
) -> None:
    built, calls = made
    artifact = in_a_new_folder(built, f"{call} {number}")
    blob = artifact.blobs[1]
    before, files = built.count(*STORED), bytes_on_disk(built)
    with failing(calls, call, number):
        reply = built.upload("pusher", blob.content, blob.digest)
    refused(reply, status)
    assert built.count(*STORED) == before
    assert built.send("HEAD", f"/v2/team/app/blobs/{blob.digest}", who="pusher").status == 404
    # What a full disk must not keep is a draft; a blob without a link is nobody's and is found again by its digest.
    left = bytes_on_disk(built) - files
    assert {path for path in left if path.name != blob.digest.removeprefix("sha256:")} == set()
    assert built.push("pusher", artifact, f"after-{call}-{number}").status == 201


@pytest.mark.parametrize("call", ["create", "write", "rename"])
@FAILURES
def test_a_content_store_that_refuses_to_cut_a_session(
    made: tuple[Whole, WatchedFileSystem], call: str, number: int, status: int
) -> None:
    """A session with more bytes than were promised is cut to what was: the one upload that renames."""
    built, calls = made
    content = f"cut {call} {number}".encode()
    digest = digest_of(content)
    before, files = built.count(*STORED), bytes_on_disk(built)
    location = built.send("POST", "/v2/team/app/blobs/uploads/", who="pusher").one("location")

    def patch(body: bytes, where: str) -> Reply:
        return built.send("PATCH", location, who="pusher", body=body, headers=[("content-range", where)])

    assert patch(content[:3], "0-2").status == 202
    # As after a crash between the bytes and their row: nobody is promised these.
    (session,) = content_path(built.parts.config).rglob(location.rpartition("/")[2])
    with session.open("ab") as file:
        file.write(b"spurious")
    with failing(calls, call, number):
        reply = patch(content[3:], f"3-{len(content) - 1}")
    refused(reply, status)
    finish = f"{location}?digest={digest}"
    if status == 507:
        # The room is given back at once, and the client starts again.
        assert bytes_on_disk(built) == files
        gone = built.send("PUT", finish, who="pusher", body=content[3:])
        assert (gone.status, gone.code) == (404, "BLOB_UPLOAD_UNKNOWN")
        assert built.send("DELETE", location, who="pusher").status == 204
    else:
        # What was promised is still there, and the client goes on.
        assert len(bytes_on_disk(built) - files) == 1
        assert built.send("PUT", finish, who="pusher", body=content[3:]).status == 201
        assert built.send("GET", f"/v2/team/app/blobs/{digest}", who="pusher").body == content
    assert built.count("manifest", "tag", "upload", "decision") == {
        table: before[table] for table in ("manifest", "tag", "upload", "decision")
    }


def test_a_catalog_that_is_full(made: tuple[Whole, WatchedFileSystem]) -> None:
    built, _ = made
    artifact = image("full catalog", labels={"long": "x" * 500_000})
    for blob in artifact.blobs:
        assert built.upload("pusher", blob.content, blob.digest).status == 201
    before = built.count(*STORED)
    ((pages,),) = built.sql("PRAGMA page_count")
    built.sql(f"PRAGMA max_page_count = {pages}")
    try:
        refused(built.put("pusher", artifact, "full"), 507)
        assert built.send("GET", "/readyz").status == 200
        assert built.send("GET", "/v2/team/app/tags/list", who="pusher", scope="team/app").status == 200
    finally:
        built.sql("PRAGMA max_page_count = 1073741823")
    assert built.count(*STORED) == before
    assert built.put("pusher", artifact, "full").status == 201


def test_a_catalog_that_is_read_only(made: tuple[Whole, WatchedFileSystem]) -> None:
    built, _ = made
    artifact = image("read-only catalog")
    for blob in artifact.blobs:
        assert built.upload("pusher", blob.content, blob.digest).status == 201
    before = built.count(*STORED)
    # Past the writer, which opens no transaction any more; it is idle between requests.
    writer = built.parts.database._writer
    writer.execute("PRAGMA query_only = 1")
    try:
        reply = built.put("pusher", artifact, "read-only")
    finally:
        writer.execute("PRAGMA query_only = 0")
    # Not 503, which asks the client to come back: this does not pass until somebody puts it right, and the log says what.
    refused(reply, 500)
    assert reply.every("retry-after") == []
    detail = reply.json()["errors"][0]["detail"]
    assert reply.code == "CONFIG_INVALID"
    assert detail.keys() == {"reasons", "decision_id", "policy_revision", "state", "request_id"}
    assert "SQLITE_READONLY" not in str(detail)
    _, error = built.failures[-1]
    assert isinstance(error, ConfigInvalid)
    assert "SQLITE_READONLY" in str(error)
    assert built.count(*STORED) == before
    assert built.put("pusher", artifact, "read-only").status == 201
