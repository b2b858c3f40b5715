"""Admission whose pushes are timed and whose silence is counted.

A push that ends without a decision (the engine is down, five commits raced) is recorded nowhere: here it is counted.

I/O: through what it wraps.
Source: issue item 9; DESIGN 2, the table of outcomes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.access.values import Grant
from gateway.admission.service import ManifestAdmission
from gateway.admission.values import Outcome, Push, Unreachable
from gateway.api.outcomes import decision_id
from gateway.oci.digest import Digest
from gateway.oci.names import Tag
from gateway.server.metrics import UNAVAILABLE, Metrics


@dataclass(frozen=True, slots=True)
class Timed:
    """`ManifestAdmission` with its times in ``metrics``. ``monotonic`` in seconds of any origin."""

    inner: ManifestAdmission
    metrics: Metrics
    monotonic: Callable[[], float]

    async def push(self, push: Push) -> Outcome:
        """As `ManifestAdmission.push`. A body that is no manifest is refused before any decision, and not timed."""
        started = self.monotonic()
        outcome = await self.inner.push(push)
        self.metrics.decision_time(self.monotonic() - started, decision_id=decision_id(outcome))
        if isinstance(outcome, Unreachable):
            self.metrics.decision(UNAVAILABLE, decision_id=None)
        return outcome

    async def delete_tag(self, grant: Grant, tag: Tag) -> None:
        """As `ManifestAdmission.delete_tag`."""
        await self.inner.delete_tag(grant, tag)

    async def delete_manifest(self, grant: Grant, digest: Digest) -> None:
        """As `ManifestAdmission.delete_manifest`."""
        await self.inner.delete_manifest(grant, digest)
