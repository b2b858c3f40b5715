"""What a re-evaluation records: what is new, and nothing that the newest decision says already."""

from pathlib import Path

from gateway.admission.values import Held, TriggerKind
from gateway.identity.values import SYSTEM
from gateway.oci.digest import Digest
from tests.support.admission import KEY, REPOSITORY, House
from tests.support.admission_stories import play, reevaluate
from tests.support.evidence import signed_bundle
from tests.support.images import Artifact, image
from tests.support.scripted_engine import ScriptedEngine, allowed, held


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


async def _events(home: House) -> int:
    count = await home.database.read_aside(
        lambda connection: connection.execute("SELECT count(*) FROM event").fetchone()[0]
    )
    return int(count)
