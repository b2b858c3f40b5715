"""The tags that a PUT asks for: how many wait, and what ends their waiting."""

from pathlib import Path

from gateway.access.values import Mode, Role
from gateway.admission.tags import MAX_PENDING_TAGS, MAX_PENDING_TAGS_OF_ONE
from gateway.admission.values import Admitted, Held, Refused
from gateway.catalog.values import ManifestClass
from gateway.oci.names import Tag
from tests.support.admission import KEY, House
from tests.support.admission_stories import codes, pending, play, put_bytes
from tests.support.evidence import signed_bundle
from tests.support.images import Artifact, cache_image, image, index
from tests.support.scripted_engine import ScriptedEngine, allowed, held


async def fill(home: House, what: Artifact) -> None:
    """Let as many tags wait for ``what`` as may, for two requesters."""
    await home.upload(what)
    await home.person("dave", Role.WRITER)
    await put_many(home, "alice", what, range(MAX_PENDING_TAGS_OF_ONE))
    await put_many(home, "dave", what, range(MAX_PENDING_TAGS_OF_ONE, MAX_PENDING_TAGS))


async def put_many(home: House, who: str, what: Artifact, numbers: range) -> None:
    """Let tags of these numbers wait for ``what``, ten of them in each PUT."""
    for start in numbers[::10]:
        assert isinstance(await home.put(who, what, *(f"v{start + number}" for number in range(10))), Held)


def test_one_requester_has_half_of_the_tags_that_may_wait(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.person("dave", Role.WRITER)
        await home.push("dave", app, "v1")
        await put_many(home, "alice", app, range(100, 100 + MAX_PENDING_TAGS_OF_ONE))
        refused = await home.put("alice", app, "more")
        assert codes(refused) == {"TAG_LIMIT"}
        assert isinstance(refused, Refused)
        assert "for alice already" in refused.reasons[0].message
        assert codes(await home.put("alice", app, "v1")) == {"TAG_LIMIT"}, "nor in the place of another's"
        assert isinstance(await home.put("alice", app, "v100"), Held), "what waits may be put again"
        assert isinstance(await home.put("dave", app, "v2"), Held)

    play(tmp_path, story)


def test_at_most_a_hundred_tags_wait_for_one_manifest(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await fill(home, app)
        await home.person("erin", Role.WRITER)
        refused = await home.put("erin", app, "more")
        assert codes(refused) == {"TAG_LIMIT"}
        assert isinstance(refused, Refused)
        assert f"{MAX_PENDING_TAGS} tags wait for {app.digest} already" in refused.reasons[0].message
        assert codes(await home.put("alice", app, "v1", "more")) == {"TAG_LIMIT"}, "all or nothing"
        assert await home.tag("more") is None
        assert isinstance(await home.put("alice", app), Held), "by digest nothing waits"
        other = image("two")
        assert isinstance(await home.push("alice", other, "more"), Held), "each manifest has its own"

    play(tmp_path, story)


def test_a_tag_that_waits_already_may_be_put_again_at_the_limit(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await fill(home, app)
        await home.person("bob", Role.WRITER)
        assert isinstance(await home.put("bob", app, "v1", "v2"), Held)
        view = await home.tag("v1")
        assert view is not None
        assert view.requester == "u:bob"

    play(tmp_path, story)


def test_a_deleted_tag_makes_room_and_a_signature_moves_them_all(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await fill(home, app)
        await home.person("carol", Role.MAINTAINER)
        await home.gate.delete_tag(await home.grant("carol"), Tag("v1"))
        assert isinstance(await home.put("alice", app, "more"), Held)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.target("more") == app.digest
        assert await home.target(f"v{MAX_PENDING_TAGS - 1}") == app.digest
        assert isinstance(await home.put("alice", app, "v1"), Admitted)

    play(tmp_path, story)


def test_tags_that_rules_hold_on_what_is_admitted_count_as_well(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        engine.script = lambda document, active: allowed(active) if document["tag"] is None else held(active, "WAIT")
        await home.upload(app)
        for number in range(MAX_PENDING_TAGS_OF_ONE):
            assert isinstance(await home.put("alice", app, f"v{number}"), Admitted)
        assert codes(await home.put("alice", app, "more")) == {"TAG_LIMIT"}
        engine.script = lambda document, active: allowed(active)
        assert isinstance(await home.put("alice", app, "more"), Admitted), "one that moves does not wait"

    play(tmp_path, story)


def test_the_tags_of_a_build_cache_are_bounded_too(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        cache = cache_image("one")
        await fill(home, cache)
        assert codes(await home.put("alice", cache, "more")) == {"TAG_LIMIT"}
        assert isinstance(await home.put("alice", cache, "v1"), Held)

    play(tmp_path, story)


def test_tags_that_wait_for_bytes_that_become_evidence_are_dropped_with_an_event(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_bundle(KEY, subject=app.digest)
        for content in signature.blobs.values():
            await home.blob(content)
        assert isinstance(await put_bytes(home, "alice", signature, "latest", "other"), Held)
        assert await pending(home, "latest") == signature.digest

        assert isinstance(await home.attach("alice", signature), Admitted)
        view = await home.view(signature.digest)
        assert view is not None
        assert (view.cls, view.visible) == (ManifestClass.EVIDENCE, True)
        assert await home.target("v1") == app.digest, "the evidence counts"
        for tag in ("latest", "other"):
            assert await home.tag(tag) is None
        dropped = [row for row in await home.audit.events(after=0, limit=1000) if row.kind == "tag.dropped"]
        assert [(row.data["tag"], row.data["requester"], row.digest) for row in dropped] == [
            ("latest", "u:alice", signature.digest),
            ("other", "u:alice", signature.digest),
        ]
        assert [reason["code"] for reason in dropped[0].data["reasons"]] == ["NOT_AN_IMAGE"]  # type: ignore[union-attr, index, call-overload]

    play(tmp_path, story)


def test_the_target_of_a_tag_stays_where_what_waited_for_it_is_dropped(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.push("alice", app, "latest")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest, annotations={"first": "1"}))
        for content in signature.blobs.values():
            await home.blob(content)
        await put_bytes(home, "alice", signature, "latest")
        assert await home.target("latest") == app.digest
        await home.attach("alice", signature)
        assert await home.target("latest") == app.digest
        assert await pending(home, "latest") is None

    play(tmp_path, story)


def test_tags_that_wait_for_an_index_that_becomes_a_fallback_index_are_dropped(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        nothing = index()
        assert isinstance(await home.put("alice", nothing, "latest"), Held)
        assert isinstance(await home.put("alice", nothing, f"sha256-{'a' * 64}"), Admitted)
        assert await home.tag("latest") is None
        assert (await home.events()).count("tag.dropped") == 1

    play(tmp_path, story)


def test_a_strict_project_refuses_a_tag_on_evidence_as_well(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_bundle(KEY)
        await home.attach("alice", signature)
        assert codes(await put_bytes(home, "alice", signature, "latest")) == {"NOT_AN_IMAGE"}

    play(tmp_path, story, mode=Mode.STRICT)
