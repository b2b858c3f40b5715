"""Counts, and whether the catalog answers."""

import asyncio
from pathlib import Path

import pytest

from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.stats import SqliteStats
from gateway.errors import Unavailable
from tests.support.catalog_admin import ACME, NOW, on_sqlite, opened

run = asyncio.run


def test_an_empty_catalog_counts_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "catalog.db") as database:
        stats = SqliteStats(database=database)
        run(stats.check())
        assert set(run(stats.stats()).values()) == {0}


def test_counts_by_name(tmp_path: Path) -> None:
    with opened(tmp_path / "catalog.db") as database:
        on_sqlite(database).project(ACME)
        script = f"""
            INSERT INTO repository (project_id, name, created) VALUES (1, 'acme/a', {NOW}), (1, 'acme/b', {NOW});
            INSERT INTO manifest (repo_id, sha256, class, state, media_type, size, who, created) VALUES
              (1, 'a', 'image', 0, 'm', 1, 'u', 1), (1, 'b', 'image', 1, 'm', 1, 'u', 1),
              (1, 'c', 'image', 1, 'm', 1, 'u', 1), (1, 'd', 'evidence', 0, 'm', 1, 'u', 1),
              (1, 'e', 'cache', 0, 'm', 1, 'u', 1);
            INSERT INTO tag (repo_id, name, target_id, pending_id, generation, moved) VALUES
              (1, 'moved', 2, NULL, 1, 1), (1, 'waits', NULL, 1, 1, 1), (1, 'deleted', NULL, NULL, 2, 1);
            INSERT INTO blob (digest, size) VALUES ('x', 40), ('y', 2);
        """
        for statement in script.split(";"):
            run(database.write(lambda connection, text=statement: connection.execute(text).rowcount))  # type: ignore[misc]
        assert run(SqliteStats(database=database).stats()) == {
            "projects": 1,
            "repositories": 2,
            "manifests_held": 1,
            "manifests_admitted": 2,
            "tags": 2,
            "blobs": 2,
            "blob_bytes": 42,
        }


def test_a_catalog_without_tables_does_not_answer(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.db")
    try:
        with pytest.raises(Unavailable):
            run(SqliteStats(database=database).check())
    finally:
        run(database.close())


def test_a_closed_catalog_does_not_answer(tmp_path: Path) -> None:
    with opened(tmp_path / "catalog.db") as database:
        pass
    with pytest.raises(Unavailable):
        run(SqliteStats(database=database).check())


def test_robots_that_push_and_pull_from_several_addresses(tmp_path: Path) -> None:
    """A cluster with the pushing robot's secret gets what waits, which is why `doctor` asks (DESIGN 3)."""
    with opened(tmp_path / "catalog.db") as database:
        on_sqlite(database).project(ACME)
        script = f"""
            INSERT INTO repository (project_id, name, created) VALUES (1, 'acme/a', {NOW});
            INSERT INTO principal (id, kind, name, created, created_by) VALUES
              ('r:1', 'robot', 'robot+acme+moves', 1, 'x'), ('r:2', 'robot', 'robot+acme+stays', 1, 'x'),
              ('r:3', 'robot', 'robot+acme+reads', 1, 'x'), ('u:1', 'user', 'person', 1, 'x');
            INSERT INTO manifest (repo_id, sha256, class, state, media_type, size, who, created) VALUES
              (1, 'a', 'image', 0, 'm', 1, 'r:1', 1), (1, 'b', 'image', 1, 'm', 1, 'r:2', 1),
              (1, 'c', 'image', 1, 'm', 1, 'u:1', 1);
            INSERT INTO pull (minute, principal_id, repository, digest, address, outcome, first, last, count) VALUES
              (1, 'r:1', 'acme/a', 'a', '192.0.2.1', 'pulled', 60, 61, 1),
              (1, 'r:1', 'acme/a', 'b', '192.0.2.2', 'pulled', 60, 61, 1),
              (1, 'r:1', 'acme/a', 'a', '192.0.2.3', 'denied', 60, 61, 1),
              (0, 'r:1', 'acme/a', 'a', '192.0.2.4', 'pulled', 1, 59, 1),
              (1, 'r:2', 'acme/a', 'a', '192.0.2.1', 'pulled', 60, 61, 9),
              (2, 'r:2', 'acme/a', 'a', '192.0.2.1', 'pulled', 120, 121, 9),
              (1, 'r:3', 'acme/a', 'a', '192.0.2.1', 'pulled', 60, 61, 1),
              (1, 'r:3', 'acme/a', 'a', '192.0.2.2', 'pulled', 60, 61, 1),
              (1, 'u:1', 'acme/a', 'a', '192.0.2.1', 'pulled', 60, 61, 1),
              (1, 'u:1', 'acme/a', 'a', '192.0.2.2', 'pulled', 60, 61, 1);
        """
        for statement in script.split(";"):
            run(database.write(lambda connection, text=statement: connection.execute(text).rowcount))  # type: ignore[misc]
        stats = SqliteStats(database=database)
        assert run(stats.roaming_robots(since=60)) == {"robot+acme+moves": 2}
        assert run(stats.roaming_robots(since=0)) == {"robot+acme+moves": 3}
        assert run(stats.roaming_robots(since=62)) == {}
