"""What exists, page by page: the contract of `ListingReads`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access.values import Condition
from gateway.catalog.effects import DeleteManifest, DeleteTag, MoveTag, PendTag
from gateway.catalog.values import ManifestClass, RepositoryEntry, TagEntry
from gateway.catalog.world import WorldKey
from gateway.oci.names import RepositoryName, Tag
from tests.support.catalog import ALICE, BOB, NOW, REPO, Catalog, admit, catalog, copy_of, image, put, run

APP = image(b"layer-1")
OTHER = image(b"layer-2")
NAMES = ["10", "9", "A", "Z", "_x", "a", "v1.0", "v1.0-rc", "v1_0"]
"""In byte order."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("listings")
    with catalog(directory) as opened:
        opened.push(APP, admit(APP))
        opened.push(OTHER)
        opened.commit(*(MoveTag(Tag(name), APP.digest, None) for name in reversed(NAMES)), about=APP)
    return directory


@pytest.fixture
def acme(template: Path, tmp_path: Path) -> Iterator[Catalog]:
    with copy_of(template, tmp_path) as opened:
        yield opened


def tags(acme: Catalog, *, last: str | None = None, limit: int = 100) -> list[TagEntry]:
    return list(run(acme.listings.tags(REPO, last=last, limit=limit, now=NOW)))


def repositories(acme: Catalog, *, last: str | None = None, limit: int = 100) -> list[RepositoryEntry]:
    return list(run(acme.listings.repositories(last=last, limit=limit, now=NOW)))


@pytest.mark.parametrize("limit", [1, 2, 4, 100, 101], ids=lambda limit: f"pages-of-{limit}")
def test_pages_of_tags_are_the_list_in_byte_order(acme: Catalog, limit: int) -> None:
    found: list[str] = []
    while page := tags(acme, last=found[-1] if found else None, limit=limit):
        found.extend(entry.tag.text for entry in page)
    assert found == NAMES


def test_a_last_that_is_no_tag_is_a_place_all_the_same(acme: Catalog) -> None:
    assert [entry.tag.text for entry in tags(acme, last="b")] == ["v1.0", "v1.0-rc", "v1_0"]


def test_an_entry_tells_what_is_visible_and_who_waits(acme: Catalog) -> None:
    acme.commit(
        PendTag(Tag("a"), OTHER.digest, None, BOB.id, {}),
        PendTag(Tag("new"), OTHER.digest, None, ALICE.id, {}),
        MoveTag(Tag("9"), OTHER.digest, None),
        DeleteTag(Tag("A")),
        about=APP,
    )
    entries = {entry.tag.text: (entry.visible, entry.pending, entry.requester) for entry in tags(acme)}
    assert "A" not in entries
    assert {name: entries[name] for name in ("10", "9", "a", "new")} == {
        "10": (True, False, None),
        "9": (False, False, None),
        "a": (True, True, BOB.id),
        "new": (False, True, ALICE.id),
    }


def test_an_entry_tells_a_build_cache_and_evidence(acme: Catalog) -> None:
    cache, signature, fallback = image(b"cache"), image(b"signature"), image(b"fallback")
    acme.push(cache, PendTag(Tag("cache"), cache.digest, None, BOB.id, {}), cls=ManifestClass.CACHE)
    acme.push(signature, MoveTag(Tag("sig"), signature.digest, None), cls=ManifestClass.EVIDENCE, subject=APP.digest)
    acme.push(fallback, MoveTag(Tag("sha"), fallback.digest, None), cls=ManifestClass.FALLBACK, subject=APP.digest)
    entries = {entry.tag.text: (entry.visible, entry.cache, entry.metadata) for entry in tags(acme)}
    assert {name: entries[name] for name in ("9", "cache", "sha", "sig")} == {
        "9": (True, False, None),
        "cache": (False, True, None),
        "sha": (True, False, Condition.ADMITTED),
        "sig": (False, False, Condition.HELD),
    }


def test_a_deleted_manifest_takes_its_tags_along(acme: Catalog) -> None:
    acme.commit(MoveTag(Tag("9"), OTHER.digest, None), DeleteManifest(APP.digest), about=APP)
    assert [entry.tag.text for entry in tags(acme)] == ["9"]


def test_tags_of_a_repository_that_is_not_there(acme: Catalog) -> None:
    found = run(acme.listings.tags(RepositoryName("acme/none"), last=None, limit=9, now=NOW))
    assert list(found) == []


def test_repositories_tell_whether_anything_in_them_is_visible(acme: Catalog) -> None:
    held, empty = RepositoryName("acme/held"), RepositoryName("acme/empty")
    key = WorldKey(repository=held, caller=ALICE.id, digest=APP.digest)
    acme.commit(put(APP), about=key, repository=held)
    acme.link(APP.layers[0].digest, APP.layers[0].size, repository=empty)
    assert repositories(acme) == [
        RepositoryEntry(REPO, "acme", visible=True, held=False),
        RepositoryEntry(empty, "acme", visible=False, held=False),
        RepositoryEntry(held, "acme", visible=False, held=True),
    ]
    assert [entry.name for entry in repositories(acme, last="acme/app", limit=1)] == [empty]


def test_a_witness_that_fails_is_not_believed(acme: Catalog) -> None:
    acme.commit(admit(OTHER), about=OTHER)
    acme.execute("UPDATE manifest SET state = 0 WHERE sha256 = ?", APP.digest.hex)
    assert [(entry.visible, entry.held) for entry in repositories(acme)] == [(True, False)]
    acme.execute("UPDATE manifest SET state = 0")
    assert [(entry.visible, entry.held) for entry in repositories(acme)] == [(False, True)]


def test_a_witness_of_another_repository_is_not_believed(acme: Catalog) -> None:
    empty = RepositoryName("acme/empty")
    acme.link(APP.layers[0].digest, APP.layers[0].size, repository=empty)
    acme.execute("UPDATE repository SET witness = (SELECT id FROM manifest WHERE sha256 = ?)", APP.digest.hex)
    assert [(entry.name, entry.visible) for entry in repositories(acme)] == [(REPO, True), (empty, False)]


def test_a_repository_exists_once_anything_was_stored(acme: Catalog) -> None:
    name = RepositoryName("acme/new")
    assert run(acme.listings.repository_exists(name)) is False
    acme.link(APP.layers[0].digest, APP.layers[0].size, repository=name)
    assert run(acme.listings.repository_exists(name)) is True
