"""Which stored evidence of a subject is verified, and in which order: one principal's keeps no other's out.

What was verified once comes first. All the rest is tried, of each principal in turn, oldest first.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("At most 50 unverified evidence objects ...").
"""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from gateway.catalog.world import EvidenceFacts, World

MAX_VERIFIED: Final = 200

MAX_UNVERIFIED: Final = 200
"""All that a subject may have."""


def worth_trying(world: World) -> tuple[Sequence[EvidenceFacts], Sequence[EvidenceFacts]]:
    """Return what was verified once, and what was not, each in the order to try it in. What lacks a layer is not tried."""
    complete = [facts for facts in world.evidence if not facts.missing_blobs]
    verified = [facts for facts in complete if facts.signers]
    others = [facts for facts in complete if not facts.signers]
    return verified[:MAX_VERIFIED], tuple(_in_turns(others))[:MAX_UNVERIFIED]


def _in_turns(evidence: Sequence[EvidenceFacts]) -> Iterator[EvidenceFacts]:
    by_principal: dict[str, list[EvidenceFacts]] = {}
    for facts in evidence:
        by_principal.setdefault(facts.who, []).append(facts)
    for turn in zip_longest(*by_principal.values()):
        yield from (facts for facts in turn if facts is not None)


class Budget:
    """How many bytes of unverified evidence are read for each principal: those of one piece, and of the piece at the limit.

    Junk by the gigabyte takes memory and time for its owner's share, and none of anybody else's.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._read: dict[str, int] = {}

    def allows(self, principal: str) -> bool:
        """Return whether one more piece of the principal's is read."""
        return self._read.get(principal, 0) < self._max_bytes

    def spend(self, principal: str, length: int) -> None:
        """Count what was read."""
        self._read[principal] = self._read.get(principal, 0) + length
