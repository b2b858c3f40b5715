"""Which blob belongs to which repository, and who sees it: the contract of `BlobCatalog`."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.catalog.effects import DeleteManifest, Entomb
from gateway.catalog.sqlite.blobs import SqliteBlobs
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.witnesses import MAX_INLINE_LINKS
from gateway.catalog.values import BlobView, ManifestClass
from gateway.errors import BlobReferenced, BlobUnknown, Internal, NameUnknown
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName
from tests.support.catalog import (
    ALICE,
    NOW,
    REPO,
    Catalog,
    admit,
    catalog,
    copy_of,
    image,
    index,
    key_of,
    put,
    run,
    verified,
)

BASE = b"base layer"
BASE_DIGEST = Digest.of(BASE)
APP = image(BASE, b"app")
OTHER = RepositoryName("acme/other")
MANY = [image(BASE, bytes([number])) for number in range(MAX_INLINE_LINKS + 4)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("blobs")
    with catalog(directory):
        return directory


@pytest.fixture
def acme(template: Path, tmp_path: Path) -> Iterator[Catalog]:
    with copy_of(template, tmp_path) as opened:
        yield opened


def seen(acme: Catalog, content: bytes = BASE) -> bool:
    view = acme.blob(content)
    assert view is not None
    return view.visible


def hints(acme: Catalog) -> tuple[int | None, int | None, int]:
    """The witness, the remembered "none" and the count it is compared with, of the base layer."""
    ((witness, none_at, raised),) = acme.rows(
        """SELECT k.witness, k.none_at, r.raised FROM repo_blob k JOIN repository r ON r.id = k.repo_id
        JOIN blob b ON b.id = k.blob_id WHERE b.digest = ? AND r.name = ?""",
        str(BASE_DIGEST),
        REPO.text,
    )
    return witness, none_at, raised


def row_id(acme: Catalog, manifest: Manifest) -> int:
    return acme.view(manifest).id


def push_many(acme: Catalog) -> None:
    for manifest in MANY:
        acme.push(manifest)


# -- what belongs where


def test_a_blob_belongs_where_it_was_linked_and_nowhere_else(acme: Catalog) -> None:
    acme.link(BASE_DIGEST, 10)
    assert acme.blob(BASE) == BlobView(BASE_DIGEST, 10, visible=False)
    assert acme.blob(BASE, repository=OTHER) is None
    assert run(acme.blobs.sources(BASE_DIGEST, limit=5)) == [REPO]
    acme.link(BASE_DIGEST, 10, repository=OTHER)
    assert run(acme.blobs.sources(BASE_DIGEST, limit=5)) == [REPO, OTHER]
    assert run(acme.blobs.sources(BASE_DIGEST, limit=1)) == [REPO]
    assert run(acme.blobs.sources(Digest.of(b"nothing"), limit=5)) == []


def test_a_second_link_changes_nothing(acme: Catalog) -> None:
    acme.push(APP, admit(APP))
    before = acme.rows("SELECT * FROM repo_blob ORDER BY 1, 2")
    acme.link(BASE_DIGEST, len(BASE), now=NOW + 5)
    assert acme.rows("SELECT * FROM repo_blob ORDER BY 1, 2") == before


def test_one_digest_has_one_size(acme: Catalog) -> None:
    acme.link(BASE_DIGEST, 10)
    with pytest.raises(Internal):
        acme.link(BASE_DIGEST, 11, repository=OTHER)
    assert acme.blob(BASE, repository=OTHER) is None


def test_a_name_that_no_project_claims(acme: Catalog) -> None:
    with pytest.raises(NameUnknown):
        acme.link(BASE_DIGEST, 10, repository=RepositoryName("nobody/app"))
    assert acme.rows("SELECT count(*) FROM blob") == [(0,)]


def test_unlink_removes_what_nothing_names(acme: Catalog) -> None:
    acme.link(BASE_DIGEST, 10)
    acme.link(BASE_DIGEST, 10, repository=OTHER)
    run(acme.blobs.unlink(REPO, BASE_DIGEST, principal=ALICE, now=NOW))
    assert acme.blob(BASE) is None
    assert acme.blob(BASE, repository=OTHER) is not None
    assert acme.rows("SELECT kind, principal_id, repository, digest FROM event") == [
        ("blob.deleted", ALICE.id, REPO.text, str(BASE_DIGEST))
    ]
    with pytest.raises(BlobUnknown):
        run(acme.blobs.unlink(REPO, BASE_DIGEST, principal=ALICE, now=NOW))


@pytest.mark.parametrize("admitted", [False, True], ids=["held", "admitted"])
def test_nobody_hollows_out_an_image(acme: Catalog, admitted: bool) -> None:
    acme.push(APP, *([admit(APP)] if admitted else []))
    with pytest.raises(BlobReferenced) as caught:
        run(acme.blobs.unlink(REPO, BASE_DIGEST, principal=ALICE, now=NOW))
    assert caught.value.digest == str(BASE_DIGEST)
    acme.commit(DeleteManifest(APP.digest), about=APP)
    run(acme.blobs.unlink(REPO, BASE_DIGEST, principal=ALICE, now=NOW))
    assert acme.blob(BASE) is None


# -- who sees it


def test_a_blob_is_visible_where_a_visible_manifest_names_it(acme: Catalog) -> None:
    acme.push(APP)
    acme.link(BASE_DIGEST, len(BASE), repository=OTHER)
    assert seen(acme) is False
    acme.commit(admit(APP), about=APP)
    assert seen(acme) is True
    elsewhere = acme.blob(BASE, repository=OTHER)
    assert elsewhere is not None
    assert elsewhere.visible is False
    acme.commit(Entomb(APP.digest, "r", "os:root"), about=APP)
    assert seen(acme) is False


def test_an_index_shows_the_blobs_of_its_children_and_only_through_them(acme: Catalog) -> None:
    root = index(APP.digest)
    acme.push(APP)
    acme.push(root, admit(root, edges=[(APP, [])]))
    assert seen(acme) is True
    acme.commit(DeleteManifest(APP.digest), about=APP)
    assert seen(acme) is False


def test_the_blobs_of_evidence_are_seen_with_it(acme: Catalog) -> None:
    signature = image(b"payload")
    acme.push(APP, admit(APP))
    acme.push(signature, cls=ManifestClass.EVIDENCE, subject=APP.digest)
    assert seen(acme, b"payload") is False
    acme.commit(verified(signature, subject=APP.digest), about=signature)
    assert seen(acme, b"payload") is True


def test_a_blob_that_came_after_the_manifest_is_seen_with_it(acme: Catalog) -> None:
    acme.commit(put(APP, missing=[BASE_DIGEST]), about=APP)
    acme.link(BASE_DIGEST, len(BASE))
    acme.commit(admit(APP), about=APP)
    assert seen(acme) is True


# -- how it is found


def test_the_witness_is_kept_while_it_shows_the_blob(acme: Catalog) -> None:
    acme.push(APP, admit(APP))
    assert hints(acme)[0] == row_id(acme, APP)
    second = image(BASE, b"second")
    acme.push(second, admit(second))
    assert hints(acme)[0] == row_id(acme, APP)


def test_a_witness_that_does_not_name_the_blob_is_not_believed(acme: Catalog) -> None:
    other = image(b"something else")
    acme.push(APP)
    acme.push(other, admit(other))
    acme.execute("UPDATE repo_blob SET witness = ?", row_id(acme, other))
    assert seen(acme) is False


def test_among_few_the_visible_one_is_found_inline_and_nothing_is_written(acme: Catalog) -> None:
    acme.push(APP)
    acme.push(MANY[0], admit(MANY[0]))
    acme.execute("UPDATE repo_blob SET witness = NULL")
    assert seen(acme) is True
    assert hints(acme)[:2] == (None, None)


def test_among_many_the_oldest_is_found_by_a_walk_and_remembered(acme: Catalog) -> None:
    push_many(acme)
    acme.commit(admit(MANY[0]), about=MANY[0])
    acme.execute("UPDATE repo_blob SET witness = NULL")
    assert seen(acme) is True
    assert hints(acme)[0] == row_id(acme, MANY[0])


def test_that_none_shows_it_is_remembered_until_something_may(acme: Catalog) -> None:
    push_many(acme)
    assert seen(acme) is False
    _, none_at, raised = hints(acme)
    assert none_at == raised
    acme.commit(admit(MANY[0]), about=MANY[0])
    assert seen(acme) is True
    acme.commit(Entomb(MANY[0].digest, "r", "os:root"), about=MANY[0])
    assert seen(acme) is False
    _, none_at, raised = hints(acme)
    assert none_at == raised


def test_a_remembered_none_costs_no_walk(acme: Catalog) -> None:
    push_many(acme)
    assert seen(acme) is False

    class NoWalks(Database):
        async def read_aside(self, query: object) -> object:  # type: ignore[override]  # only to be refused
            raise AssertionError("walked")

    async def main() -> BlobView | None:
        database = NoWalks(acme.database.path)
        try:
            return await SqliteBlobs(database=database).blob(REPO, BASE_DIGEST, now=NOW)
        finally:
            await database.close()

    view = run(main())
    assert view is not None
    assert view.visible is False


def test_a_walk_that_others_wait_for_is_only_a_hint_to_them(acme: Catalog) -> None:
    """Somebody's walk began before an admission was answered: who asks after the answer is not told the old state."""
    push_many(acme)
    reading, go_on = threading.Event(), threading.Event()

    class Slow(Database):
        async def read_aside(self, query):  # type: ignore[no-untyped-def]  # the same signature, slower
            def slowly(connection: sqlite3.Connection) -> object:
                found = query(connection)
                reading.set()
                go_on.wait(10)
                return found

            return await super().read_aside(slowly)

    async def main() -> list[BlobView | None]:
        database = Slow(acme.database.path)
        blobs = SqliteBlobs(database=database)
        early = asyncio.ensure_future(blobs.blob(REPO, BASE_DIGEST, now=NOW))
        await asyncio.to_thread(reading.wait, 10)
        key = key_of(MANY[0])
        world = await acme.store.read_world(key, now=NOW)
        assert world is not None
        assert await acme.store.commit([(key, world)], [admit(MANY[0])], repository=REPO, now=NOW)
        late = asyncio.ensure_future(blobs.blob(REPO, BASE_DIGEST, now=NOW))
        await asyncio.sleep(0)
        go_on.set()
        try:
            return list(await asyncio.gather(early, late))
        finally:
            await database.close()

    early, late = run(main())
    assert early is not None
    assert late is not None
    assert (early.visible, late.visible) == (False, True)


def test_a_client_that_hangs_up_does_not_end_the_walk(acme: Catalog) -> None:
    push_many(acme)

    async def main() -> None:
        first = asyncio.ensure_future(acme.blobs.blob(REPO, BASE_DIGEST, now=NOW))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(acme.blobs.blob(REPO, BASE_DIGEST, now=NOW))
        await asyncio.sleep(0)
        first.cancel()
        view = await second
        assert view is not None
        assert view.visible is False

    run(main())
