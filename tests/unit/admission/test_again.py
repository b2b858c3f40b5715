"""What a re-evaluation records: what is new, and nothing that the newest decision says already."""

from pathlib import Path

from gateway.access.values import Role
from gateway.admission.values import Held, TriggerKind
from gateway.catalog.saying import Said
from gateway.identity.values import SYSTEM
from gateway.oci.digest import Digest
from tests.support.admission import KEY, REPOSITORY, House
from tests.support.admission_stories import play, reevaluate
from tests.support.evidence import signed_bundle
from tests.support.images import Artifact, image
from tests.support.scripted_engine import ScriptedEngine, allowed, denied, held


async def decisions(home: House, artifact: Artifact, tag: str | None = None) -> list[str]:
    rows = await home.store.decisions(REPOSITORY, Digest.parse(artifact.digest), limit=100)
    return [row.id for row in rows if row.tag == tag]


async def again(home: House, artifact: Artifact) -> Held:
    """Judge it again as the background does."""
    outcome = await home.gate.reevaluate(
        REPOSITORY, Digest.parse(artifact.digest), principal=SYSTEM, kind=TriggerKind.MISSING_PART
    )
    assert isinstance(outcome, Held)
    return outcome


def test_what_waits_for_the_same_is_recorded_once(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("app")
        await home.push("alice", app, "v1")
        before = await decisions(home, app)
        outcome = await again(home, app)
        assert outcome.stored.decision_id == before[0], "it is told which decision says so"
        assert await decisions(home, app) == before
        # An operator's question is an event, whatever it leads to.
        events = await _events(home)
        await reevaluate(home, app)
        assert await decisions(home, app) == before
        assert await _events(home) == events + 1

    play(tmp_path, story)


def test_other_reasons_other_rules_and_other_evidence_are_recorded(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("app")
        await home.push("alice", app, "v1")
        counted = [len(await decisions(home, app))]
        engine.script = lambda document, active: held(active, "TEST001")
        await again(home, app)
        counted.append(len(await decisions(home, app)))
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        counted.append(len(await decisions(home, app)))
        await home.rules({"registry": {"config": {"rules": {"CFG001": {"level": "off"}}}}})
        await again(home, app)
        counted.append(len(await decisions(home, app)))
        await again(home, app)
        counted.append(len(await decisions(home, app)))
        assert [number - counted[0] for number in counted] == [0, 1, 2, 3, 3]

    play(tmp_path, story)


def test_a_tag_that_goes_on_waiting_is_recorded_once(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: (
            held(active, "TEST001") if document["tag"] is not None else allowed(active)
        )
        app = image("app")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.visible(app.digest)
        before = await decisions(home, app, "v1")
        for _ in range(2):
            await home.gate.reevaluate(
                REPOSITORY, Digest.parse(app.digest), principal=SYSTEM, kind=TriggerKind.MISSING_PART
            )
        assert await decisions(home, app, "v1") == before
        engine.script = lambda document, active: (
            held(active, "TEST002") if document["tag"] is not None else allowed(active)
        )
        await home.gate.reevaluate(
            REPOSITORY, Digest.parse(app.digest), principal=SYSTEM, kind=TriggerKind.MISSING_PART
        )
        assert len(await decisions(home, app, "v1")) == len(before) + 1

    play(tmp_path, story)


def _every_tag_waits(home: House, engine: ScriptedEngine, told: dict[str, str]) -> None:
    """Let tags wait for ``told["tag"]``, and the manifest be denied where ``told`` says so."""
    engine.script = lambda document, active: (
        held(active, told["tag"])
        if document["tag"] is not None
        else (denied(active, "NOPE") if "denied" in told else allowed(active))
    )


async def _crowd(home: House, app: Artifact, *, of_alice: int, of_bob: int) -> None:
    await home.person("bob", Role.WRITER)
    await home.push("alice", app, "v1")
    await home.attach("alice", signed_bundle(KEY, subject=app.digest))
    for number in range(of_alice):
        await home.put("alice", app, f"a{number}")
    for number in range(of_bob):
        await home.put("bob", app, f"b{number}")


async def _count(home: House) -> int:
    count = await home.database.read_aside(
        lambda connection: connection.execute("SELECT count(*) FROM decision").fetchone()[0]
    )
    return int(count)


def test_what_more_than_fifty_tags_wait_for_is_recorded_once(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        _every_tag_waits(home, engine, {"tag": "TEST001"})
        app = image("app")
        await _crowd(home, app, of_alice=49, of_bob=20)
        await reevaluate(home, app)
        before = await _count(home)
        await reevaluate(home, app)
        assert await _count(home) == before

    play(tmp_path, story)


def test_drift_and_its_end_are_recorded_however_many_tags_wait(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        told = {"tag": "TEST001"}
        _every_tag_waits(home, engine, told)
        app = image("app")
        await _crowd(home, app, of_alice=49, of_bob=20)
        told.update(denied="yes", tag="TEST002")
        await reevaluate(home, app)
        assert (await newest(home, app)).outcome == "drift"
        del told["denied"]
        told["tag"] = "TEST003"
        await reevaluate(home, app)
        assert (await newest(home, app)).outcome == "admitted"

    play(tmp_path, story)


async def newest(home: House, app: Artifact) -> Said:
    found = await home.store.newest_decision(REPOSITORY, Digest.parse(app.digest), tag=None)
    assert found is not None
    return found


async def _events(home: House) -> int:
    count = await home.database.read_aside(
        lambda connection: connection.execute("SELECT count(*) FROM event").fetchone()[0]
    )
    return int(count)
