"""What a piece of evidence says that no older one does, and what it counts for.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("At most 50 unverified evidence objects ..."); docs/decisions/0010.
"""

from collections.abc import Collection, Iterable

from gateway.catalog.evidence_order import Said, said
from gateway.catalog.world import EvidenceFacts
from gateway.evidence.synthetic_config import EMPTY_DIGEST
from gateway.evidence.values import EvidenceReport
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest


def said_in(report: EvidenceReport, evidence: Digest) -> frozenset[Said]:
    """Return what the report found signed in one evidence manifest."""
    return frozenset(
        (item.signed, item.signer.id, item.format.value) for item in report.verified if item.evidence == evidence
    )


def said_before(digest: Digest, evidence: Iterable[EvidenceFacts], report: EvidenceReport) -> frozenset[Said]:
    """Return what the evidence says that was here before ``digest``: as recorded, and as the report finds."""
    told: set[Said] = set()
    for facts in evidence:
        if facts.digest == digest:
            break
        told.update(said(facts), said_in(report, facts.digest))
    return frozenset(told)


def counted_bytes(manifest: Manifest, *, signed_layers: Collection[Digest], repeat: bool) -> int:
    """Return what verified evidence counts for: its layers that nobody trusted has signed, and all of a repeat.

    The config of a repeat counts as well, but for ``{}``, which is everybody's. That of a new signature does not: a client
    made it up, and otherwise a registry that is in good order would come to be full of them.
    """
    layers = {layer.digest: layer.size for layer in manifest.layers}
    if not repeat:
        return sum(size for digest, size in layers.items() if digest not in signed_layers)
    config = manifest.config
    made_up = 0 if config is None or config.digest == EMPTY_DIGEST else config.size
    return len(manifest.raw) + made_up + sum(layers.values())
