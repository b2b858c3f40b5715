"""Which stored evidence of a subject is verified, and in which order: one principal's keeps no other's out.

What was verified once and says something that nothing older says comes first, of each signer in turn, newest first. All
the rest is tried, of each principal in turn, oldest first.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("At most 50 unverified evidence objects ...").
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from gateway.catalog.evidence_order import in_order
from gateway.catalog.world import EvidenceFacts, World
from gateway.oci.digest import Digest

MAX_VERIFIED: Final = 200

VERIFIED_SHARES: Final = 8
"""How many times the bytes of the largest evidence are read of what was verified once: 256 MiB as it is set up."""

MAX_UNVERIFIED: Final = 200
"""All that a subject may have."""


def worth_trying(
    world: World, *, replaced: AbstractSet[Digest] = frozenset()
) -> tuple[Sequence[EvidenceFacts], Sequence[EvidenceFacts]]:
    """Return what was verified once, and all the rest, each in the order to try it in. What lacks a layer is not tried.

    ``replaced`` comes first: a PUT that takes it from its tag must be told what it holds.
    """
    new, rest = in_order([facts for facts in world.evidence if not facts.missing_blobs])
    front = [facts for facts in (*new, *rest) if facts.digest in replaced]
    new = [facts for facts in new if facts.digest not in replaced]
    rest = [facts for facts in rest if facts.digest not in replaced]
    return (*front, *new)[:MAX_VERIFIED], rest[:MAX_UNVERIFIED]


class Budget:
    """How many bytes of evidence are read for each principal: up to the limit, and what the piece at it has beyond it.

    Junk by the gigabyte takes memory and time for its owner's share, and none of anybody else's. ``shared``: the limit is
    one for all, of what no principal can make by himself.
    """

    def __init__(self, max_bytes: int, *, shared: bool = False) -> None:
        self._max_bytes = max_bytes
        self._shared = shared
        self._read: dict[str, int] = {}

    def allows(self, principal: str) -> bool:
        """Return whether one more piece of the principal's is read."""
        return self._read.get(self._owner(principal), 0) < self._max_bytes

    def spend(self, principal: str, length: int) -> None:
        """Count what was read."""
        owner = self._owner(principal)
        self._read[owner] = self._read.get(owner, 0) + length

    def _owner(self, principal: str) -> str:
        return "" if self._shared else principal
