"""Sentences of DESIGN 2 and 3 that no other test shows, each by a test that is named after it.

Which sentence is shown where: `tests/support/design_sentences.py`.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.access.values import Condition, Mode, Role, Visibility
from gateway.admission.evaluator import EvaluatorSettings
from gateway.admission.gate import Gate
from gateway.admission.tools import AdmissionSettings
from gateway.admission.values import Admitted, Held, PolicyErred, Refused, Unreachable
from gateway.catalog.effects import Effect, JudgedEdge
from gateway.catalog.sqlite.evidence import MAX_UNVERIFIED, MAX_VERIFIED
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import World, WorldKey
from gateway.errors import BlobReferenced, Denied
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyOutcome
from tests.support import api, catalog, oci
from tests.support.admission import HOST, KEY, OPERATOR, OTHER_KEY, PROJECT, REPOSITORY, House, house, run
from tests.support.admission_stories import (
    codes,
    condition,
    distrust,
    limit_held_bytes,
    pending,
    play,
    reevaluate,
    warned,
)
from tests.support.evidence import signed_bundle, signed_classic, trust_files
from tests.support.images import Artifact, attestation_child, cache_image, cache_index, image, index
from tests.support.scripted_engine import ScriptedEngine, allowed, broken, denied, held, unavailable

ROOT: Final = Path(__file__).parents[3]
DAY: Final = 24 * 3600
WEEK: Final = 7 * DAY
REFERENCE: Final = f"{HOST}/team/app"
RULES: Final = ("SIG001", "TAG001", "BASE001", "SEC001", "CFG001", "ANN001", "PUSH001", "SIZE001")


async def events(home: House, kind: str) -> list[dict[str, Any]]:
    """Return what the events of a kind say, oldest first."""
    return [dict(row.data) for row in await home.audit.events(after=0, limit=10_000) if row.kind == kind]


# -- DESIGN 2


def test_tags_of_evidence_are_never_immutable_or_pending_and_get_no_tag_decision(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = lambda document, active: allowed(active) if document["tag"] is None else denied(active, "TAG")
        app = image("one")
        first = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        both = signed_classic(KEY, OTHER_KEY, subject=app.digest, reference=REFERENCE)
        name = str(first.tag)
        assert isinstance(await home.attach("alice", first), Admitted), "an orphan, whose tag does not wait either"
        view = await home.tag(name)
        assert view is not None
        assert view.pending is None
        assert view.target is not None
        assert str(view.target.digest) == first.digest
        await home.push("alice", app)
        assert isinstance(await home.attach("alice", both), Admitted)
        assert await home.target(name) == both.digest
        assert [document["tag"] for document in engine.asked if document["tag"] is not None] == []

    play(tmp_path, story)


def test_the_rule_of_immutable_tags_says_nothing_of_a_signatures_tag(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.level("TAG001", "enforce", immutable_tags=["*"])
        app = image("one")
        await home.push("alice", app, "v1")
        first = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        both = signed_classic(KEY, OTHER_KEY, subject=app.digest, reference=REFERENCE)
        for signature in (first, both):
            assert isinstance(await home.attach("alice", signature), Admitted)
        assert await home.target(str(both.tag)) == both.digest

    with house(tmp_path) as home:
        run(story(home))


@pytest.mark.parametrize("mode", [Mode.HOLD, Mode.STRICT], ids=str)
@pytest.mark.parametrize("visibility", list(Visibility), ids=str)
def test_deleting_every_rule_cannot_remove_the_signature_floor(
    tmp_path: Path, mode: Mode, visibility: Visibility
) -> None:
    async def story(home: House) -> None:
        await home.rules({"registry": {"config": {"rules": {code: {"level": "off"} for code in RULES}}}})
        await home.projects.set_project(
            PROJECT,
            mode=None,
            visibility=visibility,
            writers_read_held=None,
            by=OPERATOR,
            reason="test",
            now=home.now,
        )
        app = image("one")
        await home.upload(app)
        assert codes(await home.put("alice", app)) == {"SIGNATURE_MISSING"}, "and no rule had a word in it"
        assert not await home.visible(app.digest)
        assert codes(await reevaluate(home, app)) == {"SIGNATURE_MISSING"}
        await home.trust({})
        assert codes(await home.put("alice", app)) == {"NO_TRUST_POLICY"}
        assert not await home.visible(app.digest)

    with house(tmp_path, mode=mode) as home:
        run(story(home))


def test_no_setting_switches_admission_off() -> None:
    """What a configuration can say to admission is how large, how many, how long, and by which name: no yes or no."""
    said = {
        (kind.__name__, field.name): field.type
        for kind in (AdmissionSettings, EvaluatorSettings)
        for field in dataclasses.fields(kind)
    }
    assert said
    assert {name: kind for name, kind in said.items() if kind not in (int, float, str, frozenset[str])} == {}


def answers(answer: Callable[[PolicyRevision], PolicyOutcome]) -> Callable[[JsonObject, PolicyRevision], PolicyOutcome]:
    """Return the script that always answers so."""
    return lambda document, active: answer(active)


async def distrusted(home: House) -> Artifact:
    """Return an image that was admitted, and whose only signature is gone."""
    app = image("one")
    await home.push("alice", app, "v1")
    first = signed_bundle(KEY, subject=app.digest)
    await home.attach("alice", first)
    await distrust(home, first)
    await home.work()
    assert await condition(home, app) == "distrusted"
    return app


def test_evidence_for_a_distrusted_subject_is_503_and_nothing_stored_while_the_engine_is_unavailable(
    tmp_path: Path,
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await distrusted(home)
        signature = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        engine.script = answers(lambda active: unavailable())
        before = await home.events()
        assert isinstance(await home.attach("alice", signature), Unreachable)
        assert await home.view(signature.digest) is None
        assert await home.tag(str(signature.tag)) is None
        assert await home.events() == before
        assert await condition(home, app) == "distrusted"
        engine.script = answers(allowed)
        assert isinstance(await home.attach("alice", signature), Admitted)
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_evidence_for_a_distrusted_subject_is_kept_and_changes_no_state_while_the_policy_is_broken(
    tmp_path: Path,
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await distrusted(home)
        signature = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        engine.script = answers(broken)
        outcome = await home.attach("alice", signature)
        assert isinstance(outcome, Admitted), "201"
        assert warned(outcome) == {"POLICY_ERROR"}, "with a Warning"
        assert await home.view(signature.digest) is not None
        assert not await home.visible(signature.digest), "its subject is hidden"
        assert await condition(home, app) == "distrusted"
        assert await home.target("v1") is None
        engine.script = answers(allowed)
        assert isinstance(await reevaluate(home, app), Admitted)
        assert await home.target("v1") == app.digest
        assert await home.visible(signature.digest)

    play(tmp_path, story)


@pytest.mark.parametrize("answer", [broken, lambda active: unavailable()], ids=["broken", "unavailable"])
def test_a_re_evaluation_without_an_answer_leaves_what_is_distrusted_as_it_is(
    tmp_path: Path, answer: Callable[[PolicyRevision], PolicyOutcome]
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = await distrusted(home)
        await home.attach("alice", signed_bundle(OTHER_KEY, subject=app.digest))
        await home.trust(trust_files(OTHER_KEY))
        engine.script = answers(answer)
        assert isinstance(await reevaluate(home, app), PolicyErred | Unreachable)
        assert await condition(home, app) == "distrusted"

    play(tmp_path, story)


def test_the_documentation_says_that_a_rule_that_reads_the_tag_protects_no_pull_by_digest() -> None:
    said = " ".join((ROOT / "docs" / "policy.md").read_text(encoding="utf-8").split())
    assert "A rule about a tag does not protect a pull by digest" in said


def test_a_manifest_whose_tag_is_denied_is_pulled_by_digest_all_the_same(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        engine.script = lambda document, active: allowed(active) if document["tag"] is None else denied(active, "NO")
        assert isinstance(await home.push("alice", app), Admitted)
        assert codes(await home.put("alice", app, "prod")) == {"NO"}
        assert await home.tag("prod") is None
        assert await home.visible(app.digest)

    play(tmp_path, story)


# -- DESIGN 3: states


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_evidence_policy_or_re_evaluation_lifts_a_tombstone(tmp_path: Path, when: str) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        if when == "after":
            await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await home.gate.revoke(REPOSITORY, Digest.parse(app.digest), principal=OPERATOR, reason="bad")
        await home.attach("alice", signed_classic(KEY, subject=app.digest, reference=REFERENCE))
        assert codes(await reevaluate(home, app)) == {"REVOKED"}
        await home.trust({"policy.yaml": b'images: [{glob: "**"}]\nauthorities: [{static: {action: pass}}]\n'})
        await home.rules({"registry": {"config": {"rules": {code: {"level": "off"} for code in RULES}}}})
        await home.work()
        assert home.failures == []
        assert codes(await reevaluate(home, app)) == {"REVOKED"}
        assert await condition(home, app) == "revoked"
        assert await home.target("v1") is None

    play(tmp_path, story)


def test_the_blobs_of_a_revoked_child_are_visible_only_through_other_admitted_manifests(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        child = image("child")
        many = index(child, image("arm64", architecture="arm64"))
        await home.push("alice", many, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        config, layer = (Digest.parse(blob.digest) for blob in child.blobs)

        async def seen() -> list[bool]:
            views = [await home.blobs.blob(REPOSITORY, blob, now=home.now) for blob in (config, layer)]
            return [view is not None and view.visible for view in views]

        assert await seen() == [True, True]
        await home.gate.revoke(REPOSITORY, Digest.parse(child.digest), principal=OPERATOR, reason="bad")
        assert await home.visible(many.digest)
        assert await seen() == [False, False]
        twin = dataclasses.replace(child, manifest=dataclasses.replace(child.manifest, content=_spaced(child)))
        await home.attach("alice", signed_bundle(KEY, subject=twin.digest))
        assert isinstance(await home.put("alice", twin, "twin"), Admitted)
        assert await seen() == [True, True]

    play(tmp_path, story)


def _spaced(artifact: Artifact) -> bytes:
    """Return the same manifest in one byte more: another digest over the same blobs."""
    content = artifact.manifest.content
    return content[:-1] + b" " + content[-1:]


@pytest.mark.parametrize("mode", [Mode.HOLD, Mode.STRICT], ids=str)
@pytest.mark.parametrize("made", [cache_image, cache_index], ids=["image", "index"])
def test_a_cache_is_held_with_its_tag_in_every_mode_and_no_policy_is_asked(
    tmp_path: Path, mode: Mode, made: Callable[[str], Artifact]
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        cache = made("c")
        assert codes(await home.push("alice", cache, "cache")) == {"BUILD_CACHE"}
        assert await pending(home, "cache") == cache.digest
        await home.attach("alice", signed_bundle(KEY, subject=cache.digest))
        assert isinstance(await home.put("alice", cache, "cache"), Held)
        await reevaluate(home, cache)
        await home.work()
        assert await condition(home, cache) == "held"
        assert await home.target("cache") is None
        assert engine.asked == []

    play(tmp_path, story, mode=mode)


def test_the_rules_for_images_say_nothing_of_an_attestation_child(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        owner: JsonObject = {"key": "owner", "in": "either", "value": "*"}
        rules: JsonObject = {"CFG001": {"level": "enforce"}, "ANN001": {"required": [owner]}}
        await home.rules({"registry": {"config": {"rules": rules}}})
        child = attestation_child(image("one"))
        assert codes(await home.push("alice", child)) <= {"SIGNATURE_MISSING", "SIG001"}, "it comes before its index"
        assert codes(await home.push("alice", image("root", user=""))) == {"CFG001", "ANN001"}

    with house(tmp_path) as home:
        run(story(home))


def test_making_a_mode_looser_is_a_policy_change_with_reason_and_audit_and_leaves_the_judging_to_the_workers(
    tmp_path: Path,
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        assert isinstance(await home.push("alice", app), Held)
        await home.work()
        engine.asked.clear()
        before = (await home.standing(home.people["alice"])).project
        await home.projects.set_project(
            PROJECT,
            mode=Mode.HOLD,
            visibility=None,
            writers_read_held=None,
            by=OPERATOR,
            reason="people sign second",
            now=home.now,
        )
        after = (await home.standing(home.people["alice"])).project
        assert (after.mode, after.policy_revision) == (Mode.HOLD, before.policy_revision + 1)
        said = (await events(home, "project.changed"))[-1]
        assert said == {"changed": {"mode": ["strict", "hold"]}, "reason": "people sign second"}
        assert engine.asked == [], "the command judged nothing"
        await home.work()
        assert home.failures == []
        trigger: Any = engine.asked[0]["trigger"]
        assert trigger["kind"] == "policy"

    play(tmp_path, story, mode=Mode.STRICT)


# -- DESIGN 3: pending tags


def test_promotion_checks_immutability_again_and_drops_a_tag_that_became_immutable(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        old, new = image("old"), image("new")
        await home.attach("alice", signed_bundle(KEY, subject=old.digest))
        assert isinstance(await home.push("alice", old, "v1"), Admitted)
        assert isinstance(await home.push("alice", new, "v1", "fresh"), Held)
        await home.level("TAG001", "enforce", immutable_tags=["*"])
        assert isinstance(await home.attach("alice", signed_bundle(KEY, subject=new.digest)), Admitted)
        assert await home.visible(new.digest), "it stops the manifest as little"
        assert await home.target("v1") == old.digest
        assert await pending(home, "v1") is None
        assert await home.target("fresh") == new.digest, "nor the others: it was nowhere yet"
        (dropped,) = await events(home, "tag.dropped")
        assert (dropped["tag"], [reason["code"] for reason in dropped["reasons"]]) == ("v1", ["TAG001"])

    with house(tmp_path) as home:
        run(story(home))


class Between:
    """The house's store; before the first commit, something else happens."""

    def __init__(self, home: House, happens: Callable[[], Awaitable[object]]) -> None:
        self._inner, self._happens = home.store, happens
        self.commits: list[bool] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        """Commit, after what happens."""
        if not self.commits:
            await self._happens()
        self.commits.append(await self._inner.commit(expected, effects, repository=repository, now=now))
        return self.commits[-1]


def test_a_tag_that_moved_while_its_promotion_was_decided_stays_where_it_moved(tmp_path: Path) -> None:
    async def story(home: House) -> None:
        await home.level("TAG001", "enforce", immutable_tags=["v*"])
        late, other = image("late"), image("other")
        await home.attach("alice", signed_bundle(KEY, subject=other.digest))
        await home.push("alice", late, "v1")
        await home.upload(other)
        signature = signed_bundle(KEY, subject=late.digest)
        for content in signature.blobs.values():
            await home.blob(content)
        inner = home.gate

        async def moves() -> None:
            home.gate = inner
            assert isinstance(await home.put("alice", other, "v1"), Admitted)

        between = Between(home, moves)
        home.gate = Gate(dataclasses.replace(inner.tools, store=between))  # type: ignore[arg-type]  # the rest by __getattr__
        assert isinstance(await home.attach("alice", signature), Admitted)
        assert between.commits == [False, True], "what was decided before the move was not written"
        assert await home.visible(late.digest)
        assert await home.target("v1") == other.digest
        assert await events(home, "tag.promoted") == []

    with house(tmp_path) as home:
        run(story(home))


# -- DESIGN 3: indexes


def test_only_a_judged_edge_carries(tmp_path: Path) -> None:
    judged, other = catalog.image(b"judged"), catalog.image(b"other")
    root = catalog.index(judged.digest, other.digest)
    with catalog.catalog(tmp_path) as acme:
        acme.push(judged)
        acme.push(other)
        acme.push(root, catalog.admit(root, edges=[(judged, [])]))
        assert acme.view(judged).condition is Condition.CARRIED
        assert (acme.view(other).condition, acme.view(other).visible) == (Condition.HELD, False)
        seen = [acme.blob(content) for content in (b"judged", b"other")]
        assert [view and view.visible for view in seen] == [True, False]
        acme.commit(catalog.admit(other), about=other)
        assert acme.view(other).condition is Condition.ADMITTED, "by its own admission"


def test_an_index_carries_within_its_repository_and_not_in_another(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        elsewhere = RepositoryName.parse("team/other")
        many = index(image("amd64"), image("arm64", architecture="arm64"))
        for child in many.children:
            await home.push("alice", child, repository=elsewhere)
        await home.push("alice", many, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        for child in many.children:
            assert await home.visible(child.digest)
            assert not await home.visible(child.digest, elsewhere)

    play(tmp_path, story)


def test_the_admission_of_an_index_records_every_judged_descendant_with_the_path_between(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        leaf, arm = image("leaf"), image("arm64", architecture="arm64")
        middle = _over(leaf)
        root = _over(middle, arm)
        await home.attach("alice", signed_bundle(KEY, subject=root.digest))
        found: list[JudgedEdge] = []

        class Watched(Between):
            async def commit(self, expected, effects, **rest):  # type: ignore[no-untyped-def]  # only looked at
                found.extend(edge for effect in effects for edge in getattr(effect, "edges", ()))
                return await self._inner.commit(expected, effects, **rest)

        async def nothing() -> None:
            return None

        store = Watched(home, nothing)
        home.gate = Gate(dataclasses.replace(home.gate.tools, store=store))  # type: ignore[arg-type]  # the rest by __getattr__
        assert isinstance(await home.push("alice", root, "v1"), Admitted)
        assert {(str(edge.child), tuple(map(str, edge.path))) for edge in found} == {
            (middle.digest, ()),
            (arm.digest, ()),
            (leaf.digest, (middle.digest,)),
        }

    play(tmp_path, story)


def _over(*children: Artifact) -> Artifact:
    """Return an index over these, indexes among them."""
    made = index(image("in its place"))
    content = oci.encode(
        {
            "schemaVersion": 2,
            "mediaType": made.manifest.media_type,
            "manifests": [child.manifest.descriptor() for child in children],
        }
    )
    return dataclasses.replace(
        made, manifest=dataclasses.replace(made.manifest, content=content), blobs=(), children=children
    )


def test_each_config_of_an_index_is_an_input_of_its_decision(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        children = [image("amd64", user="1"), image("arm64", architecture="arm64", user="2")]
        many = index(*children)
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        for child in children:
            await home.push("alice", child)
        engine.asked.clear()
        assert isinstance(await home.put("alice", many, "v1"), Admitted)
        for document in engine.asked:
            subjects: Any = document["subjects"]
            assert [subject["digest"] for subject in subjects] == [many.digest, *(child.digest for child in children)]
            assert [subject["config"] and subject["config"]["user"] for subject in subjects] == [None, "1", "2"]

    play(tmp_path, story)


def test_a_rule_that_holds_a_child_holds_the_index(tmp_path: Path) -> None:
    def second_waits(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
        subjects: Any = document["subjects"]
        waits = any(subject["config"] is not None and subject["config"]["user"] == "2" for subject in subjects)
        return held(active, "CHILD_WAITS") if waits else allowed(active)

    async def story(home: House, engine: ScriptedEngine) -> None:
        engine.script = second_waits
        good, waits = image("amd64", user="1"), image("arm64", architecture="arm64", user="2")
        many = index(good, waits)
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        assert codes(await home.push("alice", many, "v1")) == {"CHILD_WAITS"}
        assert not await home.visible(many.digest)
        assert not await home.visible(good.digest), "it carries nobody meanwhile"
        engine.script = answers(allowed)
        await reevaluate(home, many)
        assert await home.target("v1") == many.digest

    play(tmp_path, story)


# -- DESIGN 3: what waits, and what is kept


def test_held_bytes_are_ten_gibibytes_by_default_and_a_refusal_names_the_command_that_lists_them(
    tmp_path: Path,
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        (project,) = await home.projects.projects()
        assert project.held_bytes_limit == 10 * 1024**3
        await limit_held_bytes(home, 1)
        await home.push("alice", image("one"), "v1")
        refused = await home.push("alice", image("two"), "v2")
        assert isinstance(refused, Refused)
        (reason,) = refused.reasons
        assert reason.code == "HELD_QUOTA"
        assert f"`registry-gateway image held {PROJECT}`" in reason.message

    play(tmp_path, story)


def test_a_held_manifest_judged_denied_stays_held_until_it_expires(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        began = home.now
        engine.script = lambda document, active: denied(active, "NOW_DENIED")
        assert codes(await reevaluate(home, app)) == {"NOW_DENIED"}
        view = await home.view(app.digest)
        assert view is not None
        assert (view.condition.value, view.expires) == ("held", began + WEEK)
        assert await pending(home, "v1") == app.digest
        for left in (DAY, 1):
            home.now = began + WEEK - left
            await home.expiry.due((0, 0))
            assert await home.view(app.digest) is not None
        home.now = began + WEEK
        await home.expiry.due((0, 0))
        assert await home.view(app.digest) is None

    play(tmp_path, story)


def test_nothing_becomes_visible_by_the_clock_alone(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        shown, waits, gone = image("shown"), image("waits"), image("gone")
        for number, app in enumerate((shown, waits, gone)):
            await home.push("alice", app, f"tag-{number}")
        await home.attach("alice", signed_bundle(KEY, subject=shown.digest))
        await home.attach("alice", signed_bundle(OTHER_KEY, subject=waits.digest))
        await home.gate.revoke(REPOSITORY, Digest.parse(gone.digest), principal=OPERATOR, reason="bad")
        hidden = await distrusted(home)
        every = [shown, waits, gone, hidden]
        before = [await home.visible(app.digest) for app in every]
        assert before == [True, False, False, False]
        for seconds in (0, 1, 3600, WEEK - 1, WEEK, 100 * WEEK):
            home.now += seconds
            assert [await home.visible(app.digest) for app in every] == before

    play(tmp_path, story)


def test_the_blobs_of_pinned_evidence_cannot_be_deleted(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app, signature = image("one"), signed_bundle(KEY, subject=image("one").digest)
        await home.push("alice", app, "v1")
        await home.attach("alice", signature)
        for blob in signature.blobs:
            with pytest.raises(BlobReferenced):
                await home.blobs.unlink(REPOSITORY, Digest.parse(blob), principal=OPERATOR, now=home.now)
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_evidence_an_admission_relied_on_is_only_added_to(tmp_path: Path) -> None:
    """A PUT under its tag that has less is refused; one that has more leaves what was there where it is, by its digest."""

    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        relied = signed_classic(KEY, subject=app.digest, reference=REFERENCE)
        await home.attach("alice", relied)
        less = signed_classic(OTHER_KEY, subject=app.digest, reference=REFERENCE)
        assert codes(await home.attach("alice", less)) == {"EVIDENCE_STRIPPED"}
        more = signed_classic(KEY, OTHER_KEY, subject=app.digest, reference=REFERENCE)
        assert isinstance(await home.attach("alice", more), Admitted)
        view = await home.view(relied.digest)
        assert view is not None
        assert (view.cls, view.visible, view.expires) == (ManifestClass.EVIDENCE, True, None)
        await home.person("carol", Role.MAINTAINER)
        with pytest.raises(Denied):
            await home.gate.delete_manifest(await home.grant("carol"), Digest.parse(relied.digest))

    play(tmp_path, story)


def test_what_is_kept_of_a_subjects_evidence_is_the_number_of_the_design(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        settings = home.gate.tools.settings
        assert (settings.max_unverified_evidence_of_one, settings.max_unverified_evidence) == (50, 200)
        assert (MAX_UNVERIFIED, MAX_VERIFIED) == (200, 10_000)
        assert settings.max_tags == 10

    play(tmp_path, story)


# -- DESIGN 3: answers

AGENTS: Final = (
    "",
    "docker/28.0.0 go/go1.23 kernel/6.1 os/linux arch/amd64 UpstreamClient(Docker-Client/28.0.0 \\(linux\\))",
    "containerd/2.0.0",
    "cosign/v3.0.0 (linux; amd64)",
    "notation/1.3.0",
    "harbor-registry-client",
    "harbor-scanner-trivy",
    "registry-gateway",
    "kube-probe/1.31",
)


@pytest.mark.parametrize("who", [None, "reader", "writer", "scanner", "outsider"])
def test_it_is_never_decided_on_the_user_agent(who: str | None) -> None:
    """Harbor let one name of a client past its check of signatures."""
    made = api.house()
    body, waiting = oci.encode(oci.image()), oci.encode(oci.image(annotations={"a": "waits"}))
    made.registry.put(body, tag="v1")
    made.registry.put(waiting, tag="waits", condition=Condition.HELD, pending=True, requester="u:writer")
    blob = made.add_blob(b"held layer", visible=False)
    token = None if who is None else made.all_of(who)
    sent = [("content-type", media_types.OCI_MANIFEST)]
    reads = ("manifests/v1", "manifests/waits", f"manifests/{Digest.of(waiting)}", f"blobs/{blob}", "tags/list")
    asked = [(method, f"/v2/team/app/{what}", b"") for method in ("GET", "HEAD") for what in reads]
    asked += [("GET", path, b"") for path in ("/v2/", "/v2/_catalog", f"/v2/team/app/referrers/{Digest.of(body)}")]
    asked += [("PUT", "/v2/team/app/manifests/v1", body), ("DELETE", "/v2/team/app/manifests/absent", b"")]
    for method, target, content in asked:
        plain = made.client.send(method, target, body=content, token=token, headers=sent if content else [])
        for agent in AGENTS:
            headers = [*(sent if content else []), ("user-agent", agent)]
            told = made.client.send(method, target, body=content, token=token, headers=headers)
            assert (told.status, told.headers, told.body) == (plain.status, plain.headers, plain.body), (target, agent)
