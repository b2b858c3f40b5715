"""Pushes are timed, and those that end without a decision are counted."""

import asyncio
from itertools import count

import pytest

from gateway.access.rights import NO_RIGHTS
from gateway.access.values import Grant
from gateway.admission.values import Admitted, Outcome, Push, Stored, Unreachable
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from gateway.server.metrics import Metrics
from gateway.server.timing import Timed
from tests.support.identity import ALICE, project

ONE = Digest.of(b"one")
GRANT = Grant(ALICE, project(), RepositoryName.parse("team/app"), NO_RIGHTS, scanner=False)


class Fixed:
    """`ManifestAdmission` with one outcome, which notes its deletes."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.deleted: list[object] = []

    async def push(self, push: Push) -> Outcome:
        """Return the outcome."""
        return self.outcome

    async def delete_tag(self, grant: Grant, tag: Tag) -> None:
        """Note it."""
        self.deleted.append(tag)

    async def delete_manifest(self, grant: Grant, digest: Digest) -> None:
        """Note it."""
        self.deleted.append(digest)


@pytest.mark.parametrize(
    ("outcome", "unavailable"),
    [
        pytest.param(Admitted(Stored(ONE, (), (), None, "d1")), 0, id="decided"),
        pytest.param(Unreachable("down"), 1, id="not-decided"),
    ],
)
def test_a_push_is_timed_and_its_silence_counted(outcome: Outcome, unavailable: int) -> None:
    metrics, ticks = Metrics(), count()
    timed = Timed(Fixed(outcome), metrics, lambda: float(next(ticks)))
    assert asyncio.run(timed.push(Push(GRANT, None, (), "", b""))) is outcome
    found = metrics.registry.get_sample_value
    assert found("registry_gateway_decision_seconds_sum") == 1.0
    assert found("registry_gateway_decisions_total", {"outcome": "unavailable"}) == unavailable


def test_deletes_are_passed_on() -> None:
    inner = Fixed(Unreachable("down"))
    timed = Timed(inner, Metrics(), lambda: 0.0)
    asyncio.run(timed.delete_tag(GRANT, Tag("v1")))
    asyncio.run(timed.delete_manifest(GRANT, ONE))
    assert inner.deleted == [Tag("v1"), ONE]
