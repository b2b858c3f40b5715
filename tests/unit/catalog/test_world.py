"""A commit against a world that has changed: for every fact of a world, one thing that changes it, and the refusal.

The list of rows is compared with the fields themselves, so that a new input of a decision cannot be forgotten here.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.access.values import ProjectFacts, Standing
from gateway.catalog.effects import MoveTag, PendTag, RecordEvent
from gateway.catalog.sqlite import descendants
from gateway.catalog.sqlite.world import read_world
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import (
    ActiveRevision,
    ChildFacts,
    ClockFacts,
    EvidenceFacts,
    ManifestFacts,
    TagFacts,
    World,
    WorldKey,
)
from gateway.errors import ManifestInvalid
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from tests.support.catalog import (
    ALICE,
    BOB,
    KEY_2,
    NOW,
    REPO,
    Catalog,
    admit,
    blobs_of,
    catalog,
    copy_of,
    image,
    index,
    put,
    run,
    support,
    verified,
)

HERE, ABSENT = Digest.of(b"a blob that is here"), Digest.of(b"a blob that is not")
LEAF = image(b"layer of the leaf", config=b"config of the leaf")
GRANDCHILD = image(b"layer of the grandchild")
MIDDLE = index(GRANDCHILD.digest)
MISSING_CHILD = image(b"layer of a child that is not here")
ROOT = index(LEAF.digest, MIDDLE.digest, MISSING_CHILD.digest)
SIGNATURE = image(b"signature")
UNSIGNED = image(b"junk", config=b"config of junk")
OTHER = image(b"another image")
KEY: Final = WorldKey(
    repository=REPO,
    caller=ALICE.id,
    digest=ROOT.digest,
    blobs=(HERE, ABSENT),
    children=(LEAF.digest, MIDDLE.digest, MISSING_CHILD.digest),
    tags=(Tag("v1"), Tag("new")),
    sizes=(77, 1, len(LEAF.raw), len(MIDDLE.raw), 1),
    clock=True,
)
PUSHED: Final = dataclasses.replace(KEY, pushing=True)
PROBE: Final = RecordEvent("tag.moved", ALICE.id, None, None, {"probe": "written"})

_M: Final = "WHERE sha256 = '{}'"
_ROOT: Final = _M.format(ROOT.digest.hex)
_LEAF: Final = _M.format(LEAF.digest.hex)
_MIDDLE: Final = _M.format(MIDDLE.digest.hex)
_SIGNATURE: Final = f"(SELECT id FROM manifest {_M.format(SIGNATURE.digest.hex)})"
_UNSIGNED: Final = f"(SELECT id FROM manifest {_M.format(UNSIGNED.digest.hex)})"
_LACKING: Final = f"INSERT INTO missing SELECT repo_id, 'sha256:{'c' * 64}', id, 1, NULL FROM manifest {_LEAF}"
_LINKED: Final = f"INSERT INTO link SELECT repo_id, (SELECT id FROM blob WHERE size = 77), id FROM manifest {_ROOT}"
_PROVEN: Final = f"INSERT INTO verified SELECT m.id, s.id, 'sha256:' || m.sha256, 0 FROM manifest m, signer s {_ROOT}"
_LEAF_ID: Final = f"(SELECT id FROM manifest {_LEAF})"
_OTHER_ID: Final = f"(SELECT id FROM manifest {_M.format(OTHER.digest.hex)})"

_BODIES: Final = "UPDATE body SET manifest_id = 1000 WHERE manifest_id NOT IN (SELECT id FROM manifest)"

# The field of the world, and what changes it.
FACTS: Final = [
    ("standing.principal", "UPDATE principal SET name = 'alicia' WHERE id = 'u:alice'"),
    ("standing.active", "UPDATE principal SET disabled = 1 WHERE id = 'u:alice'"),
    ("standing.roles", "DELETE FROM member WHERE principal_id = 'u:alice'"),
    ("standing.roles", "INSERT INTO member SELECT id, 'u:alice', 'owner', 0, 'os:root' FROM project"),
    ("standing.instance_roles", "INSERT INTO instance_role VALUES ('u:alice', 'auditor', 0, 'os:root')"),
    ("standing.quarantine_read", None),
    ("standing.project.id", None),
    ("standing.project.name", None),
    ("standing.project.created_at", "UPDATE project SET created = created + 1"),
    ("standing.project.mode", "UPDATE project SET mode = 'strict'"),
    ("standing.project.visibility", "UPDATE project SET visibility = 'public'"),
    ("standing.project.writers_read_held", "UPDATE project SET writers_read_held = 0"),
    ("standing.project.trust_revision", "UPDATE project SET trust_revision = trust_revision + 1"),
    ("standing.project.policy_revision", "UPDATE project SET policy_revision = policy_revision + 1"),
    ("standing.project.waiver_revision", "UPDATE project SET waiver_revision = waiver_revision + 1"),
    ("standing.project.held_seconds", "UPDATE project SET held_seconds = held_seconds + 1"),
    ("repository_exists", None),
    ("over_quota", "UPDATE project SET held_bytes = held_bytes_limit + 1"),
    ("over_cache_quota", "UPDATE project SET cache_bytes = held_bytes_limit + 1"),
    ("manifest.id", f"UPDATE manifest SET id = 1000 {_ROOT}; {_BODIES}"),
    ("manifest.cls", f"UPDATE manifest SET class = 'cache' {_ROOT}"),
    ("manifest.admitted", f"UPDATE manifest SET state = 0 {_ROOT}"),
    ("manifest.grounded", "INSERT INTO distrust SELECT id, 0, 'os:root', 0 FROM signer"),
    ("manifest.grounded", f"UPDATE manifest SET until = {NOW} {_ROOT}"),
    ("manifest.grounded", "DELETE FROM support"),
    ("manifest.unverified", f"UPDATE manifest SET unverified = 1 {_ROOT}"),
    ("manifest.judged", f"INSERT INTO edge SELECT repo_id, sha256, 1000, x'' FROM manifest {_ROOT}"),
    ("manifest.verified", _PROVEN),
    ("manifest.supports", f"INSERT INTO support SELECT 1000, 0, 1, 0, id FROM manifest {_ROOT}"),
    ("manifest.waits", f"DELETE FROM missing WHERE parent_id = (SELECT id FROM manifest {_ROOT})"),
    ("manifest.subject", f"UPDATE manifest SET subject = '{'a' * 64}' {_ROOT}"),
    ("manifest.who", f"UPDATE manifest SET who = 'u:bob' {_ROOT}"),
    ("manifest.who_claims", f"UPDATE manifest SET who_claims = '{{\"ref\": \"main\"}}' {_ROOT}"),
    ("manifest.narrow", f"UPDATE manifest SET narrow = 1 {_ROOT}"),
    ("manifest.first_seen", f"UPDATE manifest SET created = created - 1 {_ROOT}"),
    ("clock.expires", f"UPDATE manifest SET expires = {NOW} {_ROOT}"),
    ("clock.announced", f"UPDATE manifest SET announced = 1 {_ROOT}"),
    ("clock.carried", f"INSERT INTO edge SELECT repo_id, '{ROOT.digest.hex}', {_OTHER_ID}, x'' FROM manifest {_ROOT}"),
    ("clock.verified", _PROVEN),
    ("clock.subject_here", f"UPDATE manifest SET subject = '{LEAF.digest.hex}' {_ROOT}"),
    ("clock.tags", f"UPDATE tag SET target_id = (SELECT id FROM manifest {_ROOT}) WHERE name = 'v3'"),
    ("missing_blobs", "DELETE FROM repo_blob WHERE blob_id = (SELECT id FROM blob WHERE size = 77)"),
    ("missing_blobs", f"DELETE FROM link WHERE manifest_id = (SELECT id FROM manifest {_ROOT})"),
    ("wrong_sizes", "UPDATE blob SET size = 78 WHERE size = 77"),
    ("wrong_sizes", f"UPDATE manifest SET size = size + 1 {_LEAF}"),
    ("children.digest", None),
    ("children.path", None),
    ("children.present", f"UPDATE manifest SET sha256 = '{'b' * 64}' {_LEAF}"),
    ("children.cls", f"UPDATE manifest SET class = 'cache' {_LEAF}"),
    ("children.admitted", f"UPDATE manifest SET state = 1 {_LEAF}"),
    ("children.missing_blobs", _LACKING),
    ("children.children", f"INSERT INTO entry SELECT id, '{'d' * 64}', repo_id FROM manifest {_MIDDLE}"),
    ("children.media_type", f"UPDATE manifest SET media_type = 'application/x' {_LEAF}"),
    (
        "too_many",
        f"""INSERT INTO entry WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 2000)
        SELECT m.id, printf('%064x', n.i), m.repo_id FROM n, (SELECT * FROM manifest {_MIDDLE}) m""",
    ),
    ("revoked", f"INSERT INTO tombstone SELECT id, '{ROOT.digest.hex}', 0, 'r', 'os:root', 0 FROM project"),
    ("revoked", f"INSERT INTO tombstone SELECT id, '{GRANDCHILD.digest.hex}', 0, 'r', 'os:root', 0 FROM project"),
    ("revoked", f"INSERT INTO tombstone SELECT id, '{MISSING_CHILD.digest.hex}', 0, 'r', 'os:root', 0 FROM project"),
    ("generation", "UPDATE subject_state SET generation = generation + 1"),
    ("evidence.id", f"UPDATE manifest SET id = 1000 WHERE id = {_UNSIGNED}; {_BODIES}"),
    ("evidence.digest", f"UPDATE manifest SET sha256 = '{'e' * 64}' WHERE id = {_UNSIGNED}"),
    ("evidence.format", f"UPDATE manifest SET evidence_format = 'bundle' WHERE id = {_UNSIGNED}"),
    ("evidence.first_seen", f"UPDATE manifest SET created = created - 1 WHERE id = {_UNSIGNED}"),
    ("evidence.who", f"UPDATE manifest SET who = 'u:bob' WHERE id = {_UNSIGNED}"),
    ("evidence.missing_blobs", f"INSERT INTO missing SELECT 1, 'sha256:{'f' * 64}', {_UNSIGNED}, 1, NULL"),
    ("evidence.signed", f"INSERT INTO verified SELECT {_UNSIGNED}, id, 'sha256:{'f' * 64}', 0 FROM signer"),
    ("evidence.signed", f"DELETE FROM verified WHERE evidence_id = {_SIGNATURE}"),
    ("evidence.media_type", f"UPDATE manifest SET media_type = 'application/x' WHERE id = {_UNSIGNED}"),
    ("tags.tag", None),
    ("tags.generation", "UPDATE tag SET generation = generation + 1 WHERE name = 'v1'"),
    ("tags.generation", "INSERT INTO tag (repo_id, name, generation, moved) SELECT id, 'new', 1, 0 FROM repository"),
    ("tags.target", f"UPDATE tag SET target_id = {_LEAF_ID} WHERE name = 'v1'"),
    ("tags.target_admitted", f"UPDATE manifest SET state = 0 WHERE id = {_OTHER_ID}"),
    ("tags.pending", f"UPDATE tag SET pending_id = {_LEAF_ID} WHERE name = 'v1'"),
    ("tags.pending", f"UPDATE tag SET pending_id = (SELECT id FROM manifest {_ROOT}) WHERE name = 'v3'"),
    ("tags.pending_alias", f"UPDATE tag SET pending_alias = 'sha512:{'a' * 128}' WHERE name = 'waits'"),
    ("tags.pending_generation", "UPDATE tag SET pending_generation = 9 WHERE name = 'waits'"),
    ("tags.requester", "UPDATE tag SET requester_id = 'u:alice' WHERE name = 'waits'"),
    ("tags.requester_claims", "UPDATE tag SET requester_claims = '{\"ref\": \"main\"}' WHERE name = 'waits'"),
    ("requesters", "DELETE FROM member WHERE principal_id = 'u:bob'"),
    ("requesters", "UPDATE principal SET disabled = 1 WHERE id = 'u:bob'"),
    ("policy.digest", "UPDATE revision SET digest = 'p2' WHERE kind = 'policy'"),
    ("policy.generation", "UPDATE active SET generation = generation + 1 WHERE kind = 'policy'"),
    ("trust.digest", "UPDATE revision SET digest = 't2' WHERE kind = 'trust'"),
    ("trust.generation", "UPDATE active SET generation = generation + 1 WHERE kind = 'trust'"),
]  # fmt: skip

ELSEWHERE: Final = {
    "standing.quarantine_read": "of robots: test_a_robot_that_may_not_read_what_is_held",
    "standing.project.id": "a project made anew: test_a_project_that_was_made_anew",
    "standing.project.name": "no statement renames a project",
    "repository_exists": "test_a_repository_that_came_into_being",
    "children.digest": "part of the key, or of immutable bytes",
    "children.path": "part of immutable bytes",
    "tags.tag": "part of the key, or covered by `tags.pending`",
}
NOT_COMPARED: Final = {"children.body", "evidence.body"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("world")
    with catalog(directory) as opened:
        opened.link(HERE, 77)
        opened.push(LEAF)
        opened.push(GRANDCHILD)
        opened.push(MIDDLE)
        opened.push(ROOT, missing=(MISSING_CHILD.digest,))
        opened.execute(_LINKED)  # an index has no blobs of its own: the key has one, so that all facts are read at once
        opened.push(
            SIGNATURE, verified(SIGNATURE, subject=ROOT.digest), cls=ManifestClass.EVIDENCE, subject=ROOT.digest
        )
        opened.push(UNSIGNED, cls=ManifestClass.EVIDENCE, subject=ROOT.digest)
        opened.push(OTHER, admit(OTHER), MoveTag(Tag("v1"), OTHER.digest, None))
        opened.commit(MoveTag(Tag("v3"), OTHER.digest, None), about=OTHER)
        opened.commit(
            admit(ROOT, [support(SIGNATURE)]), PendTag(Tag("waits"), ROOT.digest, None, BOB.id, {}), about=ROOT
        )
        for kind in ("policy", "trust"):
            opened.execute(
                """INSERT INTO revision (kind, digest, content, reason, made_by, at)
                VALUES (?, ?, x'00', 'r', 'os:root', 0)""",
                kind,
                f"{kind[0]}1",
            )
            opened.execute("INSERT INTO active SELECT kind, id, 1, 'r' FROM revision WHERE kind = ?", kind)
    return directory


@pytest.fixture
def acme(template: Path, tmp_path: Path) -> Iterator[Catalog]:
    with copy_of(template, tmp_path) as opened:
        yield opened


def written(acme: Catalog) -> int:
    return int(acme.rows("SELECT count(*) FROM event WHERE data LIKE '%probe%'")[0][0])


def test_a_world_that_is_still_so_commits(acme: Catalog) -> None:
    world = acme.world(KEY)
    assert world is not None
    assert run(acme.store.commit([(KEY, world)], [PROBE], repository=REPO, now=NOW)) is True
    assert written(acme) == 1


@pytest.mark.parametrize(
    ("fact", "change"),
    [pytest.param(fact, change, id=f"{number}-{fact}") for number, (fact, change) in enumerate(FACTS) if change],
)
def test_a_changed_fact_is_refused(acme: Catalog, fact: str, change: str) -> None:
    before = acme.world(KEY)
    assert before is not None
    acme.execute(change)
    after = acme.world(KEY)
    assert after is not None
    assert _fact(before, fact) != _fact(after, fact), "the row does not test what it says"
    assert run(acme.store.commit([(KEY, before)], [PROBE], repository=REPO, now=NOW)) is False
    assert written(acme) == 0
    assert run(acme.store.commit([(KEY, after)], [PROBE], repository=REPO, now=NOW)) is True


def test_every_fact_has_a_row() -> None:
    nested = {
        "standing": Standing,
        "standing.project": ProjectFacts,
        "manifest": ManifestFacts,
        "clock": ClockFacts,
        "children": ChildFacts,
        "evidence": EvidenceFacts,
        "tags": TagFacts,
        "policy": ActiveRevision,
        "trust": ActiveRevision,
    }
    fields = {field.name for field in dataclasses.fields(World)}
    for name, kind in nested.items():
        fields.discard(name)
        fields |= {f"{name}.{field.name}" for field in dataclasses.fields(kind)}
    covered = {fact for fact, change in FACTS if change} | ELSEWHERE.keys() | NOT_COMPARED
    assert covered == fields - nested.keys()


@pytest.mark.parametrize("stale", [0, 1], ids=["first", "second"])
def test_one_stale_world_of_two_is_enough(acme: Catalog, stale: int) -> None:
    other_key = WorldKey(repository=REPO, caller=BOB.id, digest=OTHER.digest)
    worlds = [acme.world(KEY), acme.world(other_key)]
    caller = (ALICE, BOB)[stale]
    acme.execute("INSERT INTO instance_role VALUES (?, 'auditor', 0, 'os:root')", caller.id)
    expected = [(key, world) for key, world in zip((KEY, other_key), worlds, strict=True) if world is not None]
    assert run(acme.store.commit(expected, [PROBE], repository=REPO, now=NOW)) is False
    assert written(acme) == 0


def test_new_evidence_is_a_change(acme: Catalog) -> None:
    before = acme.world(KEY)
    late = image(b"late signature")
    acme.push(late, cls=ManifestClass.EVIDENCE, subject=ROOT.digest)
    assert before is not None
    assert run(acme.store.commit([(KEY, before)], [PROBE], repository=REPO, now=NOW)) is False


def test_an_orphans_subject_that_arrived_is_a_change(acme: Catalog) -> None:
    """An image that commits in between must not leave its signature stored and never evaluated."""
    late = image(b"the subject, late")
    key = WorldKey(repository=REPO, caller=ALICE.id, digest=late.digest)
    before = acme.world(key)
    acme.push(late)
    assert before is not None
    assert before.manifest is None
    assert run(acme.store.commit([(key, before)], [PROBE], repository=REPO, now=NOW)) is False


def test_a_repository_that_came_into_being(acme: Catalog) -> None:
    name = RepositoryName("acme/other")
    key = WorldKey(repository=name, caller=ALICE.id, digest=OTHER.digest)
    before = acme.world(key)
    acme.link(HERE, 77, repository=name)
    after = acme.world(key)
    assert before is not None
    assert after is not None
    assert (before.repository_exists, after.repository_exists) == (False, True)
    assert run(acme.store.commit([(key, before)], [PROBE], repository=name, now=NOW)) is False


def test_a_project_that_was_made_anew(acme: Catalog) -> None:
    before = acme.world(KEY)
    acme.execute("UPDATE project SET id = 1000; UPDATE repository SET project_id = 1000")
    after = acme.world(KEY)
    assert before is not None
    assert after is not None
    assert before.standing.project.id != after.standing.project.id
    assert run(acme.store.commit([(KEY, before)], [PROBE], repository=REPO, now=NOW)) is False


def test_a_project_that_is_gone(acme: Catalog) -> None:
    before = acme.world(KEY)
    acme.execute("UPDATE project SET name = 'gone'")
    assert acme.world(KEY) is None
    assert before is not None
    assert run(acme.store.commit([(KEY, before)], [PROBE], repository=REPO, now=NOW)) is False


def test_a_robot_that_may_not_read_what_is_held(acme: Catalog) -> None:
    acme.execute(
        "INSERT INTO principal (id, kind, name, created, created_by) VALUES ('r:ci', 'robot', 'robot+acme+ci', 0, 'x')"
    )
    acme.execute(
        "INSERT INTO robot SELECT 'r:ci', id, x'00', ?, NULL, 1 FROM project",
        NOW + 100,
    )
    key = dataclasses.replace(KEY, caller="r:ci")
    before = acme.world(key)
    acme.execute("UPDATE robot SET quarantine_read = 0")
    after = acme.world(key)
    assert before is not None
    assert after is not None
    assert (before.standing.quarantine_read, after.standing.quarantine_read) == (True, False)
    assert run(acme.store.commit([(key, before)], [PROBE], repository=REPO, now=NOW)) is False


# -- what the world says


def test_the_world_of_the_fixture(acme: Catalog) -> None:
    world = acme.world(KEY)
    assert world is not None
    assert world.missing_blobs == (ABSENT,)
    assert [(child.digest, child.path, child.present) for child in world.children] == [
        (LEAF.digest, (), True),
        (MIDDLE.digest, (), True),
        (MISSING_CHILD.digest, (), False),
        (GRANDCHILD.digest, (MIDDLE.digest,), True),
    ]
    assert world.children[1].children == (GRANDCHILD.digest,)
    assert [child.body for child in world.children] == [LEAF.raw, MIDDLE.raw, b"", GRANDCHILD.raw]
    assert [(found.digest, len(found.signed), found.body) for found in world.evidence] == [
        (SIGNATURE.digest, 1, SIGNATURE.raw),
        (UNSIGNED.digest, 0, UNSIGNED.raw),
    ]
    assert [(tag.tag.text, tag.generation) for tag in world.tags] == [("new", 0), ("v1", 1), ("waits", 1)]
    assert [standing.principal for standing in world.requesters] == [BOB]
    assert world.policy == ActiveRevision("p1", 1)


def test_bodies_take_no_part_in_the_comparison(acme: Catalog) -> None:
    bare = acme.database.read(lambda connection: read_world(connection, KEY, now=NOW, with_bodies=False))
    assert bare is not None
    assert bare == acme.world(KEY)
    assert {child.body for child in bare.children} | {found.body for found in bare.evidence} == {b""}


def test_a_child_named_by_its_sha512_is_found_and_told_by_its_sha256(acme: Catalog) -> None:
    alias = Digest.of(OTHER.raw, algorithm="sha512")
    root = index(alias)
    key = WorldKey(repository=REPO, caller=ALICE.id, digest=root.digest, children=(alias,))
    absent = acme.world(key)
    assert absent is not None
    assert [(child.digest, child.present) for child in absent.children] == [(alias, False)]
    assert acme.commit(put(OTHER, aliases=[alias]), about=OTHER)
    found = acme.world(key)
    assert found is not None
    assert [(child.digest, child.present) for child in found.children] == [(OTHER.digest, True)]


def test_a_nested_child_named_by_its_sha512(acme: Catalog) -> None:
    alias = Digest.of(OTHER.raw, algorithm="sha512")
    middle = index(alias)
    acme.push(middle, missing=(alias,))
    acme.commit(put(OTHER, aliases=[alias]), about=OTHER)
    key = WorldKey(repository=REPO, caller=ALICE.id, digest=ROOT.digest, children=(middle.digest,))
    found = acme.world(key)
    assert found is not None
    assert [(child.digest, child.path, child.present) for child in found.children] == [
        (middle.digest, (), True),
        (OTHER.digest, (middle.digest,), True),
    ]


def test_nesting_is_followed_three_levels_and_told_beyond(acme: Catalog) -> None:
    levels = [GRANDCHILD]
    for _ in range(4):
        levels.append(index(levels[-1].digest))
        acme.push(levels[-1])
    key = WorldKey(repository=REPO, caller=ALICE.id, digest=levels[4].digest, children=(levels[3].digest,))
    found = acme.world(key)
    assert found is not None
    assert [child.digest for child in found.children] == [levels[3].digest, levels[2].digest, levels[1].digest]
    assert found.children[-1].children == (GRANDCHILD.digest,)


def test_too_many_descendants_are_refused(acme: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descendants, "MAX_DESCENDANTS", 3)
    with pytest.raises(ManifestInvalid) as caught:
        acme.world(PUSHED)
    assert caught.value.field == "manifests"


def test_descendants_that_are_too_large_together_are_refused(acme: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descendants, "MAX_BODY_BYTES", len(LEAF.raw))
    with pytest.raises(ManifestInvalid) as caught:
        acme.world(PUSHED)
    assert caught.value.field == "manifests"


@pytest.mark.parametrize(("limit", "most"), [("MAX_DESCENDANTS", 3), ("MAX_BODY_BYTES", len(LEAF.raw))])
def test_what_is_stored_and_leads_to_too_many_has_a_world_that_says_so(
    acme: Catalog, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(descendants, limit, most)
    found = acme.world(KEY)
    assert found is not None
    assert (found.children, found.too_many is None) == ((), False)
    assert run(acme.store.commit([(KEY, found)], [PROBE], repository=REPO, now=NOW)) is True, "inside a commit too"


def test_no_project_no_world(acme: Catalog) -> None:
    key = dataclasses.replace(KEY, repository=RepositoryName("nobody/app"))
    assert acme.world(key) is None


def test_an_unknown_caller_has_an_inactive_standing(acme: Catalog) -> None:
    world = acme.world(dataclasses.replace(KEY, caller="u:nobody"))
    assert world is not None
    assert (world.standing.active, world.standing.roles) == (False, frozenset())


def test_evidence_counts_for_its_own_repository_only(acme: Catalog) -> None:
    name = RepositoryName("acme/other")
    for blob in blobs_of(ROOT):
        acme.link(blob, repository=name)
    assert acme.commit(put(ROOT), about=WorldKey(repository=name, caller=ALICE.id, digest=ROOT.digest), repository=name)
    world = acme.world(dataclasses.replace(KEY, repository=name))
    assert world is not None
    assert (world.generation, world.evidence, world.requesters) == (0, (), ())


def test_a_second_signer_of_the_same_evidence_is_told(acme: Catalog) -> None:
    assert acme.commit(verified(SIGNATURE, KEY_2, subject=ROOT.digest), about=SIGNATURE)
    world = acme.world(KEY)
    assert world is not None
    assert len(world.evidence[0].signed) == 2
    assert sorted(world.evidence[0].signed, key=str) == list(world.evidence[0].signed)


def _fact(world: World, path: str) -> Any:
    found: Any = world
    for name in path.split("."):
        found = tuple(getattr(item, name) for item in found) if isinstance(found, tuple) else getattr(found, name)
    return found
