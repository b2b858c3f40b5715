"""Row 102 (CVE-2026-28740, CVE-2024-39897): naming a digest in a manifest gives nothing without rights to what it names."""

import dataclasses
from pathlib import Path

import pytest

from gateway.admission.values import Admitted, TriggerKind
from gateway.identity.values import SYSTEM
from gateway.oci.digest import Digest
from tests.support.admission import KEY, REPOSITORY, House, house, run
from tests.support.admission_stories import codes
from tests.support.evidence import signed_bundle
from tests.support.images import Blob, image, index
from tests.support.naming_stories import ROBOT, bring, naming, push, robot


def test_row_102_a_held_layer_of_somebody_else_is_missing_to_who_may_not_read_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await robot(home)
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        layer = theirs.blobs[-1]
        thief = naming(layer)
        await bring(home, b"{}", ROBOT)
        absent = naming(Blob(layer.media_type, b"never pushed"))
        assert codes(await push(home, thief)) == codes(await push(home, absent)) == {"CLOSURE_INCOMPLETE"}
        await home.attach("alice", signed_bundle(KEY, subject=thief.digest))
        await home.gate.reevaluate(REPOSITORY, Digest.parse(thief.digest), principal=SYSTEM, kind=TriggerKind.POLICY)
        await home.work()
        assert not await home.visible(thief.digest)
        blob = await home.blobs.blob(REPOSITORY, Digest.parse(layer.digest), now=home.now)
        assert blob is not None
        assert not blob.visible
        # Having the bytes himself, he may: they are his then.
        await bring(home, layer.content, ROBOT)
        await home.work()
        assert await home.visible(thief.digest)

    with house(tmp_path) as home:
        run(story(home))


def test_row_102_a_digest_named_before_its_bytes_come_is_not_completed_by_their_owner(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await robot(home)
        theirs = image("secret")
        layer = theirs.blobs[-1]
        await bring(home, b"{}", ROBOT)
        early = naming(layer)
        assert codes(await push(home, early)) == {"CLOSURE_INCOMPLETE"}
        await home.attach("alice", signed_bundle(KEY, subject=early.digest))
        await home.push("alice", theirs, "v1")
        await home.work()
        assert not await home.visible(early.digest)

    with house(tmp_path) as home:
        run(story(home))


def test_row_102_a_held_child_of_somebody_else_is_missing_to_who_may_not_read_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await robot(home)
        theirs = image("secret")
        await home.push("alice", theirs)
        assert codes(await push(home, index(theirs))) == {"CLOSURE_INCOMPLETE"}

    with house(tmp_path) as home:
        run(story(home))


def test_what_is_visible_may_be_named_by_everybody(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await robot(home)
        base = image("base")
        await home.push("alice", base, "base")
        await home.attach("alice", signed_bundle(KEY, subject=base.digest))
        await bring(home, b"{}", ROBOT)
        built = naming(base.blobs[-1])
        await home.attach("alice", signed_bundle(KEY, subject=built.digest))
        assert isinstance(await push(home, built, "built"), Admitted)

    with house(tmp_path) as home:
        run(story(home))


@pytest.mark.parametrize("size", [pytest.param(1, id="smaller"), pytest.param(1 << 40, id="larger")])
def test_a_length_that_is_not_the_blobs_is_refused(tmp_path: Path, size: int) -> None:
    async def story(home: House) -> None:
        layer = Blob("application/vnd.example.data", b"twelve bytes")
        lying = dataclasses.replace(naming(layer, sizes={layer.digest: size}), blobs=(Blob("x/y", b"{}"), layer))
        assert codes(await home.push("alice", lying, "v1")) == {"SIZE_MISMATCH"}

    with house(tmp_path) as home:
        run(story(home))


def test_what_is_not_here_does_not_count_against_the_quota(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        layer = Blob("application/vnd.example.data", b"never pushed")
        greedy = naming(layer, sizes={layer.digest: (1 << 63) - 1})
        assert codes(await home.push("alice", greedy)) == {"CLOSURE_INCOMPLETE"}
        (project,) = await home.projects.projects()
        assert project.held_bytes < 10_000

    with house(tmp_path) as home:
        run(story(home))
