"""Row 102, later: what was admitted once, or waits for what others put, is asked again when an answer can be another."""

import json
from pathlib import Path

import pytest

from gateway.admission.values import Held
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from tests.support.admission import KEY, OPERATOR, PROJECT, House
from tests.support.admission_stories import (
    administrator,
    condition,
    distrust,
    limit_held_bytes,
    pending,
    play,
)
from tests.support.evidence import signed_bundle, signed_classic
from tests.support.images import OCI_INDEX, Artifact, Blob, cache_image, canonical, image
from tests.support.naming_stories import (
    FOREIGN,
    OTHER_ROBOT,
    ROBOT,
    bring,
    sign,
    tell,
    with_foreign,
    wrap,
)
from tests.support.scripted_engine import ScriptedEngine, allowed, held


async def bring_all(home: House, artifact: Artifact, by: Principal) -> None:
    for blob in artifact.blobs:
        await bring(home, blob.content, by)


async def delete(home: House, artifact: Artifact) -> None:
    await home.gate.delete_manifest(await administrator(home), Digest.parse(artifact.digest))


async def writers_read_held(home: House, value: bool) -> None:
    await home.projects.set_project(
        PROJECT, mode=None, visibility=None, writers_read_held=value, by=OPERATOR, reason="test", now=home.now
    )


# -- what was admitted once


def test_an_index_that_lost_its_signature_is_asked_again_when_its_child_is_back(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        one = wrap(child)
        await home.push("alice", one, "v1")
        first = signed_bundle(KEY, subject=one.digest)
        await home.attach("alice", first)
        await distrust(home, first)
        await delete(home, child)
        await home.work()
        await home.attach("alice", signed_classic(KEY, subject=one.digest))
        await home.work()
        assert await condition(home, one) == "distrusted"
        await home.push("alice", child)
        await home.work()
        assert await home.visible(one.digest)

    tell(tmp_path, story)


def test_an_index_that_lost_its_signature_is_asked_again_when_anothers_child_is_shown(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        one = wrap(child)
        await bring_all(home, child, ROBOT)
        await home.put("ci", child)
        await home.put("ci", one, "v1")
        first = signed_bundle(KEY, subject=one.digest)
        await home.attach("alice", first)
        await distrust(home, first)
        await bring_all(home, child, OTHER_ROBOT)
        await home.put("ci2", child)
        await home.attach("alice", signed_classic(KEY, subject=one.digest))
        await home.work()
        assert await condition(home, one) == "distrusted"
        await sign(home, child)
        assert await home.visible(one.digest)

    tell(tmp_path, story)


def test_what_is_signed_anew_comes_back_whichever_is_signed_first(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        one = wrap(child)
        await bring_all(home, child, OTHER_ROBOT)
        await home.put("ci2", child)
        signatures = [signed_bundle(KEY, subject=artifact.digest) for artifact in (child, one)]
        await home.attach("alice", signatures[0])
        await home.put("ci", one, "v1")
        await home.attach("alice", signatures[1])
        for signature in signatures:
            await distrust(home, signature)
        await home.work()
        await home.attach("alice", signed_classic(KEY, subject=one.digest))
        await home.attach("alice", signed_classic(KEY, subject=child.digest))
        await home.work()
        assert await home.visible(one.digest)

    tell(tmp_path, story)


def test_a_tag_that_waits_for_what_stands_is_decided_when_a_child_is_back(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        holds = [True]
        engine.script = lambda document, active: (
            held(active, "TEST001")
            if holds[0] and isinstance(tag := document["tag"], dict) and tag["name"] == "v2"
            else allowed(active)
        )
        child = image("child")
        one = wrap(child)
        await home.push("alice", one, "v1")
        await sign(home, one)
        await home.put("alice", one, "v2")
        await delete(home, child)
        holds[0] = False
        await home.rules({"registry": {"config": {"rules": {}}}})
        await home.work()
        assert await pending(home, "v2") == one.digest
        await home.push("alice", child)
        await home.work()
        assert await home.target("v2") == one.digest

    play(tmp_path, story)


@pytest.mark.parametrize("between", [pytest.param("alice", id="stands"), pytest.param("ci2", id="another-robots")])
def test_an_index_is_asked_again_over_one_that_needs_no_asking(tmp_path: Path, between: str) -> None:
    """What is between stands, or is somebody's who does not see the child: its own answer stays, and not that above it."""

    async def story(home: House) -> None:
        child = image("child")
        inner = wrap(child)
        outer = wrap(inner)
        if between == "ci2":
            await bring_all(home, child, OTHER_ROBOT)
        await home.push("alice" if between == "alice" else "ci2", child)
        await home.put(between, inner)
        if between == "alice":
            await sign(home, inner)
        await home.put("alice", outer, "v1")
        await delete(home, child)
        await sign(home, outer)
        assert await home.target("v1") is None
        await bring_all(home, child, ROBOT)
        await home.put("ci", child)
        await home.work()
        assert await home.target("v1") == outer.digest

    tell(tmp_path, story)


# -- what no decision looks at counts when it is linked, and is not linked where there is no room


@pytest.mark.parametrize("kind", ["image", "cache"])
def test_foreign_layers_that_come_later_stay_within_the_limit(tmp_path: Path, kind: str) -> None:
    async def story(home: House) -> None:
        layers = [Blob(FOREIGN, bytes([number]) * 100_000) for number in range(4)]
        base = image("base") if kind == "image" else cache_image("cache")
        one = with_foreign(base, *layers)
        await bring_all(home, base, ROBOT)
        await home.put("ci", one)
        before = await _counted(home)
        await limit_held_bytes(home, before - 1)
        for layer in layers:
            await bring(home, layer.content, ROBOT)
            assert isinstance(await home.put("ci", one), Held), "it is whole: putting it again brings nothing"
            assert await _counted(home) == before
        # When there is room it is put again, and shows them with what is judged.
        await limit_held_bytes(home, 10**9)
        await home.put("ci", one)
        assert await _counted(home) == before + 400_000

    tell(tmp_path, story)


def test_foreign_layers_of_many_manifests_stay_within_the_limit(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        pairs = []
        for number in range(4):
            base, layer = image(f"base{number}"), Blob(FOREIGN, bytes([number]) * 100_000)
            pairs.append((with_foreign(base, layer), layer))
            await bring_all(home, base, ROBOT)
            await home.put("ci", pairs[-1][0])
        before = await home.held_bytes()
        await limit_held_bytes(home, before)
        for one, layer in pairs:
            await bring(home, layer.content, ROBOT)
            await home.put("ci", one)
        assert await home.held_bytes() == before + 100_000, "the one that passes the limit is the last"

    tell(tmp_path, story)


async def _counted(home: House) -> int:
    held, cached = await home.database.read_aside(
        lambda connection: connection.execute("SELECT held_bytes, cache_bytes FROM project").fetchone()
    )
    return int(held + cached)


# -- what is asked again and says the same


def test_a_child_that_changes_hands_without_end_leaves_no_records(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        for who in (ROBOT, OTHER_ROBOT):
            await bring_all(home, child, who)
        await home.put("ci", child)
        for number in range(3):
            await home.put("ci", wrap(child, image(f"none{number}")))
            await home.put("ci", _numbered(child, number), f"v{number}")
        await home.work()

        async def flip() -> tuple[int, ...]:
            before = await _records(home)
            await home.put("ci2", child)
            await home.put("ci", child)
            await home.work()
            return tuple(after - earlier for after, earlier in zip(await _records(home), before, strict=True))

        first, second, third = await flip(), await flip(), await flip()
        assert second == third == (2, 2), "one of each for each PUT, and none for those that name it"
        assert first == second

    tell(tmp_path, story)


async def _records(home: House) -> tuple[int, int]:
    decisions, events = await home.database.read_aside(
        lambda connection: connection.execute(
            "SELECT (SELECT count(*) FROM decision), (SELECT count(*) FROM event)"
        ).fetchone()
    )
    return decisions, events


def test_a_change_of_hands_asks_those_only_to_whom_it_says_something(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        child = image("child")
        for who in (ROBOT, OTHER_ROBOT):
            await bring_all(home, child, who)
        await home.put("ci", child)
        for number, name in enumerate(("ci", "ci2", "alice")):
            await home.put(name, _numbered(child, number))
        await home.work()
        await home.put("ci2", child)
        assert await _asked(home) == [_numbered(child, 1).digest]
        await home.work()
        await sign(home, child)
        await home.put("ci", child)
        assert await _asked(home) == [], "it is shown: whose it is changes no answer"

    tell(tmp_path, story)


def _numbered(child: Artifact, number: int) -> Artifact:
    document = json.loads(wrap(child).manifest.content) | {"annotations": {"number": str(number)}}
    return Artifact(Blob(OCI_INDEX, canonical(document)), children=(child,))


async def _asked(home: House) -> list[str]:
    rows = await home.database.read_aside(
        lambda connection: connection.execute("SELECT data FROM work WHERE kind = 'reevaluate'").fetchall()
    )
    return sorted(str(json.loads(row[0])["digest"]) for row in rows)
