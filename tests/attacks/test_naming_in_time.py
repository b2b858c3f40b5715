"""Row 102, in time: what is named first and comes later, goes, returns, or becomes somebody else's meanwhile."""

import dataclasses
import json
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.admission.values import Held
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.digest import Algorithm, Digest
from tests.support.admission import KEY, OPERATOR, PROJECT, House
from tests.support.admission_stories import administrator, codes, distrust, limit_held_bytes, put_bytes
from tests.support.evidence import signed_bundle, signed_classic
from tests.support.images import OCI_INDEX, Artifact, Blob, Json, cache_image, cache_index, canonical, image
from tests.support.naming_stories import (
    FOREIGN,
    OTHER_ROBOT,
    ROBOT,
    blob_visible,
    bring,
    by_sha512,
    is_hidden,
    naming,
    put_as_sha512,
    robot,
    sign,
    tell,
    with_foreign,
    wrap,
)

SECRET = Blob(FOREIGN, b"a foreign layer that is here")


async def bring_all(home: House, artifact: Artifact, by: Principal) -> None:
    for blob in artifact.blobs:
        await bring(home, blob.content, by)


async def delete(home: House, artifact: Artifact) -> None:
    await home.gate.delete_manifest(await administrator(home), Digest.parse(artifact.digest))


# -- the bytes of a manifest, uploaded as a blob


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_row_102_the_bytes_of_a_held_child_uploaded_as_a_blob_publish_nothing(
    tmp_path: Path, algorithm: Algorithm
) -> None:
    async def story(home: House) -> None:
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        one = wrap(theirs) if algorithm == "sha256" else by_sha512(theirs)
        assert codes(await home.put("ci", one, "mine")) == {"CLOSURE_INCOMPLETE"}
        await bring(home, theirs.manifest.content, ROBOT, algorithm=algorithm)
        await home.work()
        await sign(home, one)
        assert not await home.visible(one.digest)
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_row_102_nor_do_they_for_who_reads_held_manifests_and_no_layers(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        bob = await home.person("bob", Role.WRITER)
        await home.projects.set_project(
            PROJECT, mode=None, visibility=None, writers_read_held=False, by=OPERATOR, reason="test", now=home.now
        )
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        one = wrap(theirs)
        await home.put("bob", one, "mine")
        await bring(home, theirs.manifest.content, bob)
        await home.work()
        await sign(home, one)
        assert await home.target("mine") is None
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_a_blob_of_a_childs_bytes_does_not_take_the_childs_coming_from_who_waits_for_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("late")
        parent = wrap(child)
        await home.put("alice", parent, "v1")
        await sign(home, parent)
        await bring(home, child.manifest.content, ROBOT)
        await home.work()
        await home.push("alice", child)
        await home.work()
        assert await home.target("v1") == parent.digest

    tell(tmp_path, story)


def test_a_manifest_does_not_stand_for_the_layer_of_its_digest(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        inner = image("inner")
        layer = Blob("application/vnd.example.data", inner.manifest.content)
        outer = naming(layer)
        await home.blob(b"{}")
        await home.put("alice", outer, "v1")
        await home.push("ci", inner)
        await home.work()
        assert codes(await home.put("alice", outer, "v1")) == {"CLOSURE_INCOMPLETE"}
        await home.blob(layer.content)
        await home.work()
        await sign(home, outer)
        assert await home.target("v1") == outer.digest
        assert await blob_visible(home, layer)

    tell(tmp_path, story)


# -- a child that becomes somebody else's


@pytest.mark.parametrize("returns", [pytest.param(False, id="put-again"), pytest.param(True, id="deleted-first")])
def test_row_102_what_a_later_owner_brought_is_not_shown_by_an_earlier_index(tmp_path: Path, returns: bool) -> None:
    async def story(home: House) -> None:
        theirs = with_foreign(image("base"), SECRET)
        await bring_all(home, theirs, ROBOT)
        await home.put("ci", theirs)
        one = wrap(theirs)
        outer = wrap(one)
        await home.put("ci", one, "mine")
        await home.put("ci", outer, "outer")
        if returns:
            await delete(home, theirs)
        await bring(home, SECRET.content, home.people["alice"])
        await home.push("alice", theirs, "v1")
        await sign(home, one)
        await sign(home, outer)
        assert not await blob_visible(home, SECRET)
        assert (await home.target("mine"), await home.target("outer")) == (None, None)
        # Once its owner shows it, it is there for everybody.
        await sign(home, theirs)
        assert await blob_visible(home, SECRET)
        assert (await home.target("mine"), await home.target("outer")) == (one.digest, outer.digest)

    tell(tmp_path, story)


def test_an_index_below_another_that_lacks_what_became_anothers_hides_the_whole_way(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = with_foreign(image("base"), SECRET)
        await bring_all(home, theirs, ROBOT)
        await home.put("ci", theirs)
        inner = wrap(theirs)
        await home.put("ci", inner)
        await bring(home, SECRET.content, home.people["alice"])
        await home.push("alice", theirs)
        assert codes(await home.put("ci", wrap(inner), "mine")) == {"CLOSURE_INCOMPLETE"}

    tell(tmp_path, story)


def test_who_reads_what_is_held_keeps_an_index_whose_child_another_puts_again(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        await home.push("alice", child)
        parent = wrap(child)
        await home.put("alice", parent, "v1")
        await bring_all(home, child, ROBOT)
        await home.put("ci", child)
        view = await home.view(child.digest)
        assert view is not None
        assert view.who == "r:ci"
        await sign(home, parent)
        assert await home.target("v1") == parent.digest

    tell(tmp_path, story)


# -- a child that goes and returns


@pytest.mark.parametrize("named", ["sha256", "sha512"])
def test_an_index_is_judged_again_when_a_child_that_was_deleted_is_back(tmp_path: Path, named: str) -> None:
    async def story(home: House) -> None:
        child = image("child")
        await home.push("alice", child)
        await put_as_sha512(home, "alice", child)
        parent = wrap(child) if named == "sha256" else by_sha512(child)
        await home.put("alice", parent, "v1")
        await delete(home, child)
        await sign(home, parent)
        assert await home.target("v1") is None
        await (home.push("alice", child) if named == "sha256" else put_as_sha512(home, "alice", child))
        await home.work()
        assert await home.target("v1") == parent.digest

    tell(tmp_path, story)


def test_what_is_shown_is_there_for_everybody_who_waits_for_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        await home.push("alice", child, "base")
        parent = wrap(child)
        assert codes(await home.put("ci", parent, "mine")) == {"CLOSURE_INCOMPLETE"}
        await sign(home, parent)
        assert await home.target("mine") is None
        await sign(home, child)
        assert await home.target("base") == child.digest
        assert await home.target("mine") == parent.digest

    tell(tmp_path, story)


def test_an_index_is_woken_by_every_name_of_its_child(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        parent = by_sha512(child)
        await home.put("alice", parent, "v1")
        await sign(home, parent)
        await put_as_sha512(home, "ci", child)
        await home.upload(child)
        await home.put("alice", child)
        await home.work()
        assert await home.target("v1") == parent.digest

    tell(tmp_path, story)


def test_a_blob_that_comes_back_to_what_is_shown_is_shown_at_once(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        layer = Blob("application/vnd.example.data", b"a layer")
        child = naming(layer)
        root = wrap(child)
        await bring(home, b"{}", ROBOT)
        await home.blob(b"{}")
        await home.blob(layer.content)
        await home.put("alice", child)
        await home.put("alice", root, "v1")
        await sign(home, root)
        await delete(home, child)
        for number in range(9):  # more than are asked whether they show a blob
            other = Blob("application/vnd.example.data", b"%d" % number)
            await home.blob(other.content)
            await home.put("alice", naming(layer, other))
        await home.put("ci", child)
        assert not await blob_visible(home, layer)
        await bring(home, layer.content, ROBOT)
        assert await blob_visible(home, layer)

    tell(tmp_path, story)


# -- nothing that is signed and whole is left waiting


@pytest.mark.parametrize("again", [pytest.param(False, id="once"), pytest.param(True, id="put-again")])
def test_an_index_waits_no_longer_when_its_child_is_shown_again(tmp_path: Path, again: bool) -> None:
    async def story(home: House) -> None:
        child = image("base")
        await home.push("alice", child)
        root, mine = _numbered(child, 1), wrap(wrap(child))
        await home.put("alice", root)
        await sign(home, root)
        await home.put("ci", mine.children[0])
        await home.put("ci", mine, "mine")
        await delete(home, root)
        await sign(home, mine)
        if again:
            await home.put("ci", mine.children[0])
            await home.put("ci", mine, "mine")
        assert await home.target("mine") is None
        await sign(home, child)
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_an_index_waits_no_longer_when_its_child_is_trusted_again(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("base")
        await home.push("alice", child)
        evidence = signed_bundle(KEY, subject=child.digest)
        await home.attach("alice", evidence)
        mine = wrap(child)
        await home.put("ci", mine, "mine")
        await distrust(home, evidence)
        await sign(home, mine)
        assert await home.target("mine") is None
        await sign(home, child)
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_an_index_waits_no_longer_when_what_leads_to_its_child_is_back(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("base")
        await home.push("alice", child)
        between = wrap(child)
        root = wrap(between)
        await home.put("alice", between)
        await home.put("alice", root)
        await sign(home, root)
        await delete(home, between)
        mine = wrap(child, image("own"))
        await bring_all(home, image("own"), ROBOT)
        await home.put("ci", image("own"))
        await home.put("ci", mine, "mine")
        await sign(home, mine)
        assert await home.target("mine") is None
        await home.put("alice", between)
        await home.work()
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_thousands_that_name_a_child_cost_its_deletion_and_its_return_nothing(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("base")
        await home.push("alice", child)
        for number in range(20):
            await home.put("alice", _numbered(child, number), f"v{number}")
        statements: list[str] = []
        await home.database.write(lambda connection: connection.set_trace_callback(statements.append))
        await delete(home, child)
        await home.database.write(lambda connection: connection.set_trace_callback(None))
        assert len(statements) < 120, "no statement for each of them"
        for number in range(20):
            await sign(home, _numbered(child, number))
        assert await home.target("v0") is None
        await home.push("alice", child)
        await home.work()
        for number in range(20):
            assert await home.target(f"v{number}") == _numbered(child, number).digest

    tell(tmp_path, story)


def _numbered(child: Artifact, number: int) -> Artifact:
    document: Json = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [child.manifest.descriptor()],
        "annotations": {"number": str(number)},
    }
    return Artifact(Blob(OCI_INDEX, canonical(document)), children=(child,))


# -- what is kept as evidence, put as an image


def test_a_put_by_digest_of_evidence_links_and_counts_nothing(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        signature = signed_classic(KEY, subject=image("none").digest)
        document = json.loads(signature.manifest)
        large = b"x" * 100_000
        document["layers"][0] |= {"digest": str(Digest.of(large)), "size": 1}
        lying = dataclasses.replace(signature, manifest=canonical(document))
        await home.blob(signature.blobs[document["config"]["digest"]])
        await put_bytes(home, "alice", lying, str(signature.tag))
        await bring(home, large, home.people["alice"])
        await put_bytes(home, "alice", lying)
        linked, loose = await home.database.read_aside(
            lambda connection: connection.execute(
                """SELECT (SELECT coalesce(sum(b.size), 0) FROM link l JOIN blob b ON b.id = l.blob_id),
                (SELECT count(*) FROM repo_blob WHERE loose IS NOT NULL)"""
            ).fetchone()
        )
        assert linked < 10_000
        assert loose == 1, "the layer ends as an upload does that nobody finishes"

    tell(tmp_path, story)


# -- a build cache that is listed by an index


def test_a_build_cache_is_whose_who_has_all_of_it_and_is_renewed_by_who_reads_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        cache = cache_index("cache")
        await home.put("ci2", cache, "cache")
        await bring_all(home, cache, ROBOT)
        await home.put("ci", cache, "cache")
        view = await home.view(cache.digest)
        assert view is not None
        assert view.who == "r:ci"
        assert await _cache_bytes(home) == len(cache.manifest.content) + sum(len(blob.content) for blob in cache.blobs)
        home.now += 7 * 24 * 3600
        await home.put("alice", cache, "cache")
        view = await home.view(cache.digest)
        assert view is not None
        assert (view.who, view.expires) == ("u:alice", home.now + 14 * 24 * 3600)

    tell(tmp_path, story)


async def _cache_bytes(home: House) -> int:
    (project,) = await home.projects.projects()
    return project.cache_bytes


# -- what others do costs nobody anything


def test_a_full_reader_renews_what_another_put_whatever_foreign_layer_that_one_brought(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = with_foreign(image("app"), SECRET)
        await bring_all(home, theirs, ROBOT)
        await bring(home, SECRET.content, ROBOT)
        await home.put("ci", theirs)
        home.now += 1000
        await home.put("alice", theirs, "v1", claims={"branch": "main"})
        view = await home.view(theirs.digest)
        assert view is not None
        assert view.expires is not None
        assert (view.who, view.expires - home.now) == ("u:alice", 7 * 24 * 3600)
        await sign(home, theirs)
        assert await blob_visible(home, SECRET), "who reads what is held may show it"

    tell(tmp_path, story)


def test_tags_of_who_sees_nothing_held_leave_room_for_who_does(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        one = image("one")
        for number in range(50):
            for who in ("ci", "ci2"):
                await home.put(who, one, f"{who}-{number}")
        await robot(home, Principal("r:ci3", PrincipalKind.ROBOT, "robot+team+ci3"))
        assert codes(await home.put("ci3", one, "more")) == {"TAG_LIMIT"}
        await home.upload(one)
        assert isinstance(await home.put("alice", one, "v1"), Held)
        await sign(home, one)
        assert await home.target("v1") == one.digest

    tell(tmp_path, story)


def test_naming_what_is_hidden_does_not_keep_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        before = await home.view(theirs.digest)
        home.now += 1000
        await home.put("ci", wrap(theirs))
        assert await home.view(theirs.digest) == before

    tell(tmp_path, story)


def test_who_names_a_held_child_by_one_digest_is_not_told_the_other(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs, never = image("secret"), image("never")
        await home.push("alice", theirs)
        await put_as_sha512(home, "alice", theirs)
        for one in (theirs, never):
            outcome = await home.put("ci", by_sha512(one))
            assert isinstance(outcome, Held)
            (reason,) = outcome.reasons
            assert str(Digest.of(one.manifest.content, algorithm="sha512")) in reason.message
            assert one.digest not in reason.message

    tell(tmp_path, story)


def test_a_child_is_as_long_as_its_entry_says_by_whatever_digest(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        await home.push("alice", child)
        await put_as_sha512(home, "alice", child)
        assert codes(await home.put("alice", by_sha512(child, size=1), "v1")) == {"SIZE_MISMATCH"}

    tell(tmp_path, story)


# -- what is named first counts when it comes


def test_parts_that_are_named_first_and_brought_later_stay_within_the_limit(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await limit_held_bytes(home, 50_000)
        await bring(home, b"{}", ROBOT)
        layers = [Blob("application/vnd.example.data", bytes([number]) * 40_000) for number in range(8)]
        for layer in layers:
            await home.put("ci", naming(layer))
        for layer in layers:
            await bring(home, layer.content, ROBOT)
        held = await home.held_bytes()
        assert 50_000 < held < 130_000, "the one that passes the limit is the last"
        for layer in layers[2:]:
            assert codes(await home.put("ci", naming(layer))) == {"HELD_QUOTA"}, "nor by putting it again"
        assert await home.held_bytes() == held
        # When there is room, it is put again and waits for nothing.
        await limit_held_bytes(home, 10**9)
        await home.put("ci", naming(layers[7]))
        assert await home.held_bytes() == held + 40_000

    tell(tmp_path, story)


def test_a_cache_is_as_long_as_it_says(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        cache = cache_image("same")
        big = Blob("application/vnd.oci.image.layer.v1.tar+gzip", b"0" * 10_000)
        document: Json = {
            "schemaVersion": 2,
            "mediaType": cache.manifest.media_type,
            "config": cache.blobs[0].descriptor(),
            "layers": [big.descriptor(size=1)],
        }
        liar = Artifact(Blob(cache.manifest.media_type, canonical(document)), (cache.blobs[0], big))
        assert codes(await home.push("alice", liar, "cache")) == {"SIZE_MISMATCH"}
        assert await home.view(liar.digest) is None

    tell(tmp_path, story)


def test_an_index_of_two_robots_children_is_completed_by_each_ones_own(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        mine, other = image("mine"), image("other")
        both = wrap(mine, other)
        assert codes(await home.put("ci", both, "v1")) == {"CLOSURE_INCOMPLETE"}
        for who, name, one in ((ROBOT, "ci", mine), (OTHER_ROBOT, "ci2", other)):
            await bring_all(home, one, who)
            await home.put(name, one)
        await sign(home, both)
        assert await home.target("v1") is None, "the second child is not his"
        await bring_all(home, other, ROBOT)
        await home.put("ci", other)
        await home.work()
        assert await home.target("v1") == both.digest

    tell(tmp_path, story)
