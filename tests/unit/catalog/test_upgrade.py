"""The migrations make the tables that the code uses; a catalog of another form is not opened."""

import asyncio
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import gateway.catalog
from gateway.catalog import upgrade as upgrading
from gateway.catalog.schema_revision import HEAD
from gateway.catalog.sqlite.database import Database
from gateway.catalog.upgrade import current, head, require_head
from gateway.errors import ConfigInvalid, Internal, Unavailable
from tests.support.catalog_admin import NOW, ROOT, on_sqlite, opened


def upgrade(path: Path, *, busy_seconds: float = 10.0) -> tuple[str | None, str]:
    return upgrading.upgrade(path, by=ROOT, now=NOW, busy_seconds=busy_seconds)


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(gateway.catalog.__file__).with_name("migrations")))
    return ScriptDirectory.from_config(config)


def shape(path: Path) -> dict[tuple[str, str], str]:
    """Return the statements that made tables and indexes, without what is only layout or order of constraints."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE name <> 'alembic_version' AND tbl_name <> 'alembic_version'"
        ).fetchall()
    finally:
        connection.close()
    return {(kind, name): normal(sql or "") for kind, name, sql in rows}


def normal(sql: str) -> str:
    head, *constraints = " ".join(sql.replace('"', "").split()).split(", CONSTRAINT ")
    if not constraints:
        return head
    *others, last = constraints
    last, end, options = last.rpartition(" )")
    return " | ".join([head, *sorted([*others, last]), end + options])


def stamp(path: Path, revision: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.close()


def test_the_migrations_make_the_tables_of_the_schema(tmp_path: Path) -> None:
    upgrade(tmp_path / "migrated.db")
    with opened(tmp_path / "created.db"):
        pass
    assert shape(tmp_path / "migrated.db") == shape(tmp_path / "created.db")


def test_a_new_catalog(tmp_path: Path) -> None:
    path = tmp_path / "with %(odd)s name.db"
    assert current(path) is None
    assert not path.exists(), "asking creates nothing"
    assert upgrade(path) == (None, HEAD)
    assert current(path) == head() == HEAD
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    require_head(path)
    assert upgrade(path) == (HEAD, HEAD)
    database = Database(path)
    try:
        on_sqlite(database).project()
        assert len(asyncio.run(on_sqlite(database).projects.projects())) == 1
    finally:
        asyncio.run(database.close())


def test_the_newest_step_is_the_one_that_the_code_names() -> None:
    assert scripts().get_heads() == [HEAD]


def test_there_is_no_way_back() -> None:
    steps = list(scripts().walk_revisions())
    assert steps
    assert [step.revision for step in steps if hasattr(step.module, "downgrade")] == []
    assert "downgrade" not in (scripts().dir / Path("script.py.mako")).read_text().replace("never downgraded", "")


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        pytest.param("0000", "registry-gateway upgrade", id="older"),
        pytest.param("9999", "newer registry-gateway", id="newer"),
    ],
)
def test_a_catalog_of_another_form_is_refused_with_what_to_do(tmp_path: Path, revision: str, words: str) -> None:
    path = tmp_path / "catalog.db"
    upgrade(path)
    stamp(path, revision)
    with pytest.raises(ConfigInvalid) as caught:
        require_head(path)
    assert words in caught.value.message
    assert current(path) == revision


def test_a_newer_catalog_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    upgrade(path)
    stamp(path, "9999")
    with pytest.raises(ConfigInvalid):
        upgrade(path)
    assert current(path) == "9999"


def test_no_catalog_is_refused_with_what_to_type(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with pytest.raises(ConfigInvalid) as caught:
        require_head(path)
    assert "registry-gateway init" in caught.value.message
    assert not path.exists()


def test_another_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (id INTEGER PRIMARY KEY)")
    connection.close()
    before = shape(path)
    for attempt in (current, upgrade, require_head):
        with pytest.raises(ConfigInvalid):
            attempt(path)
    assert shape(path) == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"not a database " * 100)
    for attempt in (current, upgrade, require_head):
        with pytest.raises(ConfigInvalid):
            attempt(path)
    assert path.read_bytes() == b"not a database " * 100


def test_an_upgrade_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """All steps or none: what is in the way of one of the last tables undoes the first ones."""
    path = tmp_path / "catalog.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIEW work AS SELECT 1")
    connection.close()
    before = shape(path)
    with pytest.raises(Internal):
        upgrade(path)
    assert shape(path) == before
    assert current(path) is None


def test_an_unknown_older_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    upgrade(path)
    stamp(path, "0000")
    with pytest.raises(ConfigInvalid):
        upgrade(path)
    assert current(path) == "0000"


def test_a_writer_in_the_way_is_waited_for_and_then_said(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    upgrade(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Unavailable):
            upgrade(path, busy_seconds=0.0)
    finally:
        connection.close()


def events(path: Path) -> list[tuple[int, str, str, str]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT at, kind, principal_id, data FROM event ORDER BY id").fetchall()
    finally:
        connection.close()


def test_that_a_catalog_was_made_is_its_first_event_and_an_upgrade_of_nothing_is_none(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    upgrade(path)
    upgrade(path)
    assert events(path) == [(NOW, "instance.initialised", ROOT.id, f'{{"from":null,"to":"{HEAD}"}}')]


def test_an_upgrade_says_from_which_form(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    upgrade(path)
    connection = sqlite3.connect(path)
    upgrading.record_upgrade(connection, "0000", by=ROOT, now=NOW + 1)
    connection.commit()
    connection.close()
    assert events(path)[1:] == [(NOW + 1, "catalog.upgraded", ROOT.id, f'{{"from":"0000","to":"{HEAD}"}}')]


def test_two_upgrades_at_once_are_one(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    done: list[tuple[str | None, str]] = []
    threads = [threading.Thread(target=lambda: done.append(upgrade(path))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done, key=str) == [(HEAD, HEAD), (None, HEAD)]
