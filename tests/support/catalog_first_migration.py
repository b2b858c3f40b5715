"""Writes the first migration from the tables: ``python -m tests.support.catalog_first_migration > .../0001_first.py``.

Only until the first release: from then on a change of the tables is a new migration, and this file goes. That the result
makes exactly the tables is tested without it (`tests/unit/catalog/test_upgrade.py`).
"""

import sys

from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint
from sqlalchemy.schema import Constraint

from gateway.catalog.schema import metadata

_HEAD = '''"""The first tables.

What they mean is in `gateway.catalog.schema`; a test holds this migration and that module to the same result. There is no
way back: a catalog is restored from a backup, never downgraded.

I/O: the catalog, through Alembic.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _column(name: str, kind: type[sa.Integer | sa.Text | sa.LargeBinary], default: str | None) -> sa.Column[object]:
    """Return a column that is never null; ``default`` is SQL."""
    return sa.Column(name, kind(), nullable=False, server_default=None if default is None else sa.text(default))


def _integer(name: str, default: str | None = None) -> sa.Column[object]:
    return _column(name, sa.Integer, default)


def _text(name: str, default: str | None = None) -> sa.Column[object]:
    return _column(name, sa.Text, default)


def _bytes(name: str) -> sa.Column[object]:
    return _column(name, sa.LargeBinary, None)


def _nullable(name: str, kind: type[sa.Integer | sa.Text]) -> sa.Column[object]:
    return sa.Column(name, kind())


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=f"uq_{table}_{'_'.join(columns)}")


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    """Create the tables."""
'''


def _column(column: Column[object]) -> str:
    kind = "text" if isinstance(column.type, Text) else "bytes" if isinstance(column.type, LargeBinary) else "integer"
    if column.nullable:
        return f'_nullable("{column.name}", sa.{"Text" if kind == "text" else "Integer"})'
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
    """Print the migration."""
    lines = [_HEAD]
    for table in metadata.sorted_tables:
        lines.append(f'    op.create_table("{table.name}", {", ".join(_parts(table))})\n')
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            columns = ", ".join(f'"{column.name}"' for column in index.columns)
            where = index.dialect_options["sqlite"]["where"]
            tail = "" if where is None else f', sqlite_where=sa.text("{where.compile()}")'.replace(f"{table.name}.", "")
            lines.append(f'    op.create_index("{index.name}", "{table.name}", [{columns}]{tail})\n')
    sys.stdout.write("".join(lines))


if __name__ == "__main__":
    main()
