"""Which evidence says nothing that other evidence of its subject does not say already: a repeat.

Whoever may push can put a layer that somebody trusted signed into as many manifests as he likes, beside whatever else he
likes, and in each of them it is verified. So a repeat is visible like all that is verified, and bounded like what nobody
trusted has signed: in number, by its project's quota, and in the order in which evidence is tried. What is told by is the
layer *and* its signer: everybody who signs one image with cosign 2 signs the same payload, and so the same layer.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("At most 50 unverified evidence objects ..."), 11.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from gateway.catalog.world import EvidenceFacts
from gateway.evidence.values import EvidenceReport
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest

Signed: TypeAlias = tuple[Digest, str]
"""A layer, and the identity of who signed it."""


def signed_in(report: EvidenceReport, evidence: Digest) -> frozenset[Signed]:
    """Return what the report found signed in one evidence manifest."""
    return frozenset((item.layer, item.signer.id) for item in report.verified if item.evidence == evidence)


def repeats(evidence: Sequence[EvidenceFacts]) -> frozenset[Digest]:
    """Return which of a subject's verified evidence, oldest first, repeats what is older."""
    told: set[Signed] = set()
    found: set[Digest] = set()
    for facts in evidence:
        if facts.signed and told.issuperset(facts.signed):
            found.add(facts.digest)
        told.update(facts.signed)
    return frozenset(found)


def told_before(digest: Digest, evidence: Iterable[EvidenceFacts], report: EvidenceReport) -> frozenset[Signed]:
    """Return what is signed in the evidence that was here before ``digest``: as recorded, and as the report finds."""
    told: set[Signed] = set()
    for facts in evidence:
        if facts.digest == digest:
            break
        told.update(facts.signed, signed_in(report, facts.digest))
    return frozenset(told)


def counted_bytes(manifest: Manifest, *, signed: AbstractSet[Signed], repeat: bool) -> int:
    """Return what verified evidence counts for: the layers in it that nobody trusted signed, and all of a repeat."""
    layers = {layer.digest: layer.size for layer in manifest.layers}
    if repeat:
        return len(manifest.raw) + sum(layers.values())
    kept = {layer for layer, _ in signed}
    return sum(size for digest, size in layers.items() if digest not in kept)
