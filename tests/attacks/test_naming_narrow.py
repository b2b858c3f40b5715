"""Row 102 for tokens: one that may push and not pull publishes nothing that only its owner could read."""

import dataclasses
from pathlib import Path

import pytest

from gateway.access.values import Grant, QuarantineLevel, Rights, Role, Verb
from gateway.admission.values import Admitted
from gateway.oci.digest import Digest
from tests.support.admission import KEY, House
from tests.support.admission_stories import administrator, codes, distrust, play, put_bytes, reevaluate
from tests.support.evidence import signed_bundle, signed_classic
from tests.support.images import Artifact, Blob, image
from tests.support.naming_stories import blob_visible, bring, is_hidden, naming, sign, tell, wrap
from tests.support.scripted_engine import ScriptedEngine, allowed, unavailable


async def narrow(home: House, who: str = "bob") -> Grant:
    """Return what a token of push alone lets through of what an account may."""
    given = await home.grant(who)
    return dataclasses.replace(given, rights=Rights(frozenset({Verb.PUSH}), QuarantineLevel.NONE))


async def delete(home: House, artifact: Artifact) -> None:
    await home.gate.delete_manifest(await administrator(home), Digest.parse(artifact.digest))


def test_row_102_a_token_of_push_alone_names_no_held_layer(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        bob = await home.person("bob", Role.WRITER)
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        mine = naming(theirs.blobs[-1])
        await bring(home, b"{}", bob)
        assert codes(await put_bytes(home, await narrow(home), mine, "mine")) == {"CLOSURE_INCOMPLETE"}
        await sign(home, mine)
        await reevaluate(home, mine)
        assert not await blob_visible(home, theirs.blobs[-1])
        # Put again with a token that may read, it is there.
        await put_bytes(home, "bob", mine, "mine")
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


@pytest.mark.parametrize("deep", [pytest.param(False, id="child"), pytest.param(True, id="below-a-child")])
def test_row_102_a_token_of_push_alone_names_no_held_child(tmp_path: Path, deep: bool) -> None:
    async def story(home: House) -> None:
        await home.person("bob", Role.WRITER)
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        inner = wrap(theirs)
        mine = wrap(inner) if deep else inner
        if deep:
            await put_bytes(home, await narrow(home), inner)
        assert codes(await put_bytes(home, await narrow(home), mine, "mine")) == {"CLOSURE_INCOMPLETE"}
        await sign(home, mine)
        await reevaluate(home, mine)
        await home.work()
        assert await home.target("mine") is None
        assert await is_hidden(home, theirs)

    tell(tmp_path, story)


def test_row_102_nor_what_somebody_brings_after_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        bob = await home.person("bob", Role.WRITER)
        theirs, layer = image("secret"), Blob("application/vnd.example.data", b"a late layer")
        await bring(home, b"{}", bob)
        named, mine = naming(layer), wrap(theirs)
        for one, tag in ((named, "layer"), (mine, "index")):
            await put_bytes(home, await narrow(home), one, tag)
            await sign(home, one)
        await home.blob(layer.content)
        await home.push("alice", theirs, "v1")
        await home.work()
        assert (await home.target("layer"), await home.target("index")) == (None, None)
        assert await is_hidden(home, theirs)
        assert not await blob_visible(home, layer)
        # What is shown is there for everybody, and what he brings himself for him.
        await bring(home, layer.content, bob)
        await sign(home, theirs)
        assert (await home.target("layer"), await home.target("index")) == (named.digest, mine.digest)

    tell(tmp_path, story)


def test_a_token_of_push_alone_takes_nothing_from_what_its_owner_put_with_another(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.person("bob", Role.WRITER)
        theirs = image("theirs")
        await home.push("alice", theirs)
        mine = wrap(theirs)
        await put_bytes(home, "bob", mine, "mine")
        await put_bytes(home, await narrow(home), mine)
        await sign(home, mine)
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


@pytest.mark.parametrize("engine_is_away", [pytest.param(False, id="judged"), pytest.param(True, id="no-answer")])
def test_a_token_of_push_alone_learns_of_no_held_manifest_by_signing_it(tmp_path: Path, engine_is_away: bool) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bob = await home.person("bob", Role.WRITER)
        secret = image("secret")
        root = wrap(secret, image("absent"))
        await home.push("alice", secret)
        await home.put("alice", root, "v1")
        given = dataclasses.replace(
            await narrow(home), rights=Rights(frozenset({Verb.PUSH, Verb.SIGN}), QuarantineLevel.NONE)
        )
        if engine_is_away:
            engine.script = lambda document, active: unavailable()
        for subject in (secret, root, image("nowhere")):
            evidence = signed_bundle(KEY, subject=subject.digest)
            for blob in evidence.blobs.values():
                await bring(home, blob, bob)
            outcome = await put_bytes(home, given, evidence)
            assert isinstance(outcome, Admitted)
            assert (outcome.stored.decision_id, outcome.stored.pending, outcome.warnings) == (None, (), ())
        engine.script = lambda document, active: allowed(active)
        await home.work()
        assert await home.visible(secret.digest), "it counts all the same"

    play(tmp_path, story)


def test_evidence_that_is_put_again_with_a_token_that_reads_is_completed_by_others(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.person("bob", Role.WRITER)
        app = image("app")
        await home.push("alice", app, "v1")
        signature = signed_classic(KEY, subject=app.digest)
        given = dataclasses.replace(
            await narrow(home), rights=Rights(frozenset({Verb.PUSH, Verb.SIGN}), QuarantineLevel.NONE)
        )
        for who in (given, "bob"):
            await put_bytes(home, who, signature, str(signature.tag))
        for blob in signature.blobs.values():
            await home.blob(blob)
        await home.work()
        assert await home.target("v1") == app.digest

    tell(tmp_path, story)


def test_what_stands_and_is_put_again_with_a_token_that_reads_is_whole_for_it_later(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        bob = await home.person("bob", Role.WRITER)
        child = image("child")
        for blob in child.blobs:
            await bring(home, blob.content, bob)
        await put_bytes(home, await narrow(home), child)
        mine = wrap(child)
        await put_bytes(home, await narrow(home), mine, "mine")
        first = signed_bundle(KEY, subject=mine.digest)
        await home.attach("alice", first)
        assert await home.target("mine") == mine.digest
        assert isinstance(await put_bytes(home, "bob", mine, "mine"), Admitted)
        await distrust(home, first)
        await home.push("alice", child)
        await home.attach("alice", signed_classic(KEY, subject=mine.digest))
        await home.work()
        assert await home.visible(mine.digest)

    tell(tmp_path, story)


@pytest.mark.parametrize("deep", [pytest.param(False, id="child"), pytest.param(True, id="below-a-child")])
def test_row_102_a_token_of_push_alone_wraps_nothing_that_rests_on_what_its_owner_may_read(
    tmp_path: Path, deep: bool
) -> None:
    async def story(home: House) -> None:
        bob = await home.person("bob", Role.WRITER)
        theirs = image("secret")
        await home.push("alice", theirs, "v1")
        await bring(home, b"{}", bob)
        his = naming(theirs.blobs[-1])
        await put_bytes(home, "bob", his)
        inner = wrap(his)
        mine = wrap(inner) if deep else inner
        if deep:
            await put_bytes(home, "bob", inner)
        assert "CLOSURE_INCOMPLETE" in codes(await put_bytes(home, await narrow(home), mine, "mine"))
        await sign(home, mine)
        await home.work()
        assert await home.target("mine") is None
        assert not await blob_visible(home, theirs.blobs[-1])
        # Shown to everybody it is there for it as well.
        await sign(home, his)
        await home.work()
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_a_token_of_push_alone_wraps_what_its_owner_brought(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        bob = await home.person("bob", Role.WRITER)
        his = image("his")
        for blob in his.blobs:
            await bring(home, blob.content, bob)
        await put_bytes(home, "bob", his)
        mine = wrap(his)
        assert "CLOSURE_INCOMPLETE" not in codes(await put_bytes(home, await narrow(home), mine, "mine"))
        await sign(home, mine)
        assert await home.target("mine") == mine.digest

    tell(tmp_path, story)


def test_row_102_a_child_that_is_put_again_after_it_was_deleted_is_not_there_for_it(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        bob = await home.person("bob", Role.WRITER)
        child = image("child")
        for blob in child.blobs:
            await bring(home, blob.content, bob)
        mine = wrap(child)
        await put_bytes(home, await narrow(home), child)
        await put_bytes(home, await narrow(home), mine, "mine")
        await delete(home, child)
        await home.push("alice", child)
        await sign(home, mine)
        await home.work()
        assert await home.target("mine") is None

    tell(tmp_path, story)
