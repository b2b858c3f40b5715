"""Nothing that one principal brings keeps another's signature from being tried."""

from pathlib import Path

from gateway.access.values import Role
from gateway.admission.closure import world_key
from gateway.admission.tries import Budget, worth_trying
from gateway.admission.values import Admitted, Held, Refused
from gateway.oci.manifest import Manifest
from tests.support.admission import KEY, OTHER_KEY, REPOSITORY, House
from tests.support.admission_stories import codes, play, with_limit
from tests.support.evidence import Evidence, signed_bundle, signer, trust_files
from tests.support.images import image
from tests.support.scripted_engine import ScriptedEngine

JUNK_KEY = signer("ecdsa-p256", 3)


def junk(subject: str, number: int) -> Evidence:
    """Return a signature by a key that nobody trusts."""
    return signed_bundle(JUNK_KEY, subject=subject, annotations={"number": str(number)})


def test_fifty_pieces_of_junk_keep_no_later_key_from_the_real_signature(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("bob", Role.WRITER)
        app = image("one")
        await home.push("bob", app, "v1")
        for number in range(50):
            assert isinstance(await home.attach("alice", junk(app.digest, number)), Held)
        refused = await home.attach("alice", junk(app.digest, 50))
        assert isinstance(refused, Refused)
        assert codes(refused) == {"EVIDENCE_LIMIT"}
        assert "at most 50 of one principal" in refused.reasons[0].message
        assert isinstance(await home.attach("bob", signed_bundle(OTHER_KEY, subject=app.digest)), Held)
        await home.trust(trust_files(KEY, OTHER_KEY))
        await home.work()
        assert await home.target("v1") == app.digest
        assert home.failures == []

    play(tmp_path, story)


def test_the_limit_of_a_subject_says_that_it_is_its(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        with_limit(home, max_unverified_evidence=3, max_unverified_evidence_of_one=2)
        await home.person("bob", Role.WRITER)
        await home.person("carol", Role.WRITER)
        app = image("one")
        await home.push("bob", app, "v1")
        for number, who in enumerate(("alice", "alice", "bob")):
            assert isinstance(await home.attach(who, junk(app.digest, number)), Held)
        refused = await home.attach("carol", junk(app.digest, 9))
        assert isinstance(refused, Refused)
        assert "at most 3 of one subject" in refused.reasons[0].message
        assert isinstance(await home.attach("carol", signed_bundle(KEY, subject=app.digest)), Admitted)

    play(tmp_path, story)


def test_each_principal_has_a_turn(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("bob", Role.WRITER)
        app = image("one")
        await home.push("bob", app, "v1")
        for number in range(3):
            await home.attach("alice", junk(app.digest, number))
        await home.attach("bob", junk(app.digest, 3))
        await home.attach("bob", signed_bundle(KEY, subject=app.digest))
        manifest = Manifest.parse(app.manifest.content, content_type=app.manifest.media_type)
        key = world_key(manifest, repository=REPOSITORY, caller="u:alice", tags=())
        world = await home.store.read_world(key, now=home.now)
        assert world is not None
        verified, others = worth_trying(world)
        assert [facts.who for facts in verified] == ["u:bob"]
        assert [facts.who for facts in others] == ["u:alice", "u:bob", "u:alice", "u:alice"]

    play(tmp_path, story)


def test_bytes_count_for_their_owner() -> None:
    budget = Budget(10)
    budget.spend("u:alice", 9)
    assert budget.allows("u:alice")
    budget.spend("u:alice", 9)
    assert not budget.allows("u:alice")
    assert budget.allows("u:bob")
