"""What happens besides requests: what was counted is written down, also when the process ends, also when it was late."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway import app
from gateway.catalog.sqlite.database import Database
from gateway.catalog.values import EventRow
from gateway.cli.initial import initialise
from gateway.config.reading import load
from gateway.errors import Internal
from gateway.identity.values import SYSTEM
from gateway.oci.digest import Digest
from gateway.policy.pack import shipped_revision
from gateway.server import running as running_module
from gateway.server.running import Running

DIGEST = Digest.of(b"pulled")


class Beyond(BaseException):
    """What no ``except Exception`` meets."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("running") / "registry"
    initialise(directory, listen="127.0.0.1:5000", public_url=None, tls="off")
    return directory


def not_expected(what: str, error: BaseException | None) -> None:
    pytest.fail(f"{what}: {error}")


def events(folder: Path) -> list[EventRow]:
    async def read() -> list[EventRow]:
        parts = app.compose(load(folder / "gateway.toml", {}))
        try:
            return list(await parts.audit.events(after=0, limit=1_000))
        finally:
            await parts.close()

    return asyncio.run(read())


def test_the_first_event_says_who_made_the_instance(folder: Path) -> None:
    first = events(folder)[0]
    assert (first.kind, first.principal_id.partition(":")[0]) == ("instance.initialised", "os")


def test_what_was_counted_is_written_before_the_process_ends(folder: Path) -> None:
    before = events(folder)[-1].id

    async def story() -> int:
        failures: list[str] = []
        parts = app.compose(load(folder / "gateway.toml", {}))
        running = Running(parts, failed=lambda what, error: failures.append(f"{what}: {error}"), ended=not_expected)
        async with running.lifespan():
            now = app.unix_now()
            for _ in range(3):
                parts.logins.count(principal_id=None, method="password", address="192.0.2.7", succeeded=False, now=now)
            parts.pulls.count(
                principal_id="u:a", repository="a/b", digest=str(DIGEST), address="192.0.2.7", outcome="pulled", now=now
            )
        assert failures == []
        return now

    now = asyncio.run(story())
    (login,) = [event for event in events(folder) if event.id > before]
    assert (login.kind, login.principal_id, login.at) == ("login.failed", "unknown", now)
    assert (login.data["count"], login.data["address"]) == (3, "192.0.2.7")

    async def pulls() -> int:
        parts = app.compose(load(folder / "gateway.toml", {}))
        try:
            return sum(row.count for row in await parts.audit.who_pulled(DIGEST))
        finally:
            await parts.close()

    assert asyncio.run(pulls()) == 1


def test_a_policy_that_was_activated_meanwhile_is_followed_and_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    revision = shipped_revision({"registry": {"config": {"rules": {"SEC001": {"level": "warn"}}}}})
    told: list[str | None] = []

    async def story() -> None:
        parts = app.compose(load(folder / "gateway.toml", {}))
        running = Running(parts, failed=not_expected, ended=not_expected)
        async with running.lifespan():
            told.append(running.policy)
            await parts.revisions.activate(
                "policy", revision.id, revision.to_bytes(), reason="test", by=SYSTEM, now=app.unix_now()
            )
            await running.follow()
            told.append(running.policy)

    asyncio.run(story())
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    followed = [(line["before"], line["revision"]) for line in lines if line["event"] == "policy"]
    assert told[1] == revision.id
    assert followed == [(None, told[0]), (told[0], told[1])]


def test_a_loop_goes_on_where_nobody_can_be_told_of_what_failed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    thrice = asyncio.Event()

    def failed(what: str, _: BaseException) -> None:
        told.append(what)
        if told.count("tick") > 2:
            thrice.set()
        raise OSError(28, "No space left on device")

    def broken(_: object) -> int:
        raise Internal("odd")

    monkeypatch.setattr(running_module, "TICK_SECONDS", 0.001)
    monkeypatch.setattr(Database, "data_version", broken)

    async def story() -> None:
        parts = app.compose(load(folder / "gateway.toml", {}))
        async with asyncio.timeout(20), Running(parts, failed=failed, ended=not_expected).lifespan():
            await thrice.wait()

    asyncio.run(story())


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(asyncio.CancelledError(), id="cancelled-from-within"),
        pytest.param(Beyond("odd"), id="no-exception"),
    ],
)
def test_a_loop_that_ends_by_itself_is_told_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    told: list[tuple[str, BaseException | None]] = []
    heard = asyncio.Event()

    def ended(what: str, by: BaseException | None) -> None:
        told.append((what, by))
        heard.set()

    def broken(_: object) -> int:
        raise error

    monkeypatch.setattr(Database, "data_version", broken)

    async def story() -> None:
        parts = app.compose(load(folder / "gateway.toml", {}))
        async with asyncio.timeout(20), Running(parts, failed=not_expected, ended=ended).lifespan():
            await heard.wait()
        # Those that are ended with the process have not ended by themselves.

    asyncio.run(story())
    assert told == [("tick", error if isinstance(error, Beyond) else None)]
