"""Every pair of what can happen at the same time, in every order that makes a difference."""

import shutil
from collections.abc import Iterator

import pytest

from tests.interleavings.rig import run
from tests.interleavings.scenario import CORE, Starts, starts_for
from tests.interleavings.schedule import every_schedule


@pytest.fixture(scope="module")
def starts() -> Iterator[Starts]:
    made = Starts()
    yield made
    shutil.rmtree(made.folder)


PAIRS = [(kind, other) for number, kind in enumerate(CORE) for other in CORE[number:]]


@pytest.mark.parametrize(("kind", "other"), PAIRS, ids=["-and-".join(pair) for pair in PAIRS])
def test_every_pair_in_every_order(kind: str, other: str, starts: Starts) -> None:
    for start in starts_for((kind, other)):
        starts.prepared(start)
        count, violation = run(every_schedule(starts, start, (kind, other)))
        assert violation is None, str(violation)
        assert count > 0


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(("child", "index"), id="child-and-index"),
        pytest.param(("index", "index-signature"), id="index-and-signature"),
        pytest.param(("index", "child-revocation"), id="index-and-revocation-of-a-child"),
        pytest.param(("index", "child-delete"), id="index-and-deletion-of-a-child"),
    ],
)
def test_an_index_and_its_child(kinds: tuple[str, str], starts: Starts) -> None:
    for start in ("absent", "signed"):
        starts.prepared(start)
        _, violation = run(every_schedule(starts, start, kinds))
        assert violation is None, str(violation)


@pytest.mark.parametrize(
    ("start", "other"),
    [
        pytest.param("ended", "signature", id="signature"),
        pytest.param("ended", "image", id="put-again"),
        pytest.param("ended", "tag", id="tag"),
        pytest.param("ended-child", "child", id="child-put-again"),
        pytest.param("ended-child", "index", id="index"),
        pytest.param("ended-child", "index-signature", id="index-admitted"),
    ],
)
def test_what_ends_and_what_comes_meanwhile(start: str, other: str, starts: Starts) -> None:
    """No promotion is lost, and nothing that is admitted, carried or put again is removed."""
    starts.prepared(start)
    count, violation = run(every_schedule(starts, start, ("expiry", other)))
    assert violation is None, str(violation)
    assert count > 0
