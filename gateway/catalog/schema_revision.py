"""Which form the tables of a catalog have, and whether this program may open it.

Apart from `gateway.catalog.upgrade`, which loads Alembic: every worker asks this when it starts.

I/O: reads the database file; never creates one.
"""

import sqlite3
from pathlib import Path
from typing import Final

from gateway.catalog.sqlite.connection import open_connection
from gateway.catalog.sqlite.faults import refusal_of
from gateway.errors import ConfigInvalid

HEAD: Final = "0001"
"""The newest step in `gateway/catalog/migrations/versions`; a test holds the two together."""


def head() -> str:
    """Return the revision that this program works with."""
    return HEAD


def current(path: Path, *, busy_seconds: float = 10.0) -> str | None:
    """Return the revision of the catalog at ``path``; None where there is no catalog, or an empty file.

    Raises `ConfigInvalid` for a file that is something else, `Unavailable` where it cannot be read now.
    """
    if not path.exists():
        return None
    connection = open_connection(path, busy_seconds=busy_seconds, writes=False)
    try:
        return read_revision(connection, path)
    except sqlite3.Error as error:
        raise refusal_of(error) from error
    finally:
        connection.close()


def read_revision(connection: sqlite3.Connection, path: Path) -> str | None:
    """Return the revision, None for an empty database. Raises `ConfigInvalid` for tables without exactly one."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    rows = (
        connection.execute("SELECT version_num FROM alembic_version").fetchall() if "alembic_version" in tables else []
    )
    if len(rows) != 1:
        raise ConfigInvalid(f"{path} is a database, but not a catalog of registry-gateway")
    return str(rows[0][0])


def require_head(path: Path) -> None:
    """Raise `ConfigInvalid`, with what to type, unless the catalog at ``path`` has the form this program works with.

    Never upgrades by itself: with several workers or versions on one catalog, that is a person's decision.
    """
    found = current(path)
    if found == HEAD:
        return
    if found is None:
        raise ConfigInvalid(
            f"there is no catalog at {path}: type `registry-gateway init`, or `registry-gateway upgrade`"
        )
    if found > HEAD:
        raise ConfigInvalid(
            f"the catalog {path} is at revision {found}, made by a newer registry-gateway than this one ({HEAD}):"
            " install that version, or restore a backup"
        )
    raise ConfigInvalid(
        f"the catalog {path} is at revision {found} and this version needs {HEAD}: stop the gateway, make a backup and"
        " type `registry-gateway upgrade`"
    )
