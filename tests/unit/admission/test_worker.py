"""Background work: every item carried out, none that stops the others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.admission.values import Admitted, Held, Outcome, Stored, TriggerKind, Unreachable
from gateway.admission.worker import MAX_PAUSE_SECONDS, PAGE, PAGE_ATTEMPTS, Worker
from gateway.catalog.sqlite.work import SqliteWork
from gateway.catalog.stores import Arrivals
from gateway.errors import ManifestUnknown, Unavailable
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from tests.support.admission import KEY, OTHER_KEY, House
from tests.support.admission_stories import play
from tests.support.evidence import signed_bundle, trust_files
from tests.support.images import image
from tests.support.scripted_engine import ScriptedEngine


class Judge:
    """`Rejudging` whose answers are scripted, by digest."""

    def __init__(self, answers: Mapping[str, Outcome | Exception]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, TriggerKind]] = []

    async def reevaluate(
        self,
        repository: RepositoryName,
        digest: Digest,
        *,
        principal: Principal,
        kind: TriggerKind,
        hides: int | None = None,
    ) -> Outcome:
        self.asked.append((str(digest), kind))
        answer = self.answers.get(str(digest), Unreachable("not scripted"))
        if isinstance(answer, Exception):
            raise answer
        return answer


def worker(home: House, judge: Judge, *, arrivals: Arrivals | None = None) -> Worker:
    return Worker(
        gate=judge,  # type: ignore[arg-type]
        work=SqliteWork(database=home.database),
        stock=home.manifests,
        arrivals=arrivals or home.blobs,
        expiry=home.expiry,
        now=lambda: home.now,
        failed=lambda what, error: home.failures.append(f"{what}: {error}"),
    )


async def left(home: House) -> Sequence[tuple[str, str, int]]:
    rows = home.database.read(
        lambda connection: connection.execute("SELECT kind, key, due FROM work ORDER BY id").fetchall()
    )
    return [tuple(row) for row in rows]


def wait(text: str) -> Held:

    return Held(Stored(Digest.of(text.encode()), (), (), None, None), ())


async def enqueue(home: House, text: str, **data: str) -> str:
    digest = str(Digest.of(text.encode()))
    everything = {"repository": "team/app", "digest": digest, **data}
    await SqliteWork(database=home.database).enqueue("reevaluate", f"team/app@{digest}", everything, due=home.now)
    return digest


def test_an_arrival_is_completed_from_where_the_last_page_ended(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.work()
        asked: list[tuple[str, str, Mapping[str, str], int]] = []

        class Recorder:
            async def complete_waiting(
                self, repository: RepositoryName, digest: Digest, *, data: Mapping[str, str], now: int
            ) -> None:
                asked.append((repository.text, str(digest), data, now))

        one = worker(home, Judge({}), arrivals=Recorder())
        digest = str(Digest.of(b"base"))
        data = {"repository": "team/app", "digest": digest, "brought_by": "u:alice", "after": "41"}
        await SqliteWork(database=home.database).enqueue("arrival", "key", data, due=home.now)
        assert await one.run_once() == 1
        assert asked == [("team/app", digest, data, home.now)]
        assert [row for row in await left(home) if row[0] == "arrival"] == []
        assert home.failures == []

    play(tmp_path, story)


def test_what_fails_is_tried_again_later_and_never_stops_the_others(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.work()
        names = ("gone", "away", "refused", "surprise", "fine")
        gone, away, refused, surprise, fine = [await enqueue(home, name) for name in names]
        judge = Judge(
            {
                gone: ManifestUnknown(gone),
                away: Unreachable("away"),
                refused: Unavailable("busy"),
                surprise: OverflowError("nobody thought of this"),
                fine: wait("fine"),
            }
        )
        it = worker(home, judge)
        assert await it.run_once() == 5
        assert [digest for digest, _ in judge.asked] == [gone, away, refused, surprise, fine]
        assert {key for _, key, _ in await left(home)} == {f"team/app@{each}" for each in (away, refused, surprise)}
        assert all(due > home.now for _, _, due in await left(home))
        assert len(home.failures) == 2
        assert await it.run_once() == 0, "not due yet"
        judge.answers = dict.fromkeys((away, refused, surprise), wait("now"))
        home.now += MAX_PAUSE_SECONDS
        assert await it.run_once() == 3
        assert await left(home) == []

    play(tmp_path, story)


def test_work_that_cannot_be_read_is_told_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.work()
        await SqliteWork(database=home.database).enqueue("unheard-of", "x", {}, due=home.now)
        await enqueue(home, "odd", kind="no-such-trigger")
        fine = await enqueue(home, "fine", kind="missing-part")
        judge = Judge({fine: wait("fine")})
        assert await worker(home, judge).run_once() == 3
        assert judge.asked == [(fine, TriggerKind.MISSING_PART)]
        assert len(home.failures) == 2

    play(tmp_path, story)


def test_everything_is_judged_again_page_by_page_for_the_reason_that_it_is(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.work()
        digests = []
        for number in range(PAGE + 5):
            app = image(f"image-{number}")
            await home.put("alice", app)
            digests.append(app.digest)
        await home.trust(trust_files(OTHER_KEY))
        judge = Judge({digest: wait(digest) for digest in digests})
        it = worker(home, judge)
        while await it.run_once():
            pass
        assert judge.asked == [(digest, TriggerKind.TRUST) for digest in digests]
        assert await left(home) == []

    play(tmp_path, story)


def test_one_image_that_never_answers_keeps_no_other_waiting(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        await home.work()
        stuck, raises, good = image("stuck"), image("raises"), image("good")
        for app in (stuck, raises, good):
            await home.put("alice", app)
        await home.trust(trust_files(OTHER_KEY))
        judge = Judge({good.digest: wait("good"), raises.digest: Unavailable("busy")})
        it = worker(home, judge)
        for _ in range(PAGE_ATTEMPTS):
            assert await it.run_once() == 1
            home.now += MAX_PAUSE_SECONDS
        while await it.run_once():
            pass
        asked = [digest for digest, _ in judge.asked]
        assert asked.count(good.digest) == PAGE_ATTEMPTS
        assert {key for _, key, _ in await left(home)} == {f"team/app@{app.digest}" for app in (stuck, raises)}

    play(tmp_path, story)


def test_a_re_evaluation_by_the_real_gate(tmp_path: Path) -> None:
    async def story(home: House, engine: ScriptedEngine) -> None:
        app = image("one")
        await home.push("alice", app, "v1")
        await home.attach("alice", signed_bundle(OTHER_KEY, subject=app.digest))
        await home.trust(trust_files(KEY, OTHER_KEY))
        await home.work()
        assert home.failures == []
        (record,) = [
            row
            for row in await home.store.decisions(RepositoryName.parse("team/app"), Digest.parse(app.digest), limit=9)
            if row.outcome == "admitted" and row.tag is None
        ]
        assert record.record["trigger"] == {"kind": "trust", "principal": "system"}
        assert isinstance(await home.put("alice", app), Admitted)

    play(tmp_path, story)
