"""What waits is announced, then removed as by DELETE, unless something came in between."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from gateway.access.values import Role
from gateway.admission.expiry import NOTICE_SECONDS, PAGE, Expiry, Fate, fate, notice_seconds
from gateway.admission.values import Admitted, Held
from gateway.admission.worker import EXPIRE_SECONDS, STRAYS_SECONDS
from gateway.catalog.sqlite.clocks import SqliteClocks
from gateway.catalog.values import EventRow, ManifestClass
from gateway.catalog.world import ClockFacts, World, WorldKey
from gateway.errors import Unavailable
from gateway.oci.digest import Digest
from gateway.oci.names import Tag
from tests.support.admission import KEY, NOW, OPERATOR, OTHER_KEY, REPOSITORY, House
from tests.support.admission_stories import distrust, limit_held_bytes, over, play
from tests.support.evidence import signed_bundle, signed_classic, trust_files
from tests.support.images import image, index
from tests.support.scripted_engine import ScriptedEngine

WEEK: Final = 7 * 24 * 3600
DAY: Final = 24 * 3600
HOST_NAME: Final = "registry.example.test/team/app"


async def look(home: House) -> None:
    """Look at every clock once, and at everything without one."""
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        after = await home.expiry.due(after)
    row: int | None = 0
    while row is not None:
        row = await home.expiry.strays(row)


async def pass_time(home: House, seconds: int) -> None:
    """Let time pass, with a look at each hour's end as background work has it."""
    while seconds > 0:
        home.now += min(seconds, 3600)
        seconds -= 3600
        await look(home)


async def told(home: House, kind: str) -> Sequence[EventRow]:
    return [row for row in await home.audit.events(after=0, limit=10_000) if row.kind == kind]


def clock(
    expires: int | None, *, announced: bool = True, carried: bool = False, verified: bool = False, subject: bool = False
) -> ClockFacts:
    return ClockFacts(expires, announced, carried, verified, subject, ())


@pytest.mark.parametrize(
    ("cls", "admitted", "found", "expected"),
    [
        pytest.param("image", False, clock(NOW), Fate.REMOVED, id="at-its-end"),
        pytest.param("image", False, clock(NOW + 1), Fate.STAYS, id="a-second-before"),
        pytest.param("image", False, clock(NOW + DAY, announced=False), Fate.ANNOUNCED, id="a-day-before"),
        pytest.param("image", False, clock(NOW + DAY + 1, announced=False), Fate.STAYS, id="a-second-earlier"),
        pytest.param("image", False, clock(NOW - WEEK, announced=False), Fate.ANNOUNCED, id="never-unannounced"),
        pytest.param("image", False, clock(NOW, carried=True), Fate.RECOUNTED, id="carried"),
        pytest.param("image", False, clock(None, carried=True), Fate.STAYS, id="carried-without-a-clock"),
        pytest.param("image", False, clock(None), Fate.RECOUNTED, id="carried-no-more"),
        pytest.param("image", True, clock(NOW), Fate.STAYS, id="admitted"),
        pytest.param("image", True, clock(None), Fate.STAYS, id="admitted-or-distrusted"),
        pytest.param("cache", False, clock(NOW), Fate.REMOVED, id="cache"),
        pytest.param("fallback", False, clock(None), Fate.STAYS, id="fallback"),
        pytest.param("evidence", False, clock(NOW), Fate.REMOVED, id="junk-without-a-subject"),
        pytest.param("evidence", False, clock(NOW, subject=True), Fate.REMOVED, id="junk"),
        pytest.param("evidence", False, clock(NOW, verified=True), Fate.REMOVED, id="signature-of-nothing"),
        pytest.param("evidence", False, clock(NOW, verified=True, subject=True), Fate.RECOUNTED, id="subject-came"),
        pytest.param("evidence", False, clock(None, verified=True, subject=True), Fate.STAYS, id="signature"),
    ],
)
def test_what_becomes_of_it(cls: str, admitted: bool, found: ClockFacts, expected: Fate) -> None:
    assert fate(ManifestClass(cls), found, admitted=admitted, notice=DAY, now=NOW) is expected


@pytest.mark.parametrize(
    ("held", "notice"),
    [pytest.param(WEEK, NOTICE_SECONDS, id="a-week"), pytest.param(3600, 900, id="an-hour"), (60, 15)],
)
def test_a_short_time_is_announced_in_its_last_quarter(held: int, notice: int) -> None:
    assert notice_seconds(held) == notice


def test_what_is_held_is_announced_once_a_day_before_and_removed_at_its_end(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await pass_time(home, WEEK - DAY - 3600)
        assert await told(home, "manifest.expiring") == []
        await pass_time(home, DAY)
        (announced,) = await told(home, "manifest.expiring")
        assert (announced.digest, announced.data["expires"], announced.data["tags"]) == (app.digest, NOW + WEEK, ["v1"])
        assert await home.view(app.digest) is not None
        assert await told(home, "manifest.expired") == []
        await pass_time(home, 3600)
        assert home.now == NOW + WEEK
        (expired,) = await told(home, "manifest.expired")
        assert (expired.digest, expired.principal_id, expired.data["tags"]) == (app.digest, "system", ["v1"])
        assert expired.data["pushed_by"] == "u:alice"
        assert await home.view(app.digest) is None
        assert await home.tag("v1") is None
        assert await home.held_bytes() == 0
        assert len(await told(home, "manifest.expiring")) == 1
        assert home.failures == []
        assert isinstance(await home.push("alice", app, "v1"), Held), "it may come back"

    play(tmp_path, story)


def test_nothing_is_removed_unannounced_after_the_gateway_was_down(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        home.now += WEEK + 5 * DAY
        await look(home)
        (announced,) = await told(home, "manifest.expiring")
        assert announced.data["expires"] == home.now + DAY
        view = await home.view(app.digest)
        assert view is not None
        assert view.expires == home.now + DAY
        home.now += DAY
        await look(home)
        assert await home.view(app.digest) is None

    play(tmp_path, story)


def test_a_tag_that_points_elsewhere_stays_when_what_waited_for_it_expires(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        good, late = image("good"), image("late")
        await home.push("alice", good, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=good.digest))
        await home.push("alice", late, "v1")
        await pass_time(home, WEEK)
        assert await home.view(late.digest) is None
        assert await home.target("v1") == good.digest
        tag = await home.tag("v1")
        assert tag is not None
        assert tag.pending is None

    play(tmp_path, story)


def test_what_was_admitted_meanwhile_stays(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await pass_time(home, WEEK - 3600)
        await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        await pass_time(home, 3 * WEEK)
        assert await home.target("v1") == app.digest
        assert await told(home, "manifest.expired") == []

    play(tmp_path, story)


def test_a_new_put_of_what_is_held_renews_its_clock_and_is_announced_anew(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await pass_time(home, WEEK - 3600)
        await home.put("alice", app, "v1")
        again = home.now
        await pass_time(home, WEEK - 3600)
        assert [row.data["expires"] for row in await told(home, "manifest.expiring")] == [NOW + WEEK, again + WEEK]
        assert await home.view(app.digest) is not None
        await pass_time(home, 3600)
        assert await home.view(app.digest) is None

    play(tmp_path, story)


def test_what_a_waiting_index_names_waits_as_long_as_the_index(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        child = image("child")
        many = index(child)
        await home.push("alice", child)
        await pass_time(home, 3 * DAY)
        await home.put("alice", many, "v1")
        for artifact in (child, many):
            view = await home.view(artifact.digest)
            assert view is not None
            assert view.expires == home.now + WEEK
        await pass_time(home, 6 * DAY)
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        await pass_time(home, 3 * WEEK)
        assert await home.target("v1") == many.digest
        assert await home.visible(child.digest)

    play(tmp_path, story)


def test_a_carried_manifest_does_not_expire_and_has_a_whole_period_when_its_last_parent_is_deleted(
    tmp_path: Path,
) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("bob", Role.MAINTAINER)
        child = image("child")
        many = index(child)
        await home.push("alice", many, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        await pass_time(home, 2 * WEEK)
        assert await home.visible(child.digest)
        assert await told(home, "manifest.expiring") == []
        await home.gate.delete_manifest(await home.grant("bob"), Digest.parse(many.digest))
        await pass_time(home, WEEK - 3600)
        assert await home.view(child.digest) is not None
        await pass_time(home, 3600)
        assert await home.view(child.digest) is None

    play(tmp_path, story)


def test_a_carried_manifest_has_a_whole_period_when_its_last_parent_is_revoked(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        child = image("child")
        many = index(child)
        await home.push("alice", many, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        await pass_time(home, 2 * WEEK)
        await home.gate.revoke(REPOSITORY, Digest.parse(many.digest), principal=OPERATOR, reason="found bad")
        await pass_time(home, WEEK - 3600)
        assert await home.view(child.digest) is not None
        await pass_time(home, 3600)
        assert await home.view(child.digest) is None

    play(tmp_path, story)


@pytest.mark.parametrize("how", ["evidence-deleted", "key-distrusted"])
def test_a_carried_manifest_has_a_whole_period_when_its_last_parent_is_distrusted(how: str, tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        child = image("child")
        many = index(child)
        signature = signed_bundle(KEY, subject=many.digest)
        await home.push("alice", many, "v1")
        await home.attach("alice", signature)
        await pass_time(home, 2 * WEEK)
        if how == "evidence-deleted":
            await distrust(home, signature)
        else:
            await home.database.write(
                lambda connection: connection.execute("INSERT INTO distrust SELECT id, 0, 'os:test', 0 FROM signer")
            )
            before = await home.held_bytes()
            await look(home)
            assert await home.held_bytes() > before, "what waits counts again"
        view = await home.view(child.digest)
        assert view is not None
        assert view.expires == home.now + WEEK
        await pass_time(home, WEEK - 3600)
        assert await home.view(child.digest) is not None
        await pass_time(home, 3600)
        assert await home.view(child.digest) is None
        assert await home.view(many.digest) is not None, "what was admitted does not expire"

    play(tmp_path, story)


def test_a_clock_that_runs_on_something_carried_is_ended_and_removes_nothing(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        child = image("child")
        many = index(child)
        await home.push("alice", many, "v1")
        await home.attach("alice", signed_bundle(KEY, subject=many.digest))
        await home.database.write(
            lambda connection: connection.execute("UPDATE manifest SET expires = 1, announced = 1 WHERE state = 0")
        )
        await look(home)
        view = await home.view(child.digest)
        assert view is not None
        assert (view.visible, view.expires) == (True, None)
        assert await told(home, "manifest.expired") == []

    play(tmp_path, story)


def test_a_tombstone_survives_what_it_is_over(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.gate.revoke(REPOSITORY, Digest.parse(app.digest), principal=OPERATOR, reason="found bad")
        await pass_time(home, WEEK)
        assert await home.view(app.digest) is None
        assert "REVOKED" in {reason.code for reason in (await home.push("alice", app, "v2")).reasons}  # type: ignore[union-attr]

    play(tmp_path, story)


@pytest.mark.parametrize("orphan", [True, False], ids=["orphan", "of-a-subject"])
def test_evidence_that_nobody_trusted_has_signed_expires(orphan: bool, tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        if not orphan:
            await home.push("alice", app, "v1")
            await home.attach("alice", signed_bundle(KEY, subject=app.digest))
        junk = signed_classic(OTHER_KEY, subject=app.digest, reference=HOST_NAME)
        await home.attach("alice", junk)
        await pass_time(home, WEEK)
        assert await home.view(junk.digest) is None
        (expired,) = await told(home, "manifest.expired")
        assert expired.data["class"] == "evidence"
        assert (expired.data["subject"], expired.data["tags"]) == (app.digest, [junk.tag])
        assert await home.held_bytes() == 0

    play(tmp_path, story)


def test_verified_evidence_of_a_subject_that_never_comes_expires(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        signature = signed_bundle(KEY, subject=app.digest)
        assert isinstance(await home.attach("alice", signature), Admitted)
        await home.attach("alice", signature)
        await pass_time(home, WEEK - 3600)
        assert await home.view(signature.digest) is not None
        await pass_time(home, 3600)
        assert await home.view(signature.digest) is None

    play(tmp_path, story)


def test_verified_evidence_of_a_subject_that_is_here_never_expires(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.attach("alice", signature)
        await home.push("alice", app, "v1")
        await home.attach("alice", signature)
        await pass_time(home, 3 * WEEK)
        view = await home.view(signature.digest)
        assert view is not None
        assert view.expires is None
        assert await home.target("v1") == app.digest

    play(tmp_path, story)


def test_verified_evidence_has_a_whole_period_when_its_subject_is_deleted(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.person("bob", Role.MAINTAINER)
        app = image("one")
        signature = signed_bundle(KEY, subject=app.digest)
        await home.push("alice", app, "v1")
        await home.attach("alice", signature)
        await pass_time(home, 2 * WEEK)
        await home.gate.delete_manifest(await home.grant("bob"), Digest.parse(app.digest))
        await pass_time(home, WEEK - 3600)
        assert await home.view(signature.digest) is not None
        await pass_time(home, 3600)
        assert await home.view(signature.digest) is None

    play(tmp_path, story)


def test_what_is_verified_for_the_first_time_by_a_new_key_has_no_clock_any_more(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        signature = signed_bundle(OTHER_KEY, subject=app.digest)
        await home.push("alice", app, "v1")
        await home.attach("alice", signature)
        await home.trust(trust_files(KEY, OTHER_KEY))
        await home.work()
        await pass_time(home, 3 * WEEK)
        assert await home.target("v1") == app.digest
        assert await home.view(signature.digest) is not None

    play(tmp_path, story)


def test_what_changes_between_the_look_and_the_commit_wins(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await pass_time(home, WEEK - 3600)
        home.now += 3600

        class PutBetween:
            """The house's store; before the first commit, somebody puts the manifest again."""

            done = False

            def __getattr__(self, name: str) -> object:
                return getattr(home.store, name)

            async def commit(
                self, expected: Sequence[tuple[WorldKey, World]], effects: Sequence[object], **rest: object
            ) -> bool:
                if not self.done:
                    self.done = True
                    await home.put("alice", app, "v1")
                return await home.store.commit(expected, effects, **rest)  # type: ignore[arg-type]  # passed on

        gate = over(home)
        between = PutBetween()
        object.__setattr__(gate.tools, "store", between)
        expiry = Expiry(tools=gate.tools, clocks=SqliteClocks(database=home.database), failed=lambda what, error: None)
        assert home.gate.tools.store is not gate.tools.store
        await expiry.due((0, 0))
        assert between.done
        view = await home.view(app.digest)
        assert view is not None
        assert view.expires == home.now + WEEK
        assert await told(home, "manifest.expired") == []

    play(tmp_path, story)


def test_one_that_cannot_be_looked_at_keeps_no_other_waiting(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        first, second = image("one"), image("two")
        await home.push("alice", first)
        await home.push("alice", second)
        await pass_time(home, WEEK - 3600)
        home.now += 3600

        class Refuses:
            """The house's store, which cannot read one manifest."""

            def __getattr__(self, name: str) -> object:
                return getattr(home.store, name)

            async def read_world(self, key: WorldKey, *, now: int) -> World | None:
                if str(key.digest) == first.digest:
                    raise Unavailable("busy")
                return await home.store.read_world(key, now=now)

        gate = over(home)
        object.__setattr__(gate.tools, "store", Refuses())
        failed: list[str] = []
        expiry = Expiry(
            tools=gate.tools,
            clocks=SqliteClocks(database=home.database),
            failed=lambda what, error: failed.append(what),
        )
        await expiry.due((0, 0))
        assert failed == [f"expiry of team/app@{first.digest}"]
        assert await home.view(first.digest) is not None
        assert await home.view(second.digest) is None

    play(tmp_path, story)


@pytest.mark.parametrize("what", ["loses", "gone"])
def test_a_race_that_is_lost_each_time_removes_nothing(what: str, tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app)
        await pass_time(home, WEEK - 3600)
        home.now += 3600
        gate = over(home, loses=what == "loses", gone=what == "gone")
        clocks = SqliteClocks(database=home.database)
        await Expiry(tools=gate.tools, clocks=clocks, failed=lambda what, error: None).due((0, 0))
        assert await home.view(app.digest) is not None

    play(tmp_path, story)


def test_everything_is_looked_at_page_by_page_by_the_worker(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.work()
        many = [image(f"image-{number}") for number in range(PAGE + 5)]
        for artifact in many:
            await home.put("alice", artifact)
        await limit_held_bytes(home, 10**12)
        await home.worker.keep_looking()
        await home.work()
        assert await told(home, "manifest.expiring") == [], "not due yet"
        home.now += WEEK - DAY
        await home.work()
        assert len(await told(home, "manifest.expiring")) == len(many)
        home.now += DAY
        await home.work()
        assert len(await told(home, "manifest.expired")) == len(many)
        assert home.failures == []
        left = home.database.read(
            lambda connection: connection.execute("SELECT kind, key, due FROM work ORDER BY kind").fetchall()
        )
        assert [tuple(row) for row in left] == [
            ("expire", "", home.now + EXPIRE_SECONDS),
            ("strays", "", home.now + STRAYS_SECONDS),
        ]
        await home.worker.keep_looking()
        assert home.database.read(lambda connection: connection.execute("SELECT count(*) FROM work").fetchone()) == (2,)

    play(tmp_path, story)


def test_the_tag_of_a_signature_that_expired_can_be_pushed_again(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.attach("alice", signed_classic(OTHER_KEY, subject=app.digest, reference=HOST_NAME))
        await pass_time(home, WEEK)
        good = signed_classic(KEY, subject=app.digest, reference=HOST_NAME)
        assert good.tag is not None
        assert isinstance(await home.attach("alice", good), Admitted)
        tag = await home.manifests.by_tag(REPOSITORY, Tag(good.tag), now=home.now, with_body=False)
        assert tag is not None
        assert tag.target is not None
        assert str(tag.target.digest) == good.digest
        await home.push("alice", app, "v1")
        assert await home.target("v1") == app.digest

    play(tmp_path, story)
