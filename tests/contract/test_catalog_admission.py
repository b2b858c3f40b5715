"""What a commit does, effect by effect: the contract of `AdmissionStore`.

That it does nothing in another world than the expected one is in `tests/unit/catalog/test_world.py`.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.access.values import Condition
from gateway.catalog.effects import (
    DeleteManifest,
    DeleteTag,
    DropPending,
    Effect,
    EnqueueWork,
    Entomb,
    JudgedEdge,
    MoveTag,
    PendTag,
    PromoteTag,
    RecordDecision,
    RecordEvent,
)
from gateway.catalog.sqlite.admitting import MAX_SIGNERS_PER_REQUIREMENT
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import WorldKey
from gateway.errors import Internal, Unsupported
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag
from tests.support.catalog import (
    ALICE,
    BOB,
    KEY_1,
    KEY_2,
    NOW,
    REPO,
    WEEK,
    Catalog,
    admit,
    catalog,
    copy_of,
    image,
    index,
    key_of,
    put,
    run,
    support,
    verified,
)

V1 = Tag("v1")
APP = image(b"layer-1", b"layer-2")
OTHER = image(b"layer-1", b"layer-3")
SIGNATURE = image(b"signature", config=b"signature-config")
SECOND = image(b"second-signature", config=b"signature-config")
ROOT = index(APP.digest, OTHER.digest)
EVIDENCE, FALLBACK = ManifestClass.EVIDENCE, ManifestClass.FALLBACK


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("admission")
    with catalog(directory):
        return directory


@pytest.fixture
def acme(template: Path, tmp_path: Path) -> Iterator[Catalog]:
    with copy_of(template, tmp_path) as opened:
        yield opened


def held_bytes(acme: Catalog) -> int:
    return int(acme.rows("SELECT held_bytes FROM project")[0][0])


def raised(acme: Catalog) -> int:
    return int(acme.rows("SELECT raised FROM repository WHERE name = ?", REPO.text)[0][0])


def subject_state(acme: Catalog, subject: Manifest) -> tuple[Any, ...]:
    rows = acme.rows("SELECT generation, verified, unverified FROM subject_state WHERE subject = ?", subject.digest.hex)
    return rows[0] if rows else (0, 0, 0)


def sign(acme: Catalog, subject: Manifest, signature: Manifest = SIGNATURE, *, signer: str = KEY_1) -> None:
    acme.push(signature, verified(signature, signer, subject=subject.digest), cls=EVIDENCE, subject=subject.digest)


def condition(acme: Catalog, manifest: Manifest) -> Condition:
    return acme.view(manifest).condition


# -- PutManifest and Admit


def test_a_put_manifest_is_held_until_it_is_admitted(acme: Catalog) -> None:
    acme.push(APP, held_bytes=100, expires=NOW + WEEK)
    held = acme.view(APP)
    assert (held.condition, held.visible, held.expires, held.who) == (Condition.HELD, False, NOW + WEEK, ALICE.id)
    assert (held.body, held.created, held_bytes(acme)) == (APP.raw, NOW, 100)
    assert acme.commit(admit(APP), about=APP)
    admitted = acme.view(APP)
    assert (admitted.condition, admitted.visible, admitted.expires) == (Condition.ADMITTED, True, None)
    assert held_bytes(acme) == 0


def test_a_second_put_refreshes_who_and_the_clock_and_nothing_else(acme: Catalog) -> None:
    acme.push(APP, held_bytes=100, expires=NOW + WEEK)
    acme.push(APP, now=NOW + 50, who=BOB, held_bytes=70, expires=NOW + 50 + WEEK)
    view = acme.view(APP)
    assert (view.who, view.created, view.expires, held_bytes(acme)) == (BOB.id, NOW, NOW + 50 + WEEK, 70)


def test_a_second_put_never_changes_the_state_of_what_is_admitted(acme: Catalog) -> None:
    acme.push(APP, admit(APP))
    acme.push(APP, now=NOW + 50, held_bytes=70, expires=NOW + WEEK)
    view = acme.view(APP)
    assert (view.condition, view.expires, held_bytes(acme)) == (Condition.ADMITTED, None, 0)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(ManifestClass.IMAGE, EVIDENCE, EVIDENCE, id="a-held-image-becomes-evidence"),
        pytest.param(EVIDENCE, ManifestClass.IMAGE, EVIDENCE, id="evidence-stays"),
        pytest.param(ManifestClass.CACHE, EVIDENCE, ManifestClass.CACHE, id="cache-stays"),
        pytest.param(ManifestClass.IMAGE, ManifestClass.CACHE, ManifestClass.IMAGE, id="an-image-stays"),
        pytest.param(ManifestClass.CACHE, ManifestClass.IMAGE, ManifestClass.CACHE, id="cache-is-no-image"),
        pytest.param(ManifestClass.IMAGE, FALLBACK, FALLBACK, id="a-held-index-becomes-a-fallback-index"),
        pytest.param(FALLBACK, ManifestClass.IMAGE, FALLBACK, id="a-fallback-index-stays"),
        pytest.param(ManifestClass.CACHE, FALLBACK, ManifestClass.CACHE, id="cache-is-no-fallback-index"),
    ],
)
def test_what_changes_class(
    acme: Catalog, before: ManifestClass, after: ManifestClass, expected: ManifestClass
) -> None:
    subject = {EVIDENCE: APP.digest, FALLBACK: APP.digest}
    acme.push(SIGNATURE, cls=before, subject=subject.get(before))
    acme.push(SIGNATURE, cls=after, subject=subject.get(after))
    view = acme.view(SIGNATURE)
    assert (view.cls, view.subject) == (expected, subject.get(expected))
    assert subject_state(acme, APP)[0] == (1 if expected is EVIDENCE else 0)


@pytest.mark.parametrize("cls", [EVIDENCE, FALLBACK], ids=str)
def test_an_admitted_image_never_becomes_evidence(acme: Catalog, cls: ManifestClass) -> None:
    acme.push(SIGNATURE, admit(SIGNATURE))
    acme.push(SIGNATURE, cls=cls, subject=APP.digest)
    assert (acme.view(SIGNATURE).cls, condition(acme, SIGNATURE)) == (ManifestClass.IMAGE, Condition.ADMITTED)


@pytest.mark.parametrize("cls", [EVIDENCE, FALLBACK], ids=str)
def test_what_an_admitted_index_judged_never_becomes_evidence(acme: Catalog, cls: ManifestClass) -> None:
    acme.push(APP)
    acme.push(ROOT, admit(ROOT, edges=[(APP, [])]))
    key = WorldKey(repository=REPO, caller=ALICE.id, digest=APP.digest)
    world = acme.world(key)
    assert world is not None
    assert world.manifest is not None
    assert world.manifest.judged
    acme.push(APP, cls=cls, subject=OTHER.digest)
    assert (acme.view(APP).cls, condition(acme, APP)) == (ManifestClass.IMAGE, Condition.CARRIED)
    assert subject_state(acme, OTHER)[0] == 0
    acme.commit(DeleteManifest(ROOT.digest), about=ROOT)
    acme.push(APP, cls=cls, subject=OTHER.digest)
    assert acme.view(APP).cls is cls


def test_what_is_put_as_something_else_keeps_its_count_and_its_end(acme: Catalog) -> None:
    acme.push(SIGNATURE, cls=EVIDENCE, subject=APP.digest, held_bytes=40, expires=NOW + WEEK)
    acme.push(SIGNATURE, now=NOW + 50, who=BOB, held_bytes=70, expires=NOW + 50 + WEEK)
    view = acme.view(SIGNATURE)
    assert (view.cls, view.who, view.expires, held_bytes(acme)) == (EVIDENCE, ALICE.id, NOW + WEEK, 40)
    acme.push(SIGNATURE, cls=EVIDENCE, subject=APP.digest)
    acme.push(SIGNATURE, held_bytes=70, expires=NOW + WEEK)
    assert (acme.view(SIGNATURE).expires, held_bytes(acme)) == (None, 0)


def test_a_fallback_index_of_two_subjects_is_about_none(acme: Catalog) -> None:
    """Only one of nothing can be: it is visible with its one subject, and then with neither."""
    nothing = index()
    acme.push(APP, admit(APP))
    acme.push(OTHER)
    acme.push(nothing, cls=FALLBACK, subject=APP.digest)
    acme.push(nothing, cls=FALLBACK, subject=APP.digest)
    assert (acme.view(nothing).subject, acme.view(nothing).visible) == (APP.digest, True)
    for subject in (OTHER, APP):
        acme.push(nothing, cls=FALLBACK, subject=subject.digest)
        assert (acme.view(nothing).subject, acme.view(nothing).visible) == (None, False)


def test_stored_bytes_that_are_not_what_their_digest_names_end_the_commit(acme: Catalog) -> None:
    acme.push(APP)
    acme.execute("UPDATE body SET bytes = x'7b7d'")
    with pytest.raises(Internal):
        acme.commit(put(APP), about=APP)


def test_an_alias_names_the_same_row(acme: Catalog) -> None:
    alias = Digest.of(APP.raw, algorithm="sha512")
    acme.push(APP, admit(APP), aliases=[alias])
    view = acme.by_digest(alias)
    assert view is not None
    assert (view.digest, view.alias, view.served_as, view.visible) == (APP.digest, alias, alias, True)


@pytest.mark.parametrize("cls", [EVIDENCE, ManifestClass.FALLBACK, ManifestClass.CACHE], ids=str)
def test_only_an_image_is_admitted(acme: Catalog, cls: ManifestClass) -> None:
    acme.push(SIGNATURE, cls=cls, subject=APP.digest)
    with pytest.raises(Internal):
        acme.commit(admit(SIGNATURE), about=SIGNATURE)


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param([JudgedEdge(APP.digest, (OTHER.digest,))], id="below-what-was-not-judged"),
        pytest.param([JudgedEdge(APP.digest, (OTHER.digest,) * 3)], id="too-deep"),
        pytest.param([JudgedEdge(Digest("sha512", "a" * 128), ())], id="not-by-sha256"),
    ],
)
def test_edges_that_visibility_cannot_follow_are_a_fault(acme: Catalog, edges: list[JudgedEdge]) -> None:
    acme.push(ROOT)
    effect = admit(ROOT)
    with pytest.raises(Internal):
        acme.commit(type(effect)(effect.digest, (), tuple(edges)), about=ROOT)
    assert condition(acme, ROOT) is Condition.HELD


def test_an_admission_carries_its_children_and_ends_their_clocks(acme: Catalog) -> None:
    for manifest in (APP, OTHER):
        acme.push(manifest, held_bytes=50, expires=NOW + WEEK)
    assert held_bytes(acme) == 100
    acme.push(ROOT, admit(ROOT, edges=[(APP, []), (OTHER, [])]))
    assert (condition(acme, APP), acme.view(APP).expires, held_bytes(acme)) == (Condition.CARRIED, None, 0)
    acme.commit(DeleteManifest(ROOT.digest), about=ROOT, now=NOW + 10)
    view = acme.view(APP)
    size = len(APP.raw) + sum(part.size for part in APP.referenced_blobs)
    other = len(OTHER.raw) + sum(part.size for part in OTHER.referenced_blobs)
    assert (view.condition, view.expires, held_bytes(acme)) == (Condition.HELD, NOW + 10 + WEEK, size + other)


def test_a_carried_child_that_is_pushed_again_has_no_clock(acme: Catalog) -> None:
    acme.push(APP)
    acme.push(ROOT, admit(ROOT, edges=[(APP, [])]))
    acme.commit(DeleteManifest(APP.digest), about=APP)
    acme.push(APP, held_bytes=50, expires=NOW + WEEK)
    view = acme.view(APP)
    assert (view.condition, view.expires, held_bytes(acme)) == (Condition.CARRIED, None, 0)


def test_requirements_are_and_and_signers_are_or(acme: Catalog) -> None:
    acme.push(APP)
    sign(acme, APP)
    sign(acme, APP, SECOND, signer=KEY_2)
    both = [support(SIGNATURE, signer=KEY_1), support(SECOND, signer=KEY_2)]
    cases = {"or": [both], "and": [[both[0]], [both[1]]]}
    acme.execute("INSERT INTO distrust SELECT id, 0, 'os:root', 0 FROM signer WHERE identity = ?", KEY_2)
    found = {}
    for name, requirements in cases.items():
        acme.commit(admit(APP, *requirements), about=APP)
        found[name] = condition(acme, APP)
    assert found == {"or": Condition.ADMITTED, "and": Condition.DISTRUSTED}


def test_the_earliest_sight_of_a_signer_is_kept(acme: Catalog) -> None:
    acme.push(APP)
    sign(acme, APP)
    acme.commit(admit(APP, [support(SIGNATURE, seen=NOW), support(SIGNATURE, seen=NOW - 9)]), about=APP)
    assert acme.rows("SELECT seen FROM support") == [(NOW - 9,)]


def test_at_most_a_hundred_signers_of_a_requirement_are_kept(acme: Catalog) -> None:
    acme.push(APP)
    sign(acme, APP)
    many = [support(SIGNATURE, signer=f"key:{number:03}", seen=NOW + number) for number in range(150)]
    acme.commit(admit(APP, many), about=APP)
    assert acme.rows("SELECT count(*), max(seen) FROM support") == [
        (MAX_SIGNERS_PER_REQUIREMENT, NOW + MAX_SIGNERS_PER_REQUIREMENT - 1)
    ]


def test_a_requirement_that_nobody_carries_shows_nothing(acme: Catalog) -> None:
    acme.push(APP, admit(APP, []))
    assert condition(acme, APP) is Condition.DISTRUSTED


def test_an_admission_until_ends_by_the_clock(acme: Catalog) -> None:
    acme.push(APP, admit(APP, until=NOW + 10))
    assert [acme.view(APP, now=NOW + later).visible for later in (0, 9, 10, 11)] == [True, True, False, False]


# -- evidence


def test_evidence_counts_up_the_generation_of_its_subject(acme: Catalog) -> None:
    acme.push(APP)
    acme.push(SIGNATURE, cls=EVIDENCE, subject=APP.digest)
    assert subject_state(acme, APP) == (1, 0, 1)
    acme.push(SIGNATURE, cls=EVIDENCE, subject=APP.digest)
    assert subject_state(acme, APP) == (1, 0, 1)
    acme.commit(verified(SIGNATURE, subject=APP.digest), about=SIGNATURE)
    assert subject_state(acme, APP) == (2, 1, 0)
    acme.commit(DeleteManifest(SIGNATURE.digest), about=SIGNATURE)
    assert subject_state(acme, APP) == (3, 0, 0)


def test_evidence_is_visible_with_its_subject(acme: Catalog) -> None:
    acme.push(APP)
    sign(acme, APP)
    assert condition(acme, SIGNATURE) is Condition.HELD
    acme.commit(admit(APP, [support(SIGNATURE)]), about=APP)
    assert condition(acme, SIGNATURE) is Condition.ADMITTED
    acme.commit(Entomb(APP.digest, "r", "os:root"), about=APP)
    assert condition(acme, SIGNATURE) is Condition.HELD


def test_verified_evidence_waits_for_nothing_and_counts_for_nothing(acme: Catalog) -> None:
    acme.push(APP)
    acme.push(SIGNATURE, cls=EVIDENCE, subject=APP.digest, held_bytes=40, expires=NOW + WEEK)
    assert held_bytes(acme) == 40
    acme.commit(verified(SIGNATURE, subject=APP.digest), about=SIGNATURE)
    assert (acme.view(SIGNATURE).expires, held_bytes(acme)) == (None, 0)


def test_nothing_is_verified_in_an_image(acme: Catalog) -> None:
    acme.push(APP)
    with pytest.raises(Internal):
        acme.commit(verified(APP), about=APP)


def test_evidence_that_goes_takes_its_support_along_and_has_its_dependants_judged_again(acme: Catalog) -> None:
    acme.push(APP)
    sign(acme, APP)
    acme.commit(admit(APP, [support(SIGNATURE)]), about=APP)
    acme.commit(DeleteManifest(SIGNATURE.digest), about=SIGNATURE)
    assert condition(acme, APP) is Condition.DISTRUSTED
    data = {"repository": REPO.text, "digest": str(APP.digest), "kind": "evidence"}
    assert acme.work() == [("reevaluate", f"{REPO}@{APP.digest}", data)]


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param(put(ROOT), id="a-carried-child-comes-back"),
        pytest.param(admit(APP), id="admit"),
        pytest.param(verified(SIGNATURE, subject=APP.digest), id="verified"),
    ],
)
def test_what_can_show_something_raises_the_repository(acme: Catalog, effect: Effect) -> None:
    acme.push(APP)
    acme.push(SIGNATURE, cls=EVIDENCE, subject=APP.digest)
    parent = index(ROOT.digest)
    acme.push(parent, admit(parent, edges=[(ROOT, [])]))
    before = raised(acme)
    acme.commit(effect, about=APP)
    assert raised(acme) == before + 1


def test_a_put_that_shows_nothing_leaves_what_is_remembered(acme: Catalog) -> None:
    acme.push(APP)
    acme.push(OTHER, admit(OTHER))
    before = raised(acme)
    acme.push(APP)
    acme.push(OTHER)
    acme.push(ROOT)
    assert raised(acme) == before


# -- missing parts


def waiting(acme: Catalog) -> list[str]:
    return sorted(key for kind, key, _ in acme.work() if kind == "reevaluate")


def test_a_blob_that_arrives_has_its_parent_judged_again(acme: Catalog) -> None:
    layer = APP.layers[0].digest
    acme.commit(put(APP, missing=[layer]), about=APP)
    acme.link(layer, 7)
    data = {"repository": REPO.text, "digest": str(APP.digest), "kind": "missing-part"}
    assert acme.work() == [("reevaluate", f"{REPO}@{APP.digest}", data)]
    assert acme.rows("SELECT count(*) FROM missing") == [(0,)]
    assert acme.rows("SELECT count(*) FROM link") == [(1,)]


def test_a_child_that_arrives_has_its_parent_judged_again(acme: Catalog) -> None:
    acme.push(ROOT, missing=[APP.digest, OTHER.digest])
    acme.push(APP)
    assert waiting(acme) == [], "it waits for the other"
    assert acme.rows("SELECT digest FROM missing") == [(str(OTHER.digest),)]
    acme.push(OTHER)
    assert waiting(acme) == [f"{REPO}@{ROOT.digest}"]


def test_a_parent_waits_for_its_late_child_as_long_as_that_lacks_something_and_does_not_show_it(acme: Catalog) -> None:
    layer = APP.layers[0].digest
    acme.push(ROOT, missing=[APP.digest])
    acme.commit(put(APP, missing=[layer]), about=APP)
    assert waiting(acme) == []
    acme.link(layer, 7)
    (data,) = [data for kind, _, data in acme.work() if kind == "arrival"]
    part = Digest.parse(data["digest"])
    assert part == APP.digest
    run(acme.blobs.complete_waiting(REPO, part, data=data, now=NOW))
    assert waiting(acme) == sorted([f"{REPO}@{APP.digest}", f"{REPO}@{ROOT.digest}"])
    assert acme.rows("SELECT m.sha256 FROM link l JOIN manifest m ON m.id = l.manifest_id") == [(APP.digest.hex,)]


def test_a_child_known_by_an_alias_only(acme: Catalog) -> None:
    alias = Digest.of(APP.raw, algorithm="sha512")
    root = index(alias)
    acme.push(root, missing=[alias])
    acme.push(APP, aliases=[alias])
    assert waiting(acme) == [f"{REPO}@{root.digest}"]


def test_a_part_in_another_repository_is_not_the_missing_one(acme: Catalog) -> None:
    layer = APP.layers[0].digest
    acme.commit(put(APP, missing=[layer]), about=APP)
    acme.link(layer, 7, repository=RepositoryName("acme/other"))
    assert waiting(acme) == []


# -- tags

ALIAS = Digest.of(APP.raw, algorithm="sha512")


def tag_row(acme: Catalog, name: str = "v1") -> tuple[Any, ...]:
    return acme.rows(
        """SELECT (SELECT sha256 FROM manifest WHERE id = target_id), target_alias, generation,
        (SELECT sha256 FROM manifest WHERE id = pending_id), pending_alias, pending_generation, requester_id
        FROM tag WHERE name = ?""",
        name,
    )[0]


APP_HEX, OTHER_HEX = APP.digest.hex, OTHER.digest.hex


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        pytest.param([MoveTag(V1, APP.digest, ALIAS)], (APP_HEX, str(ALIAS), 1, None, None, None, None), id="move"),
        pytest.param(
            [MoveTag(V1, APP.digest, ALIAS), MoveTag(V1, OTHER.digest, None)],
            (OTHER_HEX, None, 2, None, None, None, None),
            id="move-again",
        ),
        pytest.param(
            [PendTag(V1, APP.digest, ALIAS, BOB.id, {})],
            (None, None, 1, APP_HEX, str(ALIAS), 1, BOB.id),
            id="pend",
        ),
        pytest.param(
            [MoveTag(V1, APP.digest, None), PendTag(V1, OTHER.digest, None, BOB.id, {})],
            (APP_HEX, None, 2, OTHER_HEX, None, 2, BOB.id),
            id="pend-keeps-the-target",
        ),
        pytest.param(
            [PendTag(V1, APP.digest, ALIAS, ALICE.id, {}), PendTag(V1, OTHER.digest, None, BOB.id, {})],
            (None, None, 2, OTHER_HEX, None, 2, BOB.id),
            id="a-later-request-supersedes",
        ),
        pytest.param(
            [PendTag(V1, APP.digest, ALIAS, BOB.id, {}), MoveTag(V1, OTHER.digest, None)],
            (OTHER_HEX, None, 2, None, None, None, None),
            id="a-move-supersedes",
        ),
        pytest.param(
            [PendTag(V1, APP.digest, ALIAS, BOB.id, {}), PromoteTag(V1, APP.digest, ALIAS)],
            (APP_HEX, str(ALIAS), 1, None, None, None, None),
            id="promote-keeps-the-generation",
        ),
        pytest.param(
            [MoveTag(V1, APP.digest, ALIAS), PendTag(V1, OTHER.digest, None, BOB.id, {}), DropPending(V1)],
            (APP_HEX, str(ALIAS), 2, None, None, None, None),
            id="drop",
        ),
        pytest.param(
            [MoveTag(V1, APP.digest, ALIAS), PendTag(V1, OTHER.digest, None, BOB.id, {}), DeleteTag(V1)],
            (None, None, 3, None, None, None, None),
            id="delete-takes-both-and-counts-on",
        ),
        pytest.param(
            [MoveTag(V1, APP.digest, None), DeleteTag(V1), MoveTag(V1, OTHER.digest, None)],
            (OTHER_HEX, None, 3, None, None, None, None),
            id="a-name-that-comes-back-counts-on",
        ),
        pytest.param(
            [MoveTag(V1, APP.digest, None), PendTag(V1, OTHER.digest, None, BOB.id, {}), DeleteManifest(APP.digest)],
            (None, None, 3, OTHER_HEX, None, 3, BOB.id),
            id="the-target-is-deleted",
        ),
        pytest.param(
            [MoveTag(V1, APP.digest, None), PendTag(V1, OTHER.digest, None, BOB.id, {}), DeleteManifest(OTHER.digest)],
            (APP_HEX, None, 3, None, None, None, None),
            id="the-pending-one-is-deleted",
        ),
    ],
)
def test_what_an_effect_does_to_a_tag(acme: Catalog, effects: list[Effect], expected: tuple[Any, ...]) -> None:
    acme.push(APP)
    acme.push(OTHER)
    assert acme.commit(*effects, about=APP)
    assert tag_row(acme) == expected


def test_a_pending_tag_keeps_the_claims_that_its_requester_had(acme: Catalog) -> None:
    acme.push(APP)
    acme.push(OTHER)
    acme.commit(PendTag(V1, APP.digest, None, BOB.id, {"ref": "refs/heads/main", "job": "é"}), about=APP)
    key = WorldKey(repository=REPO, caller=ALICE.id, digest=APP.digest)
    world = acme.world(key)
    assert world is not None
    (waits,) = world.tags
    assert waits.requester_claims == {"ref": "refs/heads/main", "job": "é"}
    acme.commit(PendTag(V1, APP.digest, None, ALICE.id, {"ref": "refs/heads/next"}), about=APP)
    world = acme.world(key)
    assert world is not None
    (waits,) = world.tags
    assert (waits.requester, waits.requester_claims) == (ALICE.id, {"ref": "refs/heads/next"})
    for ends in (PromoteTag(V1, APP.digest, None), DeleteTag(V1)):
        acme.commit(ends, about=APP)
        assert acme.rows("SELECT requester_claims FROM tag WHERE name = 'v1'") == [(None,)]
        acme.commit(PendTag(V1, APP.digest, None, BOB.id, {"ref": "again"}), about=APP)


def test_only_what_waits_is_promoted(acme: Catalog) -> None:
    acme.push(APP)
    acme.push(OTHER)
    acme.commit(PendTag(V1, OTHER.digest, None, BOB.id, {}), about=APP)
    with pytest.raises(Internal):
        acme.commit(PromoteTag(V1, APP.digest, None), about=APP)
    assert tag_row(acme)[3] == OTHER_HEX


def test_a_tag_names_only_what_the_repository_has(acme: Catalog) -> None:
    acme.push(OTHER)
    with pytest.raises(Internal):
        acme.commit(MoveTag(V1, APP.digest, None), about=APP)


# -- deletes and revocations


def test_a_deleted_manifest_leaves_nothing_but_what_others_said_of_it(acme: Catalog) -> None:
    alias = Digest.of(APP.raw, algorithm="sha512")
    bundle = image(b"bundle", subject=APP.digest)
    acme.push(APP, aliases=[alias])
    acme.push(bundle, verified(bundle, subject=APP.digest), cls=EVIDENCE, subject=APP.digest)
    acme.push(ROOT, admit(ROOT, edges=[(APP, [])]), missing=[OTHER.digest])
    acme.commit(admit(APP, [support(bundle)]), MoveTag(V1, APP.digest, None), about=APP)
    ids = {row[0] for row in acme.rows("SELECT id FROM manifest")}
    for manifest in (APP, bundle, ROOT):
        acme.commit(DeleteManifest(manifest.digest), about=manifest)
    kept = {
        "repository",
        "blob",
        "repo_blob",
        "holder",
        "signer",
        "subject_state",
        "tag",
        "project",
        "principal",
        "member",
        "work",  # what came to be shown, to be looked at: it finds nothing
    }
    tables = [
        row[0] for row in acme.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    ]
    filled = {table for table in tables if acme.rows(f"SELECT count(*) FROM {table}")[0][0]}
    assert filled == kept
    assert acme.rows("SELECT count(*) FROM repo_blob WHERE witness IS NOT NULL") == [(0,)]
    assert acme.rows("SELECT count(*) FROM repository WHERE witness IS NOT NULL") == [(0,)]
    acme.push(OTHER)
    assert not ids & {row[0] for row in acme.rows("SELECT id FROM manifest")}, "an id was given twice"


def test_a_tombstone_holds_in_every_repository_of_the_project_and_outlives_the_row(acme: Catalog) -> None:
    other = RepositoryName("acme/other")
    acme.push(APP, admit(APP))
    key = WorldKey(repository=other, caller=ALICE.id, digest=APP.digest)
    acme.commit(put(APP), admit(APP), about=key, repository=other)
    acme.commit(Entomb(APP.digest, "leaked key", "os:root"), about=APP)
    assert condition(acme, APP) is Condition.REVOKED
    elsewhere = acme.by_digest(APP, repository=other)
    assert elsewhere is not None
    assert elsewhere.condition is Condition.REVOKED
    acme.commit(DeleteManifest(APP.digest), about=APP)
    acme.push(APP, admit(APP))
    assert condition(acme, APP) is Condition.REVOKED
    assert acme.rows("SELECT reason, revoked_by, at FROM tombstone") == [("leaked key", "os:root", NOW)]


def test_a_revocation_of_what_nobody_has_pushed(acme: Catalog) -> None:
    key = WorldKey(repository=RepositoryName("acme/empty"), caller=ALICE.id, digest=APP.digest)
    assert acme.commit(Entomb(APP.digest, "r", "os:root"), about=key, repository=key.repository)
    acme.push(APP, admit(APP))
    assert condition(acme, APP) is Condition.REVOKED
    assert acme.rows("SELECT count(*) FROM repository WHERE name = 'acme/empty'") == [(0,)]


def test_a_revocation_by_another_algorithm(acme: Catalog) -> None:
    alias = Digest.of(APP.raw, algorithm="sha512")
    key = WorldKey(repository=REPO, caller=ALICE.id, digest=alias)
    acme.push(APP, admit(APP), aliases=[alias])
    assert acme.commit(Entomb(alias, "r", "os:root"), about=key)
    assert condition(acme, APP) is Condition.REVOKED
    with pytest.raises(Unsupported):
        acme.commit(Entomb(Digest("sha512", "a" * 128), "r", "os:root"), about=key)


def test_a_revoked_root_starts_its_childrens_clocks(acme: Catalog) -> None:
    acme.push(APP, held_bytes=50, expires=NOW + WEEK)
    acme.push(ROOT, admit(ROOT, edges=[(APP, [])]))
    acme.commit(Entomb(ROOT.digest, "r", "os:root"), about=ROOT, now=NOW + 10)
    assert (condition(acme, APP), acme.view(APP).expires) == (Condition.HELD, NOW + 10 + WEEK)


def test_an_index_between_that_goes_starts_the_clocks_below_it(acme: Catalog) -> None:
    top = index(ROOT.digest)
    acme.push(APP)
    acme.push(ROOT)
    acme.push(top, admit(top, edges=[(ROOT, []), (APP, [ROOT])]))
    assert condition(acme, APP) is Condition.CARRIED
    acme.commit(DeleteManifest(ROOT.digest), about=ROOT)
    assert (condition(acme, APP), acme.view(APP).expires) == (Condition.HELD, NOW + WEEK)


# -- records, and all or nothing


def test_a_decision_is_recorded_with_its_input(acme: Catalog) -> None:
    document = b'{"input": 1}'
    first = RecordDecision("d1", APP.digest, None, "held", {"reasons": []}, document)
    second = RecordDecision("d2", APP.digest, V1, "admitted", {"reasons": ["é"]}, document)
    acme.push(APP, first, second)
    found = run(acme.store.decisions(REPO, APP.digest, limit=10))
    assert [(row.id, row.tag, row.outcome, row.at, row.record) for row in found] == [
        ("d2", "v1", "admitted", NOW, {"reasons": ["é"]}),
        ("d1", None, "held", NOW, {"reasons": []}),
    ]
    assert len(run(acme.store.decisions(REPO, APP.digest, limit=1))) == 1
    assert run(acme.store.decision_input(hashlib.sha256(document).hexdigest())) == document
    assert run(acme.store.decision_input("0" * 64)) is None


def test_a_refusal_leaves_a_record_and_no_repository(acme: Catalog) -> None:
    name = RepositoryName("acme/nothing")
    key = key_of(APP, repository=name)
    event = RecordEvent("manifest.denied", ALICE.id, APP.digest, "d1", {})
    denied = RecordDecision("d1", APP.digest, None, "denied", {})
    assert acme.commit(denied, event, about=key, repository=name)
    assert [row.outcome for row in run(acme.store.decisions(name, APP.digest, limit=1))] == ["denied"]
    assert acme.rows("SELECT count(*) FROM repository") == [(0,)]
    assert acme.rows("SELECT kind, project, repository, digest, decision_id FROM event") == [
        ("manifest.denied", "acme", "acme/nothing", str(APP.digest), "d1")
    ]


def test_work_is_enqueued(acme: Catalog) -> None:
    acme.push(APP, EnqueueWork("expire", "acme/app", {"a": "b"}, NOW + 5))
    assert acme.work() == [("expire", "acme/app", {"a": "b"})]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda: MoveTag(V1, OTHER.digest, None), id="a-tag-on-nothing"),
        pytest.param(lambda: RecordEvent("no.such.kind", ALICE.id, None, None, {}), id="an-unknown-event"),
        pytest.param(lambda: admit(APP, [support(SIGNATURE)]), id="support-by-absent-evidence"),
    ],
)
def test_effects_are_applied_all_or_none(acme: Catalog, broken: Callable[[], Effect]) -> None:
    for blob in APP.referenced_blobs:
        acme.link(blob.digest, blob.size)
    with pytest.raises(Internal):
        acme.commit(put(APP, held_bytes=9), MoveTag(V1, APP.digest, None), broken(), about=APP)
    assert acme.by_digest(APP) is None
    assert acme.by_tag("v1") is None
    assert (held_bytes(acme), acme.rows("SELECT count(*) FROM event")) == (0, [(0,)])


def test_a_commit_needs_a_world(acme: Catalog) -> None:
    with pytest.raises(Internal):
        run(acme.store.commit([], [put(APP)], repository=REPO, now=NOW))


def test_over_quota_is_more_than_the_limit(acme: Catalog) -> None:
    acme.execute("UPDATE project SET held_bytes_limit = 100")
    found = []
    for held in (100, 101):
        acme.push(APP, held_bytes=held)
        world = acme.world(key_of(OTHER))
        assert world is not None
        found.append(world.over_quota)
    assert found == [False, True]
