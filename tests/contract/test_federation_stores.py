"""`RuleStore` and `SessionStore`: the catalog and the fakes answer alike."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from gateway.catalog.sqlite.ci_sessions import SqliteCiSessions
from gateway.catalog.sqlite.federation import SqliteFederation, stored_rule
from gateway.identity.federation.stores import NotOpened, Opening, RuleStore, SessionStore, StoredRule
from gateway.identity.values import Principal, PrincipalKind, Session
from tests.support.catalog_admin import NOW, ROOT, on_sqlite, opened
from tests.support.federation import MemoryRules, MemorySessions

BUILD: Final = Principal("w:build", PrincipalKind.WORKLOAD, "ci+build")
SCAN: Final = Principal("w:scan", PrincipalKind.WORKLOAD, "ci+scan")
RULE: Final = """
name = "{name}"
issuer = "ci"
audience = "https://registry.example"
project = "acme"
role = "writer"
[match]
repository_id = "1"
"""
OPENING: Final = Opening(
    id="s1",
    principal_id=BUILD.id,
    issuer="ci",
    subject="repo:acme/app",
    claims={"ref": "main"},
    token_key=b"k" * 32,
    token_sha256=b"t" * 32,
    secret_sha256=None,
    token_expires=NOW + 300,
    ends=NOW + 3600,
    address="192.0.2.1",
    bound=False,
)
SESSION: Final = Session(
    id="s1",
    principal=BUILD,
    issuer="ci",
    subject="repo:acme/app",
    claims={"ref": "main"},
    started=NOW,
    ends=NOW + 3600,
    ended=None,
    active=True,
    address="192.0.2.1",
    bound=False,
    elsewhere=False,
)


@dataclass(frozen=True)
class Stores:
    """Both seams with two rules in force, and the events that were written since."""

    rules: RuleStore
    sessions: SessionStore
    events: Callable[[], list[tuple[str, str]]]


@contextmanager
def _fakes(_: Path) -> Iterator[Stores]:
    rules = [StoredRule(one, stored_rule(RULE.format(name=one.name[3:]))) for one in (SCAN, BUILD)]
    sessions = MemorySessions(in_force={BUILD.id: BUILD, SCAN.id: SCAN})
    yield Stores(MemoryRules(rules), sessions, lambda: sessions.events)


@contextmanager
def _sqlite(folder: Path) -> Iterator[Stores]:
    with opened(folder / "catalog.db") as database:
        catalog, federation = on_sqlite(database), SqliteFederation(database=database)
        catalog.project()
        for one in (SCAN, BUILD):
            asyncio.run(federation.add_rule(one, RULE.format(name=one.name[3:]), by=ROOT, now=NOW))
        first = catalog.last_id()

        def events() -> list[tuple[str, str]]:
            return [(event.kind, str(event.data["session"])) for event in catalog.events() if event.id > first]

        yield Stores(federation, SqliteCiSessions(database=database), events)


@pytest.fixture(params=[_fakes, _sqlite], ids=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    with request.param(tmp_path) as made:
        yield made


def test_rules_are_those_of_the_issuer_by_name(stores: Stores) -> None:
    async def read() -> None:
        found = await stores.rules.rules("ci")
        assert [(one.principal, one.rule.name) for one in found] == [(BUILD, "build"), (SCAN, "scan")]
        assert await stores.rules.rules("other") == []

    asyncio.run(read())


def test_a_session_is_found_by_its_id_and_its_token(stores: Stores) -> None:
    async def story() -> None:
        assert await stores.sessions.session("s1", now=NOW) is None
        assert await stores.sessions.open(OPENING, now=NOW) == SESSION
        assert await stores.sessions.session("s1", now=NOW) == SESSION
        assert await stores.sessions.session_by_token(b"t" * 32) == SESSION
        assert await stores.sessions.session_by_token(b"x" * 32) is None
        assert await stores.sessions.session_by_secret(b"t" * 32) is None

    asyncio.run(story())
    assert stores.events() == [("session.opened", "s1")]


def test_the_same_bytes_join_and_the_first_opening_stands(stores: Stores) -> None:
    async def story() -> None:
        await stores.sessions.open(OPENING, now=NOW)
        again = replace(OPENING, id="s2", principal_id=SCAN.id, ends=NOW + 9000, address="192.0.2.9")
        assert await stores.sessions.open(again, now=NOW + 5) == SESSION

    asyncio.run(story())
    assert stores.events() == [("session.opened", "s1")]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(OPENING, id="s2", token_sha256=b"x" * 32), id="other-bytes"),
        pytest.param(replace(OPENING, id="s2", secret_sha256=b"z" * 32), id="an-exchange-after-a-login"),
    ],
)
def test_a_use_that_was_had_opens_nothing(stores: Stores, other: Opening) -> None:
    async def story() -> None:
        await stores.sessions.open(OPENING, now=NOW)
        assert isinstance(await stores.sessions.open(other, now=NOW), NotOpened)
        assert await stores.sessions.session("s2", now=NOW) is None

    asyncio.run(story())


def test_another_issuer_s_jti_is_another_use(stores: Stores) -> None:
    async def story() -> None:
        await stores.sessions.open(OPENING, now=NOW)
        other = replace(OPENING, id="s2", issuer="other", token_sha256=b"x" * 32)
        opened = await stores.sessions.open(other, now=NOW)
        assert isinstance(opened, Session)
        assert opened.id == "s2"

    asyncio.run(story())


def test_a_secret_stands_for_its_session_and_the_token_no_more(stores: Stores) -> None:
    async def story() -> None:
        exchanged = replace(OPENING, secret_sha256=b"z" * 32)
        assert await stores.sessions.open(exchanged, now=NOW) == SESSION
        assert await stores.sessions.session_by_secret(b"z" * 32) == SESSION
        assert await stores.sessions.session_by_token(b"t" * 32) is None
        assert isinstance(await stores.sessions.open(OPENING, now=NOW), NotOpened)
        assert isinstance(await stores.sessions.open(replace(exchanged, id="s2"), now=NOW), NotOpened)

    asyncio.run(story())


def test_a_rule_that_is_not_in_force_opens_nothing(stores: Stores) -> None:
    async def story() -> None:
        assert isinstance(await stores.sessions.open(replace(OPENING, principal_id="w:gone"), now=NOW), NotOpened)

    asyncio.run(story())
    assert stores.events() == []


def test_it_ends_once_and_stays_known(stores: Stores) -> None:
    async def story() -> None:
        await stores.sessions.open(OPENING, now=NOW)
        for later in (10, 20):
            await stores.sessions.end("s1", by=BUILD, address="192.0.2.1", now=NOW + later)
        await stores.sessions.end("nothing", by=BUILD, address="192.0.2.1", now=NOW)
        ended = replace(SESSION, ended=NOW + 10)
        assert await stores.sessions.session_by_token(b"t" * 32) == ended
        assert await stores.sessions.open(OPENING, now=NOW + 30) == ended, "the caller sees that it is over"

    asyncio.run(story())
    assert stores.events() == [("session.opened", "s1"), ("session.ended", "s1")]


def test_what_is_over_is_not_ended(stores: Stores) -> None:
    async def story() -> None:
        await stores.sessions.open(OPENING, now=NOW)
        await stores.sessions.end("s1", by=BUILD, address="192.0.2.1", now=NOW + 3600)
        assert await stores.sessions.session("s1", now=NOW) == SESSION

    asyncio.run(story())
    assert stores.events() == [("session.opened", "s1")]


def test_the_first_other_address_is_noted_and_no_third(stores: Stores) -> None:
    async def story() -> None:
        await stores.sessions.open(OPENING, now=NOW)
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
            await stores.sessions.note_address("s1", address, now=NOW)

    asyncio.run(story())
    assert stores.events() == [("session.opened", "s1"), ("session.address", "s1")]
