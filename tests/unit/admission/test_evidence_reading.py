"""Which stored evidence is read, and how much of it: what the manifest says, within the limit, whatever is there."""

import dataclasses
import json
from pathlib import Path

import pytest

from gateway.admission.evidence_reading import EvidenceReader
from gateway.content.store import BlobStore
from gateway.errors import BlobUnknown, GatewayError, ManifestInvalid, SizeInvalid
from gateway.evidence.values import EvidenceClaim, EvidenceFormat
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from tests.support.admission import KEY, OTHER_KEY, House, run
from tests.support.admission_stories import codes, play
from tests.support.content_memory import memory_content
from tests.support.evidence import Evidence, go_json, signed_bundle, signed_classic
from tests.support.images import image
from tests.support.scripted_engine import ScriptedEngine


class Blobs:
    """`BlobStore` that says what was read, and fails at the digests it is told to."""

    def __init__(self, inner: BlobStore, failing: dict[str, GatewayError] | None = None) -> None:
        self._inner, self._failing = inner, failing or {}
        self.reads: list[tuple[str, int]] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        self.reads.append((str(digest), max_bytes))
        if str(digest) in self._failing:
            raise self._failing[str(digest)]
        return await self._inner.read(digest, max_bytes=max_bytes)


def parsed(evidence: Evidence) -> Manifest:
    return Manifest.parse(evidence.manifest, content_type=evidence.media_type)


def claim(form: EvidenceFormat = EvidenceFormat.COSIGN_SIGNATURE) -> EvidenceClaim:
    return EvidenceClaim(form, Digest.of(b"subject"))


async def stocked(*evidence: Evidence) -> Blobs:
    store = memory_content().blobs
    for one in evidence:
        for digest, content in one.blobs.items():
            await store.put(Digest.parse(digest), content)
    return Blobs(store)


def reader(blobs: Blobs, max_evidence_bytes: int = 1 << 20) -> EvidenceReader:
    return EvidenceReader(blobs=blobs, max_evidence_bytes=max_evidence_bytes)  # type: ignore[arg-type]


def test_each_part_is_read_once_up_to_the_length_that_it_is_given() -> None:
    async def story() -> None:
        twice = signed_classic(KEY, OTHER_KEY)
        blobs = await stocked(twice)
        found = await reader(blobs).read(parsed(twice), claim(), first_seen=1)
        assert {str(digest): content for digest, content in found.blobs.items()} == twice.blobs
        assert sorted(blobs.reads) == sorted((digest, len(content)) for digest, content in twice.blobs.items())

    run(story())


def test_neither_what_is_there_nor_the_empty_config_is_read() -> None:
    async def story() -> None:
        signature = signed_bundle(KEY)
        blobs = await stocked(signature)
        (layer,) = parsed(signature).layers
        there = {layer.digest: signature.blobs[str(layer.digest)]}
        form = claim(EvidenceFormat.SIGSTORE_BUNDLE)
        found = await reader(blobs).read(parsed(signature), form, first_seen=1, there=there)
        assert found.blobs == there
        assert blobs.reads == []

    run(story())


@pytest.mark.parametrize("many", [pytest.param(True, id="layers"), pytest.param(False, id="bytes")])
def test_over_the_limits_nothing_is_read(many: bool) -> None:
    async def story() -> None:
        evidence = signed_classic(*[KEY] * 101) if many else signed_classic(KEY)
        blobs = await stocked(evidence)
        with pytest.raises(ManifestInvalid) as caught:
            await reader(blobs, 1 << 20 if many else 400).read(parsed(evidence), claim(), first_seen=1)
        assert "at most" in caught.value.reason
        assert blobs.reads == []

    run(story())


def test_the_config_counts_within_the_limit() -> None:
    async def story() -> None:
        evidence = signed_classic(KEY)
        length = sum(len(content) for content in evidence.blobs.values())
        blobs = await stocked(evidence)
        await reader(blobs, length).read(parsed(evidence), claim(), first_seen=1)
        with pytest.raises(ManifestInvalid):
            await reader(blobs, length - 1).read(parsed(evidence), claim(), first_seen=1)

    run(story())


def test_a_part_that_is_longer_than_it_says_is_refused_unread() -> None:
    async def story() -> None:
        evidence = signed_classic(KEY)
        document = json.loads(evidence.manifest)
        document["layers"][0]["size"] -= 1
        lying = dataclasses.replace(evidence, manifest=go_json(document))
        with pytest.raises(ManifestInvalid) as caught:
            await reader(await stocked(evidence)).read(parsed(lying), claim(), first_seen=1)
        assert "longer than" in caught.value.reason

    run(story())


@pytest.mark.parametrize("fault", [BlobUnknown("x"), SizeInvalid("longer than it says")], ids=["lost", "longer"])
def test_evidence_that_cannot_be_read_proves_nothing(tmp_path: Path, fault: GatewayError) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", signature)
        await home.upload(app)
        blobs = Blobs(home.content.blobs, dict.fromkeys(signature.blobs, fault))
        home.gate.tools.evidence._blobs = blobs  # type: ignore[assignment]
        assert codes(await home.put("alice", app, "v1")) == {"SIGNATURE_MISSING"}
        assert blobs.reads

    play(tmp_path, story)
