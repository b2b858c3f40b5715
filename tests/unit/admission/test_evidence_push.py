"""Evidence: kept, verified, counted, never crowded out, and its subject judged again in the same transaction."""

import dataclasses
from pathlib import Path

import pytest

from gateway.access.values import InstanceRole, Role
from gateway.admission.values import Admitted, Held, Outcome, Push, Unreachable
from gateway.catalog.values import ManifestClass
from gateway.errors import Denied, ManifestInvalid, NameUnknown
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from gateway.oci.strict_json import JsonObject
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyOutcome
from tests.support.admission import HOST, KEY, OPERATOR, OTHER_KEY, REPOSITORY, House
from tests.support.admission_stories import (
    codes,
    distrust,
    limit_held_bytes,
    over,
    play,
    reevaluate,
    warned,
    with_limit,
)
from tests.support.evidence import (
    SIMPLE_SIGNING,
    SLSA_PROVENANCE,
    SUBJECT,
    Evidence,
    attested_bundle,
    classic_manifest,
    signed_bundle,
    signed_classic,
    trust_files,
)
from tests.support.images import OCI_INDEX, Artifact, Blob, canonical, image, index
from tests.support.scripted_engine import ScriptedEngine, allowed, broken, denied, held, unavailable

REFERENCE = f"{HOST}/team/app"


async def put_evidence(home: House, who: str, evidence: Evidence, *tags: str, digest: str | None = None) -> Outcome:
    """PUT evidence without its blobs, under these tags."""
    return await home.gate.push(
        Push(
            grant=await home.grant(who),
            reference=None if digest is None else Digest.parse(digest),
            tags=tuple(Tag.parse(tag) for tag in tags),
            content_type=evidence.media_type,
            body=evidence.manifest,
        )
    )


def junk(subject: str, number: int) -> Evidence:
    """Return a signature that says something else: parsed, and never verified."""
    return signed_bundle(OTHER_KEY, subject=subject, annotations={"number": str(number)})


def fallback_of(subject: str, *entries: Evidence) -> Artifact:
    """Return the index that clients list evidence in where they take the registry for an old one."""
    return Artifact(
        Blob(
            "application/vnd.oci.image.index.v1+json",
            canonical(
                {
                    "schemaVersion": 2,
                    "mediaType": "application/vnd.oci.image.index.v1+json",
                    "manifests": [Blob(entry.media_type, entry.manifest).descriptor() for entry in entries],
                }
            ),
        )
    )


def test_evidence_for_a_held_subject_is_503_and_nothing_stored_while_the_engine_is_unavailable(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        engine.script = lambda document, active: unavailable()
        signature = signed_bundle(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", signature), Unreachable)
        assert await home.view(signature.digest) is None
        assert not await home.visible(app.digest)

    play(tmp_path, story)


def test_evidence_is_kept_with_a_warning_and_no_state_changes_while_the_policy_is_broken(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        engine.script = lambda document, active: broken(active)
        signature = signed_bundle(KEY, subject=app.digest)
        outcome = await home.attach("alice", signature)
        assert warned(outcome) == {"POLICY_ERROR"}
        assert await home.view(signature.digest) is not None
        assert not await home.visible(app.digest)
        assert (await home.tag("v1")).pending is not None  # type: ignore[union-attr]
        engine.script = lambda document, active: allowed(active)
        await reevaluate(home, app)
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_evidence_for_an_admitted_subject_needs_no_engine(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        engine.script = lambda document, active: unavailable()
        assert isinstance(await home.attach("alice", attested_bundle(KEY, subject=app.digest)), Admitted)

    play(tmp_path, story)


def test_an_orphan_needs_no_engine(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: unavailable()
        assert isinstance(await home.attach("alice", signed_bundle(KEY)), Admitted)

    play(tmp_path, story)


def test_a_tag_that_waits_for_an_attestation_moves_when_it_arrives(tmp_path: Path) -> None:
    def wants_attestation(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
        verified = document["evidence"]["verified"]  # type: ignore[index, call-overload]
        attested = any(each["predicate_type"] == SLSA_PROVENANCE for each in verified)  # type: ignore[union-attr, index, call-overload]
        return allowed(active) if document["tag"] is None or attested else held(active, "TAG_WAITS")

    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = wants_attestation
        app = image("one")
        await home.push("alice", app, "prod")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.visible(app.digest)
        assert await home.target("prod") is None
        await home.attach("alice", attested_bundle(KEY, subject=app.digest))
        assert await home.target("prod") == app.digest

    play(tmp_path, story)


def test_a_waiting_tag_of_an_admitted_subject_is_left_to_the_background_while_the_engine_is_away(
    tmp_path: Path,
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: held(active, "X") if document["tag"] else allowed(active)
        app = image("one")
        await home.push("alice", app, "prod")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        engine.script = lambda document, active: unavailable()
        assert isinstance(await home.attach("alice", attested_bundle(KEY, subject=app.digest)), Admitted)
        engine.script = lambda document, active: allowed(active)
        await home.work()
        assert await home.target("prod") == app.digest

    play(tmp_path, story)


def test_evidence_on_a_distrusted_manifest_rejudges_it_as_if_held(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("root", Role.OWNER, instance=())
        app = image("one")
        await home.push("alice", app, "v1")
        first = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", first)
        await distrust(home, first)
        assert not await home.visible(app.digest)
        await home.attach("alice", signed_classic(KEY, subject=app.digest, reference=REFERENCE))
        assert await home.visible(app.digest)
        assert (await home.events()).count("manifest.admitted") == 2

    play(tmp_path, story)


def test_a_distrusted_manifest_that_still_fails_stays_as_it_is(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        first = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", first)
        await distrust(home, first)
        engine.script = lambda document, active: denied(active, "NO")
        outcome = await home.attach("alice", signed_classic(KEY, subject=app.digest, reference=REFERENCE))
        assert warned(outcome) == {"NO"}
        assert not await home.visible(app.digest)

    play(tmp_path, story)


def test_a_held_manifest_judged_denied_stays_held_with_those_reasons(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        engine.script = lambda document, active: denied(active, "NOW_DENIED")
        outcome = await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert warned(outcome) == {"NOW_DENIED"}
        newest = (await home.store.decisions(REPOSITORY, Digest.parse(app.digest), limit=1))[0]
        assert newest.outcome == "denied"
        view = await home.view(app.digest)
        assert view is not None
        assert view.condition.value == "held"
        assert (await home.tag("v1")).pending is not None  # type: ignore[union-attr]

    play(tmp_path, story)


def test_a_put_that_drops_a_verified_layer_from_a_sig_is_evidence_stripped(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_classic(KEY, subject=app.digest, reference=REFERENCE))
        other = signed_classic(OTHER_KEY, subject=app.digest, reference=REFERENCE)
        outcome = await home.attach("alice", other)
        assert codes(outcome) == {"EVIDENCE_STRIPPED"}
        assert await home.view(other.digest) is None
        assert (await home.events())[-1] == "manifest.denied"

    play(tmp_path, story)


def test_a_put_that_names_a_missing_layer_strips_no_evidence_either(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        await home.attach("alice", signature)
        other = signed_classic(OTHER_KEY, subject=app.digest, reference=REFERENCE, optional={"never": "uploaded"})
        outcome = await put_evidence(home, "alice", other, str(other.tag))
        assert codes(outcome) == {"EVIDENCE_STRIPPED"}
        assert await home.target(str(signature.tag)) == signature.digest

    play(tmp_path, story)


def test_a_put_that_adds_a_layer_to_a_sig_is_taken(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_classic(KEY, subject=app.digest, reference=REFERENCE))
        both = signed_classic(KEY, OTHER_KEY, subject=app.digest, reference=REFERENCE)
        assert isinstance(await home.attach("alice", both), Admitted)
        assert isinstance(await home.attach("alice", both), Admitted)
        assert await home.target(str(both.tag)) == both.digest

    play(tmp_path, story)


def test_what_was_never_verified_may_leave_a_sig(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_classic(OTHER_KEY, subject=app.digest, reference=REFERENCE))
        signature = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        assert isinstance(await home.attach("alice", signature), Admitted)
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_junk_cannot_crowd_out_the_real_signature(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        with_limit(home, max_unverified_evidence=3)
        app = image("one")
        await home.push("alice", app, "v1")
        for number in range(3):
            assert isinstance(await home.attach("alice", junk(app.digest, number)), Held)
        outcome = await home.attach("alice", junk(app.digest, 3))
        assert codes(outcome) == {"EVIDENCE_LIMIT"}
        assert await home.view(junk(app.digest, 3).digest) is None
        assert isinstance(await home.attach("alice", junk(app.digest, 0)), Held), "what is there already may come again"
        assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=app.digest)), Admitted)
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_evidence_whose_layers_never_come_counts_as_unverified(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        with_limit(home, max_unverified_evidence=2)
        subject = image("one").digest
        for number in range(2):
            outcome = await put_evidence(home, "alice", junk(subject, number))
            assert codes(outcome) == {"CLOSURE_INCOMPLETE"}
        assert codes(await put_evidence(home, "alice", junk(subject, 2))) == {"EVIDENCE_LIMIT"}

    play(tmp_path, story)


def test_unverified_evidence_is_held_quota_where_the_project_was_over_its_limit(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await limit_held_bytes(home, 10)
        assert codes(await home.attach("alice", junk(app.digest, 0))) == {"HELD_QUOTA"}
        assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=app.digest)), Admitted)

    play(tmp_path, story)


def test_evidence_with_a_layer_that_comes_late_counts_when_it_comes(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_bundle(KEY, subject=app.digest)
        assert codes(await put_evidence(home, "alice", signature)) == {"CLOSURE_INCOMPLETE"}
        for content in signature.blobs.values():
            await home.blob(content)
        await home.work()
        assert home.failures == []
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_an_orphan_with_a_layer_that_comes_late_counts_when_its_image_comes(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        signature = signed_bundle(KEY, subject=app.digest)
        await put_evidence(home, "alice", signature)
        for content in signature.blobs.values():
            await home.blob(content)
        await home.work()
        assert home.failures == []
        assert isinstance(await home.push("alice", app, "v1"), Admitted)

    play(tmp_path, story)


def test_content_that_is_no_signature_is_refused_as_evidence(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        runnable = classic_manifest([(b"not a payload", {})], layer_type=SIMPLE_SIGNING, tag=sig(app.digest))
        with pytest.raises(ManifestInvalid):
            await home.attach("alice", runnable)
        assert await home.view(runnable.digest) is None

    play(tmp_path, story)


def sig(digest: str) -> str:
    return f"{digest.replace(':', '-')}.sig"


def test_a_manifest_of_evidence_over_its_limit_is_refused(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        with_limit(home, max_evidence_manifest_bytes=100)
        with pytest.raises(ManifestInvalid):
            await home.attach("alice", signed_bundle(KEY))

    play(tmp_path, story)


def test_what_was_pushed_by_digest_as_an_image_becomes_evidence_by_its_tag(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        for content in signature.blobs.values():
            await home.blob(content)
        assert isinstance(await put_evidence(home, "alice", signature, digest=signature.digest), Held)
        view = await home.view(signature.digest)
        assert view is not None
        assert view.cls is ManifestClass.IMAGE
        assert isinstance(await put_evidence(home, "alice", signature, str(signature.tag)), Admitted)
        view = await home.view(signature.digest)
        assert view is not None
        assert view.cls is ManifestClass.EVIDENCE
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_evidence_put_under_another_tag_is_judged_as_an_image_there(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_bundle(KEY)
        for content in signature.blobs.values():
            await home.blob(content)
        outcome = await put_evidence(home, "alice", signature, "latest")
        assert codes(outcome) == {"SIGNATURE_MISSING"}
        view = await home.view(signature.digest)
        assert view is not None
        assert view.cls is ManifestClass.IMAGE
        assert not view.visible

    play(tmp_path, story)


def test_a_carried_child_does_not_become_evidence_behind_the_back_of_its_parent(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        classic = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        for content in classic.blobs.values():
            await home.blob(content)
        await put_evidence(home, "alice", classic, digest=classic.digest)
        parent = fallback_of(app.digest, classic)
        await home.put("alice", parent, "parent")
        await home.attach("alice", signed_bundle(KEY, subject=parent.digest))
        assert await home.visible(classic.digest), "its parent shows it"
        assert codes(await put_evidence(home, "alice", classic, str(classic.tag))) == {"ADMITTED_AS_IMAGE"}
        assert await home.visible(classic.digest)
        view = await home.view(classic.digest)
        assert view is not None
        assert view.cls is ManifestClass.IMAGE

    play(tmp_path, story)


def test_signed_evidence_under_another_tag_is_admitted_as_an_image_and_then_no_evidence(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_bundle(KEY)
        await home.attach("alice", signed_bundle(KEY, subject=signature.digest))
        for content in signature.blobs.values():
            await home.blob(content)
        assert isinstance(await put_evidence(home, "alice", signature, "latest"), Admitted)
        assert codes(await home.attach("alice", signature)) == {"ADMITTED_AS_IMAGE"}

    play(tmp_path, story)


def test_what_was_admitted_as_an_image_is_no_evidence_either_when_it_is_distrusted(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_bundle(KEY)
        about = signed_bundle(KEY, subject=signature.digest)
        await home.attach("alice", about)
        for content in signature.blobs.values():
            await home.blob(content)
        await put_evidence(home, "alice", signature, "latest")

        await home.person("admin", instance=(InstanceRole.ADMINISTRATOR,))
        await home.gate.delete_manifest(await home.grant("admin"), Digest.parse(about.digest))
        assert codes(await home.attach("alice", signature)) == {"ADMITTED_AS_IMAGE"}

    play(tmp_path, story)


def test_who_may_only_sign_cannot_move_a_tag_by_putting_evidence_under_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("scanner", Role.SCANNER)
        app = image("one")
        await home.push("alice", app, "latest")
        signature = signed_bundle(KEY, subject=app.digest)
        for content in signature.blobs.values():
            await home.blob(content)
        with pytest.raises(Denied) as caught:
            await put_evidence(home, "scanner", signature, "latest")
        assert [reason.code for reason in caught.value.reasons] == ["RIGHT_MISSING"]
        pending = await home.tag("latest")
        assert pending is not None
        assert str(pending.pending.digest) == app.digest  # type: ignore[union-attr]

    play(tmp_path, story)


def test_revoked_bytes_are_no_evidence(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_bundle(KEY)
        await home.gate.revoke(REPOSITORY, Digest.parse(signature.digest), principal=OPERATOR, reason="bad")
        assert codes(await home.attach("alice", signature)) == {"REVOKED"}
        listed = fallback_of(image("one").digest)
        await home.gate.revoke(REPOSITORY, Digest.parse(listed.digest), principal=OPERATOR, reason="bad")
        assert codes(await home.put("alice", listed, image("one").digest.replace(":", "-"))) == {"REVOKED"}

    play(tmp_path, story)


def test_evidence_that_was_verified_has_no_clock_when_its_key_has_gone(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", signature)
        await home.trust(trust_files(OTHER_KEY))
        assert isinstance(await home.attach("alice", signature), Held)
        view = await home.view(signature.digest)
        assert view is not None
        assert view.expires is None
        assert view.visible
        assert await home.visible(app.digest)

    play(tmp_path, story)


def test_without_a_trust_policy_nobody_signs(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.trust({})
        app = image("one")
        assert "NO_TRUST_POLICY" in codes(await home.push("alice", app, "v1"))
        outcome = await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert isinstance(outcome, Held)
        assert not await home.visible(app.digest)

    play(tmp_path, story)


def test_a_fallback_index_lists_evidence_of_its_subject_and_nothing_else(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", signature)
        tag = app.digest.replace(":", "-")
        listed = fallback_of(app.digest, signature)
        assert isinstance(await home.put("alice", listed, tag), Admitted)
        assert await home.target(tag) == listed.digest
        foreign = signed_bundle(KEY)
        await home.attach("alice", foreign)
        for wrong in (fallback_of(app.digest, foreign), fallback_of(app.digest, junk(app.digest, 9)), index(app)):
            outcome = await home.put("alice", wrong, tag)
            assert codes(outcome) == {"FALLBACK_INVALID"}
            assert await home.view(wrong.digest) is None
        assert await home.target(tag) == listed.digest

    play(tmp_path, story)


def test_a_list_of_referrers_carries_hardly_anything_besides(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, tag = image("one"), image("one").digest.replace(":", "-")
        await home.push("alice", app, "v1")
        small, large = index(annotations={"x": "a" * 3_000}), index(annotations={"x": "a" * 4_096})
        assert isinstance(await home.put("alice", small, tag), Admitted)
        assert codes(await home.put("alice", large, tag)) == {"FALLBACK_INVALID"}
        assert await home.view(large.digest) is None
        signature = signed_bundle(OTHER_KEY, subject=app.digest)
        await home.attach("alice", signature)
        await limit_held_bytes(home, 10)
        assert isinstance(await home.put("alice", fallback_of(app.digest, signature), tag), Admitted)
        assert codes(await home.put("alice", index(annotations={"y": ""}), tag)) == {"HELD_QUOTA"}

    play(tmp_path, story)


@pytest.mark.parametrize("annotations", [None, {"written-by": "oras"}], ids=["bare", "annotated"])
def test_a_fallback_index_of_nothing_is_what_clients_write_after_the_last_referrer(
    tmp_path: Path, annotations: dict[str, str] | None
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, nothing = image("one"), index(annotations=annotations)
        await home.push("alice", app, "v1")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", signature)
        tag = app.digest.replace(":", "-")
        await home.put("alice", fallback_of(app.digest, signature), tag)
        outcome = await home.put("alice", nothing, tag)
        assert isinstance(outcome, Admitted)
        assert outcome.stored.pending == ()
        assert await home.target(tag) == nothing.digest

    play(tmp_path, story)


def test_an_index_pushed_by_digest_becomes_a_fallback_index_by_its_tag(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", signature)
        tag = app.digest.replace(":", "-")
        for listed in (fallback_of(app.digest, signature), fallback_of(app.digest)):
            assert isinstance(await home.put("alice", listed), Held)
            view = await home.view(listed.digest)
            assert view is not None
            assert view.cls is ManifestClass.IMAGE
            assert view.expires is not None
            assert isinstance(await home.put("alice", listed, tag), Admitted)
            view = await home.view(listed.digest)
            assert view is not None
            assert (view.cls, view.expires) == (ManifestClass.FALLBACK, None)
            assert await home.target(tag) == listed.digest

    play(tmp_path, story)


def test_an_index_that_is_admitted_or_carried_does_not_become_a_fallback_index(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        inner = fallback_of(SUBJECT)
        outer = Artifact(
            Blob(
                OCI_INDEX,
                canonical({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [inner.manifest.descriptor()]}),
            )
        )
        await home.put("alice", inner)
        await home.attach("alice", signed_bundle(KEY, subject=outer.digest))
        assert isinstance(await home.put("alice", outer, "outer"), Admitted)
        assert codes(await home.put("alice", inner, SUBJECT.replace(":", "-"))) == {"ADMITTED_AS_IMAGE"}
        assert await home.visible(inner.digest)
        await home.attach("alice", signed_bundle(KEY, subject=inner.digest))
        assert isinstance(await home.put("alice", inner, "inner"), Admitted)
        assert codes(await home.put("alice", inner, SUBJECT.replace(":", "-"))) == {"ADMITTED_AS_IMAGE"}

    play(tmp_path, story)


def test_a_list_of_nothing_of_a_visible_image_tells_nothing_of_a_held_one(tmp_path: Path) -> None:
    """Its bytes are the same for every subject."""

    async def story(home: House, engine: ScriptedEngine) -> None:
        shown, waits, nothing = image("shown"), image("waits"), fallback_of(SUBJECT)
        for app in (shown, waits):
            await home.push("alice", app)
        await home.attach("alice", signed_bundle(KEY, subject=shown.digest))
        for app, targets in ((shown, [nothing.digest]), (waits, [None, None])):
            assert isinstance(await home.put("alice", nothing, app.digest.replace(":", "-")), Admitted)
            tags = [each.digest.replace(":", "-") for each in (shown, waits)][: len(targets)]
            assert [await home.target(tag) for tag in tags] == targets

    play(tmp_path, story)


def test_a_fallback_tag_needs_the_right_to_sign_and_no_right_to_overwrite(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("scanner", Role.SCANNER)
        await home.person("reader", Role.READER)
        app = image("one")
        await home.push("alice", app, "v1")
        signature, more = signed_bundle(KEY, subject=app.digest), attested_bundle(KEY, subject=app.digest)
        await home.attach("scanner", signature)
        await home.attach("scanner", more)
        tag = app.digest.replace(":", "-")
        assert isinstance(await home.put("scanner", fallback_of(app.digest, signature), tag), Admitted)
        both = fallback_of(app.digest, signature, more)
        assert isinstance(await home.put("scanner", both, tag), Admitted)
        assert await home.target(tag) == both.digest
        with pytest.raises(Denied):
            await home.put("reader", both, tag)

    play(tmp_path, story)


def test_each_evidence_object_keeps_the_time_the_gateway_first_saw_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        signature = signed_bundle(OTHER_KEY, subject=app.digest)
        await home.attach("alice", signature)
        began = home.now
        home.now += 1000
        await home.trust(trust_files(OTHER_KEY))
        await home.attach("alice", signature)
        seen = home.database.read(lambda connection: connection.execute("SELECT seen FROM support").fetchall())
        assert [row[0] for row in seen] == [began]

    play(tmp_path, story)


def test_evidence_for_a_project_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        grant = await home.grant("alice")

        elsewhere = dataclasses.replace(grant, repository=RepositoryName.parse("nobody/app"))
        signature = signed_bundle(KEY)
        with pytest.raises(NameUnknown):
            await home.gate.push(Push(elsewhere, None, (), signature.media_type, signature.manifest))

    play(tmp_path, story)


def test_a_fallback_index_that_loses_every_race_is_unavailable(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        signature = signed_bundle(KEY)
        await home.attach("alice", signature)
        home.gate = over(home, loses=True)
        listed = fallback_of(SUBJECT, signature)
        assert isinstance(await home.put("alice", listed, SUBJECT.replace(":", "-")), Unreachable)

    play(tmp_path, story)


def test_a_fallback_index_lists_no_index(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        many = index(image("amd64"), image("arm64", architecture="arm64"))
        await home.push("alice", many)
        listed = Artifact(
            Blob(
                OCI_INDEX,
                canonical({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [many.manifest.descriptor()]}),
            )
        )
        assert codes(await home.put("alice", listed, SUBJECT.replace(":", "-"))) == {"FALLBACK_INVALID"}

    play(tmp_path, story)
