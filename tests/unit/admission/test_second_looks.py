"""What is no longer as it was read is decided again, and what is asked about twice is told the same (DESIGN 2)."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.admission.classify import classify
from gateway.admission.evidence_push import put_evidence
from gateway.admission.gate import Gate
from gateway.admission.revisions import ActiveRevisions
from gateway.admission.values import Admitted, Push, Refused
from gateway.catalog.effects import Effect
from gateway.catalog.world import World, WorldKey
from gateway.errors import BlobUnknown, ManifestInvalid, SizeInvalid, TagUnknown, Unavailable
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.media_types import OCI_INDEX
from gateway.oci.names import RepositoryName, Tag
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import canonical
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyOutcome
from tests.support.admission import KEY, OTHER_KEY, House
from tests.support.admission_stories import codes, pending, play, reevaluate
from tests.support.evidence import signed_bundle, trust_files
from tests.support.images import Artifact, Blob, image
from tests.support.scripted_engine import ScriptedEngine, allowed, denied


class Glimpse:
    """`AdmissionStore` over the house's, in which some reads of a manifest's world show it as it was a moment before."""

    def __init__(self, home: House, digest: str, then: Callable[[World], World | None], *, times: int) -> None:
        self._inner, self._digest, self._then, self.left = home.store, digest, then, times

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def read_world(self, key: WorldKey, *, now: int) -> World | None:
        """Return the world, or for the first so many times the one before."""
        world = await self._inner.read_world(key, now=now)
        if str(key.digest) != self._digest or self.left == 0 or world is None:
            return world
        self.left -= 1
        return self._then(world)

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        """Commit."""
        return await self._inner.commit(expected, effects, repository=repository, now=now)


def glimpsing(home: House, digest: str, then: Callable[[World], World | None], *, times: int = 1) -> Glimpse:
    store = Glimpse(home, digest, then, times=times)
    home.gate = Gate(dataclasses.replace(home.gate.tools, store=store))  # type: ignore[arg-type]  # the rest by __getattr__
    return store


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(lambda world: None, id="no-project"),
        pytest.param(lambda world: dataclasses.replace(world, manifest=None), id="no-subject"),
        pytest.param(lambda world: dataclasses.replace(world, evidence=()), id="no-evidence"),
    ],
)
def test_evidence_whose_subject_changes_while_it_is_verified_again_is_decided_again(
    tmp_path: Path, then: Callable[[World], World | None]
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, signature = image("one"), signed_bundle(KEY, subject=image("one").digest)
        await home.trust({})
        await home.push("alice", app, "v1")
        await home.attach("alice", signature)
        await home.trust(trust_files(KEY))
        store = glimpsing(home, app.digest, then)
        assert isinstance(await reevaluate(home, signature), Admitted)
        assert store.left == 0
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_evidence_is_not_deleted_where_its_subject_cannot_be_held_to(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, signature = image("one"), signed_bundle(KEY, subject=image("one").digest)
        await home.attach("alice", signature)
        await home.person("bob", Role.MAINTAINER)
        glimpsing(home, app.digest, lambda world: None, times=100)
        with pytest.raises(Unavailable):
            await home.gate.delete_manifest(await home.grant("bob"), Digest.parse(signature.digest))
        assert await home.view(signature.digest) is not None

    play(tmp_path, story)


def test_a_tag_whose_request_was_dropped_is_unknown(tmp_path: Path) -> None:
    def no_tags(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
        return allowed(active) if document["tag"] is None else denied(active, "TEST001")

    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        assert await pending(home, "v1") == app.digest
        engine.script = no_tags
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.visible(app.digest)
        await home.person("bob", Role.MAINTAINER)
        with pytest.raises(TagUnknown):
            await home.gate.delete_tag(await home.grant("bob"), Tag("v1"))

    play(tmp_path, story)


async def admitted(home: House, app: Artifact) -> None:
    await home.attach("alice", signed_bundle(KEY, subject=app.digest))
    assert isinstance(await home.push("alice", app), Admitted)


def test_a_tag_on_what_can_no_longer_be_read_is_refused_and_the_manifest_stays(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await admitted(home, app)
        blobs = home.content.blobs

        class Shorter:
            """`BlobStore` in which every blob is longer than it says."""

            def __getattr__(self, name: str) -> object:
                return getattr(blobs, name)

            async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
                if str(digest) == app.blobs[0].digest:
                    raise SizeInvalid("longer than it says")
                return await blobs.read(digest, max_bytes=max_bytes)

        home.gate.tools.evaluator._blobs = Shorter()  # type: ignore[assignment]  # the rest by __getattr__
        outcome = await home.put("alice", app, "v1")
        assert isinstance(outcome, Refused)
        assert codes(outcome) == {"CONTENT_MALFORMED"}
        assert await home.visible(app.digest)
        assert await home.tag("v1") is None

    play(tmp_path, story)


def over_all(*children: Artifact) -> Artifact:
    entries: list[JsonValue] = [
        {"mediaType": child.manifest.media_type, "digest": child.digest, "size": len(child.manifest.content)}
        for child in children
    ]
    document: JsonObject = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return Artifact(Blob(OCI_INDEX, canonical.encode(document)), children=children)


def test_a_child_that_an_index_has_twice_is_one_subject(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        many = over_all(over_all(app), app)
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        assert isinstance(await home.push("alice", many, "v1"), Admitted)
        subjects = engine.asked[-1]["subjects"]
        assert isinstance(subjects, list)
        digests = [one["digest"] for one in subjects if isinstance(one, dict)]
        assert digests == [many.digest, many.children[0].digest, app.digest]

    play(tmp_path, story)


def test_an_engine_is_given_a_revision_once(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        given: list[str] = []

        class Counting(ScriptedEngine):
            async def activate(self, revision: PolicyRevision) -> None:
                given.append(revision.id)
                await super().activate(revision)

        active = ActiveRevisions(revisions=home.revisions, engine=Counting())
        first = await active.activate_policy()
        assert await active.activate_policy() == first
        assert given == [first]
        await home.rules({"registry": {"config": {}}})
        assert await active.activate_policy() == given[-1]

    play(tmp_path, story)


def test_junk_that_cannot_be_read_keeps_the_real_signature_from_nothing(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        junk = signed_bundle(OTHER_KEY, subject=app.digest)
        await home.attach("alice", junk)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.upload(app)
        blobs = home.content.blobs
        lost: list[str] = []

        class Losing:
            """`BlobStore` that has lost the layers of the junk."""

            def __getattr__(self, name: str) -> object:
                return getattr(blobs, name)

            async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
                if str(digest) in junk.blobs:
                    lost.append(str(digest))
                    raise BlobUnknown(str(digest))
                return await blobs.read(digest, max_bytes=max_bytes)

        home.gate.tools.evidence._blobs = Losing()  # type: ignore[assignment]  # the rest by __getattr__
        assert isinstance(await home.put("alice", app, "v1"), Admitted)
        assert lost, "it was looked at"

    play(tmp_path, story)


def test_what_claims_to_be_evidence_of_nothing_is_not_taken_as_evidence(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        manifest = Manifest.parse(app.manifest.content, content_type=app.manifest.media_type)
        push = Push(await home.grant("alice"), None, (), manifest.media_type, manifest.raw)
        with pytest.raises(ManifestInvalid) as caught:
            await put_evidence(home.gate.tools, push, manifest, classify(manifest, ()))
        assert caught.value.message == "not evidence"
        assert await home.view(app.digest) is None

    play(tmp_path, story)
