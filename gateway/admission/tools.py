"""What every way into admission works with: the store, the evaluator, the clock, and how often to try.

I/O: through what it holds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from gateway.access.stores import StandingStore
from gateway.admission.document import Who
from gateway.admission.evaluator import Evaluator
from gateway.admission.evidence_reading import EvidenceReader
from gateway.admission.judgement import NoAnswer
from gateway.admission.values import Unreachable
from gateway.catalog.stores import AdmissionStore, ManifestReads
from gateway.identity.values import SYSTEM, Principal, kind_of

MAX_ATTEMPTS: Final = 5
"""Lost commit races before the caller is told to come back (DESIGN 2)."""

T = TypeVar("T")


class Stale:
    """The world changed between reading and committing: decide again."""


STALE: Final = Stale()


@dataclass(frozen=True, slots=True)
class AdmissionSettings:
    """``host`` is written into commands that people copy; sizes in bytes."""

    host: str
    max_manifest_bytes: int
    max_evidence_manifest_bytes: int
    max_unverified_evidence: int
    """Of one subject."""
    max_unverified_evidence_of_one: int
    """Of one subject and one principal."""
    max_tags: int = 10


@dataclass(frozen=True, slots=True)
class Tools:
    """The adapters and values that admission is composed of. ``now`` in Unix seconds; ``new_id`` never repeats."""

    store: AdmissionStore
    manifests: ManifestReads
    people: StandingStore
    evaluator: Evaluator
    evidence: EvidenceReader
    settings: AdmissionSettings
    now: Callable[[], int]
    new_id: Callable[[], str]


async def until_committed(attempt: Callable[[], Awaitable[T | Stale]]) -> T | Unreachable:
    """Return the first answer of ``attempt`` that was committed under the world it was made from."""
    for _ in range(MAX_ATTEMPTS):
        answer = await attempt()
        if not isinstance(answer, Stale):
            return answer
        await asyncio.sleep(0)
    return Unreachable("other requests changed the same manifest or tag each time: try again")


def unanswered(verdict: NoAnswer) -> Unreachable | Stale:
    """Return what a request becomes that got no answer: another attempt, or come back later."""
    return STALE if verdict.stale else Unreachable(verdict.reason)


async def who_was(tools: Tools, principal_id: str, claims: Mapping[str, str]) -> Who:
    """Return the principal as a decision names it, also where it is gone by now."""
    if principal_id == SYSTEM.id:
        return Who(SYSTEM, claims)
    found = await tools.people.principal(principal_id, now=tools.now())
    if found is not None:
        return Who(found[0], claims)
    return Who(Principal(principal_id, kind_of(principal_id), principal_id), claims)
