"""Whether a catalog's tables are the ones that this program's statements are written for.

A revision is only what a catalog says of itself, and before the first release the first step is rewritten in place: two
catalogs with the same number can have different tables. So the tables are looked at. What counts is what SQLite makes of
them (its pragmas), not the text that made them: a column that a later step adds is the same column.

What is somebody else's is left alone: other tables (replication tools keep theirs beside ours), indexes that only make
something faster. What could refuse or change a write of ours is not: a column, a unique index, a trigger.

I/O: reads through the given connection; makes this version's tables in memory, once.
Source: sqlite.org/pragma.html; sqlite.org/schematab.html.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from gateway.catalog.schema import metadata

_UNTOLD: Final = re.compile(r"\b(?:AUTOINCREMENT|CHECK|COLLATE|CONFLICT)\b")
"""Of a table's statement: what no pragma tells."""

Row: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class TableForm:
    """One table as SQLite sees it: two with equal forms take the same statements in the same way."""

    columns: Mapping[str, Row]
    indexes: Mapping[str, Row]
    """Those with a name of their own. The first member is whether it is unique."""

    constraints: frozenset[Row]
    """Keys, UNIQUE and references, kinds of table, and the words of `_UNTOLD`."""

    triggers: frozenset[str]


def differences(connection: sqlite3.Connection) -> list[str]:
    """Return what the tables behind ``connection`` lack, or have and must not, each as a few words; none: they fit.

    Several statements: the caller begins a transaction where somebody else could be changing the tables.
    """
    return [said for name, wanted in _wanted().items() for said in _between(name, _form(connection, name), wanted)]


@cache
def _wanted() -> Mapping[str, TableForm]:
    """Return this version's tables by name. About 20 ms, of which SQLAlchemy writes statements for most."""
    connection, written = sqlite3.connect(":memory:", isolation_level=None), dialect()
    try:
        for table in metadata.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=written)))
            for index in table.indexes:
                connection.execute(str(CreateIndex(index).compile(dialect=written)))
        found = {table.name: _form(connection, table.name) for table in metadata.sorted_tables}
    finally:
        connection.close()
    return {name: form for name, form in sorted(found.items()) if form is not None}


def _form(connection: sqlite3.Connection, table: str) -> TableForm | None:
    """Return the form of a table, None where there is none of that name."""
    made = connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)).fetchone()
    if made is None:
        return None
    columns = _rows(
        connection, "name, upper(type), [notnull], dflt_value, pk, hidden FROM pragma_table_xinfo(?)", table
    )
    references = 'id, seq, "table", [from], [to], on_update, on_delete FROM pragma_foreign_key_list(?)'
    kinds = _rows(connection, "wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?", table)
    listed = _rows(connection, "name, [unique], origin FROM pragma_index_list(?)", table)
    indexes = {str(name): (unique, origin, *_index(connection, str(name))) for name, unique, origin in listed}
    return TableForm(
        columns={str(name): tuple(rest) for name, *rest in columns},
        indexes={name: form for name, form in indexes.items() if form[1] == "c"},
        constraints=frozenset(
            [
                *(("kind", *row) for row in kinds),
                *(("word", word) for word in _UNTOLD.findall(str(made[0]).upper())),
                # An id of a reference is its place in the statement, and a name of a key its number.
                *(("reference", *row[1:]) for row in _rows(connection, references, table)),
                *(("key", *form) for form in indexes.values() if form[1] != "c"),
            ]
        ),
        triggers=frozenset(
            str(name)
            for (name,) in _rows(
                connection, "name FROM sqlite_schema WHERE type = 'trigger' AND lower(tbl_name) = lower(?)", table
            )
        ),
    )


def _index(connection: sqlite3.Connection, name: str) -> Row:
    """Return what an index is over, and its condition."""
    over = _rows(connection, "name, [desc], coll FROM pragma_index_xinfo(?) WHERE key", name)
    made = connection.execute("SELECT sql FROM sqlite_schema WHERE type = 'index' AND name = ?", (name,)).fetchone()
    sql = "" if made is None or made[0] is None else " ".join(str(made[0]).replace('"', "").split())
    return (*over, sql.partition(" WHERE ")[2])


def _rows(connection: sqlite3.Connection, query: str, name: str) -> list[Row]:
    return connection.execute(f"SELECT {query}", (name,)).fetchall()


def _between(table: str, found: TableForm | None, wanted: TableForm) -> Iterator[str]:
    """Yield what makes ``found`` another table than ``wanted``."""
    if found is None:
        yield f"there is no table {table}"
        return
    for name, column in wanted.columns.items():
        if name not in found.columns:
            yield f"{table} has no column {name}"
        elif found.columns[name] != column:
            yield f"the column {name} of {table} is declared otherwise"
    for name in sorted(found.columns.keys() - wanted.columns.keys()):
        yield f"{table} has a column {name}"
    if found.constraints != wanted.constraints:
        yield f"the keys of {table} are declared otherwise"
    for name, index in sorted(wanted.indexes.items()):
        if name not in found.indexes:
            yield f"there is no index {name}"
        elif found.indexes[name] != index:
            yield f"the index {name} is declared otherwise"
    for name in sorted(found.indexes.keys() - wanted.indexes.keys()):
        if found.indexes[name][0]:
            yield f"{table} has a unique index {name}"
    for name in sorted(found.triggers - wanted.triggers):
        yield f"{table} has a trigger {name}"
