"""The catalog's files are those that were opened, or the process must not go on."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.presence import FILES, OpenedFiles
from gateway.errors import StorageFailed, Unavailable
from tests.support.catalog_file import add, database_in

EACH = pytest.mark.parametrize("suffix", FILES)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Its three files, in a folder of their own."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "catalog.sqlite"
    for suffix in FILES:
        path.with_name(path.name + suffix).write_bytes(b"1")
    return path


def one(catalog: Path, suffix: str) -> Path:
    return catalog.with_name(catalog.name + suffix)


def remove(file: Path) -> None:
    file.unlink()


def replace(file: Path) -> None:
    """Put a copy in its place, as who restores a backup does."""
    other = file.with_name("restored")
    shutil.copy(file, other)
    other.rename(file)


def empty_in_its_place(file: Path) -> None:
    file.rename(file.with_name("moved"))
    file.touch()


CHANGES = pytest.mark.parametrize("change", [remove, replace, empty_in_its_place])


@EACH
def test_one_that_is_written_to_is_the_same(catalog: Path, suffix: str) -> None:
    opened = OpenedFiles(catalog)
    one(catalog, suffix).write_bytes(b"23")
    opened.check()


@EACH
@CHANGES
def test_one_that_is_gone_or_another_has_failed(catalog: Path, suffix: str, change: Callable[[Path], None]) -> None:
    opened = OpenedFiles(catalog)
    change(one(catalog, suffix))
    with pytest.raises(StorageFailed) as caught:
        opened.check()
    assert "/" not in caught.value.message


@EACH
def test_what_is_not_there_cannot_be_watched(catalog: Path, suffix: str) -> None:
    one(catalog, suffix).unlink()
    with pytest.raises(StorageFailed):
        OpenedFiles(catalog)


def test_one_whose_folder_was_moved_has_failed(catalog: Path) -> None:
    opened = OpenedFiles(catalog)
    catalog.parent.rename(catalog.parent.with_name("elsewhere"))
    with pytest.raises(StorageFailed):
        opened.check()


def test_one_that_cannot_be_looked_at_may_be_there(catalog: Path) -> None:
    opened = OpenedFiles(catalog)
    moved = catalog.parent.with_name("elsewhere")
    catalog.parent.rename(moved)
    catalog.parent.symlink_to(catalog.parent.name)  # a loop
    with pytest.raises(Unavailable):
        opened.check()


def test_the_folder_that_a_process_is_in_does_not_matter(catalog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(catalog.parent)
    opened = OpenedFiles(Path(catalog.name))
    monkeypatch.chdir(catalog.parent.parent)
    opened.check()


@EACH
@CHANGES
def test_behind_a_link_sqlite_writes_beside_the_file(
    catalog: Path, suffix: str, change: Callable[[Path], None]
) -> None:
    link = catalog.parent.parent / "link.sqlite"
    link.symlink_to(catalog)
    opened = OpenedFiles(link)
    opened.check()
    change(one(catalog, suffix))
    with pytest.raises(StorageFailed):
        opened.check()


def test_a_link_that_leads_elsewhere_has_failed(catalog: Path) -> None:
    link, other = catalog.parent.parent / "link.sqlite", catalog.with_name("other.sqlite")
    link.symlink_to(catalog)
    opened = OpenedFiles(link)
    for suffix in FILES:
        shutil.copy(one(catalog, suffix), one(other, suffix))
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(StorageFailed):
        opened.check()


# -- of a catalog


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with database_in(tmp_path / "catalog.sqlite") as database:
        yield database


@EACH
@CHANGES
def test_nothing_is_acknowledged_once_a_file_is_gone(
    database: Database, suffix: str, change: Callable[[Path], None]
) -> None:
    assert asyncio.run(database.write(add("before"))) == "before"
    change(one(database.path, suffix))
    for name in ("first", "second"):
        with pytest.raises(StorageFailed):
            asyncio.run(database.write(add(name)))
    assert database.failed
    with pytest.raises(StorageFailed):
        database.files.check()


@EACH
def test_nothing_is_acknowledged_of_a_batch_during_which_a_file_goes(database: Database, suffix: str) -> None:
    def going(connection: sqlite3.Connection) -> str:
        one(database.path, suffix).unlink()
        return add("going")(connection)

    async def story() -> list[object]:
        writes = [database.write(change) for change in (add("a"), going, add("b"))]
        return await asyncio.gather(*writes, return_exceptions=True)

    first, *rest = asyncio.run(story())
    # Each may have had a transaction of its own: the first one was durable then.
    assert first == "a" or isinstance(first, StorageFailed)
    assert all(isinstance(each, StorageFailed) for each in rest)


def test_a_checkpoint_and_what_other_processes_do_keep_the_files(database: Database) -> None:
    asyncio.run(database.write(add("a")))
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.execute("INSERT INTO signer (identity, name) VALUES ('other', 'n')")
    other.execute("VACUUM")
    other.close()
    assert asyncio.run(database.write(add("b"))) == "b"
    database.files.check()


def test_a_catalog_that_is_opened_again_is_watched_from_then_on(tmp_path: Path) -> None:
    """All three are there once it is open, and no second one closes them."""
    path = tmp_path / "catalog.sqlite"
    first = Database(path)
    first.create_tables()
    second = Database(path)
    asyncio.run(first.close())
    assert asyncio.run(second.write(add("a"))) == "a"
    asyncio.run(second.close())
    third = Database(path)
    assert asyncio.run(third.write(add("b"))) == "b"
    asyncio.run(third.close())
