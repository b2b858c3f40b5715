"""Somebody who may push, and holds no key, against signatures that count: by number, by size, by work, by name.

Each attack wraps what was really signed into other bytes: it is verified, and it must win nothing by that.
"""

import dataclasses
import json
from pathlib import Path

import pytest

from gateway.access.values import Role
from gateway.admission.values import Admitted, Held, Refused
from gateway.errors import Denied
from gateway.oci.digest import Digest
from gateway.oci.names import Tag
from tests.support.admission import KEY, OTHER_KEY, House
from tests.support.admission_stories import codes, condition, limit_held_bytes, play, put_bytes
from tests.support.evidence import (
    Evidence,
    Signer,
    attest_statement,
    attested_bundle,
    attested_classic,
    attested_in_toto,
    envelope,
    go_json,
    in_toto_referrer,
    pae,
    signed_bundle,
    signed_classic,
    signer,
    trust_files,
)
from tests.support.images import image
from tests.support.scripted_engine import ScriptedEngine

THIRD_KEY = signer("ecdsa-p256", 3)


def reencoded(evidence: Evidence, number: int, *, padding: int = 0) -> Evidence:
    """Return a bundle around the same signature over the same bytes, that is other bytes itself."""
    (bundle,) = (content for content in evidence.blobs.values() if content != b"{}")
    document = json.loads(bundle)
    document["verificationMaterial"]["publicKey"]["hint"] = f"n{number}"
    content = go_json(document) + b" " * padding
    manifest = json.loads(evidence.manifest)
    manifest["layers"][0] |= {"size": len(content), "digest": str(Digest.of(content))}
    blobs = {digest: old for digest, old in evidence.blobs.items() if old == b"{}"}
    return dataclasses.replace(evidence, manifest=go_json(manifest), blobs={**blobs, str(Digest.of(content)): content})


def padded(evidence: Evidence, number: int, *, padding: int) -> Evidence:
    """Return another manifest around the same layers, of about this size."""
    manifest = json.loads(evidence.manifest)
    manifest["annotations"] = {"number": str(number), "padding": "y" * padding}
    return dataclasses.replace(evidence, manifest=go_json(manifest))


def one_policy_each(*keys: Signer) -> dict[str, bytes]:
    """Return a trust policy for each key: all of them must sign."""
    files = {f"k{number}.pub": key.pem.encode() for number, key in enumerate(keys)}
    for number in range(len(keys)):
        files[f"policy-{number}.yaml"] = (
            f'images: [{{glob: "**"}}]\nauthorities:\n'
            f"  - name: k{number}\n    key: {{path: k{number}.pub}}\n    ctlog: none\n"
        ).encode()
    return files


def signature_and_provenance(key: Signer) -> dict[str, bytes]:
    """Return a trust policy that wants a signature, and one that wants provenance, of one key."""
    files = one_policy_each(key)
    files["provenance.yaml"] = (
        b'images: [{glob: "**"}]\nauthorities:\n  - name: built\n    key: {path: k0.pub}\n    ctlog: none\n'
        b"    attestations:\n      - name: slsa\n        predicateType: https://slsa.dev/provenance/v1\n"
    )
    return files


def test_one_signature_in_other_encodings_is_a_repeat(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("scan", Role.SCANNER)
        app = image("one")
        await home.push("alice", app, "v1")
        real = signed_bundle(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", real), Admitted)
        assert await home.held_bytes() == 0
        for number in range(50):
            assert isinstance(await home.attach("scan", reencoded(real, number, padding=100)), Admitted)
        assert codes(await home.attach("scan", reencoded(real, 50))) == {"EVIDENCE_LIMIT"}
        assert await home.held_bytes() > 50 * 100
        await limit_held_bytes(home, 10)
        await home.person("other", Role.SCANNER)
        assert codes(await home.attach("other", reencoded(real, 51))) == {"HELD_QUOTA"}

    play(tmp_path, story)


def test_provenance_in_many_encodings_starves_no_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.admission.tries.MAX_VERIFIED", 5)

    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.trust(signature_and_provenance(KEY))
        app = image("one")
        built = attested_bundle(KEY, subject=app.digest)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.attach("alice", built)
        await home.person("scan", Role.SCANNER)
        for number in range(10):
            assert not isinstance(await home.attach("scan", reencoded(built, number)), Refused)
        assert isinstance(await home.push("alice", app, "v1"), Admitted)

    play(tmp_path, story)


def test_a_verified_signature_is_not_stripped_behind_a_crowd(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("scan", Role.SCANNER)
        app = image("one")
        await home.push("alice", app, "v1")
        honest = signed_classic(KEY, subject=app.digest)
        await home.attach("alice", honest)
        other = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", other)
        for number in range(50):
            await home.attach("scan", reencoded(other, number))
        stripped = await home.attach("scan", signed_classic(OTHER_KEY, subject=app.digest))
        assert codes(stripped) == {"EVIDENCE_STRIPPED"}
        assert await home.target(str(honest.tag)) == honest.digest

    play(tmp_path, story)


@pytest.mark.parametrize("kind", ["manifests", "encodings"])
def test_megabytes_of_repeats_keep_no_later_signature_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("gateway.catalog.sqlite.evidence.MAX_BODIES_BYTES", 100_000)

    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.trust(one_policy_each(KEY, OTHER_KEY, THIRD_KEY))
        app = image("one")
        await home.push("alice", app, "v1")
        first, second, third = (signed_bundle(key, subject=app.digest) for key in (KEY, OTHER_KEY, THIRD_KEY))
        await home.attach("alice", first)
        await home.person("scan", Role.SCANNER)
        for number in range(12):
            again = first if kind == "manifests" else reencoded(first, number)
            assert isinstance(await home.attach("scan", padded(again, number, padding=10_000)), Admitted)
        await home.attach("alice", second)
        await home.attach("alice", third)
        assert await condition(home, app) == "admitted"

    play(tmp_path, story)


def test_junk_signatures_use_up_no_checks_of_the_signature_that_is_put_now(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        keys = [signer("ecdsa-p256", 100 + number) for number in range(13)]
        await home.trust(trust_files(*keys))
        await home.person("scan", Role.SCANNER)
        app = image("one")
        await home.push("alice", app, "v1")
        payload = attest_statement(subject=app.digest)
        good = keys[0].sign(pae(payload))
        for number in range(50):
            junk = [bytes([place]) + number.to_bytes(4) + good[5:] for place in range(7)]
            await home.attach("scan", in_toto_referrer(go_json(envelope(payload, [*junk, good])), subject=app.digest))
        assert isinstance(await home.attach("alice", signed_bundle(keys[1], subject=app.digest)), Admitted)
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_what_a_repeat_counts_for_stays_while_its_key_is_gone(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.trust(trust_files(KEY, OTHER_KEY))
        app = image("one")
        await home.push("alice", app, "v1")
        real = signed_bundle(OTHER_KEY, subject=app.digest)
        again = padded(real, 0, padding=1000)
        await home.attach("alice", real)
        await home.attach("alice", again)
        counted = await home.held_bytes()
        assert counted > 1000
        await home.trust(trust_files(KEY))
        await home.work()
        await home.attach("alice", again)
        assert await home.held_bytes() == counted
        await home.trust(trust_files(KEY, OTHER_KEY))
        await home.work()
        assert await home.held_bytes() == counted

    play(tmp_path, story)


def test_a_signature_gets_its_tag_also_where_somebody_has_put_it_in_another_form_before(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("scan", Role.SCANNER)
        app = image("one")
        await home.push("alice", app, "v1")
        honest = signed_classic(KEY, subject=app.digest)
        assert isinstance(await home.attach("scan", signed_classic(KEY, subject=app.digest, referrer=True)), Admitted)
        await home.push("alice", image("two"), "v2")
        await limit_held_bytes(home, 10)
        assert isinstance(await home.attach("alice", honest), Admitted)
        assert await home.target(str(honest.tag)) == honest.digest

    play(tmp_path, story)


def test_deleting_the_tag_does_not_begin_it_anew(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.trust(one_policy_each(KEY, OTHER_KEY))
        await home.person("carol", Role.MAINTAINER)
        app = image("one")
        await home.push("alice", app, "v1")
        real = signed_classic(KEY, subject=app.digest)
        await home.attach("alice", real)
        await limit_held_bytes(home, 10)
        await home.gate.delete_tag(await home.grant("carol"), Tag.parse(str(real.tag)))
        assert codes(await home.attach("carol", padded(real, 1, padding=10))) == {"HELD_QUOTA"}

    play(tmp_path, story)


def test_an_attestation_of_another_form_is_no_image_under_the_name_of_attestations(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        kept = attested_classic(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", kept), Admitted)
        other = attested_in_toto(OTHER_KEY, subject=app.digest)
        for content in other.blobs.values():
            await home.blob(content)
        with pytest.raises(Denied) as caught:
            await put_bytes(home, "alice", other, str(kept.tag))
        assert [reason.code for reason in caught.value.reasons] == ["TAG_RESERVED"]
        view = await home.tag(str(kept.tag))
        assert view is not None
        assert view.target is not None
        assert str(view.target.digest) == kept.digest
        assert view.pending is None

    play(tmp_path, story)


def test_a_new_signature_beside_repeats_is_still_only_what_it_is(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        assert isinstance(await home.attach("alice", signed_bundle(OTHER_KEY, subject=app.digest)), Held)
        refused = await home.attach("alice", reencoded(signed_bundle(KEY, subject=image("two").digest), 1))
        assert not isinstance(refused, Refused)
        assert await condition(home, app) == "held"

    play(tmp_path, story)
