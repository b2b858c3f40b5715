"""Which stored evidence of a subject is verified, and in which order: one principal's keeps no other's out.

What was verified once and says something that nothing older says comes first, of each signer in turn, newest first. All
the rest is tried, of each principal in turn, oldest first.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("At most 50 unverified evidence objects ...").
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Final

from gateway.admission.repeats import repeats
from gateway.catalog.world import EvidenceFacts, World

MAX_VERIFIED: Final = 200

VERIFIED_SHARES: Final = 8
"""How many times the bytes of the largest evidence are read of what was verified once: 256 MiB as it is set up."""

MAX_UNVERIFIED: Final = 200
"""All that a subject may have."""


def worth_trying(world: World) -> tuple[Sequence[EvidenceFacts], Sequence[EvidenceFacts]]:
    """Return what was verified once, and all the rest, each in the order to try it in. What lacks a layer is not tried."""
    complete = [facts for facts in world.evidence if not facts.missing_blobs]
    repeated = repeats(complete)
    verified = [facts for facts in complete if facts.signed and facts.digest not in repeated]
    others = [facts for facts in complete if not facts.signed or facts.digest in repeated]
    return (
        tuple(_in_turns(reversed(verified), whose=_signer))[:MAX_VERIFIED],
        tuple(_in_turns(others, whose=_principal))[:MAX_UNVERIFIED],
    )


def _in_turns(evidence: Iterable[EvidenceFacts], *, whose: Callable[[EvidenceFacts], str]) -> Iterator[EvidenceFacts]:
    by_owner: dict[str, list[EvidenceFacts]] = {}
    for facts in evidence:
        by_owner.setdefault(whose(facts), []).append(facts)
    for turn in zip_longest(*by_owner.values()):
        yield from (facts for facts in turn if facts is not None)


def _signer(facts: EvidenceFacts) -> str:
    return min(signer for _, signer in facts.signed)


def _principal(facts: EvidenceFacts) -> str:
    return facts.who


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
