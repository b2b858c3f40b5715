"""The catalog's file is the one that was opened, or the process must not go on."""

from pathlib import Path

import pytest

from gateway.catalog.sqlite.presence import OpenedFile
from gateway.errors import StorageFailed, Unavailable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "catalog.sqlite"
    path.write_bytes(b"1")
    return path


def test_one_that_is_written_to_is_the_same(file: Path) -> None:
    opened = OpenedFile(file)
    file.write_bytes(b"23")
    opened.check()


def test_one_that_is_gone_has_failed(file: Path) -> None:
    opened = OpenedFile(file)
    file.unlink()
    with pytest.raises(StorageFailed):
        opened.check()
    with pytest.raises(StorageFailed):
        OpenedFile(file)


def test_one_whose_folder_was_moved_has_failed(file: Path) -> None:
    opened = OpenedFile(file)
    file.parent.rename(file.parent.with_name("elsewhere"))
    with pytest.raises(StorageFailed):
        opened.check()


def test_one_that_was_replaced_has_failed(file: Path) -> None:
    opened = OpenedFile(file)
    other = file.with_name("restored")
    other.write_bytes(file.read_bytes())
    other.rename(file)
    with pytest.raises(StorageFailed):
        opened.check()


def test_one_that_cannot_be_looked_at_may_be_there(file: Path) -> None:
    opened = OpenedFile(file)
    moved = file.parent.with_name("elsewhere")
    file.parent.rename(moved)
    file.parent.symlink_to(file.parent.name)  # a loop
    with pytest.raises(Unavailable):
        opened.check()


def test_no_sentence_names_a_path(file: Path) -> None:
    opened = OpenedFile(file)
    file.unlink()
    with pytest.raises(StorageFailed) as caught:
        opened.check()
    assert "/" not in caught.value.message
