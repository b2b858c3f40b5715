"""Making a catalog, and bringing one up to date: the steps of `gateway/catalog/migrations`, in one transaction.

All steps or none: a power cut in the middle leaves the old catalog. Of two processes that upgrade at once, one waits and
finds nothing left to do. Forward only.

I/O: the database file.
Source: DESIGN 4 (Alembic); INTERFACE 3 (``upgrade``).
"""

import sqlite3
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from gateway.audit.events import EventKind
from gateway.catalog.schema_revision import HEAD, current, head, read_revision, require_form, require_head
from gateway.catalog.sqlite.connection import check_version, create_private, open_connection
from gateway.catalog.sqlite.events import insert_event
from gateway.catalog.sqlite.faults import refusal_of
from gateway.errors import ConfigInvalid
from gateway.identity.values import Principal

__all__ = ["current", "head", "require_head", "upgrade"]

_SCRIPTS: Final = Path(__file__).with_name("migrations")


def upgrade(path: Path, *, by: Principal, now: int, busy_seconds: float = 10.0) -> tuple[str | None, str]:
    """Return the revision the catalog had (None: there was none, it is new) and the one it has now.

    That ``by`` made or changed it at ``now`` (Unix seconds) is an event in the same transaction.

    Creates the file (mode 0600) if need be. Raises `ConfigInvalid` for a file that is no catalog or a newer one, and where
    the tables would not be this version's in the end: nothing is changed then. Raises `Unavailable` while another process
    writes for longer than ``busy_seconds``.
    """
    check_version()
    create_private(path)
    engine = create_engine(
        "sqlite://",
        creator=lambda: open_connection(path, busy_seconds=busy_seconds, writes=True),
        poolclass=NullPool,
    )
    # The driver would begin at the first INSERT only, after the tables were made; this begins before the first look.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            before = read_revision(driver, path)
            if before is not None and before > HEAD:
                raise ConfigInvalid(f"the catalog {path} is at revision {before}, newer than this version's {HEAD}")
            config = Config()
            config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            require_form(driver, path)
            record_upgrade(driver, before, by=by, now=now)
            return before, HEAD
    except CommandError as error:
        raise ConfigInvalid(f"the catalog {path} cannot be upgraded: {error}") from error
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise refusal_of(error.orig) from error
        raise
    finally:
        engine.dispose()


def record_upgrade(connection: sqlite3.Connection, before: str | None, *, by: Principal, now: int) -> None:
    """Write the event of a catalog that had the form ``before`` (None: there was none) and has this program's now."""
    if before == HEAD:
        return
    kind = EventKind.INSTANCE_INITIALISED if before is None else EventKind.CATALOG_UPGRADED
    insert_event(connection, kind, principal_id=by.id, now=now, data={"from": before, "to": HEAD})
