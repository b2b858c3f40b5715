"""`AccountStore` and `StandingStore`: the catalog, the fake of a whole directory, and the small fakes answer alike."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from gateway.access.stores import StandingStore
from gateway.access.values import InstanceRole, Role
from gateway.identity.stores import AccountStore
from gateway.identity.values import ANONYMOUS, LocalAccount, Principal, PrincipalKind, Robot
from gateway.oci.names import RepositoryName
from tests.support.catalog_admin import ADAPTERS, ALICE, CI, NOW, ROOT
from tests.support.identity import FakeAccounts, FakeStandings, project

MALLORY: Final = Principal("u:mallory", PrincipalKind.USER, "mallory")
SECRET: Final = b"s" * 32
APP: Final = RepositoryName("acme/app")

Stores = tuple[AccountStore, StandingStore]


@contextmanager
def _fakes(_: Path) -> Iterator[Stores]:
    accounts = FakeAccounts(
        accounts={
            "alice": LocalAccount(ALICE, "hash of alice", disabled=False),
            "mallory": LocalAccount(MALLORY, "hash of mallory", disabled=True),
        },
        robots={SECRET: Robot(CI, "acme", NOW + 1000, revoked=False)},
    )
    standings = FakeStandings(
        projects={"acme": project("acme")},
        principals={
            ALICE.id: (ALICE, True, frozenset({InstanceRole.AUDITOR})),
            MALLORY.id: (MALLORY, False, frozenset()),
            CI.id: (CI, True, frozenset()),
        },
        roles={(ALICE.id, "acme"): frozenset({Role.READER}), (CI.id, "acme"): frozenset({Role.WRITER})},
        without_quarantine_read={CI.id},
    )
    yield accounts, standings


def _filled(kind: str) -> Callable[[Path], AbstractContextManager[Stores]]:
    @contextmanager
    def made(folder: Path) -> Iterator[Stores]:
        with ADAPTERS[kind](folder) as catalog:
            catalog.project()
            for person in (ALICE, MALLORY):
                catalog.account(person)
            asyncio.run(catalog.principals.set_disabled("mallory", disabled=True, by=ROOT, now=NOW))
            catalog.member(ALICE, Role.READER)
            asyncio.run(
                catalog.members.set_instance_role(ALICE.id, InstanceRole.AUDITOR, granted=True, by=ROOT, now=NOW)
            )
            catalog.robot(quarantine_read=False, secret=SECRET)
            yield catalog.accounts, catalog.standings

    return made


KINDS: Final = {"sqlite": _filled("sqlite"), "memory": _filled("memory"), "fakes": _fakes}


@pytest.fixture(params=sorted(KINDS))
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    with KINDS[request.param](tmp_path) as made:
        yield made


def test_an_account_is_found_by_its_name_disabled_or_not(stores: Stores) -> None:
    accounts, _ = stores
    alice = asyncio.run(accounts.account_by_name("alice"))
    assert alice is not None
    assert (alice.principal, alice.password_hash, alice.disabled) == (ALICE, "hash of alice", False)
    mallory = asyncio.run(accounts.account_by_name("mallory"))
    assert mallory is not None
    assert mallory.disabled
    for nobody in ("bob", "Alice", "", CI.name, ALICE.id):
        assert asyncio.run(accounts.account_by_name(nobody)) is None


def test_a_robot_is_found_by_its_secret_and_nothing_else(stores: Stores) -> None:
    accounts, _ = stores
    robot = asyncio.run(accounts.robot_by_secret(SECRET))
    assert robot == Robot(CI, "acme", NOW + 1000, revoked=False)
    assert asyncio.run(accounts.robot_by_secret(b"t" * 32)) is None


def test_whom_a_name_means(stores: Stores) -> None:
    accounts, _ = stores
    names = ("alice", "mallory", CI.name, "bob", ALICE.id)
    assert [asyncio.run(accounts.id_by_name(name)) for name in names] == [ALICE.id, MALLORY.id, CI.id, None, None]


def test_a_standing_is_of_the_project_that_claims_the_name(stores: Stores) -> None:
    _, standings = stores
    found = asyncio.run(standings.standing(ALICE.id, APP, now=NOW))
    assert found is not None
    assert (found.principal, found.active, found.project.name) == (ALICE, True, "acme")
    assert (found.roles, found.instance_roles) == (frozenset({Role.READER}), frozenset({InstanceRole.AUDITOR}))
    assert found.quarantine_read
    assert asyncio.run(standings.standing(ALICE.id, RepositoryName("other/app"), now=NOW)) is None


def test_a_robot_without_quarantine_read(stores: Stores) -> None:
    _, standings = stores
    found = asyncio.run(standings.standing(CI.id, APP, now=NOW))
    assert found is not None
    assert (found.roles, found.quarantine_read) == (frozenset({Role.WRITER}), False)


@pytest.mark.parametrize("who", [MALLORY.id, "u:nobody"])
def test_who_is_not_active_has_no_role(stores: Stores, who: str) -> None:
    _, standings = stores
    found = asyncio.run(standings.standing(who, APP, now=NOW))
    assert found is not None
    assert (found.active, found.roles, found.instance_roles) == (False, frozenset(), frozenset())


def test_principals_by_id(stores: Stores) -> None:
    _, standings = stores
    assert asyncio.run(standings.principal(ALICE.id, now=NOW)) == (ALICE, True, frozenset({InstanceRole.AUDITOR}))
    assert asyncio.run(standings.principal(MALLORY.id, now=NOW)) == (MALLORY, False, frozenset())
    assert asyncio.run(standings.principal(ANONYMOUS.id, now=NOW)) == (ANONYMOUS, True, frozenset())
    assert asyncio.run(standings.principal("u:nobody", now=NOW)) is None
