"""A layer that is signed once is put into many manifests: each is verified, and none of them counts for more than junk."""

import dataclasses
import json
from pathlib import Path

from gateway.access.values import InstanceRole, Role
from gateway.admission.closure import world_key
from gateway.admission.repeats import counted_bytes
from gateway.admission.tries import Budget, worth_trying
from gateway.admission.values import Admitted, Held, Refused
from gateway.catalog.world import World
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from tests.support.admission import HOST, KEY, OTHER_KEY, REPOSITORY, House
from tests.support.admission_stories import codes, limit_held_bytes, play, with_limit
from tests.support.evidence import Evidence, go_json, signed_bundle, signed_classic, simple_signing, trust_files
from tests.support.images import Artifact, image
from tests.support.scripted_engine import ScriptedEngine


def rewrapped(evidence: Evidence, number: int, *, beside: bytes | None = None) -> Evidence:
    """Return another manifest around the same layers, and one more layer that nobody signed."""
    document = json.loads(evidence.manifest)
    document["annotations"] = {"number": str(number)}
    blobs = dict(evidence.blobs)
    if beside is not None:
        digest = str(Digest.of(beside))
        document["layers"].append({**document["layers"][0], "size": len(beside), "digest": digest})
        blobs[digest] = beside
    return dataclasses.replace(evidence, manifest=go_json(document), blobs=blobs)


def unsigned(subject: str) -> bytes:
    """Return a payload that says much, and that nobody signed."""
    return simple_signing(subject, f"{HOST}/team/app", optional={"more": "x" * 1000})


def config_bytes(manifest: Manifest) -> int:
    """Return the length of the config, which nobody signs."""
    assert manifest.config is not None
    return manifest.config.size


async def world_of(home: House, app: Artifact) -> World:
    manifest = Manifest.parse(app.manifest.content, content_type=app.manifest.media_type)
    world = await home.store.read_world(
        world_key(manifest, repository=REPOSITORY, caller="u:alice", tags=()), now=home.now
    )
    assert world is not None
    return world


def test_repeats_are_bounded_in_number_and_a_new_signature_is_not(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.trust(trust_files(KEY, OTHER_KEY))
        with_limit(home, max_unverified_evidence_of_one=3)
        app = image("one")
        await home.push("alice", app, "v1")
        real = signed_bundle(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", real), Admitted)
        for number in range(3):
            assert isinstance(await home.attach("alice", rewrapped(real, number)), Admitted)
        refused = await home.attach("alice", rewrapped(real, 3))
        assert isinstance(refused, Refused)
        assert codes(refused) == {"EVIDENCE_LIMIT"}
        assert "3 pieces of evidence of its subject already that prove nothing new" in refused.reasons[0].message
        assert isinstance(await home.attach("alice", rewrapped(real, 2)), Admitted), "what is here may be put again"
        assert isinstance(await home.attach("alice", signed_bundle(OTHER_KEY, subject=app.digest)), Admitted)

    play(tmp_path, story)


def test_what_one_repeats_is_told_by_layer_and_signer(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.trust(trust_files(KEY, OTHER_KEY))
        with_limit(home, max_unverified_evidence_of_one=0)
        app = image("one")
        await home.push("alice", app, "v1")
        both = signed_classic(KEY, OTHER_KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", signed_classic(KEY, subject=app.digest)), Admitted)
        assert isinstance(await home.attach("alice", both), Admitted), "the same payload, and so the same layer"
        assert codes(await home.attach("alice", rewrapped(both, 1))) == {"EVIDENCE_LIMIT"}

    play(tmp_path, story)


def test_a_repeat_is_held_quota_where_the_project_was_over_its_limit(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        real = signed_bundle(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", real), Admitted)
        await home.push("alice", image("two"), "v2")
        await limit_held_bytes(home, 10)
        assert codes(await home.attach("alice", rewrapped(real, 0))) == {"HELD_QUOTA"}

    play(tmp_path, story)


def test_a_repeat_counts_and_what_is_repeated_does_not(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("root", Role.WRITER, Role.MAINTAINER, instance=(InstanceRole.ADMINISTRATOR,))
        app = image("one")
        await home.push("alice", app, "v1")
        real = signed_classic(KEY, subject=app.digest)
        await home.attach("alice", real)
        again = rewrapped(real, 0, beside=unsigned(app.digest))
        parsed = Manifest.parse(again.manifest, content_type=again.media_type)
        config = config_bytes(parsed)
        assert await home.held_bytes() == 0
        assert isinstance(await home.attach("alice", again), Admitted)
        size = len(again.manifest) + config + sum({one.digest: one.size for one in parsed.layers}.values())
        assert await home.held_bytes() == size
        await home.attach("alice", again)
        await home.attach("alice", real)
        assert await home.held_bytes() == size, "the same where both are put again"
        await home.gate.delete_manifest(await home.grant("root"), Digest.parse(again.digest))
        assert await home.held_bytes() == 0

    play(tmp_path, story)


def test_what_nobody_signed_counts_also_beside_a_new_signature(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        real = signed_classic(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", rewrapped(real, 0, beside=unsigned(app.digest))), Admitted)
        assert await home.held_bytes() == len(unsigned(app.digest))

    play(tmp_path, story)


def test_repeats_that_a_new_key_verifies_count_from_then_on(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        real = signed_bundle(OTHER_KEY, subject=app.digest)
        again = rewrapped(real, 0)
        assert isinstance(await home.attach("alice", real), Held)
        assert isinstance(await home.attach("alice", again), Held)
        await home.trust(trust_files(KEY, OTHER_KEY))
        await home.work()
        assert await home.visible(again.digest)
        parsed = Manifest.parse(again.manifest, content_type=again.media_type)
        assert await home.held_bytes() == len(again.manifest) + sum(layer.size for layer in parsed.layers)
        assert home.failures == []

    play(tmp_path, story)


def test_repeats_are_tried_after_all_that_is_said_once(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.trust(trust_files(KEY, OTHER_KEY))
        await home.person("bob", Role.WRITER)
        app = image("one")
        await home.push("bob", app, "v1")
        first = signed_bundle(KEY, subject=app.digest)
        newer = signed_bundle(KEY, subject=app.digest, annotations={"run": "2"})
        other = signed_bundle(OTHER_KEY, subject=app.digest)
        again = rewrapped(first, 0)
        for evidence in (first, again, newer, other):
            assert isinstance(await home.attach("bob", evidence), Admitted)
        verified, others = worth_trying(await world_of(home, app))
        assert [str(facts.digest) for facts in others] == [again.digest]
        found = [str(facts.digest) for facts in verified]
        assert set(found[:2]) == {newer.digest, other.digest}, "of each signer the newest"
        assert found[2:] == [first.digest]

    play(tmp_path, story)


def test_nobody_takes_over_what_another_was_first_to_put(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("bob", Role.WRITER)
        app = image("one")
        await home.push("bob", app, "v1")
        signature = signed_bundle(OTHER_KEY, subject=app.digest)
        assert isinstance(await home.attach("bob", signature), Held)
        assert isinstance(await home.attach("alice", signature), Held)
        (facts,) = (await world_of(home, app)).evidence
        assert facts.who == "u:bob"

    play(tmp_path, story)


def test_what_was_verified_once_has_one_budget_for_all() -> None:
    budget = Budget(10, shared=True)
    budget.spend("u:alice", 9)
    assert budget.allows("u:bob")
    budget.spend("u:bob", 1)
    assert not budget.allows("u:bob")
    assert not budget.allows("u:alice")


def test_a_layer_that_is_there_twice_counts_once() -> None:
    twice = signed_classic(KEY, OTHER_KEY)
    manifest = Manifest.parse(twice.manifest, content_type=twice.media_type)
    layer, config = manifest.layers[0], config_bytes(manifest)
    assert counted_bytes(manifest, signed_layers={layer.digest}, repeat=False) == 0
    assert counted_bytes(manifest, signed_layers=(), repeat=False) == layer.size
    whole = len(twice.manifest) + layer.size + config
    assert counted_bytes(manifest, signed_layers={layer.digest}, repeat=True) == whole


def test_the_empty_config_counts_for_nobody() -> None:
    signature = signed_bundle(KEY)
    manifest = Manifest.parse(signature.manifest, content_type=signature.media_type)
    (layer,) = manifest.layers
    assert counted_bytes(manifest, signed_layers={layer.digest}, repeat=False) == 0
    assert counted_bytes(manifest, signed_layers=(), repeat=True) == len(signature.manifest) + layer.size
