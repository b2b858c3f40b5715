"""A catalog whose revision is right and whose tables are not is told apart, and what differs is named."""

import sqlite3
from pathlib import Path

import pytest

from gateway.catalog import upgrade as upgrading
from gateway.catalog.schema_form import differences
from gateway.catalog.schema_revision import HEAD, current, require_head
from gateway.errors import ConfigInvalid
from tests.support.catalog_admin import NOW, ROOT, opened

LESS = [
    pytest.param("DROP TABLE holder", "there is no table holder", id="table"),
    pytest.param("ALTER TABLE project DROP COLUMN cache_bytes", "project has no column cache_bytes", id="column"),
    pytest.param("DROP INDEX ix_event_digest", "there is no index ix_event_digest", id="index"),
]
OTHERWISE = [
    pytest.param("ALTER TABLE blob ADD COLUMN kind TEXT", "blob has a column kind", id="another-column"),
    pytest.param(
        "ALTER TABLE project RENAME COLUMN mode TO manner",
        "project has no column mode, project has a column manner",
        id="another-name",
    ),
    pytest.param(
        "DROP INDEX ix_event_digest; CREATE INDEX ix_event_digest ON event (project)",
        "the index ix_event_digest is declared otherwise",
        id="index-over-something-else",
    ),
    pytest.param(
        "DROP INDEX ix_manifest_expires; CREATE INDEX ix_manifest_expires ON manifest (expires)",
        "the index ix_manifest_expires is declared otherwise",
        id="index-of-all-rows",
    ),
    pytest.param("CREATE UNIQUE INDEX one ON event (at)", "event has a unique index one", id="unique-index"),
    pytest.param(
        "CREATE TRIGGER t BEFORE INSERT ON tag BEGIN SELECT RAISE(ABORT, 'no'); END",
        "tag has a trigger t",
        id="trigger",
    ),
    pytest.param(
        "CREATE TRIGGER t BEFORE INSERT ON TAG BEGIN SELECT RAISE(IGNORE); END",
        "tag has a trigger t",
        id="trigger-in-capitals",
    ),
]
SOMEBODY_ELSES = [
    pytest.param("CREATE TABLE _replica_seq (id INTEGER PRIMARY KEY, seq INTEGER)", id="table"),
    pytest.param("CREATE TABLE notes (x); CREATE UNIQUE INDEX theirs ON notes (x)", id="table-with-an-index"),
    pytest.param("CREATE VIEW pulls AS SELECT count(*) FROM pull", id="view"),
    pytest.param("CREATE INDEX faster ON event (at)", id="index"),
    pytest.param("ANALYZE", id="statistics"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog as it is made: not to be changed."""
    path = tmp_path_factory.mktemp("whole") / "catalog.db"
    upgrading.upgrade(path, by=ROOT, now=NOW)
    return path


def changed(whole: Path, path: Path, statements: str) -> Path:
    """Make at ``path`` a copy of a catalog, changed by hand."""
    source, target = sqlite3.connect(whole), sqlite3.connect(path)
    try:
        source.backup(target)
        target.executescript(statements)
    finally:
        source.close()
        target.close()
    return path


def found(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return differences(connection)
    finally:
        connection.close()


def redeclared(whole: Path, path: Path, table: str, old: str, new: str) -> Path:
    """Make a copy in which the statement of one empty table is another: what a build of another day would have made."""
    source = sqlite3.connect(whole)
    (sql,) = source.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    indexes = [
        sql
        for (sql,) in source.execute(
            "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", (table,)
        )
    ]
    source.close()
    assert old in sql
    return changed(whole, path, "; ".join([f"DROP TABLE {table}", sql.replace(old, new, 1), *indexes]))


def test_what_migrations_and_tables_make_has_no_difference(whole: Path, tmp_path: Path) -> None:
    assert found(whole) == []
    with opened(tmp_path / "created.db"):
        pass
    assert found(tmp_path / "created.db") == []


def test_an_empty_database_lacks_every_table(tmp_path: Path) -> None:
    said = found(tmp_path / "empty.db")
    assert len(said) > 30
    assert all(each.startswith("there is no table ") for each in said)


@pytest.mark.parametrize(("statements", "said"), [*LESS, *OTHERWISE])
def test_a_catalog_of_other_tables_is_refused_and_the_difference_named(
    whole: Path, tmp_path: Path, statements: str, said: str
) -> None:
    path = changed(whole, tmp_path / "catalog.db", statements)
    assert ", ".join(found(path)) == said
    assert current(path) == HEAD, "by its number alone it is this version's"
    with pytest.raises(ConfigInvalid) as caught:
        require_head(path)
    assert f"({said})" in caught.value.message
    assert "registry-gateway init DIR" in caught.value.message


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        pytest.param("project", "mode TEXT NOT NULL", "mode TEXT", "the column mode of project is", id="may-be-null"),
        pytest.param("project", "mode TEXT", "mode BLOB", "the column mode of project is", id="another-type"),
        pytest.param("project", "DEFAULT 1", "DEFAULT 0", "the column writers_read_held of project is", id="default"),
        pytest.param("event", "AUTOINCREMENT", "", "the keys of event are", id="ids-used-again"),
        pytest.param("event", "kind TEXT", "kind TEXT CHECK (kind > '')", "the keys of event are", id="check"),
        pytest.param("holder", "WITHOUT ROWID", "", "the keys of holder are", id="with-rowid"),
        pytest.param("blob", "UNIQUE (digest)", "UNIQUE (digest, size)", "the keys of blob are", id="another-key"),
        pytest.param(
            "repository",
            "REFERENCES project (id)",
            "REFERENCES blob (id)",
            "the keys of repository are",
            id="reference",
        ),
    ],
)
def test_a_table_that_takes_statements_otherwise_is_another(
    whole: Path, tmp_path: Path, table: str, old: str, new: str, said: str
) -> None:
    assert found(redeclared(whole, tmp_path / "catalog.db", table, old, new)) == [f"{said} declared otherwise"]


def test_the_order_of_columns_and_a_column_that_came_later_are_no_difference(whole: Path, tmp_path: Path) -> None:
    path = changed(
        whole,
        tmp_path / "catalog.db",
        "ALTER TABLE project DROP COLUMN cache_bytes;"
        "ALTER TABLE project ADD COLUMN cache_bytes INTEGER DEFAULT 0 NOT NULL",
    )
    assert found(path) == []


@pytest.mark.parametrize("statements", SOMEBODY_ELSES)
def test_what_somebody_else_put_beside_is_left_alone(whole: Path, tmp_path: Path, statements: str) -> None:
    path = changed(whole, tmp_path / "catalog.db", statements)
    assert found(path) == []
    require_head(path)
    assert upgrading.upgrade(path, by=ROOT, now=NOW) == (HEAD, HEAD)


@pytest.mark.parametrize(("statements", "said"), LESS)
def test_an_upgrade_says_it_too_and_changes_nothing(whole: Path, tmp_path: Path, statements: str, said: str) -> None:
    path = changed(whole, tmp_path / "catalog.db", statements)
    with pytest.raises(ConfigInvalid) as caught:
        upgrading.upgrade(path, by=ROOT, now=NOW)
    assert said in caught.value.message
    assert found(path) == [said]


def test_of_many_differences_the_first_are_named_and_the_others_counted(whole: Path, tmp_path: Path) -> None:
    tables = ("alias", "decision", "edge", "entry", "holder", "link", "member")
    path = changed(whole, tmp_path / "catalog.db", "".join(f"DROP TABLE {table};" for table in tables))
    with pytest.raises(ConfigInvalid) as caught:
        require_head(path)
    assert "there is no table holder, and 2 more)" in caught.value.message
    assert "link" not in caught.value.message
