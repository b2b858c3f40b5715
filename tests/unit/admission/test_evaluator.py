"""Evidence gathered and verified, rules asked: whatever does not answer in time, or not under the active revision."""

import asyncio
import dataclasses
import json
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import cast

from gateway.admission.closure import closure, world_key
from gateway.admission.document import Who
from gateway.admission.evaluator import Case, Evaluator, EvaluatorSettings, Proof
from gateway.admission.gate import Gate
from gateway.admission.judgement import Fails, NoAnswer, Waits
from gateway.admission.subject import key_of
from gateway.admission.values import Admitted, Held, Trigger, TriggerKind, Unreachable
from gateway.catalog.world import ActiveRevision
from gateway.content.store import BlobStore
from gateway.errors import BlobUnknown, SizeInvalid
from gateway.evidence.trust_policy import TrustPolicy
from gateway.oci.config import MAX_CONFIG_BYTES
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import Tag
from gateway.oci.strict_json import JsonObject
from gateway.policy.engine import PolicyEngine
from gateway.policy.values import PolicyUnavailable
from tests.support.admission import HOST, KEY, REPOSITORY, House
from tests.support.admission_stories import codes, play
from tests.support.evidence import signed_bundle, trust_files
from tests.support.images import Artifact, Blob, canonical, image
from tests.support.scripted_engine import ScriptedEngine, allowed, revision

SETTINGS = EvaluatorSettings(HOST, frozenset({HOST}), 10.0, 10.0)


def with_evaluator(
    home: House,
    *,
    engine: PolicyEngine | None = None,
    blobs: BlobStore | None = None,
    trust: object = None,
    settings: EvaluatorSettings = SETTINGS,
    describing: Executor | None = None,
) -> Evaluator:
    """Give the house an evaluator of other parts."""
    made = Evaluator(
        blobs=blobs or home.content.blobs,
        evidence=home.gate.tools.evidence,
        engine=engine or home.engine,
        trust=trust or home.active,  # type: ignore[arg-type]
        pool=home.gate.tools.evaluator._pool,
        describing=describing or home.gate.tools.evaluator._describing,
        settings=settings,
    )
    home.gate = Gate(dataclasses.replace(home.gate.tools, evaluator=made))
    return made


class Blobs:
    """`BlobStore` that fails at the digests it is told to."""

    def __init__(self, inner: BlobStore, failing: dict[str, Exception]) -> None:
        self._inner, self._failing = inner, failing

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        if str(digest) in self._failing:
            raise self._failing[str(digest)]
        return await self._inner.read(digest, max_bytes=max_bytes)


def forget(kind: str) -> Callable[[sqlite3.Connection], int]:
    """Return the change after which no revision of this kind is active."""
    return lambda connection: connection.execute("DELETE FROM active WHERE kind = ?", (kind,)).rowcount


async def signed(home: House, name: str = "one") -> Artifact:
    app = image(name)
    await home.attach("alice", signed_bundle(KEY, subject=app.digest))
    await home.upload(app)
    return app


def test_an_engine_that_is_given_another_revision_while_it_is_asked_has_no_say(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await signed(home)
        looser = revision("looser")

        class Swapped:
            """Shows one revision, and answers under another."""

            def revision(self) -> object:
                return engine.revision()

            async def evaluate(self, document: object, *, deadline_seconds: float) -> object:
                return allowed(looser)

        with_evaluator(home, engine=Swapped())  # type: ignore[arg-type]
        assert isinstance(await home.put("alice", app, "v1"), Unreachable)
        assert await home.view(app.digest) is None

    play(tmp_path, story)


def test_a_trust_policy_that_is_replaced_meanwhile_is_asked_again(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await signed(home)

        class Replaced:
            """`TrustSource` that has the revision at the second time of asking."""

            times = 0

            async def trust_policy(self, active: ActiveRevision) -> TrustPolicy | None:
                self.times += 1
                return None if self.times == 1 else await home.active.trust_policy(active)

        source = Replaced()
        with_evaluator(home, trust=source)
        assert isinstance(await home.put("alice", app, "v1"), Admitted)
        assert source.times > 1

    play(tmp_path, story)


def test_a_trust_policy_that_is_not_active_any_more_is_not_had(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        old = ActiveRevision(TrustPolicy.load(trust_files(KEY)).digest, 1)
        assert await home.active.trust_policy(old) is not None
        other = ActiveRevision("sha256:" + "0" * 64, 2)
        assert await home.active.trust_policy(other) is None

    play(tmp_path, story)


def test_a_verification_that_takes_too_long_is_no_answer(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        pool = home.gate.tools.evaluator._pool
        busy = asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0.2)
        with_evaluator(home, settings=dataclasses.replace(SETTINGS, verification_seconds=0.01))
        signature = signed_bundle(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", signature), Unreachable)
        assert await home.view(signature.digest) is None
        await busy

    play(tmp_path, story)


def test_no_policy_at_all_is_unavailable(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.database.write(forget("policy"))
        assert await home.active.activate_policy() is None
        outcome = await home.push("alice", image("one"), "v1")
        assert isinstance(outcome, Unreachable)
        assert "policy activate" in outcome.reason

    play(tmp_path, story)


def test_no_trust_policy_at_all_trusts_nobody(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.database.write(forget("trust"))
        app = await signed(home)
        assert codes(await home.put("alice", app, "v1")) == {"NO_TRUST_POLICY"}

    play(tmp_path, story)


def test_a_config_that_cannot_be_read_is_unavailable_and_one_of_another_length_malformed(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await signed(home)
        config = app.blobs[0].digest
        with_evaluator(home, blobs=Blobs(home.content.blobs, {config: BlobUnknown(config)}))  # type: ignore[arg-type]
        assert isinstance(await home.put("alice", app, "v1"), Unreachable)
        with_evaluator(home, blobs=Blobs(home.content.blobs, {config: SizeInvalid("too long")}))  # type: ignore[arg-type]
        assert codes(await home.put("alice", app, "v1")) == {"CONTENT_MALFORMED"}

    play(tmp_path, story)


def long(name: str) -> Artifact:
    """Return an image whose description is not made on the event loop, though nothing is proven of it."""
    clean = image(name)
    document = json.loads(clean.manifest.content) | {"annotations": {"a": "b" * 10_000}}
    return dataclasses.replace(clean, manifest=Blob(clean.manifest.media_type, canonical(document)))


def test_a_description_that_takes_too_long_is_no_answer_and_keeps_no_evidence_from_being_verified(
    tmp_path: Path,
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        other = image("other")
        with ThreadPoolExecutor(1) as describing:
            busy = describing.submit(time.sleep, 0.3)
            brief = dataclasses.replace(SETTINGS, verification_seconds=0.05)
            with_evaluator(home, settings=brief, describing=describing)
            outcome = await home.push("alice", long("one"), "v1")
            assert isinstance(outcome, Unreachable)
            assert "not read in time" in outcome.reason
            assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=other.digest)), Admitted | Held)
            assert not busy.done()

    play(tmp_path, story)


def test_a_config_that_says_it_is_too_large_is_not_read(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await signed(home)
        manifest = Manifest.parse(app.manifest.content, content_type=app.manifest.media_type)
        assert manifest.config is not None
        huge = dataclasses.replace(manifest, config=dataclasses.replace(manifest.config, size=MAX_CONFIG_BYTES + 1))
        verdict, _ = await home.gate.tools.evaluator.judge(await case(home, huge, True), now=home.now)
        assert isinstance(verdict, Fails)
        assert [reason.code for reason in verdict.reasons] == ["CONTENT_MALFORMED"]

    play(tmp_path, story)


async def case(home: House, manifest: Manifest, honest: bool = False) -> Case:
    """Return the case of a manifest; ``honest``: what is here is as long as it says."""
    key = key_of(manifest, repository=REPOSITORY, caller="u:alice")
    world = await home.store.read_world(key, now=home.now)
    assert world is not None
    if honest:
        world = dataclasses.replace(world, missing_blobs=(), wrong_sizes=())
    proof = await home.gate.tools.evaluator.prove(manifest.digest, REPOSITORY, world, extra=None, now=home.now)
    assert isinstance(proof, Proof)
    who = Who(home.people["alice"], {})
    return Case(manifest, REPOSITORY, world, closure(world), proof, Trigger(TriggerKind.PUSH, "u:alice"), who)


def test_what_is_incomplete_asks_no_rule(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        manifest = Manifest.parse(app.manifest.content, content_type=app.manifest.media_type)
        verdict, basis = await home.gate.tools.evaluator.judge(await case(home, manifest), now=home.now)
        assert isinstance(verdict, Waits)
        assert basis.input_sha256 is None
        assert engine.asked == []

    play(tmp_path, story)


class Counting(Blobs):
    """`BlobStore` that says what was read."""

    def __init__(self, inner: BlobStore) -> None:
        super().__init__(inner, {})
        self.reads: list[Digest] = []

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        self.reads.append(digest)
        return await super().read(digest, max_bytes=max_bytes)


def test_an_image_is_described_once_for_all_its_decisions_and_never_for_another(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        cases: list[Case] = []
        for app in (await signed(home), await signed(home, "two")):
            await home.put("alice", app)
            cases.append(
                await case(
                    home, Manifest.parse(app.manifest.content, content_type=app.manifest.media_type), honest=True
                )
            )
        blobs = Counting(home.content.blobs)
        evaluator = with_evaluator(home, engine=engine, blobs=blobs)  # type: ignore[arg-type]
        first, second = cases
        key = world_key(first.manifest, repository=REPOSITORY, caller="u:alice", tags=(Tag("v1"),))
        world = await home.store.read_world(key, now=home.now)
        assert world is not None
        (facts,) = world.tags
        engine.asked.clear()
        await evaluator.judge(first, now=home.now)
        await evaluator.judge_tag(first, facts, now=home.now)
        somebody = dataclasses.replace(first, who=Who(home.people["alice"], {"sub": "another"}))
        await evaluator.judge_tag(somebody, facts, now=home.now)
        assert len(blobs.reads) == 1
        assert [asked["subjects"] for asked in engine.asked] == [engine.asked[0]["subjects"]] * 3
        whose = [cast(JsonObject, asked["who"])["claims"] for asked in engine.asked]
        assert whose == [{}, {}, {"sub": "another"}]
        # What was kept is of this manifest, this world and this proof, whoever carries it on.
        for number, other in enumerate(
            (
                dataclasses.replace(first, manifest=second.manifest),
                dataclasses.replace(first, world=second.world),
                dataclasses.replace(first, proof=second.proof),
            ),
            start=2,
        ):
            await evaluator.judge_tag(other, facts, now=home.now)
            assert len(blobs.reads) == number
            what = cast(JsonObject, engine.asked[-1]["what"])
            assert what["digest"] == str(other.manifest.digest)

    play(tmp_path, story)


def test_an_outcome_of_the_engine_that_is_none_is_no_answer(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await signed(home)
        engine.script = lambda document, active: PolicyUnavailable("too slow")
        assert await home.put("alice", app, "v1") == Unreachable("too slow")
        engine.script = lambda document, active: allowed(active)
        assert isinstance(await home.put("alice", app, "v1"), Admitted)
        assert not isinstance(NoAnswer("x"), Held)

    play(tmp_path, story)
