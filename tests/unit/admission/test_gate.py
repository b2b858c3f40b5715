"""The admission path as a whole, against the real catalog and the real rules."""

import dataclasses
from pathlib import Path

import pytest

from gateway.access.values import Mode, Role
from gateway.admission.values import Admitted, Held, Refused
from gateway.catalog.values import ManifestClass
from gateway.errors import Denied
from gateway.oci.manifest import MAX_MANIFEST_BYTES
from tests.support.admission import HOST, KEY, OPERATOR, OTHER_KEY, House, house, run
from tests.support.admission_stories import reevaluate, with_limit
from tests.support.evidence import attested_bundle, signed_bundle, signed_classic, trust_files
from tests.support.images import Artifact, Blob, cache_image, cache_index, chart, image, index


def codes(outcome: Held | Refused) -> set[str]:
    return {reason.code for reason in outcome.reasons}


def test_an_unsigned_image_is_held_and_visible_to_nobody_who_only_pulls(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one")
        outcome = await home.push("alice", app, "v1")
        assert isinstance(outcome, Held)
        assert "SIGNATURE_MISSING" in codes(outcome)
        assert [tag.text for tag in outcome.stored.pending] == ["v1"]
        assert (
            outcome.remedy
            == f"cosign sign --key cosign.key --use-signing-config=false --tlog-upload=false {HOST}/team/app@{app.digest}"
        )
        assert not await home.visible(app.digest)
        assert await home.target("v1") is None

    with house(tmp_path) as home:
        run(story(home))


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(lambda digest: signed_bundle(KEY, subject=digest), id="bundle"),
        pytest.param(lambda digest: signed_classic(KEY, subject=digest, reference=f"{HOST}/team/app"), id="classic"),
    ],
)
def test_a_trusted_signature_promotes_the_manifest_and_its_tag_in_one_commit(tmp_path: Path, sign) -> None:  # type: ignore[no-untyped-def]
    async def story(home: House) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        outcome = await home.attach("alice", sign(app.digest))
        assert isinstance(outcome, Admitted)
        assert await home.visible(app.digest)
        assert await home.target("v1") == app.digest
        assert "tag.promoted" in await home.events()

    with house(tmp_path) as home:
        run(story(home))


def spaced(artifact: Artifact, size: int) -> Artifact:
    """Return the same manifest in ``size`` bytes: with spaces before its end."""
    content = artifact.manifest.content
    longer = content[:-1] + b" " * (size - len(content)) + content[-1:]
    return dataclasses.replace(artifact, manifest=Blob(artifact.manifest.media_type, longer))


def test_a_manifest_over_the_least_limit_is_promoted_where_the_setting_lets_it_in(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        with_limit(home, max_manifest_bytes=2 * MAX_MANIFEST_BYTES)
        app = spaced(image("one"), MAX_MANIFEST_BYTES + 1)
        assert isinstance(await home.push("alice", app, "v1"), Held)
        assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=app.digest)), Admitted)
        assert await home.target("v1") == app.digest
        # Judged again, and as a part of another: what is stored has been let in.
        assert isinstance(await reevaluate(home, app), Admitted)
        both = index(app)
        assert isinstance(await home.push("alice", both, "v2"), Held)
        assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=both.digest)), Admitted)

    with house(tmp_path) as home:
        run(story(home))


def test_a_signature_by_another_key_is_kept_and_promotes_nothing(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        outcome = await home.attach("alice", signed_bundle(OTHER_KEY, subject=app.digest))
        assert isinstance(outcome, Held)
        assert codes(outcome) == {"NO_MATCHING_KEY"}
        assert not await home.visible(app.digest)

    with house(tmp_path) as home:
        run(story(home))


def test_an_attestation_is_no_signature(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.attach("alice", attested_bundle(KEY, subject=app.digest))
        assert not await home.visible(app.digest)

    with house(tmp_path) as home:
        run(story(home))


def test_an_orphan_signature_counts_when_its_image_comes(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one")
        assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=app.digest)), Admitted)
        assert isinstance(await home.push("alice", app, "v1"), Admitted)
        assert await home.target("v1") == app.digest

    with house(tmp_path) as home:
        run(story(home))


def test_a_rule_that_denies_stores_nothing(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one", env=("PASSWORD=correct-horse-battery-staple",))
        outcome = await home.push("alice", app, "v1")
        assert isinstance(outcome, Refused)
        assert "SEC001" in codes(outcome)
        assert await home.view(app.digest) is None
        assert await home.tag("v1") is None
        assert (await home.events())[-1] == "manifest.denied"

    with house(tmp_path) as home:
        run(story(home))


def test_strict_mode_refuses_by_tag_and_lets_a_digest_wait(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one")
        assert isinstance(await home.push("alice", app, "v1"), Refused)
        assert await home.view(app.digest) is None
        assert isinstance(await home.push("alice", app), Held)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert isinstance(await home.push("alice", app, "v1"), Admitted)

    with house(tmp_path, mode=Mode.STRICT) as home:
        run(story(home))


def test_an_index_carries_its_judged_children_and_nothing_before(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        many = index(image("amd64"), image("arm64", architecture="arm64"), attested=True)
        assert isinstance(await home.push("alice", many, "v1"), Held)
        for child in many.children:
            assert not await home.visible(child.digest)
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        assert await home.target("v1") == many.digest
        for child in many.children:
            assert await home.visible(child.digest)

    with house(tmp_path) as home:
        run(story(home))


def test_a_missing_blob_holds_and_its_arrival_admits(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        layer = app.blobs[-1]
        await home.upload(app, but=(layer.digest,))
        outcome = await home.put("alice", app, "v1")
        assert isinstance(outcome, Held)
        assert codes(outcome) == {"CLOSURE_INCOMPLETE"}
        await home.blob(layer.content)
        await home.work()
        assert home.failures == []
        assert await home.target("v1") == app.digest

    with house(tmp_path) as home:
        run(story(home))


@pytest.mark.parametrize(
    "cache", [pytest.param(cache_index("c"), id="index"), pytest.param(cache_image("c"), id="image")]
)
def test_a_build_cache_waits_for_ever(tmp_path: Path, cache) -> None:  # type: ignore[no-untyped-def]
    async def story(home: House) -> None:
        outcome = await home.push("alice", cache, "cache")
        assert isinstance(outcome, Held)
        assert codes(outcome) == {"BUILD_CACHE"}
        view = await home.view(cache.digest)
        assert view is not None
        assert view.cls is ManifestClass.CACHE
        assert not view.visible

    with house(tmp_path) as home:
        run(story(home))


def test_a_chart_is_held_and_promoted_like_an_image(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        made = chart("web")
        assert isinstance(await home.push("alice", made, "1.0.0"), Held)
        await home.attach("alice", signed_bundle(KEY, subject=made.digest))
        assert await home.target("1.0.0") == made.digest

    with house(tmp_path) as home:
        run(story(home))


def test_a_late_signature_never_moves_a_tag_back(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        old, new = image("old"), image("new")
        await home.push("alice", old, "latest")
        await home.push("alice", new, "latest")
        await home.attach("alice", signed_bundle(KEY, subject=new.digest))
        assert await home.target("latest") == new.digest
        await home.attach("alice", signed_bundle(KEY, subject=old.digest))
        assert await home.visible(old.digest)
        assert await home.target("latest") == new.digest

    with house(tmp_path) as home:
        run(story(home))


def test_a_pending_tag_of_somebody_who_lost_his_right_is_dropped(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.person("bob", Role.WRITER)
        app = image("one")
        await home.push("bob", app, "v1")
        await home.principals.set_disabled("bob", disabled=True, by=home.people["alice"], now=home.now)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert await home.visible(app.digest)
        assert await home.target("v1") is None
        assert "tag.dropped" in await home.events()

    with house(tmp_path) as home:
        run(story(home))


def test_a_revoked_digest_is_hidden_and_never_comes_back(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.gate.revoke(
            (await home.grant("alice")).repository,
            (await home.view(app.digest)).digest,  # type: ignore[union-attr]
            principal=OPERATOR,
            reason="bad",
        )
        assert not await home.visible(app.digest)
        outcome = await home.push("alice", app, "v2")
        assert isinstance(outcome, Refused)
        assert codes(outcome) == {"REVOKED"}

    with house(tmp_path) as home:
        run(story(home))


def test_a_reader_cannot_push_and_a_scanner_can_only_sign(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.person("reader", Role.READER)
        await home.person("scanner", Role.SCANNER)
        app = image("one")
        await home.push("alice", app, "v1")
        for name in ("reader", "scanner"):
            with pytest.raises(Denied):
                await home.put(name, image("two"), "v2")
        assert isinstance(await home.attach("scanner", signed_bundle(KEY, subject=app.digest)), Admitted)
        with pytest.raises(Denied):
            await home.attach("reader", signed_bundle(KEY, subject=app.digest))

    with house(tmp_path) as home:
        run(story(home))


def test_trust_that_is_applied_later_promotes_what_waits(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_bundle(OTHER_KEY, subject=app.digest))
        await home.trust(trust_files(KEY, OTHER_KEY))
        await home.work()
        assert home.failures == []
        assert await home.target("v1") == app.digest

    with house(tmp_path) as home:
        run(story(home))


def test_rejudging_never_hides_and_what_would_now_fail_is_drift(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        app = image("one", user="root")
        await home.level("CFG001", "off")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.level("CFG001", "enforce")
        await home.work()
        assert home.failures == []
        assert await home.target("v1") == app.digest
        (drift,) = await home.store.drift(None, limit=10)
        assert str(drift.digest) == app.digest
        assert (await home.events()).count("manifest.drifted") == 1
        await home.level("CFG001", "off")
        await home.work()
        assert await home.store.drift(None, limit=10) == []

    with house(tmp_path) as home:
        run(story(home))


def test_everything_that_waits_is_judged_again_however_much_it_is(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        digests = []
        for number in range(120):
            app = image(f"image-{number}")
            await home.push("alice", app, f"v{number}")
            await home.attach("alice", signed_bundle(OTHER_KEY, subject=app.digest))
            digests.append(app.digest)
        await home.trust(trust_files(KEY, OTHER_KEY))
        await home.work()
        assert home.failures == []
        for number, digest in enumerate(digests):
            assert await home.target(f"v{number}") == digest

    with house(tmp_path) as home:
        run(story(home))
