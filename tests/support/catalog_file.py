"""The one file of a catalog by itself: opened, and written to by the smallest change that there is.

I/O: the file.
"""

import asyncio
import atexit
import functools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.catalog.sqlite.database import Database


def kept_folder(prefix: str) -> Path:
    """Return a new folder that is there until this process ends: for what several tests start from."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def _empty() -> Path:
    path = kept_folder("catalog-") / "empty.db"
    database = Database(path)
    database.create_tables()
    asyncio.run(database.close())
    return path


def with_tables(path: Path) -> Path:
    """Write a catalog with all tables and nothing in them to ``path``; return it.

    A copy of one that this process made: sixty statements, each with an fsync of its own, were most of what a test cost.
    """
    return Path(shutil.copy(_empty(), path))


@contextmanager
def database_in(path: Path) -> Iterator[Database]:
    """Give a database with its tables in ``path``, which must not be there, and close it."""
    database = Database(with_tables(path))
    try:
        yield database
    finally:
        asyncio.run(database.close())


def add(name: str) -> Callable[[sqlite3.Connection], str]:
    """Return a change that adds the row ``name`` and returns the name; a second one of that name fails."""

    def change(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO signer (identity, name) VALUES (?, 'n')", (name,))
        return name

    return change
