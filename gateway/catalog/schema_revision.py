"""Which form the tables of a catalog have, and whether this program may open it.

The revision that it names, and its tables themselves (`gateway.catalog.schema_form`): both must be this program's.
Apart from `gateway.catalog.upgrade`, which loads Alembic: every worker asks this when it starts.

I/O: reads the database file; never creates one.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from gateway.catalog.schema_form import differences
from gateway.catalog.sqlite.connection import open_connection
from gateway.catalog.sqlite.faults import refusal_of
from gateway.errors import ConfigInvalid

HEAD: Final = "0001"
"""The newest step in `gateway/catalog/migrations/versions`; a test holds the two together."""

_NAMED: Final = 5
"""Of the differences: enough to see what is wrong, in one sentence."""

T = TypeVar("T")


def head() -> str:
    """Return the revision that this program works with."""
    return HEAD


def current(path: Path, *, busy_seconds: float = 10.0) -> str | None:
    """Return the revision of the catalog at ``path``; None where there is no catalog, or an empty file.

    Raises `ConfigInvalid` for a file that is something else, `Unavailable` where it cannot be read now.
    """
    if not path.exists():
        return None
    return _asked(path, read_revision, busy_seconds=busy_seconds)


def _asked(path: Path, question: Callable[[sqlite3.Connection, Path], T], *, busy_seconds: float) -> T:
    """Return the answer to a question of several statements, in one snapshot."""
    connection = open_connection(path, busy_seconds=busy_seconds, writes=False)
    try:
        connection.execute("BEGIN")
        return question(connection, path)
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


def require_form(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `ConfigInvalid`, with what differs and what to do, where a catalog of this revision has other tables.

    No step leads from there: which tables it has instead, no revision says.
    """
    found = differences(connection)
    if not found:
        return
    more = [f"and {len(found) - _NAMED} more"] if len(found) > _NAMED else []
    raise ConfigInvalid(
        f"the catalog {path} says that it is at revision {HEAD}, and its tables are not that revision's"
        f" ({', '.join([*found[:_NAMED], *more])}): it was made by another build of registry-gateway, or changed by hand;"
        " `registry-gateway upgrade` cannot change that: serve it with the build that made it, restore a backup, or begin"
        " anew with `registry-gateway init DIR`"
    )


def require_head(path: Path) -> None:
    """Raise `ConfigInvalid`, with what to type, unless the catalog at ``path`` has the form this program works with.

    Never upgrades by itself: with several workers or versions on one catalog, that is a person's decision.
    """
    found = current(path)
    if found == HEAD:
        _asked(path, require_form, busy_seconds=10.0)
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
