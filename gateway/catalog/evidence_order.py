"""In which order the evidence of a subject is looked at, and which of it says nothing new: a repeat.

Whoever may push can put what somebody trusted signed into as many manifests as he likes, beside and inside whatever else he
likes, and in each of them it is verified. So a repeat is bounded like what nobody trusted has signed, and looked at after
all that is said once. What is told by is what was *signed*, by whom, in which format: bytes around it are anybody's to
choose. Everybody who signs one image with cosign 2 signs the same payload, so the signer counts.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("At most 50 unverified evidence objects ..."), 11; docs/decisions/0010.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TypeAlias

from gateway.catalog.world import EvidenceFacts
from gateway.oci.digest import Digest

Said: TypeAlias = tuple[Digest, str, str]
"""Signed bytes, the identity of who signed them, and the format of what carries the signature."""


def said(facts: EvidenceFacts) -> frozenset[Said]:
    """Return what is recorded as verified in one piece of evidence."""
    return frozenset((signed, signer, facts.format) for signed, signer in facts.signed)


def repeats(evidence: Sequence[EvidenceFacts]) -> frozenset[Digest]:
    """Return which of a subject's verified evidence, oldest first, repeats what is older."""
    told: set[Said] = set()
    found: set[Digest] = set()
    for facts in evidence:
        if facts.signed and told.issuperset(said(facts)):
            found.add(facts.digest)
        told.update(said(facts))
    return frozenset(found)


def in_order(evidence: Sequence[EvidenceFacts]) -> tuple[Sequence[EvidenceFacts], Sequence[EvidenceFacts]]:
    """Return what says something that nothing older says, of each signer in turn, newest first; and all the rest, of each
    principal in turn, oldest first. ``evidence`` comes oldest first."""
    repeated = repeats(evidence)
    new = [facts for facts in evidence if facts.signed and facts.digest not in repeated]
    rest = [facts for facts in evidence if not facts.signed or facts.digest in repeated]
    return tuple(_in_turns(reversed(new), whose=_signer)), tuple(_in_turns(rest, whose=_principal))


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
