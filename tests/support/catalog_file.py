"""The one file of a catalog by itself: opened, and written to by the smallest change that there is.

I/O: the file.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.catalog.sqlite.database import Database


@contextmanager
def database_in(path: Path) -> Iterator[Database]:
    """Give a database with its tables in ``path``, and close it."""
    database = Database(path)
    database.create_tables()
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
