"""Row 102, the long way round: what is held and hidden is not published by wrapping it, and not by putting it again."""

import json
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.admission.values import Admitted, Held, Push
from gateway.oci.digest import Digest
from gateway.oci.names import Tag
from tests.support.admission import KEY, OPERATOR, PROJECT, REPOSITORY, House
from tests.support.admission_stories import codes, reevaluate
from tests.support.evidence import signed_bundle
from tests.support.images import Artifact, Blob, canonical, image, index
from tests.support.naming_stories import (
    OTHER_ROBOT,
    ROBOT,
    bring,
    by_sha512,
    is_hidden,
    push,
    put_as_sha512,
    sign,
    tell,
    with_foreign,
    wrap,
)


def test_row_102_a_held_image_is_not_published_below_an_index_of_an_index(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        inner = wrap(theirs)
        outer = wrap(inner)
        assert codes(await push(home, inner)) == {"CLOSURE_INCOMPLETE"}
        assert codes(await push(home, outer, "mine")) == {"CLOSURE_INCOMPLETE"}
        await sign(home, outer)
        assert not await home.visible(outer.digest)
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_row_102_who_reads_held_manifests_and_no_layers_publishes_neither(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.person("bob", Role.WRITER)
        await home.projects.set_project(
            PROJECT, mode=None, visibility=None, writers_read_held=False, by=OPERATOR, reason="test", now=home.now
        )
        await home.person("root", Role.SCANNER)
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        one = wrap(theirs)
        assert codes(await home.put("bob", one, "mine")) == {"CLOSURE_INCOMPLETE"}
        await sign(home, one)
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_row_102_putting_anothers_held_manifest_again_does_not_make_it_ones_own(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        for _ in range(2):
            assert codes(await push(home, theirs)) == {"CLOSURE_INCOMPLETE"}
        view = await home.view(theirs.digest)
        assert view is not None
        assert view.who == "u:alice"
        one = wrap(theirs)
        assert codes(await push(home, one, "mine")) == {"CLOSURE_INCOMPLETE"}
        await sign(home, one)
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_row_102_wrapping_first_and_putting_again_then_completes_nothing(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        one = wrap(theirs)
        assert codes(await push(home, one, "mine")) == {"CLOSURE_INCOMPLETE"}
        assert codes(await push(home, theirs)) == {"CLOSURE_INCOMPLETE"}
        await home.work()
        assert codes(await reevaluate(home, one)) == {"CLOSURE_INCOMPLETE"}
        await sign(home, one)
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_row_102_a_foreign_layer_that_another_brought_is_not_published_by_who_has_the_rest(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        base = image("base")
        secret = Blob("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"secret foreign layer")
        document = json.loads(base.manifest.content)
        document["layers"].append(secret.descriptor())
        theirs = Artifact(Blob(base.manifest.media_type, canonical(document)), (*base.blobs, secret))
        await home.push("alice", theirs, "v1")
        await push(home, base)
        for blob in base.blobs:
            await bring(home, blob.content, home.people["ci"])
        for _ in range(2):
            await push(home, theirs)
        view = await home.view(theirs.digest)
        assert view is not None
        assert view.who == "u:alice"
        one = wrap(theirs)
        assert codes(await push(home, one, "mine")) == {"CLOSURE_INCOMPLETE"}
        await sign(home, one)
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_who_puts_anothers_incomplete_manifest_does_not_keep_it_from_being_completed(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("late")
        assert codes(await home.put("alice", theirs, "v1")) == {"CLOSURE_INCOMPLETE"}
        assert codes(await push(home, theirs)) == {"CLOSURE_INCOMPLETE"}
        for blob in theirs.blobs:
            await home.blob(blob.content)
        await home.work()
        await sign(home, theirs)
        assert await home.target("v1") == theirs.digest

    tell(tmp_path, story)


def test_what_a_held_manifest_counts_for_is_not_made_less_by_who_sees_less(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("large", layer_bytes=20_000)
        await home.push("alice", theirs, "v1")
        before = await home.held_bytes()
        assert before > 20_000
        await push(home, theirs)
        assert await home.held_bytes() == before

    tell(tmp_path, story)


def test_a_part_that_another_brings_and_links_is_not_lost_to_who_waits_for_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        other = OTHER_ROBOT
        theirs = image("release")
        layer = theirs.blobs[-1]
        for blob in theirs.blobs[:-1]:
            await bring(home, blob.content, ROBOT)
        await home.put("ci", theirs, "v1")
        parent = wrap(theirs)
        await home.put("ci", parent, "index")
        await sign(home, theirs)
        await sign(home, parent)
        await bring(home, layer.content, other)
        await home.put("ci2", theirs)
        await bring(home, layer.content, ROBOT)
        await home.work()
        assert await home.target("v1") == theirs.digest
        assert await home.target("index") == parent.digest

    tell(tmp_path, story)


def test_what_a_second_writer_brings_is_not_linked_to_a_row_that_does_not_count_for_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        foreign = Blob("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"x" * 10_000)
        theirs = with_foreign(image("base"), foreign)
        await home.push("alice", theirs, "v1")
        (before,) = await home.projects.projects()
        await bring(home, foreign.content, ROBOT)
        await push(home, theirs)
        (after,) = await home.projects.projects()
        assert after.held_bytes == before.held_bytes
        assert await is_loose(home, foreign)

    async def is_loose(home: House, blob: Blob) -> bool:
        found = await home.database.read_aside(
            lambda connection: connection.execute(
                "SELECT k.loose FROM repo_blob k JOIN blob b ON b.id = k.blob_id WHERE b.digest = ?", (blob.digest,)
            ).fetchone()
        )
        return found[0] is not None

    tell(tmp_path, story)


def test_who_completes_what_another_put_first_has_all_of_it_and_none_of_the_others_foreign_layer(
    tmp_path: Path,
) -> None:
    async def story(home: House) -> None:
        foreign = Blob("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"brought by the first")
        theirs = with_foreign(image("release"), foreign)
        await bring(home, foreign.content, ROBOT)
        await home.put("ci", theirs)
        for blob in theirs.blobs:
            await bring(home, blob.content, home.people["ci2"])
        await home.put("ci2", theirs, "v1")
        await sign(home, theirs)
        assert await home.target("v1") == theirs.digest
        seen = []
        for blob in (*theirs.blobs, foreign):
            view = await home.blobs.blob(REPOSITORY, Digest.parse(blob.digest), now=home.now)
            assert view is not None
            seen.append(view.visible)
        assert seen == [True] * len(theirs.blobs) + [False]

    tell(tmp_path, story)


def test_a_name_of_another_algorithm_is_kept_whoever_gives_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("one")
        await home.push("alice", theirs, "v1")
        long = Digest.of(theirs.manifest.content, algorithm="sha512")
        await home.gate.push(
            Push(
                grant=await home.grant("ci"),
                reference=long,
                tags=(Tag.parse("mine"),),
                content_type=theirs.manifest.media_type,
                body=theirs.manifest.content,
            )
        )
        await sign(home, theirs)
        assert await home.target("mine") is not None
        view = await home.manifests.by_digest(REPOSITORY, long, now=home.now, with_body=False)
        assert view is not None
        assert str(view.digest) == theirs.digest

    tell(tmp_path, story)


@pytest.mark.parametrize("order", ["wrap alias", "alias wrap", "wrap alias wrap", "wrap owner", "wrap owner wrap"])
def test_row_102_naming_a_held_image_by_its_sha512_publishes_nothing(tmp_path: Path, order: str) -> None:
    async def story(home: House) -> None:
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        one = by_sha512(theirs)
        for step in order.split():
            match step:
                case "wrap":
                    assert codes(await push(home, one)) == {"CLOSURE_INCOMPLETE"}
                case "alias":
                    assert codes(await put_as_sha512(home, "ci", theirs)) == {"CLOSURE_INCOMPLETE"}
                case _:
                    await put_as_sha512(home, "alice", theirs)
        await home.work()
        await sign(home, one)
        await reevaluate(home, one)
        await home.work()
        assert not await home.visible(one.digest)
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_an_index_of_its_owner_is_completed_by_the_name_that_another_gives(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        mine = image("mine")
        await home.push("alice", mine, "v1")
        one = by_sha512(mine)
        await home.put("alice", one, "index")
        await sign(home, one)
        assert await home.target("index") is None
        await put_as_sha512(home, "ci", mine)
        await home.work()
        assert await home.target("index") == one.digest

    tell(tmp_path, story)


@pytest.mark.parametrize("victim", ["ci2", "alice"])
def test_row_102_what_a_second_writer_brings_is_not_the_first_ones_to_show(tmp_path: Path, victim: str) -> None:
    async def story(home: House) -> None:
        theirs = image("half")
        *rest, secret = theirs.blobs
        await home.put("ci", theirs)
        await bring(home, secret.content, home.people[victim])
        await home.put(victim, theirs)
        for blob in rest:
            await bring(home, blob.content, ROBOT)
        await home.work()
        one = wrap(theirs)
        await home.put("ci", one, "mine")
        await sign(home, one)
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_who_puts_his_own_manifest_again_renews_its_time_whatever_others_brought(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        foreign = Blob("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", b"public base layer")
        theirs = with_foreign(image("base"), foreign)
        await home.push("alice", theirs, "v1")
        await bring(home, foreign.content, ROBOT)
        await push(home, theirs)
        home.now += 1000
        await home.put("alice", theirs, "v1")
        view = await home.view(theirs.digest)
        assert view is not None
        assert view.expires == home.now + 7 * 24 * 3600

    tell(tmp_path, story)


def test_row_102_who_brings_the_parts_himself_may_wrap_them(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        assert home.people["alice"] is not None
        await push(home, theirs)
        for blob in theirs.blobs:
            await bring(home, blob.content, home.people["ci"])
        assert codes(await push(home, theirs)) == {"SIG001", "SIGNATURE_MISSING"}
        one = wrap(theirs)
        await push(home, one, "mine")
        await sign(home, one)
        assert await home.visible(one.digest)

    tell(tmp_path, story)


def test_who_sees_nothing_held_cannot_make_anothers_index_incomplete(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = index(image("a"), image("b"))
        await home.push("alice", app, "v1")
        assert codes(await push(home, app)) == {"CLOSURE_INCOMPLETE"}, "to the robot it is"
        assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=app.digest)), Admitted)
        assert await home.target("v1") == app.digest

    tell(tmp_path, story)


def test_a_child_that_really_went_is_noted_when_its_index_is_put_again(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("a")
        app = index(child, image("b"))
        await home.person("carol", Role.MAINTAINER)
        await home.push("alice", app, "v1")
        await home.gate.delete_manifest(await home.grant("carol"), Digest.parse(child.digest))
        assert codes(await home.put("alice", app, "v1")) == {"CLOSURE_INCOMPLETE"}
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.target("v1") is None
        await home.put("alice", child)
        await home.work()
        assert await home.target("v1") == app.digest

    tell(tmp_path, story)


def test_a_length_that_is_not_the_layers_completes_nothing_when_the_layer_comes(tmp_path: Path) -> None:
    """The rule on sizes must not rest on the word of who named a layer before it was here."""

    async def story(home: House) -> None:
        real = image("big", layer_bytes=200_000)
        document = json.loads(real.manifest.content)
        document["layers"][0]["size"] = 10
        liar = Artifact(Blob(real.manifest.media_type, canonical(document)), real.blobs)
        layer = real.blobs[-1]
        await home.upload(liar, but=[layer.digest])
        assert codes(await home.put("alice", liar)) == {"CLOSURE_INCOMPLETE"}
        await home.blob(layer.content)
        await home.work()
        root = wrap(liar)
        assert isinstance(await home.put("alice", root, "v1"), Held)
        await sign(home, root)
        assert not await home.visible(root.digest)
        assert codes(await reevaluate(home, liar)) == {"CLOSURE_INCOMPLETE"}
        assert not await home.visible(liar.digest)
        assert codes(await home.put("alice", liar)) == {"SIZE_MISMATCH"}

    tell(tmp_path, story)
