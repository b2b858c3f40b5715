"""`policy activate --revoke`: the one policy change that hides, and only what it denies."""

import json
from pathlib import Path

import pytest

from gateway.access.values import Mode, Role
from gateway.content.store import BlobStore
from gateway.errors import BlobUnknown
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyOutcome
from tests.support.admission import KEY, OPERATOR, OTHER_KEY, PROJECT, REPOSITORY, House
from tests.support.admission_stories import codes, condition, distrust, play
from tests.support.evidence import signed_bundle, trust_files
from tests.support.images import Artifact, image, index
from tests.support.scripted_engine import ScriptedEngine, allowed, denied, unavailable


def no_root(level: str) -> JsonObject:
    return {"registry": {"config": {"rules": {"CFG001": {"level": level}}}}}


async def admitted(home: House, name: str) -> Artifact:
    app = image(name)
    await home.attach("alice", signed_bundle(KEY, subject=app.digest))
    await home.push("alice", app, name)
    assert await home.target(name) == app.digest
    return app


def denying(bad: Artifact, engine: ScriptedEngine) -> None:
    """Have the rules deny one image, and allow every other."""

    def script(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
        about = json.dumps(document)
        return denied(active, "BAD") if bad.digest in about else allowed(active)

    engine.script = script


def test_what_the_new_policy_denies_is_hidden_where_the_activation_says_so(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        good, bad = await admitted(home, "good"), await admitted(home, "bad")
        denying(bad, engine)
        await home.rules(no_root("warn"), hides=True)
        await home.work()
        assert home.failures == []
        assert await condition(home, good) == "admitted"
        assert await condition(home, bad) == "revoked"
        assert await home.target("bad") is None
        assert (await home.events()).count("manifest.revoked") == 1
        (newest, *_) = await home.store.decisions(REPOSITORY, Digest.parse(bad.digest), limit=1)
        assert newest.outcome == "denied"

    play(tmp_path, story)


def test_an_activation_that_does_not_say_so_hides_nothing(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bad = await admitted(home, "bad")
        denying(bad, engine)
        await home.rules(no_root("warn"))
        await home.work()
        assert await condition(home, bad) == "admitted"
        assert "manifest.drifted" in await home.events()

    play(tmp_path, story)


def test_it_hides_nothing_any_more_once_another_is_active(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        bad = await admitted(home, "bad")
        denying(bad, engine)
        await home.rules(no_root("warn"), hides=True)
        await home.rules(no_root("off"))
        await home.work()
        assert await condition(home, bad) == "admitted"

    play(tmp_path, story)


def test_what_waits_or_is_distrusted_is_not_revoked(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        held = image("held")
        await home.push("alice", held, "v1")
        lost = await admitted(home, "lost")
        await distrust(home, signed_bundle(KEY, subject=lost.digest))
        engine.script = lambda document, active: denied(active, "BAD")
        await home.rules(no_root("warn"), hides=True)
        await home.work()
        assert await condition(home, held) == "held"
        assert await condition(home, lost) == "distrusted"

    play(tmp_path, story)


def test_what_trust_would_deny_today_is_drift_and_not_hidden(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await admitted(home, "app")
        nobody = b'images: [{glob: "**"}]\nauthorities:\n  - name: nobody\n    static: {action: fail}\n'
        await home.trust({"policy.yaml": nobody})
        await home.work()
        await home.rules(no_root("warn"), hides=True)
        await home.work()
        assert await condition(home, app) == "admitted"

    play(tmp_path, story)


def test_it_hides_where_the_rules_were_asked_and_nowhere_else(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        other = RepositoryName("team/dev")
        app = image("app")
        for repository in (REPOSITORY, other):
            await home.attach("alice", signed_bundle(KEY, subject=app.digest), repository)
            await home.push("alice", app, "v1", repository=repository)

        def script(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
            return denied(active, "BAD") if REPOSITORY.text in json.dumps(document) else allowed(active)

        engine.script = script
        await home.rules(no_root("warn"), hides=True)
        await home.work()
        assert not await home.visible(app.digest)
        assert await home.visible(app.digest, other)
        refused = await home.put("alice", app, "v2")
        assert codes(refused) == {"REVOKED"}

    play(tmp_path, story)


def test_it_hides_also_where_the_engine_was_away_and_something_else_asked_for_the_image(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await admitted(home, "app")
        engine.script = lambda document, active: unavailable()
        await home.rules(no_root("warn"), hides=True)
        await pass_work(home)
        await home.trust(trust_files(KEY, OTHER_KEY))
        await pass_work(home)
        engine.script = lambda document, active: denied(active, "BAD")
        home.now += 1000
        await home.work()
        assert await condition(home, app) == "revoked"

    async def pass_work(home: House) -> None:
        for _ in range(8):
            await home.worker.run_once()
            home.now += 20

    play(tmp_path, story)


@pytest.mark.parametrize("deleted", [False, True], ids=["hidden-before-it", "deleted"])
def test_an_index_is_asked_about_although_a_child_is_hidden_or_gone(tmp_path: Path, deleted: bool) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        one, two = image("one"), image("two")
        if not deleted:
            await home.attach("alice", signed_bundle(KEY, subject=one.digest))
            await home.push("alice", one, "one")
        app = index(one, two)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.push("alice", app, "v1")
        assert await condition(home, two) == "carried"
        if deleted:
            await home.person("carol", Role.MAINTAINER)
            await home.gate.delete_manifest(await home.grant("carol"), Digest.parse(one.digest))
        engine.script = lambda document, active: denied(active, "BAD")
        await home.rules(no_root("warn"), hides=True)
        await home.work()
        assert home.failures == []
        assert await condition(home, app) == "revoked"
        assert not await home.visible(two.digest)

    play(tmp_path, story)


def test_a_change_of_mode_meanwhile_takes_nothing_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.admission.worker.PAGE", 2)

    async def story(home: House, engine: ScriptedEngine) -> None:
        apps = [await admitted(home, f"app{number}") for number in range(5)]
        engine.script = lambda document, active: denied(active, "BAD")
        await home.rules(no_root("warn"), hides=True)
        await home.projects.set_project(
            PROJECT, mode=Mode.STRICT, visibility=None, writers_read_held=None, by=OPERATOR, reason="test", now=home.now
        )
        await home.work()
        assert {await condition(home, app) for app in apps} == {"revoked"}

    play(tmp_path, story)


def test_what_is_incomplete_and_not_denied_is_as_it_was(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        one, two = image("one"), image("two")
        app = index(one, two)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.push("alice", app, "v1")
        await home.person("carol", Role.MAINTAINER)
        await home.gate.delete_manifest(await home.grant("carol"), Digest.parse(one.digest))
        await home.rules(no_root("warn"), hides=True)
        await home.work()
        assert await condition(home, app) == "admitted"

    play(tmp_path, story)


def test_nothing_is_asked_about_what_waits_for_its_parts(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.put("alice", image("nothing of it is here"))
        before = len(engine.asked)
        await home.rules(no_root("warn"), hides=True)
        await home.work()
        assert len(engine.asked) == before
        assert (
            await home.database.read_aside(
                lambda connection: connection.execute("SELECT count(*) FROM work WHERE kind = 'reevaluate'").fetchone()[
                    0
                ]
            )
            == 0
        )

    play(tmp_path, story)


def test_half_a_child_keeps_no_index_from_being_hidden(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        one, two = image("one"), image("two")
        app = index(one, two)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.push("alice", app, "v1")
        await home.person("carol", Role.MAINTAINER)
        await home.gate.delete_manifest(await home.grant("carol"), Digest.parse(one.digest))
        config = Digest.parse(one.blobs[0].digest)
        await home.database.write(
            lambda connection: (
                connection.execute(
                    "DELETE FROM repo_blob WHERE blob_id = (SELECT id FROM blob WHERE digest = ?)", (str(config),)
                ).rowcount
            )
        )
        lost = Lost(home.gate.tools.evaluator._blobs, config)
        home.gate.tools.evaluator._blobs = lost  # type: ignore[assignment]
        await home.put("alice", one)
        engine.script = lambda document, active: denied(active, "BAD")
        await home.rules(no_root("warn"), hides=True)
        await home.work()
        assert await condition(home, app) == "revoked"
        assert not await home.visible(two.digest)

    play(tmp_path, story)


class Lost:
    """`BlobStore` from which one blob was collected."""

    def __init__(self, inner: BlobStore, gone: Digest) -> None:
        self._inner, self._gone = inner, gone

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        if digest == self._gone:
            raise BlobUnknown(str(digest))
        return await self._inner.read(digest, max_bytes=max_bytes)
