"""What an error of SQLite means to a caller.

Pure: no I/O.
Source: sqlite.org/rescode.html.
"""

import sqlite3
from typing import Final, TypeAlias

from gateway.errors import ConfigInvalid, GatewayError, Internal, StorageFailed, StorageFull, Unavailable

_AGAIN: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM})
_BROKEN: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT})

# Nothing was written yet where a file cannot be opened or memory be had, so nothing is in doubt: the transaction is undone,
# and the caller may come back. It passes, as soon as a descriptor is free; and whoever opens connections must not be able
# to end the process. Where it lasts, every write is a 503 and a line of the log, while pulls go on. A catalog that is gone
# is no such error, since the files are open by then: `gateway.catalog.sqlite.presence` looks for that and ends the process.
_EXHAUSTED: Final = frozenset({sqlite3.SQLITE_CANTOPEN})
_EXHAUSTED_EXTENDED: Final = frozenset({sqlite3.SQLITE_IOERR_NOMEM, sqlite3.SQLITE_IOERR_GETTEMPPATH})
"""Extended codes of an I/O error that is none."""

_PRIMARY: Final = 0xFF  # an extended result code carries its primary one in the low byte


SqliteError: TypeAlias = sqlite3.Error | MemoryError
"""What a statement raises: Python's own error where SQLite has no memory, and not one of `sqlite3`'s."""


def refusal_of(error: SqliteError) -> GatewayError:
    """Return the refusal that ``error`` is. Anything unknown is a surprise, hence `Internal`, never a retry."""
    if isinstance(error, MemoryError):
        return Unavailable("the catalog has no memory left")
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & _PRIMARY
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if primary in _AGAIN:
        return Unavailable(f"the catalog is busy ({name})")
    if primary in _EXHAUSTED or code in _EXHAUSTED_EXTENDED:
        return Unavailable(f"the catalog lacks a file or memory ({name})")
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull("no space left for the catalog")
    if primary in _BROKEN:
        return StorageFailed(f"the catalog failed ({name}): {error}")
    if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY):
        return ConfigInvalid(f"the catalog cannot be used ({name}): {error}")
    return Internal(f"the catalog refused a statement ({name}): {error}")
