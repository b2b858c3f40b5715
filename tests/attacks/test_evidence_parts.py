"""Row 102 for evidence: naming a digest beside a signature publishes nothing but what a signature is made of.

One verified layer shows all of its manifest. So whoever may sign can show whatever a manifest of evidence may name: these
are the tests that this is evidence and nothing else, however early it is named and whatever length it is given.
"""

import base64
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.access.values import Role
from gateway.admission.values import Admitted, Held, Outcome, Push, Refused
from gateway.content.store import BlobStore
from gateway.errors import ManifestInvalid
from gateway.oci.digest import Digest
from gateway.oci.names import Tag
from tests.support.admission import HOST, KEY, OTHER_KEY, REPOSITORY, House, house, run
from tests.support.admission_stories import codes, reevaluate
from tests.support.evidence import (
    Evidence,
    Signer,
    attested_classic,
    attested_in_toto,
    classic_manifest,
    go_json,
    signed_bundle,
    signed_classic,
    simple_signing,
)
from tests.support.images import Artifact, image

SIGNATURE = "dev.cosignproject.cosign/signature"
ELF = b"\x7fELF no signing payload" * 1000


async def attach(home: House, who: str, evidence: Evidence, *, brings: Mapping[str, bytes] | None = None) -> Outcome:
    """PUT evidence after the blobs in ``brings`` (its own, if not said)."""
    for content in (evidence.blobs if brings is None else brings).values():
        await home.blob(content)
    return await home.gate.push(
        Push(
            grant=await home.grant(who),
            reference=Digest.parse(evidence.digest) if evidence.tag is None else None,
            tags=() if evidence.tag is None else (Tag.parse(evidence.tag),),
            content_type=evidence.media_type,
            body=evidence.manifest,
        )
    )


def with_config(evidence: Evidence, content: bytes, *, size: int | None = None) -> Evidence:
    """Return the same evidence over another config, which is said to be ``size`` bytes long."""
    document = json.loads(evidence.manifest)
    old = document["config"]["digest"]
    digest = str(Digest.of(content))
    document["config"] |= {"digest": digest, "size": len(content) if size is None else size}
    blobs = {name: blob for name, blob in evidence.blobs.items() if name != old} | {digest: content}
    return dataclasses.replace(evidence, manifest=go_json(document), blobs=blobs)


def own_config(evidence: Evidence) -> bytes:
    return evidence.blobs[json.loads(evidence.manifest)["config"]["digest"]]


def with_layer(evidence: Evidence, content: bytes, **more: Any) -> Evidence:
    """Return the same evidence with one more layer of the same type."""
    document = json.loads(evidence.manifest)
    digest = str(Digest.of(content))
    document["layers"].append({**document["layers"][0], "digest": digest, "size": len(content), **more})
    config = json.loads(own_config(evidence))
    config["rootfs"]["diff_ids"].append(digest)
    grown = dataclasses.replace(evidence, manifest=go_json(document), blobs={**evidence.blobs, digest: content})
    return with_config(grown, go_json(config))


def signature_of(subject: str, *by: Signer, referrer: bool = False) -> Evidence:
    return signed_classic(*by or (KEY,), subject=subject, reference=f"{HOST}/{REPOSITORY}", referrer=referrer)


FORMS = [
    pytest.param(signature_of, id="signature"),
    pytest.param(lambda subject: signature_of(subject, referrer=True), id="signature-referrer"),
    pytest.param(lambda subject: attested_classic(KEY, subject=subject), id="attestation"),
    pytest.param(lambda subject: attested_in_toto(KEY, subject=subject), id="in-toto"),
]


async def is_visible(home: House, content: bytes) -> bool:
    found = await home.blobs.blob(REPOSITORY, Digest.of(content), now=home.now)
    return found is not None and found.visible


async def signed_app(home: House) -> Artifact:
    """Return an image that is visible, after another account has come that may only sign."""
    await home.person("scan", Role.SCANNER)
    app = image("app")
    await home.push("alice", app, "v1")
    assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=app.digest)), Admitted)
    return app


# The config.


@pytest.mark.parametrize("form", FORMS)
def test_row_102_a_held_blob_is_not_published_as_the_config_of_evidence(tmp_path: Path, form: Any) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        theirs = image("secret", layer_bytes=300_000)
        await home.push("alice", theirs, "secret")
        before = await home.held_bytes()
        good = form(app.digest)
        for content in good.blobs.values():
            await home.blob(content)
        for blob in theirs.blobs:
            lying = await attach(home, "scan", with_config(good, blob.content, size=2), brings={})
            assert isinstance(lying, Refused)
            assert codes(lying) == {"SIZE_MISMATCH"}
            honest = with_config(good, blob.content)
            if len(blob.content) > 64 << 10:
                continue  # by its length no evidence, and judged like an image
            with pytest.raises(ManifestInvalid) as caught:
                await attach(home, "scan", honest, brings={})
            assert caught.value.field == "config"
        assert not any([await is_visible(home, blob.content) for blob in theirs.blobs])
        assert await home.held_bytes() == before
        assert not await home.visible(theirs.digest)

    with house(tmp_path) as home:
        run(story(home))


def test_row_102_a_blob_that_is_named_as_config_before_it_comes_is_not_published_by_its_owner(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        theirs = image("secret")
        config = theirs.blobs[0].content
        good = signature_of(app.digest)
        early = with_config(good, config)
        assert codes(await attach(home, "scan", early, brings=layers_of(good))) == {"CLOSURE_INCOMPLETE"}
        await home.push("alice", theirs, "secret")
        await home.work()
        assert home.failures == []
        assert not await is_visible(home, config)
        assert not await home.visible(early.digest)
        assert codes(await reevaluate(home, early)) == {"CONTENT_MALFORMED"}

    with house(tmp_path) as home:
        run(story(home))


def layers_of(evidence: Evidence) -> dict[str, bytes]:
    config = json.loads(evidence.manifest)["config"]["digest"]
    return {digest: content for digest, content in evidence.blobs.items() if digest != config}


def test_five_megabytes_are_no_config_and_take_no_way_around_the_quota(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        payload = b"#!/bin/sh malware " * 300_000
        lying = with_config(signature_of(app.digest), payload, size=2)
        assert codes(await attach(home, "alice", lying)) == {"SIZE_MISMATCH"}
        assert not await is_visible(home, payload)
        assert await home.view(lying.digest) is None

    with house(tmp_path) as home:
        run(story(home))


def test_the_config_that_a_client_makes_up_for_a_new_signature_counts_for_nobody(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        before = await home.held_bytes()
        signature = signature_of(app.digest)
        assert isinstance(await attach(home, "alice", signature), Admitted)
        assert await home.held_bytes() == before

    with house(tmp_path) as home:
        run(story(home))


def skopeo_config(*layers: str) -> bytes:
    """Return what skopeo and podman put in the config's place: no history."""
    rootfs = {"type": "layers", "diff_ids": layers}
    return go_json({"architecture": "", "os": "", "config": {}, "rootfs": rootfs})


def test_the_configs_that_clients_write_are_taken(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        good = signature_of(app.digest, KEY, OTHER_KEY)
        (layer,) = layers_of(good)
        dated = json.loads(own_config(good)) | {"created": "2026-01-02T03:04:05.123456789Z"}
        for content in (own_config(good), skopeo_config(layer, layer), b"{}", go_json(dated)):
            assert isinstance(await attach(home, "alice", with_config(good, content)), Admitted)
            assert await is_visible(home, content)

    with house(tmp_path) as home:
        run(story(home))


# Layers that come late.


def late_manifest(subject: str) -> Evidence:
    """Return a valid signature with a layer beside it that is none."""
    content = simple_signing(subject, f"{HOST}/{REPOSITORY}")
    signature = {SIGNATURE: base64.b64encode(KEY.sign(content)).decode()}
    return classic_manifest([(content, signature), (ELF, {})], tag=f"{subject.replace(':', '-')}.sig")


def test_row_102_a_layer_that_comes_late_is_held_to_its_format(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        evidence = late_manifest(app.digest)
        there = {digest: content for digest, content in evidence.blobs.items() if content != ELF}
        assert codes(await attach(home, "scan", evidence, brings=there)) == {"CLOSURE_INCOMPLETE"}
        await home.blob(ELF)
        await home.work()
        assert home.failures == []
        outcome = await reevaluate(home, evidence)
        assert isinstance(outcome, Held)
        assert [reason.code for reason in outcome.reasons] == ["CONTENT_MALFORMED"]
        assert outcome.reasons[0].message.startswith("layers[1]")
        assert not await home.visible(evidence.digest)
        assert not await is_visible(home, ELF)
        # The same where it was put in order.
        with pytest.raises(ManifestInvalid):
            await attach(home, "scan", evidence)

    with house(tmp_path) as home:
        run(story(home))


def test_row_102_evidence_that_does_not_parse_proves_nothing_where_its_subject_is_judged_again(tmp_path: Path) -> None:
    """Not by its own re-evaluation: by the PUT of an image, which verifies all that is stored for it."""

    async def story(home: House) -> None:
        app = image("app")
        evidence = late_manifest(app.digest)
        there = {digest: content for digest, content in evidence.blobs.items() if content != ELF}
        assert codes(await attach(home, "alice", evidence, brings=there)) == {"CLOSURE_INCOMPLETE"}
        await home.blob(ELF)
        await home.upload(app)
        assert isinstance(await home.put("alice", app, "v1"), Held)
        assert isinstance(await reevaluate(home, app), Held)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.visible(app.digest)
        await home.work()
        assert not await home.visible(evidence.digest)
        assert not await is_visible(home, ELF)

    with house(tmp_path) as home:
        run(story(home))


def test_row_102_a_layer_that_is_named_before_its_owner_brings_it_is_not_published_by_him(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        theirs = image("secret")
        layer = theirs.blobs[-1].content
        early = with_layer(signature_of(app.digest, referrer=True), layer)
        brings = {digest: content for digest, content in early.blobs.items() if content != layer}
        assert codes(await attach(home, "scan", early, brings=brings)) == {"CLOSURE_INCOMPLETE"}
        await home.push("alice", theirs, "secret")
        await home.work()
        assert home.failures == []
        assert not await is_visible(home, layer)
        assert not await home.visible(early.digest)

    with house(tmp_path) as home:
        run(story(home))


def test_a_late_layer_that_reads_as_its_format_is_taken(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("app")
        await home.push("alice", app, "v1")
        signature = signature_of(app.digest)
        assert codes(await attach(home, "alice", signature, brings={})) == {"CLOSURE_INCOMPLETE"}
        for content in signature.blobs.values():
            await home.blob(content)
        await home.work()
        assert await home.visible(signature.digest)
        assert await home.target("v1") == app.digest

    with house(tmp_path) as home:
        run(story(home))


# How much is read.


class Measuring:
    """`BlobStore` that says how much was read."""

    def __init__(self, inner: BlobStore) -> None:
        self._inner = inner
        self.lengths: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
        content = await self._inner.read(digest, max_bytes=max_bytes)
        self.lengths.append(len(content))
        return content


def measuring(home: House) -> Measuring:
    made = Measuring(home.content.blobs)
    home.gate.tools.evidence._blobs = made  # type: ignore[assignment]  # the rest by __getattr__
    return made


def lying_about(evidence: Evidence, blobs: list[bytes], size: int) -> Evidence:
    document = json.loads(evidence.manifest)
    document["layers"] = [
        {**document["layers"][0], "digest": str(Digest.of(content)), "size": size} for content in blobs
    ]
    return dataclasses.replace(evidence, manifest=go_json(document))


def test_layers_longer_than_they_say_are_not_read_into_memory(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        blobs = [bytes([number]) * (1 << 20) for number in range(16)]
        for content in blobs:
            await home.blob(content)
        evidence = lying_about(signature_of(app.digest), blobs, 1)
        reads = measuring(home)
        assert codes(await attach(home, "alice", evidence)) == {"SIZE_MISMATCH"}
        assert sum(reads.lengths) < 1 << 16

    with house(tmp_path) as home:
        run(story(home))


def test_no_layer_of_too_many_is_read(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = await signed_app(home)
        evidence = signature_of(app.digest)
        blobs = [b"%03d" % number for number in range(101)]
        for content in blobs:
            await home.blob(content)
        reads = measuring(home)
        with pytest.raises(ManifestInvalid):
            await attach(home, "alice", lying_about(evidence, blobs, 3))
        assert reads.lengths == []

    with house(tmp_path) as home:
        run(story(home))


def test_a_blob_that_is_longer_than_its_descriptor_is_not_read(tmp_path: Path) -> None:
    """The last line: the catalog has compared the lengths, and it is not believed in its turn."""

    async def story(home: House) -> None:
        app = await signed_app(home)
        signature = signature_of(app.digest)
        await attach(home, "alice", signature, brings={})
        for content in signature.blobs.values():
            await home.blob(content)

        class Longer(Measuring):
            """`BlobStore` in which each blob has grown by a byte."""

            async def read(self, digest: Digest, *, max_bytes: int) -> bytes:
                return await super().read(digest, max_bytes=max_bytes - 1)

        reads = Longer(home.content.blobs)
        home.gate.tools.evidence._blobs = reads  # type: ignore[assignment]  # the rest by __getattr__
        assert codes(await reevaluate(home, signature)) == {"CONTENT_MALFORMED"}
        assert reads.lengths == []
        assert not await home.visible(signature.digest)

    with house(tmp_path) as home:
        run(story(home))
