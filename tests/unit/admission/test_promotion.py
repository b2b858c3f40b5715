"""Pending tags when their manifest is admitted: on whose behalf each is decided."""

from pathlib import Path

from gateway.access.values import Role
from gateway.oci.digest import Digest
from tests.support.admission import KEY, REPOSITORY, House
from tests.support.admission_stories import pending, play, reevaluate
from tests.support.evidence import signed_bundle
from tests.support.images import image
from tests.support.scripted_engine import ScriptedEngine, allowed, held


def of_tags(engine: ScriptedEngine) -> dict[object, object]:
    """Return who each tag decision was made for, by the tag's name."""
    return {
        document["tag"]["name"]: (document["who"]["id"], document["who"]["claims"])  # type: ignore[index, call-overload]
        for document in engine.asked
        if document["tag"] is not None
    }


def test_in_a_tag_decision_who_is_the_tags_requester_with_its_claims_as_they_were(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("bob", Role.WRITER)
        app = image("one")
        await home.upload(app)
        await home.put("alice", app, "v1", claims={"ref": "refs/heads/one"})
        await home.put("bob", app, "v2", claims={"ref": "refs/heads/two"})
        await home.put("bob", app, claims={"ref": "refs/heads/three"})
        engine.asked.clear()
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert of_tags(engine) == {
            "v1": ("u:alice", {"ref": "refs/heads/one"}),
            "v2": ("u:bob", {"ref": "refs/heads/two"}),
        }
        rows = await home.store.decisions(REPOSITORY, Digest.parse(app.digest), limit=50)
        recorded = {row.tag: row.record["who"]["claims"] for row in rows if row.outcome == "admitted"}  # type: ignore[index, call-overload]
        assert recorded == {
            None: {"ref": "refs/heads/three"},
            "v1": {"ref": "refs/heads/one"},
            "v2": {"ref": "refs/heads/two"},
        }

    play(tmp_path, story)


def test_the_claims_of_a_tag_are_those_of_its_last_stored_put(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.upload(app)
        await home.put("alice", app, "v1", claims={"ref": "refs/heads/one"})
        await home.put("alice", app, "v1", claims={"ref": "refs/heads/two"})
        engine.asked.clear()
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert of_tags(engine) == {"v1": ("u:alice", {"ref": "refs/heads/two"})}

    play(tmp_path, story)


def test_a_tag_that_waits_on_what_is_admitted_is_judged_again_with_the_claims_of_its_requester(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.upload(app)
        engine.script = lambda document, active: allowed(active) if document["tag"] is None else held(active, "WAIT")
        await home.put("alice", app, "v1", claims={"ref": "refs/heads/one"})
        assert await pending(home, "v1") == app.digest
        engine.asked.clear()
        await reevaluate(home, app)
        assert of_tags(engine) == {"v1": ("u:alice", {"ref": "refs/heads/one"})}

    play(tmp_path, story)
