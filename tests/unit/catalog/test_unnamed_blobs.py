"""Blobs that come and are never named: bounded and ended as uploads that nobody finishes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.catalog.sqlite import uploads
from gateway.catalog.sqlite.uploads import SqliteUploads
from gateway.errors import TooManyRequests
from gateway.oci.digest import Digest
from tests.support.catalog import ALICE, BOB, NOW, REPO, Catalog, catalog, image, put, run

BASE = b"a base layer"


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Catalog]:
    with catalog(tmp_path) as made:
        yield made


def loose(acme: Catalog) -> list[str]:
    """Return the blobs of the repository that nothing names."""
    rows = acme.rows(
        "SELECT b.digest FROM repo_blob k JOIN blob b ON b.id = k.blob_id WHERE k.loose IS NOT NULL ORDER BY b.digest"
    )
    return [row[0] for row in rows]


def test_blobs_that_no_manifest_names_count_and_end_like_upload_sessions(
    acme: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_LOOSE", 3)
    sessions = SqliteUploads(database=acme.database)
    for number in range(3):
        acme.link(Digest.of(b"%d" % number), now=NOW + number)
    with pytest.raises(TooManyRequests, match="3 blobs in this project wait for a manifest"):
        run(sessions.start("s", REPO, principal=ALICE, now=NOW))
    run(sessions.start("theirs", REPO, principal=BOB, now=NOW))
    assert run(sessions.drop_loose(before=NOW + 2, limit=10)) == 2
    assert loose(acme) == [str(Digest.of(b"2"))]
    assert acme.blob(b"0") is None
    assert acme.rows("SELECT count(*) FROM holder") == [(1,)]
    run(sessions.start("s", REPO, principal=ALICE, now=NOW))


def test_a_blob_that_is_named_is_loose_no_more(acme: Catalog) -> None:
    app = image(BASE)
    acme.push(app)
    assert loose(acme) == []
    acme.link(Digest.of(BASE), len(BASE), now=NOW + 100)
    assert loose(acme) == []
    assert run(SqliteUploads(database=acme.database).drop_loose(before=NOW + 1000, limit=10)) == 0
    assert acme.blob(BASE) is not None


def test_a_blob_that_comes_after_what_names_it_is_not_loose(acme: Catalog) -> None:
    app = image(BASE)
    acme.link(Digest.of(b"{}"), 2)
    acme.commit(put(app, missing=[Digest.of(BASE)]), about=app)
    acme.link(Digest.of(BASE), len(BASE))
    assert loose(acme) == []


def test_a_blob_that_is_brought_again_begins_anew(acme: Catalog) -> None:
    acme.link(Digest.of(BASE), len(BASE), now=NOW)
    acme.link(Digest.of(BASE), len(BASE), now=NOW + 100)
    sessions = SqliteUploads(database=acme.database)
    assert run(sessions.drop_loose(before=NOW + 50, limit=10)) == 0
    assert run(sessions.drop_loose(before=NOW + 101, limit=10)) == 1
    assert acme.blob(BASE) is None
    assert run(sessions.drop_loose(before=NOW + 101, limit=10)) == 0
