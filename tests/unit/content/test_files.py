"""System calls: what their failures mean, and the real ones."""

import errno
from pathlib import Path

import pytest

from gateway.content import files
from gateway.content.files import CREATE, READ, WRITE, OsFileSystem
from gateway.errors import GatewayError, StorageFailed, StorageFull, Unavailable
from tests.support.content import WatchedFileSystem


@pytest.mark.parametrize(
    ("number", "refusal"),
    [
        pytest.param(errno.ENOSPC, StorageFull, id="no-space"),
        pytest.param(errno.EDQUOT, StorageFull, id="no-quota"),
        pytest.param(errno.EIO, StorageFailed, id="io-error"),
        pytest.param(errno.EMFILE, Unavailable, id="no-descriptors"),
        pytest.param(errno.EROFS, Unavailable, id="read-only"),
        pytest.param(errno.EACCES, Unavailable, id="wrong-owner"),
    ],
)
def test_a_failed_call_has_one_meaning(number: int, refusal: type[GatewayError]) -> None:
    with pytest.raises(refusal) as caught, files.failures():
        raise OSError(number, "injected", "/a/secret/path")
    assert "secret" not in caught.value.message


def test_an_error_without_a_number_is_a_refusal_too() -> None:
    assert isinstance(files.meaning(OSError("odd")), Unavailable)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EINTR])
def test_a_failed_sync_is_fatal_whatever_the_error(tmp_path: Path, number: int) -> None:
    watched = WatchedFileSystem(tmp_path)
    watched.fail_when = lambda call, path: OSError(number, "injected") if call == "fsync" else None
    with pytest.raises(StorageFailed):
        files.sync_directory(watched, tmp_path)
    assert [call for call, _ in watched.log] == ["open", "fsync", "close"]


def test_short_writes_are_continued(tmp_path: Path) -> None:
    watched = WatchedFileSystem(tmp_path)
    watched.most_per_write = 3
    fd = watched.open(tmp_path / "file", CREATE)
    files.write_all(watched, fd, b"hello world", offset=0)
    assert b"".join(files.read_pieces(watched, fd, size=5)) == b"hello"
    assert b"".join(files.read_pieces(watched, fd, size=99)) == b"hello world"
    watched.close(fd)
    assert [call for call, _ in watched.log].count("write") == 4


def test_a_write_that_writes_nothing_does_not_loop(tmp_path: Path) -> None:
    watched = WatchedFileSystem(tmp_path)
    watched.most_per_write = 0
    fd = watched.open(tmp_path / "file", CREATE)
    with pytest.raises(StorageFailed), files.failures():
        files.write_all(watched, fd, b"x", offset=0)
    watched.close(fd)


def test_locks_hold_between_two_openings(tmp_path: Path) -> None:
    system = OsFileSystem()
    path = tmp_path / "file"
    first = system.open(path, CREATE)
    second = system.open(path, WRITE)
    assert system.try_lock(first)
    assert not system.try_lock(second)
    system.unlock(first)
    assert system.try_lock(second)
    system.close(first)
    system.close(second)


def test_links_are_not_followed(tmp_path: Path) -> None:
    system = OsFileSystem()
    (tmp_path / "target").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for flags in (READ, WRITE):
        with pytest.raises(OSError, match="symbolic") as caught:
            system.open(tmp_path / "link", flags)
        assert caught.value.errno == errno.ELOOP
