"""Rewrites the first migration from the tables: ``python -m tests.support.catalog_first_migration``, then ``ruff format``.

In its place: what stands before the tables is the migration's own and is left as it is. Only until the first release: from
then on a change of the tables is a new migration, and this file goes. That the result makes exactly the tables is tested
without it (`tests/unit/catalog/test_upgrade.py`).

I/O: that file.
"""

import sys
from pathlib import Path
from typing import Final

from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint
from sqlalchemy.schema import Constraint

from gateway.catalog.schema import metadata

FILE: Final = Path(__file__).resolve().parents[2] / "gateway" / "catalog" / "migrations" / "versions" / "0001_first.py"
_LAST_OF_HEAD: Final = '    """Create the tables."""\n'


def _column(column: Column[object]) -> str:
    kind = "text" if isinstance(column.type, Text) else "bytes" if isinstance(column.type, LargeBinary) else "integer"
    if column.nullable:
        return f'_nullable("{column.name}", sa.{type(column.type).__name__})'
    default = column.server_default
    return f'_{kind}("{column.name}"' + (f', "{default.arg}")' if default is not None else ")")  # type: ignore[attr-defined]  # SQLAlchemy types it as any fetched value


def _constraint(table: Table, constraint: Constraint) -> str:
    if isinstance(constraint, ForeignKeyConstraint):
        return f'_foreign("{table.name}", "{constraint.column_keys[0]}", "{constraint.elements[0].target_fullname}")'
    assert isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
    names = ", ".join(f'"{name}"' for name in constraint.columns.keys())  # noqa: SIM118 (not a mapping)
    return f'_{"key" if isinstance(constraint, PrimaryKeyConstraint) else "unique"}("{table.name}", {names})'


def _parts(table: Table) -> list[str]:
    order = (PrimaryKeyConstraint, UniqueConstraint, ForeignKeyConstraint)
    constraints = [
        _constraint(table, found)
        for kind in order
        for found in sorted(table.constraints, key=lambda each: str(each.name))
        if type(found) is kind
    ]
    options = [f"sqlite_{name}={value}" for name, value in table.dialect_options["sqlite"].items() if _set(name, value)]
    return [*(_column(column) for column in table.columns), *constraints, *options]


def _set(name: str, value: object) -> bool:
    return (name, value) in {("autoincrement", True), ("with_rowid", False)}


def main() -> None:
    """Rewrite the migration."""
    head, last_of_head, _ = FILE.read_text(encoding="utf-8").partition(_LAST_OF_HEAD)
    if not last_of_head:
        sys.exit(
            f"{FILE.name} has lost its head: `git show HEAD:{FILE.relative_to(FILE.parents[4])} > FILE` brings it back"
        )
    lines = [head, last_of_head]
    for table in metadata.sorted_tables:
        lines.append(f'    op.create_table("{table.name}", {", ".join(_parts(table))})\n')
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            columns = ", ".join(f'"{column.name}"' for column in index.columns)
            where = index.dialect_options["sqlite"]["where"]
            tail = "" if where is None else f', sqlite_where=sa.text("{where.compile()}")'.replace(f"{table.name}.", "")
            lines.append(f'    op.create_index("{index.name}", "{table.name}", [{columns}]{tail})\n')
    FILE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
