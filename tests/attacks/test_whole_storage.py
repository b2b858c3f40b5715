"""A disk that is full or read-only, under the whole gateway: a 5xx that says nothing, nothing visible, and it goes on.

The content store's system calls are failed one kind at a time; the catalog is given no more pages, or made read-only.
"""

import dataclasses
import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app import Parts, content_path
from gateway.content.filesystem import open_content
from tests.support.api import Reply
from tests.support.content import WatchedFileSystem
from tests.support.images import image
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


@pytest.mark.parametrize("call", ["create", "write", "fsync", "link", "rename", "mkdir"])
@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(errno.ENOSPC, 507, id="full"),
        pytest.param(errno.EDQUOT, 507, id="over-quota"),
        pytest.param(errno.EROFS, 503, id="read-only"),
        pytest.param(errno.EMFILE, 503, id="no-descriptors"),
    ],
)
def test_a_content_store_that_refuses(
    made: tuple[Whole, WatchedFileSystem], call: str, number: int, status: int
) -> None:
    built, calls = made
    artifact = image(f"{call} {number}")
    blob = artifact.blobs[1]
    before, files = built.count(*STORED), bytes_on_disk(built)
    failed: list[str] = []

    def fail(name: str, path: str) -> BaseException | None:
        if name != call:
            return None
        failed.append(path)
        return OSError(number, "injected")

    calls.fail_when = fail
    try:
        reply = built.upload("pusher", blob.content, blob.digest)
    finally:
        calls.fail_when = lambda name, path: None
    if not failed:
        # A call that an upload of this size does not need.
        assert reply.status == 201
        return
    refused(reply, status)
    assert built.count(*STORED) == before
    assert built.send("HEAD", f"/v2/team/app/blobs/{blob.digest}", who="pusher").status == 404
    # What a full disk must not keep is a draft; a blob without a link is nobody's and is found again by its digest.
    left = bytes_on_disk(built) - files
    assert {path for path in left if path.name != blob.digest.removeprefix("sha256:")} == set()
    assert built.push("pusher", artifact, f"after-{call}-{number}").status == 201


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
        assert reply.status in (500, 503)
        refused(reply, reply.status)
    finally:
        writer.execute("PRAGMA query_only = 0")
    assert built.count(*STORED) == before
    assert built.put("pusher", artifact, "read-only").status == 201
