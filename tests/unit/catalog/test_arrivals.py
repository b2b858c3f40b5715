"""A late blob: what waited for it, however much that is. Statements are counted; nothing is timed."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from gateway.catalog.sqlite.telling import AT_ONCE, PAGE, PARENTS, WORK
from gateway.catalog.sqlite.waiting import WAITING
from gateway.catalog.values import ManifestClass
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from tests.support.catalog import ALICE, BOB, NOW, REPO, Catalog, catalog, image, index, put, run

BASE: Final = b"the base layer"
DIGEST: Final = Digest.of(BASE)
MANY: Final = 5_000


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Catalog]:
    with catalog(tmp_path) as opened:
        yield opened


def let_wait(acme: Catalog, number: int, *, who: str = ALICE.id, named: bool = True) -> None:
    """Have manifests wait for the blob, without bodies: whoever read one would find nothing."""

    def change(connection: sqlite3.Connection) -> None:
        (first,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM manifest").fetchone()
        (repo,) = connection.execute("SELECT id FROM repository").fetchone()
        rows = [(row, repo, f"{row:064x}", who, NOW) for row in range(first, first + number)]
        connection.executemany(
            """INSERT INTO manifest (id, repo_id, sha256, class, state, media_type, size, who, created)
            VALUES (?, ?, ?, 'image', 0, 'application/vnd.oci.image.manifest.v1+json', 1, ?, ?)""",
            rows,
        )
        connection.executemany(
            "INSERT INTO missing (repo_id, digest, parent_id, named) VALUES (?, ?, ?, ?)",
            [(repo, str(DIGEST), row[0], named) for row in rows],
        )

    acme.link(Digest.of(b"another"))  # makes the repository
    run(acme.database.write(change))


def wait_for_child(acme: Catalog, child: Manifest) -> None:
    """Let what waits be indexes that name the manifest, and wait for it."""
    acme.execute(f"UPDATE missing SET digest = '{child.digest}'")
    acme.execute(f"INSERT INTO entry SELECT parent_id, '{child.digest.hex}', repo_id FROM missing")


def arrivals(acme: Catalog) -> list[dict[str, str]]:
    return [data for kind, _, data in acme.work() if kind == WORK]


def carry_out(acme: Catalog) -> int:
    """Carry out arrivals as the worker does; return how many pages there were."""
    pages = 0
    while found := arrivals(acme):
        acme.execute(f"DELETE FROM work WHERE kind = '{WORK}'")
        for data in found:
            assert data["repository"] == REPO.text
            pages += 1
            run(acme.blobs.complete_waiting(REPO, Digest.parse(data["digest"]), data=data, now=NOW))
    return pages


def count(acme: Catalog, table: str) -> int:
    return int(acme.rows(f"SELECT count(*) FROM {table}")[0][0])


def statements_of(acme: Catalog, by: str) -> int:
    """Link the blob; return how many statements that took."""
    statements: list[str] = []
    run(acme.database.write(lambda connection: connection.set_trace_callback(statements.append)))
    acme.link(DIGEST, len(BASE), by=ALICE if by == ALICE.id else BOB)
    run(acme.database.write(lambda connection: connection.set_trace_callback(None)))
    return len(statements)


def test_an_upload_takes_as_many_statements_for_thousands_that_wait_as_for_a_few(acme: Catalog) -> None:
    let_wait(acme, MANY)
    taken = statements_of(acme, ALICE.id)
    assert taken < 9 * AT_ONCE + 40
    assert count(acme, "link") == AT_ONCE
    assert len(arrivals(acme)) == 1


def test_thousands_are_completed_page_by_page(acme: Catalog) -> None:
    let_wait(acme, MANY)
    acme.link(DIGEST, len(BASE))
    assert carry_out(acme) == -(-(MANY - AT_ONCE) // PAGE)
    assert (count(acme, "link"), count(acme, "missing")) == (MANY, 0)
    assert len({key for kind, key, _ in acme.work() if kind == "reevaluate"}) == MANY


def test_few_are_completed_at_once_and_ask_for_nothing_more(acme: Catalog) -> None:
    let_wait(acme, AT_ONCE - 1)
    acme.link(DIGEST, len(BASE))
    assert (count(acme, "link"), count(acme, "missing")) == (AT_ONCE - 1, 0)
    assert arrivals(acme) == []


def test_what_somebody_else_waits_for_is_not_completed_and_keeps_nobody_waiting(acme: Catalog) -> None:
    acme.execute("UPDATE project SET writers_read_held = 0")
    let_wait(acme, PAGE, who=BOB.id)
    let_wait(acme, 1)
    acme.link(DIGEST, len(BASE))
    carry_out(acme)
    assert acme.rows("SELECT DISTINCT p.who FROM missing w JOIN manifest p ON p.id = w.parent_id") == [(BOB.id,)]
    assert count(acme, "link") == 1


def test_what_waits_for_a_manifest_is_not_completed_by_a_blob_of_its_bytes(acme: Catalog) -> None:
    let_wait(acme, AT_ONCE + 3, named=False)
    acme.link(DIGEST, len(BASE))
    carry_out(acme)
    assert (count(acme, "link"), count(acme, "missing")) == (0, AT_ONCE + 3)
    assert [kind for kind, _, _ in acme.work() if kind == "reevaluate"] == []


def test_an_index_waits_for_its_child_and_not_for_what_that_lacks(acme: Catalog) -> None:
    app = image(BASE)
    assert app.config is not None
    acme.link(app.config.digest, app.config.size)
    root = index(app.digest)
    acme.commit(put(root, missing=[app.digest]), about=root)
    acme.commit(put(app, missing=[DIGEST]), about=app)
    assert sorted(
        acme.rows("SELECT p.sha256, w.digest, w.named FROM missing w JOIN manifest p ON p.id = w.parent_id")
    ) == (sorted([(app.digest.hex, str(DIGEST), 1), (root.digest.hex, str(app.digest), 0)]))


def asked(acme: Catalog) -> set[str]:
    return {key.rpartition("@")[2] for kind, key, _ in acme.work() if kind == "reevaluate"}


@pytest.mark.parametrize("last", [pytest.param(True, id="the-blob-last"), pytest.param(False, id="the-indexes-last")])
def test_a_part_that_arrives_has_every_index_above_it_judged_again(acme: Catalog, last: bool) -> None:
    app = image(BASE)
    assert app.config is not None
    acme.link(app.config.digest, app.config.size)
    middle = index(app.digest)
    upper = index(middle.digest)
    root = index(upper.digest)
    acme.commit(put(root, missing=[upper.digest]), about=root)
    acme.commit(put(app, missing=[DIGEST]), about=app)
    if last:
        acme.commit(put(upper, missing=[middle.digest]), about=upper)
        acme.commit(put(middle, missing=[app.digest]), about=middle)
        assert asked(acme) == set()
        acme.link(DIGEST, len(BASE))
    else:
        acme.link(DIGEST, len(BASE))
        assert asked(acme) == {str(app.digest)}
        acme.commit(put(middle), about=middle)
        acme.commit(put(upper), about=upper)
    carry_out(acme)
    assert count(acme, "missing") == 0
    above = {str(upper.digest), str(middle.digest)} if last else set()
    assert asked(acme) == {str(app.digest), str(root.digest), *above}


def test_a_child_that_thousands_wait_for_completes_them_page_by_page(acme: Catalog) -> None:
    app = image(BASE)
    let_wait(acme, MANY, named=False)
    wait_for_child(acme, app)
    acme.commit(put(app), about=app)
    assert count(acme, "missing") == MANY - AT_ONCE
    assert carry_out(acme) == -(-(MANY - AT_ONCE) // PAGE)
    assert count(acme, "missing") == 0
    assert len(asked(acme)) == MANY


def test_nothing_is_completed_by_a_child_that_lacks_something_again(acme: Catalog) -> None:
    app = image(BASE)
    let_wait(acme, AT_ONCE + 1, named=False)
    wait_for_child(acme, app)
    acme.commit(put(app), about=app)
    acme.execute(
        f"INSERT INTO missing SELECT repo_id, '{DIGEST}', id, 1, NULL FROM manifest WHERE sha256 = '{app.digest.hex}'"
    )
    carry_out(acme)
    assert acme.rows(f"SELECT count(*) FROM missing WHERE digest = '{app.digest}'") == [(1,)]


def held(acme: Catalog) -> tuple[int, int]:
    return (
        int(acme.rows("SELECT held_bytes + cache_bytes FROM project")[0][0]),
        int(acme.rows("SELECT sum(held_size) FROM manifest")[0][0]),
    )


def test_a_late_blob_counts_for_what_waits_and_names_it(acme: Catalog) -> None:
    app = image(BASE)
    root = index(app.digest)
    acme.commit(put(root, missing=[app.digest], held_bytes=3), about=root)
    acme.commit(put(app, missing=[DIGEST], held_bytes=5), about=app)
    acme.link(DIGEST, len(BASE))
    carry_out(acme)
    assert held(acme) == (8 + len(BASE), 8 + len(BASE))
    acme.link(DIGEST, len(BASE))
    assert held(acme) == (8 + len(BASE), 8 + len(BASE))


def test_a_late_blob_of_what_does_not_count_counts_for_nothing(acme: Catalog) -> None:
    app = image(BASE)
    acme.commit(put(app, missing=[DIGEST]), about=app)
    acme.link(DIGEST, len(BASE))
    assert held(acme) == (0, 0)


def test_what_a_build_cache_lists_counts_by_the_length_that_is_here(acme: Catalog) -> None:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": str(DIGEST), "size": 1}
    cache = index(manifests=[layer])
    acme.link(DIGEST, len(BASE))
    acme.commit(put(cache, cls=ManifestClass.CACHE, missing=[DIGEST], held_bytes=5), about=cache)
    assert held(acme) == (5 + len(BASE), 5 + len(BASE))


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param("DELETE FROM repo_blob", id="the-blob"),
        pytest.param("UPDATE repository SET name = 'acme/elsewhere'", id="the-repository"),
        pytest.param("UPDATE project SET name = 'elsewhere'", id="the-project"),
    ],
)
def test_nothing_is_completed_for_what_is_gone(acme: Catalog, gone: str) -> None:
    let_wait(acme, AT_ONCE + 1)
    acme.link(DIGEST, len(BASE))
    acme.execute(gone)
    carry_out(acme)
    assert count(acme, "link") == AT_ONCE


def test_those_that_name_a_manifest_are_found_by_key_in_order(acme: Catalog) -> None:
    values = {"repo": 1, "child": "0" * 64, "after": 0, "limit": 1, "only": None, "now": NOW}
    plan = acme.database.read(lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {PARENTS}", values).fetchall())
    lines = [row[3] for row in plan if not row[3].startswith("CORRELATED")]
    assert lines[:2] == [
        "SEARCH e USING COVERING INDEX ix_entry_repo_id_child (repo_id=? AND child=? AND index_id>?)",
        "SEARCH m USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
    ]
    assert set(lines[2:]) == {
        "SEARCH g USING COVERING INDEX ix_missing_parent_id (parent_id=?)",
        "SEARCH t USING COVERING INDEX ix_tag_pending_id (pending_id=?)",
        "SEARCH u USING PRIMARY KEY (manifest_id=?)",
        "SEARCH w USING PRIMARY KEY (manifest_id=? AND slot=?)",
        "SEARCH w USING PRIMARY KEY (manifest_id=? AND slot=? AND signer_id<?)",
        "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
    }


def test_waiting_rows_are_found_by_key_in_order(acme: Catalog) -> None:
    plan = acme.rows(f"EXPLAIN QUERY PLAN {WAITING}", 1, str(DIGEST), 0, 1)
    assert [row[3] for row in plan] == [
        "SEARCH w USING PRIMARY KEY (repo_id=? AND digest=? AND parent_id>?)",
        "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)",
    ]
