"""What all tables have in common: one `metadata`, the names of constraints, the kinds of keys and times.

Pure: definitions only.
Source: DESIGN 4.
"""

from typing import Any, Final

from sqlalchemy import Column, Integer, MetaData

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

COMPOUND: Final[dict[str, Any]] = {"sqlite_with_rowid": False}
"""Of every table with a compound key."""

NEVER_REUSED: Final[dict[str, Any]] = {"sqlite_autoincrement": True}
"""A plain INTEGER PRIMARY KEY gives the id of a deleted last row to the next one.

Where a hint, a world, a lease or a cursor can outlive its row (`witness`, a project made anew, `work`, the cursor over
`event`), that would be another thing under the same name.
"""


def row_id() -> Column[int]:
    """Return the key of a table whose rows have a number."""
    return Column("id", Integer, primary_key=True)


def time(name: str, *, nullable: bool = False) -> Column[int]:
    """Return a column for a moment, in Unix seconds."""
    return Column(name, Integer, nullable=nullable)
