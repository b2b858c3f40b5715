"""The inputs of decisions: those of admissions are kept, of the others the newest of each project."""

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.catalog.effects import RecordDecision
from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.inputs import MAX_PASSING_BYTES, OLDEST, keep_input
from gateway.catalog.sqlite.scope import open_scope
from gateway.oci.names import RepositoryName
from tests.support.catalog import NOW, REPO, Catalog, add_project, catalog, image, key_of, run

MOST = 100


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Catalog]:
    with catalog(tmp_path) as opened:
        yield opened


def keep(acme: Catalog, document: bytes, *, admitted: bool = False, repository: RepositoryName = REPO) -> None:
    def change(connection: sqlite3.Connection) -> None:
        project = read_project(connection, repository)
        assert project is not None
        scope = open_scope(connection, project, repository, now=NOW)
        keep_input(scope, document, admitted=admitted, most=MOST)

    run(acme.database.write(change))


def kept(acme: Catalog) -> set[bytes]:
    return {row[0] for row in acme.rows("SELECT document FROM decision_input")}


def counted(acme: Catalog) -> list[int]:
    sums = acme.rows(
        """SELECT p.passing_bytes, (SELECT coalesce(sum(size), 0) FROM passing_input i WHERE i.project_id = p.id)
        FROM project p ORDER BY p.id"""
    )
    assert all(one == other for one, other in sums), "the count is the sum"
    return [row[0] for row in sums]


def test_of_what_admitted_nothing_the_newest_are_kept(acme: Catalog) -> None:
    documents = [bytes([number]) * 40 for number in range(5)]
    for document in documents:
        keep(acme, document)
    assert kept(acme) == set(documents[-2:])
    assert counted(acme)[0] == 80


def test_one_that_is_larger_than_all_that_may_be_kept_is_not(acme: Catalog) -> None:
    keep(acme, b"a" * 10)
    keep(acme, b"b" * (MOST + 1))
    assert kept(acme) == set()
    assert counted(acme)[0] == 0


def test_what_admitted_something_is_kept_for_good_whatever_came_first(acme: Catalog) -> None:
    proof = b"p" * 40
    keep(acme, proof)
    keep(acme, proof, admitted=True)
    assert counted(acme)[0] == 0
    for number in range(5):
        keep(acme, bytes([number]) * 40)
    keep(acme, proof)
    assert proof in kept(acme)
    assert counted(acme)[0] == 80


def test_the_same_input_counts_once(acme: Catalog) -> None:
    keep(acme, b"a" * 40)
    keep(acme, b"a" * 40)
    assert counted(acme)[0] == 40


def test_one_project_pushes_out_nothing_of_another(acme: Catalog) -> None:
    run(acme.database.write(lambda connection: add_project(connection, "other")))
    keep(acme, b"o" * 40, repository=RepositoryName.parse("other/app"))
    for number in range(5):
        keep(acme, bytes([number]) * 40)
    assert b"o" * 40 in kept(acme)
    assert counted(acme) == [80, 40]


@pytest.mark.parametrize(("outcome", "counts"), [("admitted", False), ("held", True), ("denied", True)])
def test_a_commit_tells_what_admitted_from_what_did_not(acme: Catalog, outcome: str, counts: bool) -> None:
    app, document = image(b"app"), b'{"input":1}'
    decision = RecordDecision("d1", app.digest, None, outcome, {}, document)
    world = acme.world(key_of(app))
    assert world is not None
    assert run(acme.store.commit([(key_of(app), world)], [decision], repository=REPO, now=NOW))
    assert run(acme.store.decision_input(hashlib.sha256(document).hexdigest())) == document
    assert counted(acme)[0] == (len(document) if counts else 0)


def test_the_oldest_is_found_without_a_scan(acme: Catalog) -> None:
    plan = [row[3] for row in acme.rows(f"EXPLAIN QUERY PLAN {OLDEST}", 1)]
    assert plan == ["SEARCH passing_input USING INDEX ix_passing_input_project_id (project_id=?)"]
    assert MAX_PASSING_BYTES >= 64 * 1024 * 1024
