"""Running digests: good for one session, one length and one file."""

import hashlib
import os
from pathlib import Path

from gateway.content.files import CREATE
from gateway.content.running import RunningDigests
from tests.support.content import WatchedFileSystem


def keep(running: RunningDigests, watched: WatchedFileSystem, name: str, body: bytes) -> os.stat_result:
    """Remember ``body`` as the bytes of a new file; return the file's status."""
    fd = watched.open(watched.root / name, CREATE)
    running.keep("session", size=len(body), sha256=hashlib.sha256(body), fd=fd)
    return os.stat(watched.root / name)


def test_a_state_is_found_for_its_file_and_length_only(tmp_path: Path) -> None:
    watched = WatchedFileSystem(tmp_path)
    running = RunningDigests(filesystem=watched)
    file = keep(running, watched, "a", b"hello")
    (tmp_path / "b").write_bytes(b"")
    found = running.find("session", size=5, file=file)
    assert found is not None
    assert found.hexdigest() == hashlib.sha256(b"hello").hexdigest()
    assert running.find("session", size=4, file=file) is None
    assert running.find("other", size=5, file=file) is None
    assert running.find("session", size=5, file=os.stat(tmp_path / "b")) is None
    running.drop("session")
    assert running.find("session", size=5, file=file) is None


def test_a_found_state_is_a_copy(tmp_path: Path) -> None:
    watched = WatchedFileSystem(tmp_path)
    running = RunningDigests(filesystem=watched)
    file = keep(running, watched, "a", b"hello")
    for _ in range(2):
        found = running.find("session", size=5, file=file)
        assert found is not None
        assert found.hexdigest() == hashlib.sha256(b"hello").hexdigest()
        found.update(b"more")
    running.drop("session")


def test_nothing_has_a_known_state(tmp_path: Path) -> None:
    found = RunningDigests(filesystem=WatchedFileSystem(tmp_path)).find("any", size=0, file=os.stat(tmp_path))
    assert found is not None
    assert found.hexdigest() == hashlib.sha256().hexdigest()


def test_files_are_closed_when_a_state_is_replaced_dropped_or_crowded_out(tmp_path: Path) -> None:
    watched = WatchedFileSystem(tmp_path)
    running = RunningDigests(filesystem=watched, max_states=2)
    for number in range(4):
        fd = watched.open(tmp_path / str(number), CREATE)
        running.keep(f"session-{number}", size=1, sha256=hashlib.sha256(b"x"), fd=fd)
    assert watched.open_files == ["2", "3"]
    fd = watched.open(tmp_path / "new", CREATE)
    running.keep("session-3", size=2, sha256=hashlib.sha256(b"xy"), fd=fd)
    assert watched.open_files == ["2", "new"]
    running.drop("session-2")
    running.drop("session-2")
    assert watched.open_files == ["new"]
    running.drop("session-3")
    assert watched.open_files == []
