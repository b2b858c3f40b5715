"""The PUT of what can be run: the table of outcomes, tags, modes, quotas, and what stands already."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.access.values import Mode, Role
from gateway.admission.values import Admitted, Held, PolicyErred, Push, Refused, Unreachable
from gateway.errors import Denied, DigestInvalid, ManifestInvalid, ManifestTooLarge, NameUnknown
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from gateway.oci.strict_json import JsonObject
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyOutcome
from tests.support.admission import KEY, OPERATOR, OTHER_KEY, REPOSITORY, House, house, run
from tests.support.admission_stories import (
    administrator,
    codes,
    condition,
    distrust,
    limit_held_bytes,
    over,
    pending,
    play,
    put_bytes,
    reevaluate,
    warned,
    with_limit,
)
from tests.support.evidence import signed_bundle, trust_files
from tests.support.images import OCI_INDEX, Artifact, Blob, cache_image, canonical, image, index
from tests.support.scripted_engine import Script, ScriptedEngine, allowed, broken, denied, held, unavailable


def only_tag(name: str, answer: Script) -> Script:
    """Return the script that answers so for one tag, and allows the rest."""

    def script(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
        tag = document["tag"]
        return answer(document, active) if isinstance(tag, dict) and tag["name"] == name else allowed(active)

    return script


async def signed(home: House, artifact: Artifact) -> None:
    """Sign before the push, so that what is pushed passes trust at once."""
    await home.attach("alice", signed_bundle(KEY, subject=artifact.digest))


# the table of outcomes


def test_admitted_where_trust_passes_and_policy_allows(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await signed(home, app)
        engine.script = lambda document, active: allowed(active, "NOTE")
        assert warned(await home.push("alice", app, "v1")) == {"NOTE"}
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_held_by_a_rule_that_holds(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await signed(home, app)
        engine.script = lambda document, active: held(active, "HOLD_ON")
        assert codes(await home.push("alice", app, "v1")) == {"HOLD_ON"}
        assert await condition(home, app) == "held"
        assert await pending(home, "v1") == app.digest

    play(tmp_path, story)


@pytest.mark.parametrize("tags", [pytest.param((), id="by-digest"), pytest.param(("v1",), id="by-tag")])
def test_denied_by_a_rule_stores_nothing_and_is_recorded(tmp_path: Path, tags: tuple[str, ...]) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: denied(active, "NO")
        app = image("one")
        outcome = await home.push("alice", app, *tags)
        assert codes(outcome) == {"NO"}
        assert isinstance(outcome, Refused)
        assert await home.view(app.digest) is None
        (record,) = await home.store.decisions(REPOSITORY, Digest.parse(app.digest), limit=10)
        assert (record.id, record.outcome) == (outcome.decision_id, "denied")
        assert record.record["policy_revision"] == outcome.policy_revision
        assert (await home.events())[-1] == "manifest.denied"
        assert not await home.listings.repositories(last=None, limit=10, now=home.now) or await home.tag("v1") is None

    play(tmp_path, story)


def test_policy_broken_is_a_refusal_that_invites_no_retry(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: broken(active)
        app = image("one")
        outcome = await home.push("alice", app, "v1")
        assert isinstance(outcome, PolicyErred)
        assert await home.view(app.digest) is None
        (record,) = await home.store.decisions(REPOSITORY, Digest.parse(app.digest), limit=10)
        assert (record.id, record.outcome) == (outcome.decision_id, "policy-error")

    play(tmp_path, story)


def test_an_engine_that_does_not_answer_is_unavailable_and_nothing_is_stored(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: unavailable()
        app = image("one")
        before = len(await home.events())
        assert isinstance(await home.push("alice", app, "v1"), Unreachable)
        assert await home.view(app.digest) is None
        assert len(await home.events()) == before

    play(tmp_path, story)


def test_an_engine_without_the_active_revision_has_no_say(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await engine.close()
        assert isinstance(await home.push("alice", image("one"), "v1"), Unreachable)
        assert engine.asked == []

    play(tmp_path, story)


def test_an_engine_that_fails_at_a_tag_or_at_another_waiting_tag_stops_all_of_it(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "waits")
        engine.script = only_tag("v1", lambda document, active: unavailable())
        assert isinstance(await home.put("alice", app, "v1"), Unreachable)
        assert await home.tag("v1") is None
        await home.trust({"policy.yaml": b'images: [{glob: "**"}]\nauthorities: [{static: {action: pass}}]\n'})
        engine.script = only_tag("waits", lambda document, active: unavailable())
        assert isinstance(await home.put("alice", app, "v1"), Unreachable)
        assert await condition(home, app) == "held"

    play(tmp_path, story)


def test_five_lost_races_are_unavailable(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        turns: list[int] = []

        def busy(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
            turns.append(len(turns))
            return allowed(active)

        engine.script = busy
        app = image("one")
        await signed(home, app)
        home.gate = over(home, loses=True)
        assert isinstance(await home.push("alice", app), Unreachable)
        assert len(turns) == 5
        engine.script = lambda document, active: denied(active, "NO")
        assert isinstance(await home.put("alice", app, "v1"), Unreachable)
        assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=app.digest)), Unreachable)
        assert isinstance(await home.push("alice", cache_image("c"), "cache"), Unreachable)

    play(tmp_path, story)


# two decisions


def test_a_put_by_tag_with_the_tag_denied_does_not_store_a_manifest_that_was_not_there(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await signed(home, app)
        engine.script = only_tag("prod", lambda document, active: denied(active, "NOT_PROD"))
        assert codes(await home.push("alice", app, "prod")) == {"NOT_PROD"}
        assert await home.view(app.digest) is None
        assert isinstance(await home.push("alice", app, "dev"), Admitted)
        assert codes(await home.push("alice", app, "prod")) == {"NOT_PROD"}
        assert await home.target("dev") == app.digest
        assert await home.target("prod") is None

    play(tmp_path, story)


def test_several_tags_are_all_or_nothing_on_a_denial(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await signed(home, app)
        engine.script = only_tag("prod", lambda document, active: denied(active, "NOT_PROD"))
        assert codes(await home.push("alice", app, "dev", "prod", "test")) == {"NOT_PROD"}
        for tag in ("dev", "prod", "test"):
            assert await home.tag(tag) is None

    play(tmp_path, story)


def test_of_several_tags_the_held_ones_become_pending(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await signed(home, app)
        engine.script = only_tag("prod", lambda document, active: held(active, "WAIT"))
        outcome = await home.push("alice", app, "dev", "prod")
        assert warned(outcome) == {"WAIT"}
        assert isinstance(outcome, Admitted)
        assert [tag.text for tag in outcome.stored.pending] == ["prod"]
        assert await home.target("dev") == app.digest
        assert await pending(home, "prod") == app.digest

    play(tmp_path, story)


def test_at_most_ten_tags(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.upload(app)
        assert isinstance(await home.put("alice", app, *(f"v{number}" for number in range(10))), Held)
        with pytest.raises(ManifestInvalid) as caught:
            await home.put("alice", app, *(f"v{number}" for number in range(11)))
        assert caught.value.field == "tag"

    play(tmp_path, story)


def test_a_tag_rule_with_patterns_decides_the_tag_and_not_the_manifest(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.level("TAG001", "enforce", immutable_tags=["v*"])
        one, two = image("one"), image("two")
        for app in (one, two):
            await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        assert isinstance(await home.push("alice", one, "v1"), Admitted)
        assert isinstance(await home.push("alice", two, "latest"), Admitted)
        assert codes(await home.put("alice", two, "v1")) == {"TAG001"}
        assert await home.target("v1") == one.digest
        assert isinstance(await home.put("alice", one, "v1"), Admitted), "the same bytes again"

    with house(tmp_path) as home:
        run(story(home))


def test_the_manifest_decision_has_no_tag_in_its_input(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await signed(home, app)
        await home.push("alice", app, "v1", "v2")
        asked = [(document["decision"], document["tag"]) for document in engine.asked]
        assert asked[0] == ("manifest", None)
        assert [tag["name"] for _, tag in asked[1:] if isinstance(tag, dict)] == ["v1", "v2"]

    play(tmp_path, story)


# what stands


def test_a_put_of_an_admitted_manifest_never_changes_its_state(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await signed(home, app)
        await home.push("alice", app, "v1")
        engine.script = lambda document, active: denied(active, "NO")
        outcome = await home.put("alice", app)
        assert isinstance(outcome, Admitted)
        assert outcome.stored.decision_id is None, "nothing was decided"
        assert codes(await home.put("alice", app, "v2")) == {"NO"}
        engine.script = only_tag("v3", lambda document, active: held(active, "WAIT"))
        outcome = await home.put("alice", app, "v3")
        assert warned(outcome) == {"WAIT"}
        assert await home.visible(app.digest)
        assert await home.target("v1") == app.digest
        records = {row.id for row in await home.store.decisions(REPOSITORY, Digest.parse(app.digest), limit=10)}
        assert isinstance(outcome, Admitted)
        assert outcome.stored.decision_id in records

    play(tmp_path, story)


def test_a_tag_put_on_an_admitted_index_that_lost_a_child_waits_for_the_child(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        many = index(image("amd64"), image("arm64", architecture="arm64"))
        await signed(home, many)
        await home.push("alice", many, "v1")
        child = many.children[0]
        await home.gate.delete_manifest(await administrator(home), Digest.parse(child.digest))
        assert await home.visible(many.digest)
        assert warned(await home.put("alice", many, "v2")) == {"CLOSURE_INCOMPLETE"}
        assert await home.target("v2") is None
        await home.push("alice", child)
        await home.work()
        assert home.failures == []
        assert await home.target("v2") == many.digest

    play(tmp_path, story)


def test_a_put_of_a_distrusted_manifest_is_judged_anew(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, signature = image("one"), signed_bundle(KEY, subject=image("one").digest)
        await home.attach("alice", signature)
        await home.push("alice", app, "v1")
        await distrust(home, signature)
        outcome = await home.put("alice", app, "v2")
        assert codes(outcome) == {"SIGNATURE_MISSING"}
        assert isinstance(outcome, Held)
        assert outcome.distrusted, "and not merely held: it was visible once"
        assert await condition(home, app) == "distrusted"
        other = await home.push("alice", image("two"), "v3")
        assert isinstance(other, Held)
        assert not other.distrusted

    play(tmp_path, story)


# modes, rights, quota


async def carried(home: House) -> Artifact:
    """Return an image without a signature of its own, that a visible index carries."""
    child = image("child")
    parent = index(child, image("arm64", architecture="arm64"))
    await home.push("alice", parent, "parent")
    await home.attach("alice", signed_bundle(KEY, subject=parent.digest))
    assert await condition(home, child) == "carried"
    return child


def test_a_held_manifest_with_a_visible_parent_is_answered_without_a_state(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        child = await carried(home)
        outcome = await home.put("alice", child)
        assert isinstance(outcome, Admitted)
        assert (outcome.warnings, outcome.stored.pending, outcome.unverified) == ((), (), False)
        view = await home.view(child.digest)
        assert view is not None
        assert (view.condition.value, view.expires) == ("carried", None)
        (decided, *_) = await home.store.decisions(REPOSITORY, Digest.parse(child.digest), limit=1)
        assert (decided.id, decided.outcome) == (outcome.stored.decision_id, "held"), "what was decided of it alone"

    play(tmp_path, story)


def test_a_tag_of_what_is_carried_waits_and_the_answer_says_for_what(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        child = await carried(home)
        outcome = await home.put("alice", child, "child")
        assert isinstance(outcome, Admitted)
        assert [tag.text for tag in outcome.stored.pending] == ["child"]
        assert warned(outcome) == {"SIGNATURE_MISSING"}
        assert await home.target("child") is None

    play(tmp_path, story)


def test_what_has_lost_its_visible_parent_is_held_again(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        child = await carried(home)
        parent = await home.target("parent")
        await home.gate.revoke(REPOSITORY, Digest.parse(str(parent)), principal=OPERATOR, reason="bad")
        assert isinstance(await home.put("alice", child), Held)

    play(tmp_path, story)


def test_strict_mode_refuses_a_tag_that_would_wait(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await signed(home, app)
        engine.script = only_tag("prod", lambda document, active: held(active, "WAIT"))
        assert codes(await home.push("alice", app, "prod")) == {"WAIT"}
        assert await home.view(app.digest) is None

    play(tmp_path, story, mode=Mode.STRICT)


def test_strict_mode_refuses_an_unsigned_tag_with_the_command_that_would_sign(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        outcome = await home.push("alice", app, "prod")
        assert isinstance(outcome, Refused)
        assert outcome.remedy is not None
        assert outcome.remedy.endswith(f"/{REPOSITORY}@{app.digest}")
        engine.script = lambda document, active: denied(active, "NO")
        outcome = await home.push("alice", app, "prod")
        assert isinstance(outcome, Refused)
        assert outcome.remedy is None  # a signature would not help

    play(tmp_path, story, mode=Mode.STRICT)


def test_a_put_whose_declared_sizes_overflow_the_counter_is_held_like_any_other(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        huge = [
            Blob("application/vnd.oci.image.layer.v1.tar+gzip", bytes([number])).descriptor() for number in range(3)
        ]
        for layer in huge:
            layer["size"] = 2**63 - 1
        document = {**_document(image("one")), "layers": huge}
        app = Artifact(Blob(image("one").manifest.media_type, canonical(document)))
        assert codes(await home.put("alice", app, "v1")) == {"CLOSURE_INCOMPLETE"}

    play(tmp_path, story)


def _document(artifact: Artifact) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(artifact.manifest.content)
    return found


def test_a_project_over_its_limit_before_it_refuses_what_would_wait_and_nothing_else(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await limit_held_bytes(home, 100)
        first, good = image("one"), image("good")
        assert isinstance(await home.push("alice", first, "v1"), Held), "one image of any size can be pushed"
        assert codes(await home.push("alice", image("two"), "v2")) == {"HELD_QUOTA"}
        assert isinstance(await home.put("alice", first, "again"), Held), "what is there already counts no more"
        await signed(home, good)
        assert isinstance(await home.push("alice", good, "v3"), Admitted)

    play(tmp_path, story)


def test_a_tag_that_exists_needs_the_right_to_overwrite(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, other = image("one"), image("two")
        await home.push("alice", app, "v1")
        grant = await home.grant("alice")
        verbs = frozenset(verb for verb in grant.rights.verbs if verb.value != "overwrite")
        weaker = dataclasses.replace(grant, rights=dataclasses.replace(grant.rights, verbs=verbs))
        await home.upload(other)
        with pytest.raises(Denied) as caught:
            await put_bytes(home, weaker, other, "v1")
        assert [reason.code for reason in caught.value.reasons] == ["RIGHT_MISSING"]
        assert isinstance(await put_bytes(home, weaker, app, "v1"), Held), "it would change nothing"
        assert isinstance(await put_bytes(home, weaker, other, "v2"), Held)

    play(tmp_path, story)


def test_a_token_of_a_project_that_was_made_again_gives_nothing(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        grant = await home.grant("alice")
        old = dataclasses.replace(grant, project=dataclasses.replace(grant.project, id=grant.project.id + 1))
        with pytest.raises(Denied):
            await put_bytes(home, old, image("one"), "v1")

    play(tmp_path, story)


def test_a_repository_that_no_project_claims_is_unknown(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        elsewhere = dataclasses.replace(await home.grant("alice"), repository=RepositoryName.parse("nobody/app"))
        with pytest.raises(NameUnknown):
            await put_bytes(home, elsewhere, image("one"), "v1")

    play(tmp_path, story)


def test_a_body_that_is_not_what_its_path_says_is_refused(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        push = Push(
            await home.grant("alice"),
            Digest.parse(image("two").digest),
            (),
            app.manifest.media_type,
            app.manifest.content,
        )
        with pytest.raises(DigestInvalid):
            await home.gate.push(push)
        with_limit(home, max_manifest_bytes=10)
        with pytest.raises(ManifestTooLarge):
            await home.gate.push(dataclasses.replace(push, reference=None, tags=(Tag("v1"),)))

    play(tmp_path, story)


def test_another_digest_of_the_bytes_is_an_alias_with_the_same_state(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.upload(app)
        alias = Digest("sha512", hashlib.sha512(app.manifest.content).hexdigest())
        push = Push(await home.grant("alice"), alias, (Tag("v1"),), app.manifest.media_type, app.manifest.content)
        outcome = await home.gate.push(push)
        assert isinstance(outcome, Held)
        assert outcome.stored.digest == alias
        await signed(home, app)
        view = await home.tag("v1")
        assert view is not None
        assert view.target is not None
        assert view.target.served_as == alias
        assert await home.visible(str(alias))

    play(tmp_path, story)


# indexes


def nested(*levels: str) -> Artifact:
    made = image(levels[0])
    for name in levels[1:]:
        made = index(made, image(name, architecture="arm64")) if not made.children else _index_of(made)
    return made


def _index_of(child: Artifact) -> Artifact:
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child.manifest.descriptor()]}
    return Artifact(Blob(OCI_INDEX, canonical(document)), children=(child,))  # type: ignore[arg-type]


def test_indexes_nest_three_deep_and_no_deeper(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        three = nested("leaf", "two", "three")
        await signed(home, three)
        assert isinstance(await home.push("alice", three, "v1"), Admitted)
        for part in three.walk():
            assert await home.visible(part.digest)
        four = _index_of(_index_of(_index_of(_index_of(image("deep")))))
        await home.push("alice", four.children[0])
        outcome = await home.put("alice", four, "v2")
        assert codes(outcome) == {"INDEX_TOO_DEEP"}
        assert await home.view(four.digest) is None

    play(tmp_path, story)


def test_an_index_naming_tombstoned_bytes_is_denied_and_a_tombstone_beats_the_admitted_parent(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        many = index(image("amd64"), image("arm64", architecture="arm64"))
        await signed(home, many)
        await home.push("alice", many, "v1")
        child = many.children[0]
        await home.gate.revoke(REPOSITORY, Digest.parse(child.digest), principal=OPERATOR, reason="bad")
        assert not await home.visible(child.digest)
        assert await home.visible(many.digest)
        other = index(child, image("s390x", architecture="s390x"))
        await home.push("alice", other.children[1])
        assert codes(await home.put("alice", other, "v2")) == {"REVOKED"}
        outcome = await reevaluate(home, many)
        assert codes(outcome) == {"REVOKED"}
        assert await home.target("v1") == many.digest

    play(tmp_path, story)


def test_an_index_with_a_denied_child_is_denied(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.level("CFG001", "enforce")
        many = index(image("good"), image("bad", architecture="arm64", user="root"))
        assert isinstance(await home.push("alice", many.children[0]), Held)
        assert codes(await home.push("alice", many.children[1])) == {"CFG001"}
        await home.level("CFG001", "off")
        await home.push("alice", many.children[1])
        await home.level("CFG001", "enforce")
        outcome = await home.put("alice", many, "v1")
        assert codes(outcome) == {"CFG001"}
        assert isinstance(outcome, Refused)
        assert {reason.subject for reason in outcome.reasons} == {many.children[1].digest}

    with house(tmp_path) as home:
        run(story(home))


def test_a_build_cache_is_never_part_of_an_image(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        cache = cache_image("c")
        await home.push("alice", cache)
        assert (await home.events())[-1] == "manifest.held"
        assert codes(await home.put("alice", _index_of(cache), "v1")) == {"CACHE_IN_INDEX"}
        assert codes(await reevaluate(home, cache)) == set()

    play(tmp_path, story)


def test_an_incomplete_index_waits_for_the_child_and_for_what_the_child_lacks(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        many = index(image("amd64"), image("arm64", architecture="arm64"))
        await signed(home, many)
        assert codes(await home.put("alice", many, "v1")) == {"CLOSURE_INCOMPLETE"}
        layer = many.children[0].blobs[-1]
        await home.upload(many.children[0], but=(layer.digest,))
        await home.put("alice", many.children[0])
        await home.push("alice", many.children[1])
        await home.work()
        assert await home.target("v1") is None
        await home.blob(layer.content)
        await home.work()
        assert home.failures == []
        assert await home.target("v1") == many.digest

    play(tmp_path, story)


def test_an_image_config_that_is_none_is_malformed(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        good = image("one")
        config = Blob(good.blobs[0].media_type, b"[]")
        document = {**_document(good), "config": config.descriptor()}
        app = Artifact(Blob(good.manifest.media_type, canonical(document)), (config, *good.blobs[1:]))
        assert codes(await home.push("alice", app, "v1")) == {"CONTENT_MALFORMED"}

    play(tmp_path, story)


def test_who_is_the_principal_of_the_last_put_of_these_bytes(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("bob", Role.WRITER)
        app = image("one")
        await home.upload(app)
        await home.put("alice", app, "v1", claims={"ref": "refs/heads/one"})
        await home.put("bob", app, "v2", claims={"ref": "refs/heads/two"})
        engine.asked.clear()
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        who = engine.asked[0]["who"]
        assert isinstance(who, dict)
        assert (who["id"], who["claims"]) == ("u:bob", {"ref": "refs/heads/two"})
        assert engine.asked[0]["trigger"] == {"kind": "evidence", "principal": "u:alice"}
        requesters = [document["who"]["id"] for document in engine.asked[1:]]  # type: ignore[index, call-overload]
        assert requesters == ["u:alice", "u:bob"]

    play(tmp_path, story)


def test_evidence_that_a_key_makes_good_later_is_recorded_by_the_next_push(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, signature = image("one"), signed_bundle(OTHER_KEY, subject=image("one").digest)
        await home.push("alice", app, "v1")
        await home.attach("alice", signature)
        await home.trust(trust_files(KEY, OTHER_KEY))
        assert isinstance(await home.put("alice", app, "v2"), Admitted)
        assert await home.target("v1") == app.digest
        assert await home.visible(signature.digest)

    play(tmp_path, story)
