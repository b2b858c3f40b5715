"""How a connection to the catalog's file is opened, and what is checked before anybody may use it.

Every connection is asked back what it was told: SQLite ignores an unknown or impossible pragma without a word.

I/O: the database file.
Source: DESIGN 4; sqlite.org/pragma.html; sqlite.org/howtocorrupt.html, section 2.2 (POSIX locks).
"""

import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from gateway.catalog.sqlite.faults import refusal_of
from gateway.errors import ConfigInvalid, Unavailable

MINIMUM_SQLITE: Final = (3, 38, 0)
"""RETURNING, UPSERT, and JSON functions that are always there."""

_WAL_LIMIT_BYTES: Final = 64 * 1024 * 1024
_CACHE_KIB: Final = 32 * 1024
SETTING_TRIES: Final = 40
SETTING_PAUSE_SECONDS: Final = 0.05


def check_version() -> None:
    """Raise `ConfigInvalid` where this Python's SQLite lacks what the catalog's statements use."""
    if sqlite3.sqlite_version_info < MINIMUM_SQLITE:
        raise ConfigInvalid(f"SQLite {sqlite3.sqlite_version} is too old: at least 3.38 is needed")


def create_private(path: Path) -> None:
    """Create the file readable by its owner alone, if it is not there: it holds password hashes.

    An existing file is not opened: closing *any* descriptor of it would drop this process's POSIX locks on it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigInvalid(f"the catalog {path} cannot be created: {error.strerror}") from error


def open_connection(path: Path, *, busy_seconds: float, writes: bool) -> sqlite3.Connection:
    """Return a connection without implicit transactions. Raises `Unavailable`, `ConfigInvalid`, `StorageFailed`."""
    try:
        connection = sqlite3.connect(
            path, timeout=busy_seconds, isolation_level=None, check_same_thread=False, cached_statements=512
        )
    except sqlite3.Error as error:
        raise Unavailable(f"the catalog {path} cannot be opened: {error}") from error
    try:
        _set_up(connection, path, writes=writes)
    except sqlite3.Error as error:
        connection.close()
        raise refusal_of(error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(connection: sqlite3.Connection, path: Path, *, writes: bool) -> None:
    """Set what the promises rest on, and read it back. Raises `ConfigInvalid` where SQLite did something else."""
    wanted: dict[str, tuple[str, object]] = {
        "journal_mode": ("WAL", "wal"),  # not available on some network file systems
        "synchronous": ("FULL", 2),
        "foreign_keys": ("ON", 1),
        # A commit must not need a descriptor, or room in /tmp: both are had by whoever takes them first.
        "temp_store": ("MEMORY", 2),
        "query_only": ("OFF" if writes else "ON", 0 if writes else 1),
    }
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
    connection.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT_BYTES}")
    for name, (value, answer) in wanted.items():
        _set(connection, f"PRAGMA {name}={value}")
        found = connection.execute(f"PRAGMA {name}").fetchone()
        if found is None or found[0] != answer:
            raise ConfigInvalid(f"the catalog {path} cannot have {name}={value}: SQLite answers {found}")
    # The first read opens the write-ahead log and keeps it, and no other process may remove it from then on.
    connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()


def _set(connection: sqlite3.Connection, pragma: str) -> None:
    """Execute a pragma, again while another connection makes the file one with a WAL: SQLite waits for no lock there."""
    for last in (*[False] * SETTING_TRIES, True):
        try:
            connection.execute(pragma)
            return
        except sqlite3.OperationalError as error:
            if last or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(SETTING_PAUSE_SECONDS)
