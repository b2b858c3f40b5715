"""The contract of background work, on every adapter."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gateway.catalog.values import WorkItem
from tests.support.catalog_admin import ADAPTERS, NOW, Catalog

run = asyncio.run


@pytest.fixture(params=sorted(ADAPTERS))
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


def enqueue(catalog: Catalog, key: str, *, due: int = NOW, data: dict[str, str] | None = None) -> None:
    run(catalog.work.enqueue("reevaluate", key, data or {}, due=due))


def claim(catalog: Catalog, *, now: int = NOW, limit: int = 10) -> Sequence[WorkItem]:
    return run(catalog.work.claim(limit=limit, lease_seconds=60, now=now))


def keys(items: Sequence[WorkItem]) -> list[str]:
    return [item.key for item in items]


def test_due_work_is_claimed_once_longest_due_first(catalog: Catalog) -> None:
    for key, due in (("late", NOW), ("early", NOW - 9), ("future", NOW + 1), ("mid", NOW - 5)):
        enqueue(catalog, key, due=due, data={"repository": "acme/web"})
    first = claim(catalog, limit=2)
    assert keys(first) == ["early", "mid"]
    assert (first[0].kind, first[0].data, first[0].attempts) == ("reevaluate", {"repository": "acme/web"}, 1)
    assert keys(claim(catalog)) == ["late"]
    assert keys(claim(catalog)) == []
    assert keys(claim(catalog, now=NOW + 1)) == ["future"]


def test_one_row_per_kind_and_key(catalog: Catalog) -> None:
    enqueue(catalog, "a", due=NOW + 50)
    enqueue(catalog, "a", due=NOW, data={"cause": "evidence"})
    enqueue(catalog, "a", due=NOW + 90, data={"cause": "closure"})
    run(catalog.work.enqueue("expire", "a", {}, due=NOW))
    items = claim(catalog)
    assert sorted((item.kind, item.key) for item in items) == [("expire", "a"), ("reevaluate", "a")]
    assert next(item.data for item in items if item.kind == "reevaluate") == {"cause": "closure"}


def test_work_that_is_done_is_gone(catalog: Catalog) -> None:
    enqueue(catalog, "a")
    (item,) = claim(catalog)
    run(catalog.work.done(item))
    assert keys(claim(catalog, now=NOW + 10**6)) == []


def test_work_comes_back_when_it_is_to_be_tried_again(catalog: Catalog) -> None:
    enqueue(catalog, "a")
    (item,) = claim(catalog)
    run(catalog.work.retry(item, due=NOW + 5))
    assert keys(claim(catalog, now=NOW + 4)) == []
    (again,) = claim(catalog, now=NOW + 5)
    assert (again.id, again.attempts) == (item.id, 2)


def test_a_lease_that_ran_out_is_somebody_else_s(catalog: Catalog) -> None:
    enqueue(catalog, "a")
    (slow,) = claim(catalog)
    assert keys(claim(catalog, now=NOW + 59)) == []
    (quick,) = claim(catalog, now=NOW + 60)
    assert (quick.id, quick.attempts) == (slow.id, 2)
    run(catalog.work.done(slow))
    run(catalog.work.retry(slow, due=NOW))
    assert keys(claim(catalog, now=NOW + 119)) == [], "the slow worker has nothing to report any more"
    (third,) = claim(catalog, now=NOW + 120)
    assert third.attempts == 3, "and did not remove what it no longer held"
    run(catalog.work.done(quick))
    run(catalog.work.done(third))
    assert keys(claim(catalog, now=NOW + 10**6)) == []


@pytest.mark.parametrize("report", ["done", "retry"])
def test_a_request_that_comes_during_the_work_is_not_lost(catalog: Catalog, report: str) -> None:
    enqueue(catalog, "a", data={"cause": "first"})
    (item,) = claim(catalog)
    enqueue(catalog, "a", data={"cause": "second"})
    run(catalog.work.done(item) if report == "done" else catalog.work.retry(item, due=NOW + 500))
    (again,) = claim(catalog)
    assert again.data == {"cause": "second"}
    run(catalog.work.done(item))
    run(catalog.work.done(again))
    assert keys(claim(catalog, now=NOW + 10**6)) == []


def test_a_late_report_does_not_hit_a_new_item(catalog: Catalog) -> None:
    enqueue(catalog, "a")
    (slow,) = claim(catalog)
    (quick,) = claim(catalog, now=NOW + 60)
    run(catalog.work.done(quick))
    enqueue(catalog, "a", due=NOW + 60)
    (new,) = claim(catalog, now=NOW + 60)
    assert new.id != slow.id
    run(catalog.work.done(slow))
    run(catalog.work.retry(new, due=NOW + 60))
    assert keys(claim(catalog, now=NOW + 60)) == ["a"]


def test_claims_at_once_never_share(catalog: Catalog) -> None:
    for number in range(40):
        enqueue(catalog, f"{number:02}")

    async def all_at_once() -> list[str]:
        claims = await asyncio.gather(*(catalog.work.claim(limit=7, lease_seconds=60, now=NOW) for _ in range(8)))
        return [item.key for items in claims for item in items]

    assert sorted(run(all_at_once())) == [f"{number:02}" for number in range(40)]
