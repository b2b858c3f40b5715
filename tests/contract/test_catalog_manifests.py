"""Manifests by tag, by digest, by subject: the contract of `ManifestReads`.

Who sees what is compared with the definition in `tests/unit/catalog/test_visibility.py`; here is what a view says.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.access.values import Condition
from gateway.catalog.effects import DeleteTag, DropPending, MoveTag, PendTag
from gateway.catalog.values import ManifestClass, ManifestView
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag
from tests.support.catalog import (
    ALICE,
    BOB,
    NOW,
    REPO,
    WEEK,
    Catalog,
    admit,
    catalog,
    copy_of,
    image,
    index,
    run,
    verified,
)

V1 = Tag("v1")
APP = image(b"layer-1")
OTHER = image(b"layer-2")
SIGNATURE = image(b"signature")
ALIAS = Digest.of(APP.raw, algorithm="sha512")
SPDX, CYCLONE = "application/spdx+json", "application/vnd.cyclonedx+json"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("manifests")
    with catalog(directory) as opened:
        opened.push(APP, admit(APP), MoveTag(V1, APP.digest, ALIAS), aliases=[ALIAS], who=BOB)
        opened.push(OTHER, expires=NOW + WEEK)
    return directory


@pytest.fixture
def acme(template: Path, tmp_path: Path) -> Iterator[Catalog]:
    with copy_of(template, tmp_path) as opened:
        yield opened


def test_a_view_tells_the_row(acme: Catalog) -> None:
    view = acme.view(APP)
    assert view == ManifestView(
        id=view.id,
        repository=REPO,
        digest=APP.digest,
        alias=None,
        cls=ManifestClass.IMAGE,
        condition=Condition.ADMITTED,
        visible=True,
        media_type=APP.media_type,
        artifact_type=APP.declared_type,
        size=len(APP.raw),
        unverified=False,
        subject=None,
        who=BOB.id,
        created=NOW,
        expires=None,
        body=APP.raw,
    )


@pytest.mark.parametrize("with_body", [False, True], ids=["head", "get"])
def test_the_body_is_read_where_it_is_asked_for(acme: Catalog, with_body: bool) -> None:
    body = APP.raw if with_body else None
    by_digest = run(acme.manifests.by_digest(REPO, APP.digest, now=NOW, with_body=with_body))
    by_alias = run(acme.manifests.by_digest(REPO, ALIAS, now=NOW, with_body=with_body))
    by_tag = run(acme.manifests.by_tag(REPO, V1, now=NOW, with_body=with_body))
    assert by_digest is not None
    assert by_alias is not None
    assert by_tag is not None
    assert by_tag.target is not None
    assert [found.body for found in (by_digest, by_alias, by_tag.target)] == [body] * 3


def test_the_body_of_what_is_visible_only(acme: Catalog) -> None:
    """Of a tag's target only: a waiting one has none even where its digest is visible."""
    acme.commit(PendTag(V1, APP.digest, None, BOB.id, {}), MoveTag(Tag("held"), OTHER.digest, None), about=OTHER)
    found = [
        run(acme.manifests.by_digest(REPO, digest, now=NOW, with_body="visible"))
        for digest in (APP.digest, ALIAS, OTHER.digest)
    ]
    assert [view and view.body for view in found] == [APP.raw, APP.raw, None]
    both = run(acme.manifests.by_tag(REPO, V1, now=NOW, with_body="visible"))
    hidden = run(acme.manifests.by_tag(REPO, Tag("held"), now=NOW, with_body="visible"))
    assert both is not None
    assert both.target is not None
    assert both.pending is not None
    assert (both.target.body, both.pending.body, both.pending.visible) == (APP.raw, None, True)
    assert hidden is not None
    assert hidden.target is not None
    assert hidden.target.body is None


def test_a_tag_answers_with_the_digest_it_was_pushed_with(acme: Catalog) -> None:
    found = acme.by_tag("v1")
    assert found is not None
    assert found.target is not None
    assert (found.target.digest, found.target.alias, found.target.served_as) == (APP.digest, ALIAS, ALIAS)
    assert (found.pending, found.requester, found.generation) == (None, None, 1)


def test_a_pending_tag_tells_both_ends(acme: Catalog) -> None:
    acme.commit(PendTag(V1, OTHER.digest, None, BOB.id, {}), about=OTHER)
    found = acme.by_tag("v1")
    assert found is not None
    assert found.target is not None
    assert found.pending is not None
    assert (found.target.digest, found.target.condition) == (APP.digest, Condition.ADMITTED)
    assert (found.pending.digest, found.pending.condition) == (OTHER.digest, Condition.HELD)
    assert (found.requester, found.generation) == (BOB.id, 2)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param([PendTag(Tag("new"), OTHER.digest, None, BOB.id, {}), DropPending(Tag("new"))], id="dropped"),
        pytest.param([MoveTag(Tag("new"), OTHER.digest, None), DeleteTag(Tag("new"))], id="deleted"),
        pytest.param([], id="never-was"),
    ],
)
def test_a_tag_with_nothing_in_it_is_none(
    acme: Catalog, end: list[PendTag | DropPending | MoveTag | DeleteTag]
) -> None:
    acme.commit(*end, about=OTHER)
    assert acme.by_tag("new") is None
    assert [entry.tag.text for entry in run(acme.listings.tags(REPO, last=None, limit=9, now=NOW))] == ["v1"]


@pytest.mark.parametrize(
    ("repository", "digest"),
    [
        pytest.param(REPO, Digest.of(b"nothing"), id="unknown-digest"),
        pytest.param(REPO, Digest.of(OTHER.raw, algorithm="sha512"), id="not-an-alias"),
        pytest.param(RepositoryName("acme/other"), APP.digest, id="another-repository"),
        pytest.param(RepositoryName("acme/other"), ALIAS, id="an-alias-elsewhere"),
    ],
)
def test_what_is_not_there(acme: Catalog, repository: RepositoryName, digest: Digest) -> None:
    assert acme.by_digest(digest, repository=repository) is None


@pytest.fixture
def referred(acme: Catalog) -> list[ManifestView]:
    """Five referrers of APP, in the order they are listed."""
    for number, (kind, how) in enumerate(
        [(SPDX, "image"), (CYCLONE, "image"), (SPDX, "evidence"), (SPDX, "image"), (None, "image")]
    ):
        types: dict[str, Any] = {} if kind is None else {"artifactType": kind}
        manifest = image(bytes([number]), subject=APP.digest, **types)
        if how == "evidence":
            acme.push(manifest, verified(manifest, subject=APP.digest), cls=ManifestClass.EVIDENCE, subject=APP.digest)
        else:
            acme.push(manifest, *([admit(manifest)] if number == 0 else []))
    acme.push(index(subject={"mediaType": APP.media_type, "digest": str(APP.digest), "size": 1}))
    return list(listed(acme))


def listed(
    acme: Catalog, *, artifact_type: str | None = None, after: tuple[str, int] | None = None, limit: int = 100
) -> list[ManifestView]:
    return list(
        run(acme.manifests.referrers(REPO, APP.digest, artifact_type=artifact_type, after=after, limit=limit, now=NOW))
    )


def test_referrers_are_listed_by_type_then_age_without_bodies(referred: list[ManifestView]) -> None:
    places = [(view.artifact_type or "", view.id) for view in referred]
    assert places == sorted(places)
    assert [view.artifact_type for view in referred] == [
        None,  # an index that declares nothing
        SPDX,
        SPDX,
        SPDX,
        "application/vnd.cyclonedx+json",
        "application/vnd.oci.image.config.v1+json",
    ]
    assert all(view.body is None for view in referred)
    assert [view.visible for view in referred] == [False, True, True, False, False, False]


def test_bodies_by_row_id(acme: Catalog) -> None:
    app, other = acme.view(APP), acme.view(OTHER)
    assert run(acme.manifests.bodies([other.id, app.id, 10**9])) == {app.id: APP.raw, other.id: OTHER.raw}
    assert run(acme.manifests.bodies([])) == {}


@pytest.mark.parametrize("size", [1, 2, 3, 101], ids=lambda size: f"pages-of-{size}")
@pytest.mark.parametrize("artifact_type", [None, SPDX, "application/none"], ids=["all", "of-a-type", "of-no-type"])
def test_pages_of_referrers_are_the_list(
    acme: Catalog, referred: list[ManifestView], size: int, artifact_type: str | None
) -> None:
    found: list[ManifestView] = []
    after = None
    while page := listed(acme, artifact_type=artifact_type, after=after, limit=size):
        found.extend(page)
        after = (page[-1].artifact_type or "", page[-1].id)
    assert found == [view for view in referred if artifact_type in (None, view.artifact_type)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(("application/a", 10**6), 3, id="a-type-before"),
        pytest.param(("application/z", 0), 0, id="a-type-after"),
    ],
)
def test_a_cursor_of_another_type(
    acme: Catalog, referred: list[ManifestView], after: tuple[str, int], expected: int
) -> None:
    assert len(referred) == 6
    assert len(listed(acme, artifact_type=SPDX, after=after)) == expected


def test_evidence_of_a_subject_that_is_not_visible_is_not(acme: Catalog, referred: list[ManifestView]) -> None:
    assert len(referred) == 6
    acme.execute("UPDATE manifest SET state = 0 WHERE sha256 = ?", APP.digest.hex)
    assert [view.visible for view in listed(acme)] == [False, True, False, False, False, False]


def test_held_lists_what_waits_of_every_class_by_its_end(acme: Catalog) -> None:
    child, carrier = image(b"carried"), index(image(b"carried").digest)
    late = image(b"late")
    acme.push(late, now=NOW + 5, expires=NOW + 5 + WEEK)
    acme.push(child, expires=NOW + WEEK)
    acme.push(carrier, admit(carrier, edges=[(child, [])]))
    cache = image(b"cache")
    acme.push(SIGNATURE, cls=ManifestClass.EVIDENCE, subject=APP.digest, expires=NOW + WEEK + 1)
    acme.push(cache, cls=ManifestClass.CACHE, expires=NOW + WEEK + 2)
    acme.execute("INSERT INTO project SELECT 99, 'else', mode, visibility, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1 FROM project")
    found = {
        name: [view.digest for view in run(acme.manifests.held(project, limit=limit, now=NOW))]
        for name, project, limit in [
            ("all", None, 10),
            ("acme", ProjectName("acme"), 10),
            ("first", None, 1),
            ("else", ProjectName("else"), 10),
            ("unknown", ProjectName("unknown"), 10),
        ]
    }
    every = [OTHER.digest, SIGNATURE.digest, cache.digest, late.digest]
    assert found == {"all": every, "acme": every, "first": every[:1], "else": [], "unknown": []}
    assert [view.repository for view in run(acme.manifests.held(None, limit=1, now=NOW))] == [REPO]


def test_the_principal_of_the_fixture_is_the_one_that_pushed(acme: Catalog) -> None:
    assert (acme.view(APP).who, acme.view(OTHER).who) == (BOB.id, ALICE.id)
