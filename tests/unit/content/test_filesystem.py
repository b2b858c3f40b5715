"""The filesystem store: the order of its calls, and what each failure leaves."""

import errno
import itertools
import os
import stat
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest

from gateway.content.cutting import MAX_CUTS
from gateway.content.filesystem import open_content
from gateway.content.layout import Layout
from gateway.content.store import Content
from gateway.errors import GatewayError, Internal, StorageFailed, StorageFull, Unavailable, UploadInvalid
from gateway.oci.digest import Digest
from tests.support.content import PowerCut, WatchedFileSystem, chunks, run, survive

BODY = b"hello world"
HELLO = Digest.of(BODY)
LARGE = 10 * 1024 * 1024
BLOB = f"blobs/sha256/{HELLO.hex[:2]}/{HELLO.hex}"
LEAF = f"blobs/sha256/{HELLO.hex[:2]}"


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFileSystem:
    return WatchedFileSystem(tmp_path)


@pytest.fixture
def content(watched: WatchedFileSystem) -> Content:
    return opened(watched)


def opened(watched: WatchedFileSystem) -> Content:
    """Return a store over ``watched``, whose log is then empty."""
    names = (f"{number:04x}" for number in itertools.count())
    store = open_content(watched.root, filesystem=watched, nonce=lambda: next(names))
    watched.log.clear()
    return store


async def upload(content: Content, *, body: bytes = BODY, session: str = "session") -> None:
    await content.uploads.create(session)
    await content.uploads.append(session, chunks(body), offset=0, max_bytes=LARGE)


async def push(content: Content, *, body: bytes = BODY, session: str = "session") -> None:
    await upload(content, body=body, session=session)
    await content.uploads.commit(session, digest=Digest.of(body), size_bytes=len(body))


def changes(watched: WatchedFileSystem) -> list[tuple[str, str]]:
    """Return what was changed or made durable, in order."""
    return [entry for entry in watched.log if entry[0] not in {"open", "close", "fstat", "lstat", "lock", "unlock"}]


# -- order -------------------------------------------------------------------------------------------------------------


def test_bytes_are_durable_before_their_name_and_the_name_before_the_answer(
    watched: WatchedFileSystem, content: Content
) -> None:
    run(push(content))
    assert changes(watched) == [
        ("create", "uploads/session"),
        ("write", "uploads/session"),
        ("fsync", "uploads/session"),
        ("mkdir", "blobs/sha256"),
        ("mkdir", LEAF),
        ("link", BLOB),
        ("fsync", LEAF),
        ("fsync", "blobs/sha256"),
        ("fsync", "blobs"),
        ("fsync", "."),
        ("unlink", "uploads/session"),
    ]


def test_the_digest_is_verified_between_the_sync_and_the_name(tmp_path: Path) -> None:
    """A second process has no running digest: it reads the file after it has made it durable."""
    run(upload(open_content(tmp_path)))
    watched = WatchedFileSystem(tmp_path)
    run(opened(watched).uploads.commit("session", digest=HELLO, size_bytes=len(BODY)))
    assert [call for call, _ in changes(watched)][:5] == ["fsync", "read", "mkdir", "mkdir", "link"]


def test_a_blob_that_is_there_is_made_durable_again(watched: WatchedFileSystem, content: Content) -> None:
    run(push(content))
    watched.log.clear()
    run(push(content))
    assert changes(watched)[2:] == [
        ("fsync", "uploads/session"),
        ("link", BLOB),
        ("fsync", BLOB),
        ("fsync", LEAF),
        ("unlink", "uploads/session"),
    ]


def test_another_process_syncs_every_directory_once_itself(watched: WatchedFileSystem, content: Content) -> None:
    run(push(content))
    second = WatchedFileSystem(watched.root)
    run(push(opened(second)))
    assert [path for call, path in second.log if call == "fsync"] == [
        "uploads/session",
        BLOB,
        LEAF,
        "blobs/sha256",
        "blobs",
        ".",
    ]


def test_put_has_the_same_order(watched: WatchedFileSystem, content: Content) -> None:
    run(content.blobs.put(HELLO, BODY))
    assert [entry for entry in changes(watched) if entry[0] != "mkdir"] == [
        ("create", "uploads/put-0001"),
        ("write", "uploads/put-0001"),
        ("fsync", "uploads/put-0001"),
        ("link", BLOB),
        ("fsync", LEAF),
        ("fsync", "blobs/sha256"),
        ("fsync", "blobs"),
        ("fsync", "."),
        ("unlink", "uploads/put-0001"),
    ]


def test_the_operating_system_sees_the_same_order(tmp_path: Path) -> None:
    """Without the seam: the interpreter itself reports each call into `os` that the adapter's threads make."""
    seen: list[tuple[str, str]] = []

    def profile(frame: FrameType, event: str, called: object) -> None:
        name = getattr(called, "__name__", "")
        if event != "c_call" or not frame.f_code.co_filename.endswith("gateway/content/files.py"):
            return
        values = frame.f_locals
        if name == "open":
            seen.append(("open", Path(values["path"]).name))
        elif name in {"pwrite", "fsync"}:
            seen.append((name, Path(os.readlink(f"/proc/self/fd/{values['fd']}")).name))
        elif name in {"link", "unlink", "mkdir"}:
            seen.append((name, Path(values.get("target") or values["path"]).name))

    content = open_content(tmp_path)
    threading.setprofile(profile)
    try:
        with ThreadPoolExecutor(1) as pool:
            run(push(open_content(tmp_path, executor=pool)))
    finally:
        threading.setprofile(None)
    assert content.blobs.locate(HELLO) is not None
    assert [entry for entry in seen if entry[0] != "open"] == [
        ("pwrite", "session"),
        ("fsync", "session"),
        ("mkdir", "sha256"),
        ("mkdir", HELLO.hex[:2]),
        ("link", HELLO.hex),
        ("fsync", HELLO.hex[:2]),
        ("fsync", "sha256"),
        ("fsync", "blobs"),
        ("fsync", tmp_path.name),
        ("unlink", "session"),
    ]


def test_files_are_for_nobody_else(tmp_path: Path, content: Content) -> None:
    run(push(content))
    run(upload(content, session="open"))
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_no_file_stays_open_but_those_of_running_digests(watched: WatchedFileSystem, content: Content) -> None:
    run(upload(content))
    assert watched.open_files == ["session"]
    run(content.uploads.commit("session", digest=HELLO, size_bytes=len(BODY)))
    assert watched.open_files == []
    run(content.blobs.read(HELLO, max_bytes=LARGE))
    assert watched.open_files == []


def test_the_running_digest_saves_the_reading(watched: WatchedFileSystem, content: Content) -> None:
    async def story() -> None:
        await content.uploads.create("session")
        for number, byte in enumerate(BODY):
            await content.uploads.append("session", chunks(bytes([byte])), offset=number, max_bytes=LARGE)
        await content.uploads.commit("session", digest=HELLO, size_bytes=len(BODY))

    run(story())
    assert "read" not in [call for call, _ in watched.log]


def test_sha512_is_read_once(watched: WatchedFileSystem, content: Content) -> None:
    run(upload(content, body=b"x" * 3_000_000))
    digest = Digest.of(b"x" * 3_000_000, algorithm="sha512")
    run(content.uploads.commit("session", digest=digest, size_bytes=3_000_000))
    assert [call for call, _ in watched.log].count("read") == 3


def test_a_chunk_that_is_not_as_long_as_it_says_costs_no_copy(watched: WatchedFileSystem, content: Content) -> None:
    run(upload(content, body=b"x" * 3_000_000))
    for _ in range(3):
        with pytest.raises(UploadInvalid):
            run(content.uploads.append("session", chunks(b"x"), offset=3_000_000, max_bytes=LARGE, expected_bytes=2))
    assert not {"read", "rename"} & {call for call, _ in watched.log}


def test_few_sessions_are_cut_at_one_time(watched: WatchedFileSystem, content: Content) -> None:
    """Each cut finds the next session broken as well, at the moment at which it copies."""
    names = [f"session-{number}" for number in range(MAX_CUTS + 1)]
    ends: list[BaseException | None] = []

    def cut(left: list[str]) -> None:
        def act(call: str, path: str) -> None:
            if call == "rename" and left:
                cut(left[1:])

        if not left:
            return
        watched.fail_when = act
        ends.append(run(survive(content.uploads.append(left[0], chunks(b"!"), offset=5, max_bytes=LARGE))))

    async def begin() -> None:
        for name in names:
            await upload(content, session=name)

    run(begin())
    cut(names)
    assert [type(end) for end in ends] == [Unavailable, *([type(None)] * MAX_CUTS)]
    watched.fail_when = lambda call, path: None
    run(content.uploads.append(names[-1], chunks(b"!"), offset=5, max_bytes=LARGE))


# -- two processes -----------------------------------------------------------------------------------------------------


def test_a_rival_in_another_process_cannot_put_its_bytes_under_a_running_digest(tmp_path: Path) -> None:
    """Ours has hashed its bytes; the rival, at an old offset, replaces them by as many others."""
    ours, rival = open_content(tmp_path), open_content(tmp_path)

    async def story() -> None:
        await upload(ours)
        await rival.uploads.append("session", chunks(b"evil! world"), offset=0, max_bytes=LARGE)
        error = await survive(ours.uploads.commit("session", digest=HELLO, size_bytes=len(BODY)))
        assert isinstance(error, GatewayError)
        assert error.code == "DIGEST_INVALID"

    run(story())
    assert ours.blobs.locate(HELLO) is None


def test_a_session_goes_on_in_another_process(tmp_path: Path) -> None:
    first, second = open_content(tmp_path), open_content(tmp_path)

    async def story() -> None:
        await first.uploads.create("session")
        await first.uploads.append("session", chunks(b"hello"), offset=0, max_bytes=LARGE)
        await second.uploads.append("session", chunks(b" "), offset=5, max_bytes=LARGE)
        await first.uploads.append("session", chunks(b"world"), offset=6, max_bytes=LARGE)
        await second.uploads.commit("session", digest=HELLO, size_bytes=len(BODY))
        assert await first.blobs.read(HELLO, max_bytes=LARGE) == BODY

    run(story())


@pytest.mark.parametrize("taken", [pytest.param("blob", id="became-a-blob"), pytest.param("cut", id="was-cut")])
def test_a_writer_that_opened_the_file_before_it_changed_hands_is_refused(
    watched: WatchedFileSystem, content: Content, taken: str
) -> None:
    """The other process acts between our opening and our lock."""
    other = open_content(watched.root)

    async def there() -> None:
        if taken == "blob":
            await other.uploads.commit("session", digest=HELLO, size_bytes=len(BODY))
        else:
            await other.uploads.append("session", chunks(b"!"), offset=0, max_bytes=LARGE)

    def act(call: str, path: str) -> None:
        if call == "lock":
            watched.fail_when = lambda call, path: None
            run(there())

    async def story() -> None:
        await upload(content)
        watched.fail_when = act
        error = await survive(content.uploads.append("session", chunks(b"evil"), offset=len(BODY), max_bytes=LARGE))
        assert isinstance(error, GatewayError)
        assert error.code == ("BLOB_UPLOAD_UNKNOWN" if taken == "blob" else "BLOB_UPLOAD_INVALID")

    run(story())
    if taken == "blob":
        assert (watched.root / BLOB).read_bytes() == BODY


# -- crashes -----------------------------------------------------------------------------------------------------------


def crash_points(
    root: Path, work: Callable[[Content], Awaitable[object]], prepare: Callable[[Content], Awaitable[object]]
) -> Iterator[Path]:
    """Yield a store for each call of ``work``, left by a process that died just before that call."""
    for number in itertools.count():
        watched = WatchedFileSystem(root / str(number))
        content = opened(watched)
        run(survive(prepare(content)))
        watched.log.clear()
        watched.failures[number] = PowerCut()
        error = run(survive(work(content)))
        if error is None:
            assert number > 5
            return
        assert isinstance(error, PowerCut)
        yield watched.root


async def nothing(content: Content) -> None:
    """No preparation."""


def test_a_commit_that_dies_at_any_call_is_done_again(tmp_path: Path) -> None:
    async def commit(content: Content) -> None:
        await content.uploads.commit("session", digest=HELLO, size_bytes=len(BODY))

    for root in crash_points(tmp_path, commit, upload):
        content = open_content(root)
        blob = Layout(root).blob(HELLO)
        assert not blob.exists() or blob.read_bytes() == BODY
        if (root / "uploads" / "session").exists():
            # A chunk that comes before the retry must not reach the bytes of a blob.
            run(survive(content.uploads.append("session", chunks(b"evil"), offset=len(BODY), max_bytes=LARGE)))
            assert not blob.exists() or blob.read_bytes() == BODY
            run(commit(content))
        assert run(content.blobs.read(HELLO, max_bytes=LARGE)) == BODY
        assert os.listdir(root / "uploads") == []


def test_an_append_that_dies_at_any_call_is_done_again(tmp_path: Path) -> None:
    async def first(content: Content) -> None:
        await content.uploads.create("session")
        await content.uploads.append("session", chunks(b"hello"), offset=0, max_bytes=LARGE)

    async def second(content: Content) -> None:
        await content.uploads.append("session", chunks(b" world"), offset=5, max_bytes=LARGE)

    for root in crash_points(tmp_path, second, first):
        content = open_content(root)
        run(second(content))
        run(content.uploads.commit("session", digest=HELLO, size_bytes=len(BODY)))
        assert run(content.blobs.read(HELLO, max_bytes=LARGE)) == BODY


def test_a_cut_that_dies_at_any_call_is_done_again(tmp_path: Path) -> None:
    async def longer(content: Content) -> None:
        await upload(content, body=BODY + b" and more")

    async def commit(content: Content) -> None:
        await content.uploads.commit("session", digest=HELLO, size_bytes=len(BODY))

    for root in crash_points(tmp_path, commit, longer):
        content = open_content(root)
        if (root / "uploads" / "session").exists():
            run(commit(content))
        assert run(content.blobs.read(HELLO, max_bytes=LARGE)) == BODY
        for held in run(content.uploads.sessions()):
            assert held.session.startswith("cut-")
            run(content.uploads.discard(held.session))
        assert os.listdir(root / "uploads") == []


def test_a_put_that_dies_at_any_call_is_done_again(tmp_path: Path) -> None:
    async def put(content: Content) -> None:
        await content.blobs.put(HELLO, BODY)

    for root in crash_points(tmp_path, put, nothing):
        content = open_content(root)
        blob = Layout(root).blob(HELLO)
        assert not blob.exists() or blob.read_bytes() == BODY
        run(put(content))
        assert run(content.blobs.read(HELLO, max_bytes=LARGE)) == BODY
        for held in run(content.uploads.sessions()):
            run(content.uploads.discard(held.session))
        assert os.listdir(root / "uploads") == []
        assert blob.read_bytes() == BODY


def test_a_store_that_dies_in_the_making_is_made_again(tmp_path: Path) -> None:
    for number in itertools.count():
        watched = WatchedFileSystem(tmp_path / str(number))
        watched.failures[number] = PowerCut()
        try:
            open_content(watched.root, filesystem=watched, nonce=lambda: "aa")
        except PowerCut:
            run(push(open_content(watched.root, nonce=lambda: "bb")))
            continue
        assert number > 5
        return


# -- failures ----------------------------------------------------------------------------------------------------------

ERRORS = [
    pytest.param(errno.ENOSPC, id="no-space"),
    pytest.param(errno.EDQUOT, id="no-quota"),
    pytest.param(errno.EIO, id="io-error"),
    pytest.param(errno.EMFILE, id="no-descriptors"),
    pytest.param(errno.EROFS, id="read-only"),
]


@pytest.mark.parametrize("number", ERRORS)
def test_an_error_at_any_call_is_a_refusal_and_the_next_push_works(tmp_path: Path, number: int) -> None:
    for place in itertools.count():
        watched = WatchedFileSystem(tmp_path / str(place))
        content = opened(watched)
        watched.failures[place] = OSError(number, "injected")
        error = run(survive(push(content)))
        watched.failures.clear()
        if len(watched.log) <= place:
            assert error is None
            break
        failed = watched.log[place]
        if error is None:
            assert failed == ("close", "uploads/session")  # Of the running digest, after the end.
            continue
        assert isinstance(error, StorageFull | StorageFailed | Unavailable), failed
        if isinstance(error, StorageFull | StorageFailed) and place > 1:  # Past the two calls of `create`.
            assert not (watched.root / "uploads" / "session").exists(), failed
        run(push(content, session="next"))
        assert run(content.blobs.read(HELLO, max_bytes=LARGE)) == BODY
        run(content.uploads.discard("session"))
        assert watched.open_files == [], failed


def test_a_full_disk_discards_the_session(watched: WatchedFileSystem, content: Content) -> None:
    async def story() -> None:
        await upload(content)
        watched.fail_when = lambda call, path: OSError(errno.ENOSPC, "full") if call == "write" else None
        error = await survive(content.uploads.append("session", chunks(b"x"), offset=len(BODY), max_bytes=LARGE))
        assert isinstance(error, StorageFull)
        assert await content.uploads.sessions() == []

    run(story())
    assert watched.open_files == []


def test_a_full_disk_found_by_the_sync_discards_the_session(watched: WatchedFileSystem, content: Content) -> None:
    async def story() -> None:
        await upload(content)
        watched.fail_when = lambda call, path: OSError(errno.ENOSPC, "full") if call == "fsync" else None
        assert isinstance(await survive(content.uploads.commit("session", digest=HELLO, size_bytes=11)), StorageFull)
        assert await content.uploads.sessions() == []
        assert content.blobs.locate(HELLO) is None

    run(story())


@pytest.mark.parametrize("where", ["uploads/session", LEAF, "blobs/sha256", "blobs", "."])
def test_a_failed_sync_is_not_tried_again(watched: WatchedFileSystem, content: Content, where: str) -> None:
    def fail(call: str, path: str) -> OSError | None:
        return OSError(errno.EIO, "injected") if (call, path) == ("fsync", where) else None

    async def story() -> None:
        await upload(content)
        watched.fail_when = fail
        assert isinstance(await survive(content.uploads.commit("session", digest=HELLO, size_bytes=11)), StorageFailed)

    run(story())
    assert watched.log.count(("fsync", where)) == 1
    assert not (watched.root / "uploads" / "session").exists()


def test_short_writes_are_continued(watched: WatchedFileSystem, content: Content) -> None:
    watched.most_per_write = 1
    run(push(content))
    assert (watched.root / BLOB).read_bytes() == BODY


@pytest.mark.parametrize(
    ("number", "refusal"),
    [pytest.param(errno.EIO, StorageFailed, id="io-error"), pytest.param(errno.EACCES, Unavailable, id="wrong-owner")],
)
def test_a_look_that_fails_is_not_an_absence(
    watched: WatchedFileSystem, content: Content, number: int, refusal: type[GatewayError]
) -> None:
    run(push(content))
    watched.fail_when = lambda call, path: OSError(number, "injected") if call == "lstat" else None
    with pytest.raises(refusal):
        content.blobs.locate(HELLO)
    assert isinstance(run(survive(content.blobs.stat(HELLO))), refusal)


def test_a_failure_to_take_back_is_not_hidden(watched: WatchedFileSystem, content: Content) -> None:
    async def leaves() -> BaseException | None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"x" * 2_000_000
            watched.fail_when = lambda call, path: OSError(errno.EIO, "injected") if call == "truncate" else None
            raise ConnectionError

        await upload(content)
        return await survive(content.uploads.append("session", parts(), offset=len(BODY), max_bytes=LARGE))

    assert isinstance(run(leaves()), StorageFailed)
    assert watched.open_files == ["session"]


@pytest.mark.parametrize("call", ["create", "write", "rename"])
def test_a_full_disk_in_a_cut_discards_the_session(watched: WatchedFileSystem, content: Content, call: str) -> None:
    async def story(again: Callable[[], Awaitable[object]]) -> None:
        await upload(content)
        watched.fail_when = lambda name, path: OSError(errno.ENOSPC, "full") if name == call else None
        assert isinstance(await survive(again()), StorageFull)
        assert await content.uploads.sessions() == []
        watched.fail_when = lambda name, path: None

    run(story(lambda: content.uploads.append("session", chunks(b"x"), offset=5, max_bytes=LARGE)))
    run(story(lambda: content.uploads.commit("session", digest=Digest.of(b"hello"), size_bytes=5)))
    assert watched.open_files == []


@pytest.mark.parametrize("call", ["create", "write", "fsync", "mkdir", "link"])
def test_a_put_that_fails_leaves_nothing(watched: WatchedFileSystem, content: Content, call: str) -> None:
    watched.fail_when = lambda name, path: OSError(errno.ENOSPC, "full") if name == call else None
    assert isinstance(run(survive(content.blobs.put(HELLO, BODY))), StorageFull | StorageFailed)
    assert content.blobs.locate(HELLO) is None
    assert run(content.uploads.sessions()) == []
    assert watched.open_files == []


# -- what does not belong ----------------------------------------------------------------------------------------------


def test_row_70_foreign_files_are_neither_blobs_nor_sessions(tmp_path: Path, content: Content) -> None:
    run(push(content))
    strange = Digest("sha256", "ab" + "0" * 62)
    leaf = Layout(tmp_path).blob(strange).parent
    leaf.mkdir(parents=True, exist_ok=True)
    (leaf / strange.hex).symlink_to(tmp_path / BLOB)
    (leaf / "README").write_bytes(b"")
    directory = Digest("sha256", "ab" + "1" * 62)
    (leaf / directory.hex).mkdir()
    (tmp_path / "uploads" / ".swp").write_bytes(b"")
    (tmp_path / "uploads" / "folder").mkdir()
    (tmp_path / "uploads" / "link").symlink_to(tmp_path / BLOB)

    async def story() -> None:
        assert await content.uploads.sessions() == []
        for digest in (strange, directory):
            assert await content.blobs.stat(digest) is None
            assert content.blobs.locate(digest) is None
        error = await survive(content.uploads.append("link", chunks(b"evil"), offset=len(BODY), max_bytes=LARGE))
        assert isinstance(error, Unavailable)
        await push(content, session="again")

    run(story())
    assert (tmp_path / BLOB).read_bytes() == BODY


def test_a_folder_in_the_place_of_a_blob_is_a_refusal(tmp_path: Path, content: Content) -> None:
    (tmp_path / BLOB).mkdir(parents=True)
    assert isinstance(run(survive(push(content))), Unavailable)
    assert (tmp_path / BLOB).is_dir()


def test_a_damaged_blob_is_not_served_as_content(tmp_path: Path, content: Content) -> None:
    run(push(content))
    (tmp_path / BLOB).write_bytes(b"hellO world")
    error = run(survive(content.blobs.read(HELLO, max_bytes=LARGE)))
    assert isinstance(error, Internal)


def test_a_blob_of_the_wrong_length_is_mended_by_the_next_push(tmp_path: Path, content: Content) -> None:
    """What a power cut leaves of a store that renamed before it synced: the name, and no bytes."""
    run(push(content))
    (tmp_path / BLOB).write_bytes(b"")
    run(push(content))
    assert run(content.blobs.read(HELLO, max_bytes=LARGE)) == BODY
    assert os.listdir(tmp_path / "uploads") == []


def test_a_blob_that_vanishes_between_look_and_opening_is_unknown(watched: WatchedFileSystem, content: Content) -> None:
    run(push(content))

    def vanish(call: str, path: str) -> None:
        if (call, path) == ("open", BLOB):
            (watched.root / BLOB).unlink()

    watched.fail_when = vanish
    error = run(survive(content.blobs.read(HELLO, max_bytes=LARGE)))
    assert isinstance(error, GatewayError)
    assert error.code == "BLOB_UNKNOWN"


def test_a_session_that_vanishes_while_they_are_listed_is_left_out(
    watched: WatchedFileSystem, content: Content
) -> None:
    run(upload(content))

    def vanish(call: str, path: str) -> None:
        if (call, path) == ("lstat", "uploads/session"):
            (watched.root / path).unlink()

    watched.fail_when = vanish
    assert run(content.uploads.sessions()) == []


def test_a_session_with_a_second_name_takes_no_more_bytes(
    tmp_path: Path, watched: WatchedFileSystem, content: Content
) -> None:
    """A crash between a blob's name and the end of its session."""
    run(upload(content))
    Layout(tmp_path).blob(HELLO).parent.mkdir(parents=True)
    os.link(tmp_path / "uploads" / "session", tmp_path / BLOB)
    error = run(survive(content.uploads.append("session", chunks(b"evil"), offset=len(BODY), max_bytes=LARGE)))
    assert isinstance(error, UploadInvalid)
    assert "truncate" not in [call for call, _ in watched.log]
    run(content.uploads.append("session", chunks(b"more"), offset=5, max_bytes=LARGE))
    assert (tmp_path / BLOB).read_bytes() == BODY
