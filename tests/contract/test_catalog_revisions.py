"""The contract of policy and trust revisions, on every adapter."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.audit.events import EventKind
from gateway.errors import Conflict, Internal
from gateway.oci.strict_json import JsonValue
from tests.support.catalog_admin import ADAPTERS, ALICE, BOB, NOW, Catalog

run = asyncio.run
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture(params=sorted(ADAPTERS))
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


def test_nothing_is_active_at_first(catalog: Catalog) -> None:
    assert run(catalog.revisions.active("policy")) is None
    assert run(catalog.revisions.revisions("trust")) == []


def test_an_activation_is_a_generation_an_event_and_work(catalog: Catalog) -> None:
    row = run(catalog.revisions.activate("policy", ONE, b"one", reason="first", by=ALICE, now=NOW))
    assert (row.kind, row.digest, row.content, row.reason, row.made_by) == ("policy", ONE, b"one", "first", ALICE.id)
    assert (row.at, row.activated, row.active_generation) == (NOW, NOW, 1)
    assert run(catalog.revisions.active("policy")) == row
    (event,) = catalog.events()
    assert (event.kind, event.principal_id, event.at) == (EventKind.POLICY_ACTIVATED, ALICE.id, NOW)
    assert event.data == {"revision": ONE, "previous": None, "generation": 1, "reason": "first"}
    (item,) = run(catalog.work.claim(limit=10, lease_seconds=60, now=NOW))
    assert (item.kind, item.key, item.data) == ("rejudge", "policy", {"kind": "policy", "revision": ONE})


def test_policy_and_trust_are_counted_apart(catalog: Catalog) -> None:
    run(catalog.revisions.activate("policy", ONE, b"one", reason="p", by=ALICE, now=NOW))
    row = run(catalog.revisions.activate("trust", ONE, b"other", reason="t", by=ALICE, now=NOW))
    assert (row.active_generation, row.content) == (1, b"other")
    assert catalog.kinds() == [EventKind.POLICY_ACTIVATED, EventKind.TRUST_APPLIED]
    assert len(run(catalog.work.claim(limit=10, lease_seconds=60, now=NOW))) == 2


def test_back_and_forth_never_repeats_a_generation(catalog: Catalog) -> None:
    seen: list[tuple[str, int | None, JsonValue]] = []
    for at, (digest, content) in enumerate([(ONE, b"one"), (TWO, b"two"), (ONE, b"one"), (ONE, b"one")]):
        row = run(catalog.revisions.activate("policy", digest, content, reason=f"r{at}", by=BOB, now=NOW + at))
        seen.append((row.digest, row.active_generation, catalog.events()[-1].data["previous"]))
    assert seen == [(ONE, 1, None), (TWO, 2, ONE), (ONE, 3, TWO), (ONE, 4, ONE)]
    newest, oldest = run(catalog.revisions.revisions("policy"))
    assert (newest.digest, newest.active_generation, newest.activated) == (TWO, None, NOW + 1)
    assert (oldest.digest, oldest.active_generation, oldest.activated) == (ONE, 4, NOW + 3)
    assert (oldest.reason, oldest.at) == ("r3", NOW), "of what is active, why it is"
    assert [event.data["reason"] for event in catalog.events()] == ["r0", "r1", "r2", "r3"]


def test_a_digest_has_one_content(catalog: Catalog) -> None:
    run(catalog.revisions.activate("policy", ONE, b"one", reason="r", by=ALICE, now=NOW))
    before = catalog.last_id()
    with pytest.raises(Conflict):
        run(catalog.revisions.activate("policy", ONE, b"two", reason="r", by=ALICE, now=NOW))
    active = run(catalog.revisions.active("policy"))
    assert active is not None
    assert (active.content, active.active_generation) == (b"one", 1)
    assert catalog.kinds(after=before) == []


@pytest.mark.parametrize("kind", ["", "Policy", "rules", "policy "])
def test_there_are_two_kinds(catalog: Catalog, kind: str) -> None:
    with pytest.raises(Internal):
        run(catalog.revisions.activate(kind, ONE, b"one", reason="r", by=ALICE, now=NOW))
    with pytest.raises(Internal):
        run(catalog.revisions.active(kind))
    with pytest.raises(Internal):
        run(catalog.revisions.revisions(kind))
    assert catalog.events() == []


def test_racing_activations_are_one_after_the_other(catalog: Catalog) -> None:
    async def race() -> set[int | None]:
        rows = await asyncio.gather(
            *(
                catalog.revisions.activate("trust", f"sha256:{at:064x}", b"%d" % at, reason="r", by=ALICE, now=NOW)
                for at in range(20)
            )
        )
        return {row.active_generation for row in rows}

    assert run(race()) == set(range(1, 21))
    active = run(catalog.revisions.active("trust"))
    assert active is not None
    assert active.active_generation == 20
    assert len([row for row in run(catalog.revisions.revisions("trust")) if row.active_generation is not None]) == 1
