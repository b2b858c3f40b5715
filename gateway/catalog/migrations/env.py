"""Alembic's side of an upgrade: runs the steps on the connection it is given, inside the caller's transaction.

Executed by Alembic, never imported. There is no address to read and no offline mode: the catalog is found, opened and
locked by `gateway.catalog.upgrade`.

I/O: the given connection.
"""

from alembic import context

from gateway.catalog.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can undo a CREATE TABLE; all steps or none (the caller began, and commits).
    transactional_ddl=True,
)
context.run_migrations()
