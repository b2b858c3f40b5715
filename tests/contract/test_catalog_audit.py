"""The contract of events and pulls, on every adapter."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.events import EventKind
from gateway.audit.logins import LoginCounter
from gateway.audit.pulls import PullCounter
from gateway.oci.digest import Digest
from gateway.oci.strict_json import JsonObject
from tests.support.catalog_admin import ACME, ADAPTERS, ALICE, CI, NOW, ROOT, Catalog

run = asyncio.run
BASE = Digest.of(b"base")
OTHER_DIGEST = Digest.of(b"other")
MINUTE = NOW // 60


@pytest.fixture(params=sorted(ADAPTERS))
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


def record(catalog: Catalog, number: int) -> None:
    data: JsonObject = {"number": number, "nested": {"list": [1, None, "\u00e9"]}}
    run(
        catalog.audit.record_event(
            EventKind.LOGIN_FAILED,
            principal=ALICE,
            project="acme",
            data=data,
            now=NOW + number,
        )
    )


def test_events_in_pages_and_from_the_end(catalog: Catalog) -> None:
    for number in range(5):
        record(catalog, number)
    first = run(catalog.audit.events(after=0, limit=2))
    assert [event.data["number"] for event in first] == [0, 1]
    rest = run(catalog.audit.events(after=first[-1].id, limit=10))
    assert [event.data["number"] for event in rest] == [2, 3, 4]
    assert run(catalog.audit.events(after=rest[-1].id, limit=10)) == []
    assert [event.data["number"] for event in run(catalog.audit.events(after=-1, limit=2))] == [3, 4]
    assert [event.data["number"] for event in run(catalog.audit.events(after=-1, limit=99))] == [0, 1, 2, 3, 4]


def test_an_event_is_kept_as_it_was(catalog: Catalog) -> None:
    record(catalog, 7)
    (event,) = catalog.events()
    assert (event.at, event.kind, event.principal_id, event.project) == (NOW + 7, "login.failed", ALICE.id, "acme")
    assert (event.repository, event.digest, event.decision_id) == (None, None, None)
    assert event.data == {"number": 7, "nested": {"list": [1, None, "\u00e9"]}}


def test_no_secret_in_any_event(catalog: Catalog) -> None:
    canary = "canary-5f1d"
    hashed = f"$argon2id$v=19$m=65536,t=3,p=4${canary}$abc"
    catalog.project()
    run(catalog.principals.create_account(ALICE, hashed, by=ROOT, now=NOW))
    catalog.robot(secret=canary.encode().ljust(32, b"-"))
    catalog.robot(secret=canary.encode().ljust(32, b"+"), role=None)
    run(
        catalog.audit.record_event(
            EventKind.LOGIN_FAILED,
            principal=ALICE,
            project=None,
            data={
                "password": canary,
                "robot_secret": {"value": canary},
                "Authorization": [canary],
                "header": f"Basic {canary}AAAA",
                "bearer": f"bearer {canary}.aa.bb",
                "url": f"https://bob:{canary}@registry.example/v2/",
                "hash": hashed,
                "pem": f"-----BEGIN EC PRIVATE KEY-----\n{canary}\n",
                "deep": [{"client_token": canary}],
                "name": "alice",
                "has_password": True,
            },
            now=NOW,
        )
    )
    run(catalog.projects.delete_project(ACME, by=ROOT, now=NOW))
    text = json.dumps([event.data for event in catalog.events()])
    assert canary not in text
    assert canary.encode().hex() not in text
    recorded = next(event for event in catalog.events() if event.kind == "login.failed")
    assert (recorded.data["name"], recorded.data["has_password"]) == ("alice", True)


def test_logins_are_events_oldest_first_with_their_count(catalog: Catalog) -> None:
    counter = LoginCounter()
    for number in range(3):
        counter.count(
            principal_id=None, method="password", address="192.0.2.9", succeeded=False, now=NOW // 60 * 60 + 9 + number
        )
    counter.count(principal_id=CI.id, method="robot", address="192.0.2.1", succeeded=True, now=NOW // 60 * 60)
    run(catalog.audit.record_logins(counter.take(now=NOW)))
    run(catalog.audit.record_logins({}))
    succeeded, failed = catalog.events()
    at = NOW // 60 * 60
    assert (succeeded.kind, succeeded.principal_id, succeeded.at) == ("login.succeeded", CI.id, at)
    assert succeeded.data == {"method": "robot", "address": "192.0.2.1", "count": 1, "first": at, "last": at}
    assert (failed.kind, failed.principal_id, failed.at) == ("login.failed", "unknown", at + 11)
    assert failed.data == {"method": "password", "address": "192.0.2.9", "count": 3, "first": at + 9, "last": at + 11}
    assert (failed.project, failed.repository, failed.digest) == (None, None, None)


def test_pulls_add_up(catalog: Catalog) -> None:
    key = (ALICE.id, "acme/web", str(BASE), "192.0.2.1", "pulled", MINUTE)
    run(catalog.audit.record_pulls({key: (NOW + 5, NOW + 9, 3)}))
    run(catalog.audit.record_pulls({key: (NOW + 2, NOW + 6, 2)}))
    (row,) = run(catalog.audit.who_pulled(BASE))
    assert (row.first, row.last, row.count) == (NOW + 2, NOW + 9, 5)
    run(catalog.audit.record_pulls({}))
    assert len(run(catalog.audit.who_pulled(BASE))) == 1


@pytest.mark.parametrize("part", range(6), ids=["principal", "repository", "digest", "address", "outcome", "minute"])
def test_pulls_that_differ_are_told_apart(catalog: Catalog, part: int) -> None:
    key = (ALICE.id, "acme/web", str(BASE), "192.0.2.1", "pulled", MINUTE)
    other = ("anonymous", "acme/api", str(OTHER_DIGEST), "192.0.2.2", "denied", MINUTE - 1)
    second = (*key[:part], other[part], *key[part + 1 :])
    run(catalog.audit.record_pulls({key: (NOW, NOW, 1), second: (NOW - 60, NOW - 60, 1)}))  # type: ignore[dict-item]
    rows = [*run(catalog.audit.who_pulled(BASE)), *run(catalog.audit.who_pulled(OTHER_DIGEST))]
    assert [row.count for row in rows] == [1, 1]


def test_who_pulled_names_people_newest_first(catalog: Catalog) -> None:
    catalog.project()
    catalog.account()
    catalog.robot()
    counter = PullCounter()
    for principal, address, at in (
        (ALICE.id, "192.0.2.1", NOW),
        (CI.id, "2001:db8::1", NOW + 60),
        ("anonymous", "192.0.2.9", NOW + 120),
        ("u:gone", "192.0.2.9", NOW + 180),
    ):
        counter.count(
            principal_id=principal,
            repository="acme/web",
            digest=str(BASE),
            address=address,
            outcome="pulled",
            now=at,
        )
    run(catalog.audit.record_pulls(counter.take()))
    rows = run(catalog.audit.who_pulled(BASE))
    assert [(row.name, row.address, row.first) for row in rows] == [
        ("u:gone", "192.0.2.9", NOW + 180),
        ("anonymous", "192.0.2.9", NOW + 120),
        (CI.name, "2001:db8::1", NOW + 60),
        ("alice", "192.0.2.1", NOW),
    ]
    assert run(catalog.audit.who_pulled(OTHER_DIGEST)) == []


def test_audit_outlives_the_project(catalog: Catalog) -> None:
    catalog.project()
    catalog.robot()
    key = (CI.id, "acme/web", str(BASE), "192.0.2.1", "pulled", MINUTE)
    run(catalog.audit.record_pulls({key: (NOW, NOW, 1)}))
    before = catalog.events()
    run(catalog.projects.delete_project(ACME, by=ROOT, now=NOW))
    assert catalog.events()[: len(before)] == before
    (row,) = run(catalog.audit.who_pulled(BASE))
    assert (row.principal_id, row.name) == (CI.id, CI.id)
    assert catalog.events()[-1].data["machines"] == {CI.id: CI.name}
