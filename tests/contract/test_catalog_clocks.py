"""The contract of clocks: what is to be announced or has ended, and what has none though nothing is admitted."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gateway.catalog.effects import AnnounceExpiry, DeleteManifest, Recount
from gateway.catalog.sqlite.clocks import SqliteClocks
from gateway.catalog.values import Clock, ManifestClass
from gateway.oci.digest import Digest
from tests.support.catalog import NOW, Catalog, admit, catalog, image, index, run, support, verified

WEEK = 7 * 24 * 3600
DAY = 24 * 3600
APP, OTHER, LATE = image(b"app"), image(b"other"), image(b"late")
MANY = index(APP.digest)
SIGNATURE = image(b"signature")


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Catalog]:
    with catalog(tmp_path) as opened:
        yield opened


def due(acme: Catalog, now: int, *, after: tuple[int, int] = (0, 0), limit: int = 10) -> Sequence[Clock]:
    clocks = SqliteClocks(database=acme.database)
    return run(clocks.due(after=after, limit=limit, now=now, notice_seconds=DAY, notice_share=4))


def names(clocks: Sequence[Clock]) -> list[Digest]:
    return [clock.digest for clock in clocks]


def unclocked(acme: Catalog) -> list[tuple[Digest, bool]]:
    found = run(SqliteClocks(database=acme.database).unclocked(after=0, limit=10, now=NOW))
    return [(clock.digest, clock.carried) for clock in found]


def test_what_ends_soon_is_due_until_it_is_announced_and_again_at_its_end(acme: Catalog) -> None:
    acme.push(OTHER, held_bytes=1, expires=NOW + WEEK + 5)
    acme.push(APP, held_bytes=1, expires=NOW + WEEK)
    acme.push(LATE, held_bytes=1, expires=NOW + 2 * WEEK)
    assert names(due(acme, NOW + WEEK - DAY - 1)) == []
    assert names(due(acme, NOW + WEEK - DAY)) == [APP.digest]
    assert names(due(acme, NOW + WEEK - DAY + 5)) == [APP.digest, OTHER.digest]
    (first,) = due(acme, NOW + WEEK, limit=1)
    assert (first.expires, names(due(acme, NOW + WEEK, after=(first.expires or 0, first.id)))) == (
        NOW + WEEK,
        [OTHER.digest],
    )
    acme.commit(AnnounceExpiry(APP.digest, NOW + WEEK), about=APP)
    assert names(due(acme, NOW + WEEK - 1)) == [OTHER.digest]
    assert names(due(acme, NOW + WEEK)) == [APP.digest, OTHER.digest]
    acme.push(APP, held_bytes=1, expires=NOW + 2 * WEEK)
    assert names(due(acme, NOW + 2 * WEEK - DAY)) == [OTHER.digest, APP.digest, LATE.digest], "to be announced anew"


def test_where_time_is_short_its_last_quarter_is_due(acme: Catalog) -> None:
    acme.execute("UPDATE project SET held_seconds = 3600")
    acme.push(APP, held_bytes=1, expires=NOW + 3600)
    assert names(due(acme, NOW + 2699)) == []
    assert names(due(acme, NOW + 2700)) == [APP.digest]


def test_what_is_carried_has_no_clock_and_counts_anew_from_when_it_is_found_to_be_stray(acme: Catalog) -> None:
    acme.push(APP, held_bytes=1, expires=NOW + WEEK)
    acme.push(MANY, held_bytes=1, expires=NOW + WEEK)
    acme.push(SIGNATURE, verified(SIGNATURE, subject=MANY.digest), cls=ManifestClass.EVIDENCE, subject=MANY.digest)
    acme.commit(admit(MANY, [support(SIGNATURE)], edges=[(APP, ())]), about=MANY)
    assert unclocked(acme) == [(APP.digest, True)]
    acme.commit(Recount(APP.digest), about=APP)
    assert acme.view(APP).expires is None
    acme.execute("INSERT INTO distrust SELECT id, 0, 'os:root', 0 FROM signer")
    assert unclocked(acme) == [(APP.digest, False)]
    acme.commit(Recount(APP.digest), about=APP)
    assert acme.view(APP).expires == NOW + WEEK
    assert unclocked(acme) == []


def test_verified_evidence_has_a_clock_while_its_subject_is_not_here(acme: Catalog) -> None:
    acme.push(
        SIGNATURE,
        verified(SIGNATURE, subject=APP.digest),
        cls=ManifestClass.EVIDENCE,
        subject=APP.digest,
        held_bytes=1,
        expires=NOW + 9,
    )
    assert acme.view(SIGNATURE).expires == NOW + 9
    acme.push(APP)
    assert acme.view(SIGNATURE).expires is None
    acme.commit(DeleteManifest(APP.digest), about=APP)
    assert acme.view(SIGNATURE).expires == NOW + WEEK
    acme.push(APP)
    acme.execute("UPDATE manifest SET expires = 5 WHERE class = 'evidence'")
    acme.commit(Recount(SIGNATURE.digest), about=SIGNATURE)
    assert acme.view(SIGNATURE).expires is None


def test_what_a_waiting_index_names_waits_as_long(acme: Catalog) -> None:
    acme.push(APP, held_bytes=1, expires=NOW + 5)
    acme.push(OTHER, held_bytes=1, expires=NOW + 5)
    acme.push(MANY, held_bytes=1, expires=NOW + WEEK)
    assert [acme.view(each).expires for each in (APP, OTHER, MANY)] == [NOW + WEEK, NOW + 5, NOW + WEEK]
