"""The folder of a store: made, recognised, refused."""

import errno
import os
import stat
from pathlib import Path

import pytest

from gateway.content import layout
from gateway.content.layout import FORMAT, Layout, is_session
from gateway.errors import ConfigInvalid, StorageFailed, StorageFull, UploadUnknown
from gateway.oci.digest import Digest
from tests.support.content import WatchedFileSystem


def prepare(root: Path, *, filesystem: WatchedFileSystem | None = None) -> Layout:
    return layout.prepare(root, filesystem=filesystem or WatchedFileSystem(root), nonce="00ff")


def test_a_store_is_made_for_nobody_else(tmp_path: Path) -> None:
    made = prepare(tmp_path / "store")
    assert (made.root / "format").read_bytes() == FORMAT
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (made.root, *made.root.iterdir())}
    assert modes == {"store": 0o700, "blobs": 0o700, "uploads": 0o700, "format": 0o600}


def test_a_store_is_durable_before_it_is_used(tmp_path: Path) -> None:
    watched = WatchedFileSystem(tmp_path / "store")
    prepare(tmp_path / "store", filesystem=watched)
    changes = [entry for entry in watched.log if entry[0] in {"mkdir", "create", "write", "fsync", "link", "unlink"}]
    assert changes == [
        ("mkdir", "."),
        ("fsync", str(tmp_path)),
        ("mkdir", "uploads"),
        ("fsync", "."),
        ("mkdir", "blobs"),
        ("fsync", "."),
        ("create", "format.00ff"),
        ("write", "format.00ff"),
        ("fsync", "format.00ff"),
        ("link", "format"),
        ("unlink", "format.00ff"),
        ("fsync", "."),
    ]
    assert watched.open_files == []


def test_a_store_is_recognised(tmp_path: Path) -> None:
    prepare(tmp_path)
    watched = WatchedFileSystem(tmp_path)
    assert prepare(tmp_path, filesystem=watched) == Layout(tmp_path)
    assert "create" not in {call for call, _ in watched.log}


def test_two_processes_may_make_it_at_once(tmp_path: Path) -> None:
    """The other one finishes between our look at the marker and our own."""
    watched = WatchedFileSystem(tmp_path)

    def other(call: str, path: str) -> None:
        if call == "link":
            watched.fail_when = lambda call, path: None
            layout.prepare(tmp_path, filesystem=watched, nonce="11")

    watched.fail_when = other
    prepare(tmp_path, filesystem=watched)
    assert sorted(os.listdir(tmp_path)) == ["blobs", "format", "uploads"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        pytest.param("thesis.txt", b"", id="somebody's-folder"),
        pytest.param("docker", b"", id="another-registry"),
        pytest.param("format", b"registry-gateway content store, version 2\n", id="another-version"),
        pytest.param("format", b"", id="an-empty-marker"),
    ],
)
def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path, name: str, body: bytes) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(ConfigInvalid):
        prepare(tmp_path)
    assert os.listdir(tmp_path) == [name]


def test_an_empty_file_system_of_its_own_is_taken(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    prepare(tmp_path)


@pytest.mark.parametrize("where", [pytest.param("absent/store", id="no-parent"), pytest.param("file", id="a-file")])
def test_a_place_where_no_folder_can_be_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigInvalid) as caught:
        prepare(tmp_path / where)
    assert str(tmp_path / where) in caught.value.message


@pytest.mark.parametrize(
    ("number", "refusal"),
    [
        pytest.param(errno.ENOSPC, StorageFull, id="full"),
        pytest.param(errno.EIO, StorageFailed, id="broken"),
        pytest.param(errno.EROFS, ConfigInvalid, id="read-only"),
        pytest.param(errno.EPERM, ConfigInvalid, id="no-hard-links"),
    ],
)
def test_a_call_that_fails_is_a_refusal_to_start(tmp_path: Path, number: int, refusal: type[Exception]) -> None:
    watched = WatchedFileSystem(tmp_path)
    watched.fail_when = lambda call, path: OSError(number, "injected") if call == "link" else None
    with pytest.raises(refusal):
        prepare(tmp_path, filesystem=watched)
    assert watched.open_files == []


def test_paths_are_made_of_checked_parts() -> None:
    paths = Layout(Path("root"))
    digest = Digest("sha512", "ab" + "0" * 126)
    assert paths.blob(digest) == Path("root/blobs/sha512/ab") / digest.hex
    assert paths.upload("a_B-9") == Path("root/uploads/a_B-9")
    for name in ("..", ".", "a.b", "a/b", ""):
        assert not is_session(name)
        with pytest.raises(UploadUnknown):
            paths.upload(name)
