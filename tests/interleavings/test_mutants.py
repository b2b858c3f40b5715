"""The checker can fail: for every part of the world that a commit re-reads, a store that does not is found out."""

import dataclasses
import shutil
from collections.abc import Iterator

import pytest

from gateway.catalog.world import World
from tests.interleavings.mutants import FORGETS, PARTS, Blind, Forgetful
from tests.interleavings.rig import Mutant, run
from tests.interleavings.scenario import Starts
from tests.interleavings.schedule import Violation, every_schedule, random_schedules


@pytest.fixture(scope="module")
def starts() -> Iterator[Starts]:
    made = Starts()
    yield made
    shutil.rmtree(made.folder)


def found_out(starts: Starts, start: str, kinds: tuple[str, ...], mutant: Mutant) -> Violation | None:
    """Return what the search finds, having found nothing wrong with the real store."""
    starts.prepared(start)
    _, sound = run(every_schedule(starts, start, kinds))
    assert sound is None, str(sound)
    _, violation = run(every_schedule(starts, start, kinds, mutant=mutant))
    return violation


@pytest.mark.parametrize(
    ("part", "start", "kinds", "word"),
    [
        pytest.param("everything", "absent", ("image", "signature"), "lost promotion", id="everything"),
        pytest.param("standing", "absent", ("image", "demotion"), "whose right had gone", id="standing"),
        pytest.param("manifest", "absent", ("image", "signature"), "lost promotion", id="manifest"),
        pytest.param("clock", "ended-child", ("expiry", "child"), "put again", id="clock"),
        pytest.param("blobs", "unlinked", ("image", "blob"), "lost promotion", id="blobs"),
        pytest.param("children", "signed", ("index", "child"), "lost promotion", id="children"),
        pytest.param("revoked", "held", ("signature", "revocation"), "after its revocation", id="revoked"),
        pytest.param("evidence", "absent", ("image", "signature"), "lost promotion", id="evidence"),
        pytest.param("tags", "held", ("signature", "tag"), "does not wait", id="tags"),
        pytest.param("policy", "held", ("signature", "policy-deny"), "stale", id="policy"),
        pytest.param("trust", "held", ("signature", "trust-drop"), "stale", id="trust"),
    ],
)
def test_a_commit_that_does_not_re_read(
    part: str, start: str, kinds: tuple[str, ...], word: str, starts: Starts
) -> None:
    violation = found_out(starts, start, kinds, lambda inner: Blind(inner, PARTS[part]))
    assert violation is not None
    assert any(word in wrong for wrong in violation.wrong), str(violation)
    assert violation.schedule, "it can be shown again"


def test_no_part_of_the_world_is_without_a_mutant() -> None:
    tried = {name for part, names in PARTS.items() if part != "everything" for name in names}
    # A repository is only ever created; the quota is of a moment, and one image over it is by design (DESIGN 3).
    assert {field.name for field in dataclasses.fields(World)} - tried == {
        "repository_exists",
        "over_quota",
        "over_cache_quota",
    }


@pytest.mark.parametrize(
    ("what", "word"),
    [
        pytest.param("decisions", "has no decision record", id="decisions"),
        pytest.param("events", "lost or found", id="events"),
        pytest.param("promotions", "the requests say", id="promotions"),
    ],
)
def test_a_commit_that_forgets(what: str, word: str, starts: Starts) -> None:
    violation = found_out(starts, "held", ("signature",), lambda inner: Forgetful(inner, FORGETS[what]))
    assert violation is not None
    assert any(word in wrong for wrong in violation.wrong), str(violation)


def test_random_schedules_find_a_blind_store_as_well(starts: Starts) -> None:
    for name in starts.names:
        starts.prepared(name)
    # A fifth of what `test_schedules` runs: what is as wrong as this must not need all of them.
    found = run(random_schedules(starts, range(40), mutant=lambda inner: Blind(inner, PARTS["everything"])))
    assert found
