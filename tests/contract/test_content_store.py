"""What every content store does: the same suite for the real one and the fake."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.content.filesystem import open_content
from gateway.content.store import Content, InlineBlob, Location, Progress, StoredBlob
from gateway.errors import (
    BlobUnknown,
    Conflict,
    DigestInvalid,
    SizeInvalid,
    UploadInvalid,
    UploadUnknown,
)
from gateway.oci.digest import Algorithm, Digest
from tests.support.content import broken, chunks, run, survive
from tests.support.content_memory import memory_content

Make: TypeAlias = Callable[[], Content]

LARGE = 10 * 1024 * 1024
HELLO = Digest.of(b"hello world")


@pytest.fixture(params=["filesystem", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """A maker of empty stores."""
    if request.param == "memory":
        return memory_content
    roots = (tmp_path / str(number) for number in range(1000))
    return lambda: open_content(next(roots))


@pytest.fixture
def content(make: Make) -> Content:
    return make()


def bytes_of(location: Location | None) -> bytes | None:
    match location:
        case None:
            return None
        case StoredBlob(path, size):
            held = path.read_bytes()
            assert len(held) == size
            return held
        case InlineBlob(held):
            return held


# -- blobs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("body", [pytest.param(b"", id="empty"), pytest.param(b"hello", id="small")])
def test_what_is_put_is_found(content: Content, body: bytes, algorithm: Algorithm) -> None:
    digest = Digest.of(body, algorithm=algorithm)

    async def story() -> None:
        await content.blobs.put(digest, body)
        await content.blobs.put(digest, body)
        assert await content.blobs.stat(digest) == len(body)
        assert await content.blobs.read(digest, max_bytes=len(body)) == body

    run(story())
    location = content.blobs.locate(digest)
    assert bytes_of(location) == body
    assert location is not None
    assert location.size_bytes == len(body)


def test_what_is_not_there_is_not_found(content: Content) -> None:
    async def story() -> None:
        assert await content.blobs.stat(HELLO) is None
        with pytest.raises(BlobUnknown) as caught:
            await content.blobs.read(HELLO, max_bytes=LARGE)
        assert caught.value.digest == str(HELLO)

    run(story())
    assert content.blobs.locate(HELLO) is None


def test_put_refuses_content_of_another_digest(content: Content) -> None:
    with pytest.raises(DigestInvalid) as caught:
        run(content.blobs.put(HELLO, b"other"))
    assert caught.value.digest == str(HELLO)
    assert content.blobs.locate(HELLO) is None
    assert run(content.uploads.sessions()) == []


def test_read_refuses_a_blob_over_the_limit(content: Content) -> None:
    async def story() -> None:
        await content.blobs.put(HELLO, b"hello world")
        with pytest.raises(SizeInvalid):
            await content.blobs.read(HELLO, max_bytes=10)

    run(story())


# -- uploads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize(
    "patches",
    [
        pytest.param([[]], id="nothing"),
        pytest.param([[b"hello world"]], id="one-chunk"),
        pytest.param([[b"hello", b" ", b"", b"world"]], id="streamed"),
        pytest.param([[b"hello"], [b" world"]], id="two-patches"),
        pytest.param([[b"hello"], [], [b" world"], []], id="empty-patches"),
        pytest.param([[b"x" * 700_000] * 5, [b"y" * 3_000_000]], id="several-batches"),
    ],
)
def test_an_upload_becomes_a_blob(content: Content, patches: list[list[bytes]], algorithm: Algorithm) -> None:
    body = b"".join(part for patch in patches for part in patch)
    digest = Digest.of(body, algorithm=algorithm)

    async def story() -> None:
        await content.uploads.create("session")
        size = 0
        for patch in patches:
            progress = await content.uploads.append("session", chunks(*patch), offset=size, max_bytes=LARGE)
            size += sum(map(len, patch))
            assert progress == Progress(size)
        assert await content.blobs.stat(digest) is None
        assert await content.uploads.commit("session", digest=digest, size_bytes=size) == len(body)
        assert await content.uploads.sessions() == []
        with pytest.raises(UploadUnknown):
            await content.uploads.append("session", chunks(b"more"), offset=size, max_bytes=LARGE)
        with pytest.raises(UploadUnknown):
            await content.uploads.commit("session", digest=digest, size_bytes=size)

    run(story())
    assert bytes_of(content.blobs.locate(digest)) == body


# Few, since each is in a store of its own, with all its fsyncs.
@given(patches=st.lists(st.lists(st.binary(max_size=20), max_size=3), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_it_is_cut_the_blob_is_the_same(make: Make, patches: list[list[bytes]]) -> None:
    content = make()
    body = b"".join(part for patch in patches for part in patch)

    async def story() -> bytes:
        await content.uploads.create("session")
        size = 0
        for patch in patches:
            size = (await content.uploads.append("session", chunks(*patch), offset=size, max_bytes=LARGE)).size_bytes
        await content.uploads.commit("session", digest=Digest.of(body), size_bytes=size)
        return await content.blobs.read(Digest.of(body), max_bytes=LARGE)

    assert run(story()) == body


@pytest.mark.parametrize(
    "session",
    [
        pytest.param("", id="empty"),
        pytest.param("..", id="parent"),
        pytest.param("../format", id="traversal"),
        pytest.param("a/b", id="slash"),
        pytest.param("/etc/passwd", id="absolute"),
        pytest.param("a\x00", id="nul"),
        pytest.param("a\n", id="newline"),
        pytest.param("a" * 129, id="long"),
        pytest.param("absent", id="absent"),
    ],
)
def test_a_session_that_is_not_one_is_unknown(content: Content, session: str) -> None:
    async def story() -> None:
        if session != "absent":
            with pytest.raises(UploadUnknown):
                await content.uploads.create(session)
        with pytest.raises(UploadUnknown) as caught:
            await content.uploads.append(session, chunks(b"x"), offset=0, max_bytes=LARGE)
        assert caught.value.session == session[:140]
        with pytest.raises(UploadUnknown):
            await content.uploads.commit(session, digest=HELLO, size_bytes=0)
        await content.uploads.discard(session)

    run(story())


def test_a_name_is_used_once(content: Content) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        with pytest.raises(Conflict):
            await content.uploads.create("session")

    run(story())


def test_a_wrong_digest_keeps_nothing(content: Content) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"other"), offset=0, max_bytes=LARGE)
        with pytest.raises(DigestInvalid) as caught:
            await content.uploads.commit("session", digest=HELLO, size_bytes=5)
        assert caught.value.digest == str(HELLO)
        assert await content.uploads.sessions() == []
        assert await content.blobs.stat(HELLO) is None
        assert await content.blobs.stat(Digest.of(b"other")) is None

    run(story())


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionError("gone"), id="disconnect"),
        pytest.param(asyncio.CancelledError(), id="cancelled"),
        pytest.param(SizeInvalid("shorter than announced"), id="refusal"),
    ],
)
@pytest.mark.parametrize("part", [pytest.param(b" wor", id="small"), pytest.param(b"x" * 3_000_000, id="large")])
def test_a_client_that_leaves_in_the_middle_changes_nothing(
    content: Content, part: bytes, error: BaseException
) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello"), offset=0, max_bytes=LARGE)
        left = await survive(content.uploads.append("session", broken(part, error=error), offset=5, max_bytes=LARGE))
        assert left is error
        assert [held.size_bytes for held in await content.uploads.sessions()] == [5]
        await content.uploads.append("session", chunks(b" world"), offset=5, max_bytes=LARGE)
        await content.uploads.commit("session", digest=HELLO, size_bytes=11)

    run(story())
    assert bytes_of(content.blobs.locate(HELLO)) == b"hello world"


def test_an_upload_over_the_limit_is_as_before(content: Content) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello"), offset=0, max_bytes=5)
        with pytest.raises(SizeInvalid):
            await content.uploads.append("session", chunks(b" world"), offset=5, max_bytes=10)
        await content.uploads.append("session", chunks(b" world"), offset=5, max_bytes=11)
        await content.uploads.commit("session", digest=HELLO, size_bytes=11)

    run(story())


@pytest.mark.parametrize(
    "part",
    [pytest.param([b" wor"], id="short"), pytest.param([b" wor", b"ld!"], id="long"), pytest.param([], id="none")],
)
def test_a_chunk_of_another_length_than_it_says_is_as_if_it_had_not_come(content: Content, part: list[bytes]) -> None:
    async def story() -> None:
        uploads = content.uploads
        await uploads.create("session")
        await uploads.append("session", chunks(b"hello"), offset=0, max_bytes=LARGE, expected_bytes=5)
        with pytest.raises(UploadInvalid):
            await uploads.append("session", chunks(*part), offset=5, max_bytes=LARGE, expected_bytes=6)
        assert [file.size_bytes for file in await uploads.sessions()] == [5]
        await uploads.append("session", chunks(b" wo", b"rld"), offset=5, max_bytes=LARGE, expected_bytes=6)
        await uploads.commit("session", digest=Digest.of(b"hello world"), size_bytes=11)

    run(story())


def test_what_was_not_recorded_is_dropped_by_the_next_chunk(content: Content) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello"), offset=0, max_bytes=LARGE)
        await content.uploads.append("session", chunks(b" there, lost"), offset=5, max_bytes=LARGE)
        await content.uploads.append("session", chunks(b" world"), offset=5, max_bytes=LARGE)
        await content.uploads.commit("session", digest=HELLO, size_bytes=11)

    run(story())
    assert bytes_of(content.blobs.locate(HELLO)) == b"hello world"


def test_what_was_not_recorded_is_dropped_by_the_end(content: Content) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello world"), offset=0, max_bytes=LARGE)
        await content.uploads.append("session", chunks(b" and more"), offset=11, max_bytes=LARGE)
        await content.uploads.commit("session", digest=HELLO, size_bytes=11)

    run(story())
    assert bytes_of(content.blobs.locate(HELLO)) == b"hello world"


def test_a_session_that_holds_less_than_was_recorded_is_refused(content: Content) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello"), offset=0, max_bytes=LARGE)
        with pytest.raises(UploadInvalid):
            await content.uploads.append("session", chunks(b"world"), offset=6, max_bytes=LARGE)
        with pytest.raises(UploadInvalid):
            await content.uploads.commit("session", digest=HELLO, size_bytes=11)

    run(story())


def test_a_second_writer_is_refused_and_the_first_goes_on(content: Content) -> None:
    async def story() -> None:
        async def slowly() -> AsyncIterator[bytes]:
            yield b"hello"
            with pytest.raises(UploadInvalid):
                await content.uploads.append("session", chunks(b"evil!"), offset=0, max_bytes=LARGE)
            with pytest.raises(UploadInvalid):
                await content.uploads.commit("session", digest=HELLO, size_bytes=0)
            yield b" world"

        await content.uploads.create("session")
        await content.uploads.append("session", slowly(), offset=0, max_bytes=LARGE)
        await content.uploads.commit("session", digest=HELLO, size_bytes=11)

    run(story())
    assert bytes_of(content.blobs.locate(HELLO)) == b"hello world"


def test_a_rival_cannot_put_its_bytes_under_the_digest_of_another(content: Content) -> None:
    """The rival still believes the session empty, and writes as many bytes as were there."""

    async def story() -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello world"), offset=0, max_bytes=LARGE)
        await content.uploads.append("session", chunks(b"evil! world"), offset=0, max_bytes=LARGE)
        with pytest.raises(DigestInvalid):
            await content.uploads.commit("session", digest=HELLO, size_bytes=11)
        assert await content.blobs.stat(HELLO) is None

    run(story())


def test_discard_forgets(content: Content) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello"), offset=0, max_bytes=LARGE)
        await content.uploads.discard("session")
        await content.uploads.discard("session")
        assert await content.uploads.sessions() == []
        with pytest.raises(UploadUnknown):
            await content.uploads.commit("session", digest=HELLO, size_bytes=5)

    run(story())


@pytest.mark.parametrize("end", [pytest.param(None, id="finishes"), pytest.param(ConnectionError("gone"), id="breaks")])
def test_discard_under_a_writer_leaves_nothing(content: Content, end: BaseException | None) -> None:
    async def story() -> None:
        async def discarded() -> AsyncIterator[bytes]:
            yield b"hello"
            await content.uploads.discard("session")
            if end is not None:
                raise end
            yield b" world"

        await content.uploads.create("session")
        left = await survive(content.uploads.append("session", discarded(), offset=0, max_bytes=LARGE))
        assert left is end
        assert await content.uploads.sessions() == []

    run(story())


def test_sessions_are_listed_with_their_length(content: Content) -> None:
    async def story() -> None:
        for name in ("b", "a"):
            await content.uploads.create(name)
        await content.uploads.append("b", chunks(b"hello"), offset=0, max_bytes=LARGE)
        assert [(held.session, held.size_bytes) for held in await content.uploads.sessions()] == [("a", 0), ("b", 5)]

    run(story())


def test_row_106_many_uploads_of_one_blob_at_once_all_succeed(content: Content) -> None:
    """Fifty pushes of one blob."""
    body = b"z" * 100_000
    digest = Digest.of(body)

    async def push(number: int) -> int:
        session = f"session-{number}"
        await content.uploads.create(session)
        await content.uploads.append(session, chunks(body), offset=0, max_bytes=LARGE)
        return await content.uploads.commit(session, digest=digest, size_bytes=len(body))

    async def story() -> list[int]:
        return await asyncio.gather(*(push(number) for number in range(50)))

    assert run(story()) == [len(body)] * 50
    assert bytes_of(content.blobs.locate(digest)) == body
    assert run(content.uploads.sessions()) == []
