"""One statement for many keys: each key counts once, however long the list is and with whatever it was padded."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.catalog.sqlite.many import change_in, select_in

ROWS = 600
LENGTHS = [0, 1, 4, 5, 32, 33, 256, 257, ROWS]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.execute("CREATE TABLE thing (place INTEGER, key INTEGER, seen INTEGER NOT NULL DEFAULT 0)")
        opened.executemany(
            "INSERT INTO thing (place, key) VALUES (?, ?)", [(p, k) for p in (1, 2) for k in range(ROWS)]
        )
        yield opened


@pytest.mark.parametrize("length", LENGTHS)
def test_each_key_is_found_once_and_in_its_place_only(connection: sqlite3.Connection, length: int) -> None:
    found = select_in(connection, "SELECT place, key FROM thing WHERE place = ? AND key IN ({keys})", range(length), 1)
    assert sorted(map(tuple, found)) == [(1, key) for key in range(length)]


@pytest.mark.parametrize("length", LENGTHS)
def test_each_key_is_changed_once_and_counted_once(connection: sqlite3.Connection, length: int) -> None:
    statement = "UPDATE thing SET seen = seen + 1 WHERE place = ? AND key IN ({keys})"
    assert change_in(connection, statement, range(length), 1) == length
    changed = connection.execute("SELECT place, key, seen FROM thing WHERE seen > 0 ORDER BY key").fetchall()
    assert changed == [(1, key, 1) for key in range(length)]


def test_what_was_there_is_not_counted(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE UNIQUE INDEX ux ON thing (place, key)")
    statement = """INSERT INTO thing (place, key) SELECT t.place + 1, t.key FROM thing t
    WHERE t.place = ? AND t.key IN ({keys}) ON CONFLICT DO NOTHING"""
    connection.execute("DELETE FROM thing WHERE place = 2 AND key >= 7")
    assert change_in(connection, statement, range(10), 1) == 3
    assert change_in(connection, statement, range(10), 1) == 0
