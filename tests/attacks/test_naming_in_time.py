"""Row 102, in time: what is named first and comes later, goes, returns, or becomes somebody else's meanwhile."""

from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.oci.digest import Algorithm
from tests.support.admission import OPERATOR, PROJECT, House
from tests.support.admission_stories import codes
from tests.support.images import Blob, image
from tests.support.naming_stories import (
    FOREIGN,
    ROBOT,
    blob_visible,
    bring,
    bring_all,
    by_sha512,
    delete,
    is_hidden,
    naming,
    put_as_sha512,
    sign,
    tell,
    with_foreign,
    wrap,
)

SECRET = Blob(FOREIGN, b"a foreign layer that is here")


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
