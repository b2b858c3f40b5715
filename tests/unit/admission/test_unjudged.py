"""What is stored and never judged: what is kept as evidence, put as something else."""

from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.admission.values import Admitted, Held, Refused, Unreachable
from gateway.catalog.values import ManifestClass
from gateway.errors import Denied
from tests.support.admission import HOST, KEY, OTHER_KEY, House
from tests.support.admission_stories import codes, over, play, put_bytes
from tests.support.evidence import signed_bundle, signed_classic
from tests.support.images import image, index
from tests.support.scripted_engine import ScriptedEngine

REFERENCE = f"{HOST}/team/app"


def test_a_tag_that_people_pull_by_is_refused_on_what_is_kept_as_evidence(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "latest")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", signature)
        outcome = await put_bytes(home, "alice", signature, "latest")
        assert isinstance(outcome, Refused)
        assert codes(outcome) == {"NOT_AN_IMAGE"}
        assert outcome.decision_id is not None
        assert await home.target("latest") == app.digest
        view = await home.view(signature.digest)
        assert view is not None
        assert view.cls is ManifestClass.EVIDENCE
        assert (await home.events())[-1] == "manifest.denied"

    play(tmp_path, story)


def test_a_put_by_digest_of_verified_evidence_changes_nothing_and_sets_no_clock(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        await home.attach("alice", signature)
        outcome = await put_bytes(home, "alice", signature)
        assert isinstance(outcome, Admitted)
        assert outcome.warnings == ()
        view = await home.view(signature.digest)
        assert view is not None
        assert (view.cls, view.visible, view.expires) == (ManifestClass.EVIDENCE, True, None)
        assert await home.target("v1") == app.digest
        rows = home.database.read(
            lambda connection: connection.execute("SELECT sum(held_size) FROM manifest").fetchone()
        )
        assert rows[0] == 0

    play(tmp_path, story)


def test_a_put_by_digest_of_evidence_that_nobody_trusts_is_held_and_keeps_its_end(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_classic(OTHER_KEY, subject=app.digest, reference=REFERENCE)
        await home.attach("alice", signature)
        before = await home.view(signature.digest)
        home.now += 1000
        outcome = await put_bytes(home, "alice", signature)
        assert isinstance(outcome, Held)
        assert codes(outcome) == {"NOT_AN_IMAGE"}
        after = await home.view(signature.digest)
        assert before is not None
        assert after is not None
        assert (after.cls, after.expires) == (before.cls, before.expires)

    play(tmp_path, story)


def test_who_may_not_push_does_not_put_evidence_as_something_else(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("scanner", Role.SCANNER)
        signature = signed_classic(KEY, subject=image("one").digest, reference=REFERENCE)
        await home.attach("scanner", signature)
        with pytest.raises(Denied) as caught:
            await put_bytes(home, "scanner", signature)
        assert [reason.code for reason in caught.value.reasons] == ["RIGHT_MISSING"]

    play(tmp_path, story)


def test_a_fallback_index_put_by_digest_stays_one(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, nothing = image("one"), index()
        await home.push("alice", app, "v1")
        tag = app.digest.replace(":", "-")
        assert isinstance(await home.put("alice", nothing, tag), Admitted)
        assert isinstance(await home.put("alice", nothing), Held), "its subject waits, and so is hidden"
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert isinstance(await home.put("alice", nothing), Admitted)
        view = await home.view(nothing.digest)
        assert view is not None
        assert (view.cls, view.expires) == (ManifestClass.FALLBACK, None)
        assert codes(await home.put("alice", nothing, "latest")) == {"NOT_AN_IMAGE"}

    play(tmp_path, story)


def test_a_put_of_known_evidence_that_loses_every_race_is_unavailable(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_classic(KEY, subject=image("one").digest, reference=REFERENCE)
        await home.attach("alice", signature)
        home.gate = over(home, loses=True)
        assert isinstance(await put_bytes(home, "alice", signature), Unreachable)

    play(tmp_path, story)
