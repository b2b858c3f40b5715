"""Blobs that come and are never named: bounded and ended as uploads that nobody finishes."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.catalog.sqlite import loose as limits
from gateway.catalog.sqlite.uploads import SqliteUploads
from gateway.errors import TooManyRequests
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
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
    monkeypatch.setattr(limits, "MAX_LOOSE", 3)
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


def mount(acme: Catalog, content: bytes, repository: RepositoryName = REPO, by: Principal = ALICE) -> None:
    """Mount a blob that is somewhere."""
    run(acme.blobs.link(repository, Digest.of(content), len(content), principal=by, now=NOW, mounted=True))


def repositories(acme: Catalog) -> list[str]:
    return [row[0] for row in acme.rows("SELECT name FROM repository ORDER BY name")]


def test_a_mount_counts_as_a_blob_that_was_sent(acme: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_LOOSE", 3)
    for number in range(3):
        mount(acme, b"%d" % number)
    with pytest.raises(TooManyRequests, match="3 blobs in this project wait for a manifest"):
        mount(acme, b"3")
    assert acme.blob(b"3") is None
    mount(acme, b"2")  # it is here
    mount(acme, b"3", by=BOB)
    acme.link(Digest.of(b"4"), now=NOW)  # its bytes were sent, and counted when they began


def test_what_a_manifest_names_is_mounted_again_however_full_it_is(
    acme: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.push(image(BASE))
    monkeypatch.setattr(limits, "MAX_LOOSE", 1)
    mount(acme, b"one")
    mount(acme, BASE)


@pytest.mark.parametrize("way", ["mount", "session"])
def test_repositories_that_wait_for_their_first_manifest_are_bounded(
    acme: Catalog, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(limits, "MAX_BARE", 2)
    sessions = SqliteUploads(database=acme.database)
    ids = (f"s{number}" for number in itertools.count())

    def bring(name: str, by: Principal = ALICE) -> None:
        repository = RepositoryName.parse(f"{REPO.prefixes[0]}/{name}")
        if way == "mount":
            mount(acme, BASE, repository, by)
        else:
            run(sessions.start(next(ids), repository, principal=by, now=NOW))
            run(acme.blobs.link(repository, Digest.of(BASE), len(BASE), principal=by, now=NOW))

    acme.push(image(BASE))
    bring("one")
    bring("two")
    with pytest.raises(TooManyRequests, match="2 repositories in this project wait for their first manifest"):
        bring("three")
    bring("two")
    bring("three", by=BOB)
    assert run(sessions.drop_loose(before=NOW + 1, limit=10)) == 3
    assert repositories(acme) == [REPO.text]
    assert acme.rows("SELECT count(*) FROM holder WHERE repo_id NOT IN (SELECT id FROM repository)") == [(0,)]
    bring("three")


def test_a_repository_goes_with_its_last_blob_by_hand_as_well(acme: Catalog) -> None:
    mount(acme, BASE)
    mount(acme, b"other")
    run(acme.blobs.unlink(REPO, Digest.of(b"other"), principal=ALICE, now=NOW))
    assert repositories(acme) == [REPO.text]
    run(acme.blobs.unlink(REPO, Digest.of(BASE), principal=ALICE, now=NOW))
    assert repositories(acme) == []


def test_a_repository_that_a_revocation_is_about_stays(acme: Catalog) -> None:
    """A revocation of one repository is found by the number of its row: it must hold in what takes that name later."""
    mount(acme, BASE)
    (repo_id, project_id) = acme.rows("SELECT id, project_id FROM repository")[0]
    revoked = (project_id, "0" * 64, repo_id, "test", ALICE.id, NOW)
    columns = "project_id, sha256, repo_id, reason, revoked_by, at"
    run(
        acme.database.write(
            lambda connection: connection.execute(
                f"INSERT INTO tombstone ({columns}) VALUES (?, ?, ?, ?, ?, ?)", revoked
            )
        )
    )
    assert run(SqliteUploads(database=acme.database).drop_loose(before=NOW + 1, limit=10)) == 1
    assert repositories(acme) == [REPO.text]
