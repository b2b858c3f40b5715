"""What is stored, judged again: what waits, what stands, what drifts, and the tags that wait for it."""

import dataclasses
from pathlib import Path

import pytest

from gateway.access.values import Mode, Role
from gateway.admission.gate import Gate
from gateway.admission.judgement import NoAnswer
from gateway.admission.values import Admitted, Held, PolicyErred, TriggerKind, Unreachable
from gateway.catalog.values import ManifestView
from gateway.errors import ManifestUnknown, NameUnknown
from gateway.identity.values import SYSTEM
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from tests.support.admission import KEY, OTHER_KEY, PROJECT, REPOSITORY, House
from tests.support.admission_stories import (
    administrator,
    codes,
    condition,
    distrust,
    over,
    pending,
    play,
    put_bytes,
    reevaluate,
    warned,
)
from tests.support.evidence import attested_bundle, signed_bundle, trust_files
from tests.support.images import Artifact, image
from tests.support.scripted_engine import ScriptedEngine, allowed, broken, denied, held, unavailable


async def admitted(home: House, name: str = "one", tag: str = "v1") -> Artifact:
    app = image(name)
    await home.attach("alice", signed_bundle(KEY, subject=app.digest))
    assert isinstance(await home.push("alice", app, tag), Admitted)
    return app


def test_policy_broken_and_unavailable_change_no_state_on_a_re_evaluation(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        stands, waits = await admitted(home), image("two")
        await home.push("alice", waits, "v2")
        engine.script = lambda document, active: broken(active)
        for app in (stands, waits):
            assert isinstance(await reevaluate(home, app), PolicyErred)
        engine.script = lambda document, active: unavailable()
        for app in (stands, waits):
            assert isinstance(await reevaluate(home, app), Unreachable)
        assert await home.target("v1") == stands.digest
        assert await pending(home, "v2") == waits.digest

    play(tmp_path, story)


def test_a_verdict_that_would_now_fail_is_stored_as_drift_and_hides_nothing(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await admitted(home)
        engine.script = lambda document, active: denied(active, "NOW_DENIED")
        assert codes(await reevaluate(home, app)) == {"NOW_DENIED"}
        assert await home.target("v1") == app.digest
        (drift,) = await home.store.drift(None, limit=10)
        assert str(drift.digest) == app.digest
        assert (await home.events()).count("manifest.drifted") == 1
        await reevaluate(home, app)
        assert (await home.events()).count("manifest.drifted") == 1, "it has not changed"
        engine.script = lambda document, active: allowed(active)
        assert isinstance(await reevaluate(home, app), Admitted)
        assert await home.store.drift(None, limit=10) == []

    play(tmp_path, story)


def test_the_input_of_a_decision_that_only_repeats_an_admission_is_kept_in_bounds(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await admitted(home)
        passing = "SELECT count(*) FROM passing_input"
        before = await home.database.write(lambda connection: connection.execute(passing).fetchone()[0])
        engine.script = lambda document, active: allowed(active, f"WARNS_{document['time']}")
        for _ in range(3):
            home.now += 1
            assert warned(await reevaluate(home, app)) == {f"WARNS_{home.now}"}
        after = await home.database.write(lambda connection: connection.execute(passing).fetchone()[0])
        assert after == before + 3

    play(tmp_path, story)


def test_a_tag_held_on_an_admitted_manifest_moves_when_its_rule_lets_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: held(active, "WAIT") if document["tag"] else allowed(active)
        app = image("one")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.push("alice", app, "prod")
        assert await home.visible(app.digest)
        assert await home.target("prod") is None
        assert isinstance(await reevaluate(home, app), Admitted)
        assert await home.target("prod") is None, "hold keeps it pending"
        engine.script = lambda document, active: allowed(active)
        outcome = await reevaluate(home, app)
        assert isinstance(outcome, Admitted)
        assert [tag.text for tag in outcome.stored.tags] == ["prod"]
        assert await home.target("prod") == app.digest

    play(tmp_path, story)


def test_at_promotion_each_pending_tag_has_its_own_decision(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "moves", "waits", "drops", "errs")

        def script(document, active):  # type: ignore[no-untyped-def]
            tag = document["tag"]
            match None if tag is None else tag["name"]:
                case "waits":
                    return held(active, "WAIT")
                case "drops":
                    return denied(active, "DROP")
                case "errs":
                    return broken(active)
                case _:
                    return allowed(active)

        engine.script = script
        outcome = await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert warned(outcome) == set(), "none of them stops the manifest"
        assert await home.target("moves") == app.digest
        assert await pending(home, "waits") == app.digest
        assert await home.tag("drops") is None
        assert await pending(home, "errs") == app.digest
        outcomes = {
            row.tag: row.outcome for row in await home.store.decisions(REPOSITORY, Digest.parse(app.digest), limit=4)
        }
        assert outcomes == {"moves": "admitted", "waits": "held", "drops": "denied", "errs": "policy-error"}
        assert (await home.events()).count("tag.dropped") == 1

    play(tmp_path, story)


def test_an_engine_that_fails_at_a_pending_tag_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        engine.script = lambda document, active: unavailable() if document["tag"] else allowed(active)
        signature = signed_bundle(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", signature), Unreachable)
        assert await home.view(signature.digest) is None
        assert await condition(home, app) == "held"

    play(tmp_path, story)


def test_a_requester_who_lost_overwrite_is_dropped_and_the_manifest_still_admitted(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("bob", Role.WRITER)
        old, new = await admitted(home, "old"), image("new")
        await home.push("bob", new, "v1", "fresh")
        alice = home.people["alice"]
        await home.members.remove_member(PROJECT, "u:bob", None, by=alice, now=home.now)
        await home.attach("alice", signed_bundle(KEY, subject=new.digest))
        assert await home.visible(new.digest)
        assert await home.target("v1") == old.digest
        assert await home.tag("fresh") is None
        events = [row for row in await home.audit.events(after=0, limit=1000) if row.kind == "tag.dropped"]
        assert {row.data["reasons"][0]["code"] for row in events} == {"REQUESTER_LOST_RIGHT"}  # type: ignore[index, call-overload]

    play(tmp_path, story)


def test_what_does_not_exist_is_unknown(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        with pytest.raises(ManifestUnknown):
            await reevaluate(home, image("never"))

    play(tmp_path, story)


def test_evidence_that_was_verified_says_so_when_it_is_judged_again(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await admitted(home)
        good, other = attested_bundle(KEY, subject=app.digest), signed_bundle(OTHER_KEY, subject=app.digest)
        await home.attach("alice", good)
        await home.attach("alice", other)
        assert isinstance(await reevaluate(home, good), Admitted)
        assert isinstance(await reevaluate(home, other), Held)
        await home.trust(trust_files(KEY, OTHER_KEY))
        assert isinstance(await reevaluate(home, other), Admitted)
        assert await home.visible(other.digest)

    play(tmp_path, story)


def test_evidence_judged_again_admits_its_subject(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_bundle(OTHER_KEY, subject=app.digest)
        await home.attach("alice", signature)
        await home.trust(trust_files(OTHER_KEY))
        engine.script = lambda document, active: unavailable()
        assert isinstance(await reevaluate(home, signature), Unreachable)
        engine.script = lambda document, active: allowed(active)
        assert isinstance(await reevaluate(home, signature), Admitted)
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_incomplete_evidence_goes_on_waiting(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_bundle(KEY)
        await put_bytes(home, "alice", signature)
        assert isinstance(await reevaluate(home, signature), Held)

    play(tmp_path, story)


class Vanishing:
    """`ManifestReads` over a catalog that loses what was just read, or everything that it is in."""

    def __init__(self, home: House, digest: str) -> None:
        self._home, self._digest, self._gate = home, Digest.parse(digest), home.gate

    async def by_digest(
        self, repository: RepositoryName, digest: Digest, *, now: int, with_body: bool
    ) -> ManifestView | None:
        found = await self._home.manifests.by_digest(repository, digest, now=now, with_body=with_body)
        if found is not None and digest == self._digest:
            await self._gate.delete_manifest(await administrator(self._home), digest)
        return found


def test_what_is_deleted_while_it_is_judged_is_unknown(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        gone = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", gone)
        for digest in (gone.digest, app.digest):
            gate = Gate(dataclasses.replace(home.gate.tools, manifests=Vanishing(home, digest)))  # type: ignore[arg-type]
            with pytest.raises(ManifestUnknown):
                await gate.reevaluate(REPOSITORY, Digest.parse(digest), principal=SYSTEM, kind=TriggerKind.REEVALUATE)

    play(tmp_path, story)


def test_a_subject_that_is_deleted_while_its_evidence_comes_makes_it_an_orphan(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_bundle(KEY, subject=app.digest)
        for content in signature.blobs.values():
            await home.blob(content)
        home.gate = Gate(dataclasses.replace(home.gate.tools, manifests=Vanishing(home, app.digest)))  # type: ignore[arg-type]
        assert isinstance(await put_bytes(home, "alice", signature), Admitted)
        assert await home.view(app.digest) is None

    play(tmp_path, story)


def test_a_project_that_goes_meanwhile_is_unknown(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")

        home.gate = over(home, gone=True)
        with pytest.raises(NameUnknown):
            await reevaluate(home, app)

    play(tmp_path, story)


def test_a_principal_that_never_was_is_named_by_its_id(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        for principal, kind in (("u:ghost", "user"), ("os:root", "operator"), (SYSTEM.id, SYSTEM.kind.value)):
            await home.database.write(
                lambda connection, who=principal: connection.execute("UPDATE manifest SET who = ?", (who,)).rowcount  # type: ignore[misc]
            )
            await home.trust(trust_files(KEY))
            engine.asked.clear()
            await reevaluate(home, app)
            who = engine.asked[0]["who"]
            assert isinstance(who, dict)
            assert (who["id"], who["kind"]) == (principal, kind)

    play(tmp_path, story)


def test_what_rests_on_deleted_evidence_is_judged_again_in_the_background(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        first = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", first)
        await home.push("alice", app, "v1")
        await home.attach("alice", attested_bundle(KEY, subject=app.digest))
        await distrust(home, first)
        assert await condition(home, app) == "distrusted"
        await home.work()
        assert home.failures == []
        assert await condition(home, app) == "distrusted", "an attestation is no signature"

    play(tmp_path, story)


def test_no_setting_and_no_mode_admits_without_proof(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app)
        assert codes(await reevaluate(home, app)) == {"SIGNATURE_MISSING"}

    play(tmp_path, story, mode=Mode.STRICT)


def test_a_re_evaluation_that_loses_every_race_is_unavailable(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, signature = image("one"), signed_bundle(OTHER_KEY, subject=image("one").digest)
        await home.push("alice", app, "v1")
        await home.attach("alice", signature)
        home.gate = over(home, loses=True)
        for what in (app, signature):
            assert isinstance(await reevaluate(home, what), Unreachable)

    play(tmp_path, story)


def test_a_tag_of_what_stands_waits_on_while_the_engine_is_away(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: held(active, "WAIT") if document["tag"] else allowed(active)
        app = image("one")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.push("alice", app, "prod")
        engine.script = lambda document, active: unavailable() if document["tag"] else allowed(active)
        assert isinstance(await reevaluate(home, app), Unreachable)
        assert await pending(home, "prod") == app.digest

    play(tmp_path, story)


def test_a_verification_that_takes_too_long_is_no_verdict(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, signature = image("one"), signed_bundle(KEY, subject=image("one").digest)
        await home.push("alice", app, "v1")
        await home.attach("alice", signature)

        class Slow:
            """An evaluator whose verification never ends in time."""

            def __getattr__(self, name: str) -> object:
                return getattr(tools.evaluator, name)

            async def prove(self, *_: object, **__: object) -> NoAnswer:
                return NoAnswer("the evidence was not verified in time")

        tools = home.gate.tools
        home.gate = Gate(dataclasses.replace(tools, evaluator=Slow()))  # type: ignore[arg-type]
        for what in (app, signature):
            assert await reevaluate(home, what) == Unreachable("the evidence was not verified in time")

    play(tmp_path, story)
