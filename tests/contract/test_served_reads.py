"""`ManifestReads`, `ListingReads`, `BlobCatalog` as pulls use them: the catalog, and the fake that the API's tests serve.

Only what is said by both is here; each seam's whole suite on the catalog is in the files called like it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pytest

from gateway.access.values import Condition
from gateway.catalog.effects import Effect, MoveTag, PendTag
from gateway.catalog.stores import BlobCatalog, ListingReads, ManifestReads
from gateway.errors import BlobReferenced, BlobUnknown
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag
from tests.support.api import Registry
from tests.support.catalog import ALICE, NOW, REPO, Catalog, admit, catalog, image, run

OTHER: Final = RepositoryName("acme/other")
BASE: Final = b"a base layer"
SHOWN, HELD = image(BASE), image(b"another layer")
SBOMS: Final = [
    image(b"sbom %d" % number, subject=SHOWN.digest, artifactType=f"application/type-{number % 2}")
    for number in range(4)
]


class Stock(Protocol):
    """One adapter, and a way to put something into it."""

    @property
    def manifests(self) -> ManifestReads: ...
    @property
    def listings(self) -> ListingReads: ...
    @property
    def blobs(self) -> BlobCatalog: ...

    def put(self, manifest: Manifest, *, shown: bool, tag: str | None = None, waits: bool = False) -> None:
        """Store it, visible or held; ``tag`` points at it, or ``waits`` for it."""


@dataclass(frozen=True)
class OfCatalog:
    """The catalog."""

    made: Catalog

    @property
    def manifests(self) -> ManifestReads:
        return self.made.manifests

    @property
    def listings(self) -> ListingReads:
        return self.made.listings

    @property
    def blobs(self) -> BlobCatalog:
        return self.made.blobs

    def put(self, manifest: Manifest, *, shown: bool, tag: str | None = None, waits: bool = False) -> None:
        effects: list[Effect] = [admit(manifest)] if shown else []
        if tag is not None:
            name = Tag(tag)
            effects.append(
                PendTag(name, manifest.digest, None, ALICE.id, {}) if waits else MoveTag(name, manifest.digest, None)
            )
        self.made.push(manifest, *effects)


@dataclass(frozen=True)
class OfRegistry:
    """The fake."""

    registry: Registry

    @property
    def manifests(self) -> ManifestReads:
        return self.registry

    @property
    def listings(self) -> ListingReads:
        return self.registry

    @property
    def blobs(self) -> BlobCatalog:
        return self.registry

    def put(self, manifest: Manifest, *, shown: bool, tag: str | None = None, waits: bool = False) -> None:
        condition = Condition.ADMITTED if shown else Condition.HELD
        requester = ALICE.id if waits else None
        self.registry.put(
            manifest.raw, repository=REPO, condition=condition, tag=tag, pending=waits, requester=requester
        )
        for blob in manifest.referenced_blobs:
            self.registry.blob_put(blob.digest, blob.size, repository=REPO, visible=shown)


@contextmanager
def _catalog(folder: Path) -> Iterator[Stock]:
    with catalog(folder) as made:
        yield OfCatalog(made)


@contextmanager
def _registry(_: Path) -> Iterator[Stock]:
    yield OfRegistry(Registry())


ADAPTERS: Final = {"catalog": _catalog, "fake": _registry}


@pytest.fixture(params=sorted(ADAPTERS))
def stock(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stock]:
    with ADAPTERS[request.param](tmp_path) as made:
        made.put(SHOWN, shown=True, tag="v1")
        made.put(HELD, shown=False, tag="v2", waits=True)
        yield made


def test_a_manifest_is_found_in_its_repository_and_in_no_other(stock: Stock) -> None:
    view = run(stock.manifests.by_digest(REPO, SHOWN.digest, now=NOW, with_body=True))
    assert view is not None
    assert (view.digest, view.visible, view.condition, view.body) == (SHOWN.digest, True, Condition.ADMITTED, SHOWN.raw)
    assert (view.media_type, view.size) == (SHOWN.media_type, len(SHOWN.raw))
    held = run(stock.manifests.by_digest(REPO, HELD.digest, now=NOW, with_body=True))
    assert held is not None
    assert (held.visible, held.condition) == (False, Condition.HELD)
    assert run(stock.manifests.by_digest(OTHER, SHOWN.digest, now=NOW, with_body=True)) is None
    assert run(stock.manifests.by_digest(REPO, Digest.of(b"never"), now=NOW, with_body=True)) is None


def test_bodies_come_where_they_are_asked_for(stock: Stock) -> None:
    def lengths(digest: Digest) -> list[int | None]:
        views = [
            run(stock.manifests.by_digest(REPO, digest, now=NOW, with_body=wanted))
            for wanted in (True, False, "visible")
        ]
        return [None if view is None or view.body is None else len(view.body) for view in views]

    assert lengths(SHOWN.digest) == [len(SHOWN.raw), None, len(SHOWN.raw)]
    assert lengths(HELD.digest) == [len(HELD.raw), None, None]


def test_a_tag_says_what_it_points_at_and_what_waits(stock: Stock) -> None:
    shown = run(stock.manifests.by_tag(REPO, Tag("v1"), now=NOW, with_body=False))
    assert shown is not None
    assert shown.target is not None
    assert (shown.target.digest, shown.pending) == (SHOWN.digest, None)
    waits = run(stock.manifests.by_tag(REPO, Tag("v2"), now=NOW, with_body=False))
    assert waits is not None
    assert waits.pending is not None
    assert (waits.target, waits.pending.digest, waits.requester) == (None, HELD.digest, ALICE.id)
    assert run(stock.manifests.by_tag(REPO, Tag("v3"), now=NOW, with_body=False)) is None


def test_referrers_come_by_type_and_age_page_by_page(stock: Stock) -> None:
    for sbom in SBOMS:
        stock.put(sbom, shown=True)

    def page(artifact_type: str | None, after: tuple[str, int] | None, limit: int) -> Sequence[tuple[Digest, str, int]]:
        found = run(
            stock.manifests.referrers(
                REPO, SHOWN.digest, artifact_type=artifact_type, after=after, limit=limit, now=NOW
            )
        )
        return [(view.digest, view.artifact_type or "", view.id) for view in found]

    expected = [SBOMS[0].digest, SBOMS[2].digest, SBOMS[1].digest, SBOMS[3].digest]
    everything = page(None, None, 10)
    assert [digest for digest, _, _ in everything] == expected
    first = page(None, None, 3)
    assert first == everything[:3]
    assert page(None, first[-1][1:], 3) == everything[3:]
    assert [digest for digest, _, _ in page("application/type-1", None, 10)] == expected[2:]
    assert page("application/none", None, 10) == []


def test_bodies_by_row(stock: Stock) -> None:
    view = run(stock.manifests.by_digest(REPO, SHOWN.digest, now=NOW, with_body=False))
    assert view is not None
    assert run(stock.manifests.bodies([view.id, 10_000])) == {view.id: SHOWN.raw}


def test_tags_are_listed_in_order_with_what_is_seen_of_them(stock: Stock) -> None:
    listed = run(stock.listings.tags(REPO, last=None, limit=10, now=NOW))
    assert [(entry.tag.text, entry.visible, entry.pending) for entry in listed] == [
        ("v1", True, False),
        ("v2", False, True),
    ]
    assert [entry.tag.text for entry in run(stock.listings.tags(REPO, last="v1", limit=10, now=NOW))] == ["v2"]
    assert [entry.tag.text for entry in run(stock.listings.tags(REPO, last=None, limit=1, now=NOW))] == ["v1"]


def test_repositories(stock: Stock) -> None:
    listed = run(stock.listings.repositories(last=None, limit=10, now=NOW))
    assert [(entry.name, entry.visible) for entry in listed] == [(REPO, True)]
    assert run(stock.listings.repositories(last=REPO.text, limit=10, now=NOW)) == []
    assert run(stock.listings.repository_exists(REPO))
    assert not run(stock.listings.repository_exists(OTHER))


def test_a_blob_belongs_where_it_was_brought(stock: Stock) -> None:
    digest = Digest.of(b"new")
    assert run(stock.blobs.blob(REPO, digest, now=NOW)) is None
    for _ in range(2):
        run(stock.blobs.link(REPO, digest, 3, principal=ALICE, now=NOW))
    view = run(stock.blobs.blob(REPO, digest, now=NOW))
    assert view is not None
    assert (view.size, view.visible) == (3, False)
    assert run(stock.blobs.blob(OTHER, digest, now=NOW)) is None
    assert run(stock.blobs.sources(digest, limit=5)) == [REPO]
    run(stock.blobs.unlink(REPO, digest, principal=ALICE, now=NOW))
    assert run(stock.blobs.blob(REPO, digest, now=NOW)) is None


def test_a_blob_that_is_named_stays(stock: Stock) -> None:
    layer = Digest.of(BASE)
    view = run(stock.blobs.blob(REPO, layer, now=NOW))
    assert view is not None
    assert view.visible
    with pytest.raises(BlobReferenced):
        run(stock.blobs.unlink(REPO, layer, principal=ALICE, now=NOW))
    with pytest.raises(BlobUnknown):
        run(stock.blobs.unlink(REPO, Digest.of(b"never"), principal=ALICE, now=NOW))
