"""Reading evidence: which of what is stored for a subject is looked at, and the bytes of each piece.

The bytes that are verified are the bytes that are stored: read once from the content store, which checks their digest. No
more of them than the manifest says, and no more than the limit, whatever the blobs are.

I/O: content store.
Source: DESIGN 3 ("At most 50 unverified evidence objects ..."), 11.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.admission.tries import VERIFIED_SHARES, Budget, worth_trying
from gateway.catalog.world import EvidenceFacts, World
from gateway.content.store import BlobStore
from gateway.errors import BlobUnknown, DocumentInvalid, Internal, ManifestInvalid, SizeInvalid
from gateway.evidence.limits import MAX_LAYERS
from gateway.evidence.synthetic_config import EMPTY_DIGEST
from gateway.evidence.values import EvidenceClaim, EvidenceFormat, EvidenceObject
from gateway.oci.descriptor import Descriptor
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest


class EvidenceReader:
    """Reads pieces of evidence from a content store; each has ``max_evidence_bytes`` at most."""

    def __init__(self, *, blobs: BlobStore, max_evidence_bytes: int) -> None:
        self._blobs = blobs
        self._max_bytes = max_evidence_bytes

    async def read(
        self,
        manifest: Manifest,
        claim: EvidenceClaim,
        *,
        first_seen: int,
        there: Mapping[Digest, bytes] = MappingProxyType({}),
    ) -> EvidenceObject:
        """Return the evidence object with the bytes of its parts; what is ``there`` is not read again.

        Raises `ManifestInvalid` for one over the limits or with a part that is longer than the manifest says, `BlobUnknown`
        and `Internal` as `BlobStore.read` does.
        """
        if len(manifest.layers) > MAX_LAYERS:
            raise ManifestInvalid(f"evidence has at most {MAX_LAYERS} layers")
        parts = {part.digest: part for part in _parts(manifest)}
        if sum(part.size for part in parts.values()) > self._max_bytes:
            raise ManifestInvalid(f"the layers of evidence are at most {self._max_bytes} bytes together")
        blobs = {}
        for digest, part in parts.items():
            try:
                blobs[digest] = (
                    there[digest] if digest in there else await self._blobs.read(digest, max_bytes=part.size)
                )
            except SizeInvalid:
                raise ManifestInvalid(f"{digest} is longer than the {part.size} bytes that the manifest says") from None
        return EvidenceObject(manifest, claim, blobs, first_seen)

    async def stored(
        self, subject: Digest, world: World, *, replaced: frozenset[Digest] = frozenset()
    ) -> list[EvidenceObject]:
        """Return the stored evidence of ``subject``, whose world it is, that is verified, in this order."""
        verified, others = worth_trying(world, replaced=replaced)
        limit = self._max_bytes
        there: dict[Digest, bytes] = {}
        objects = []
        for group, budget in ((verified, Budget(VERIFIED_SHARES * limit, shared=True)), (others, Budget(limit))):
            for facts in group:
                if budget.allows(facts.who) and (found := await self._load(subject, facts, there)) is not None:
                    there.update(found.blobs)
                    budget.spend(facts.who, sum(len(content) for content in found.blobs.values()))
                    objects.append(found if group is verified else replace(found, share=facts.who))
        return objects

    async def _load(
        self, subject: Digest, facts: EvidenceFacts, there: Mapping[Digest, bytes]
    ) -> EvidenceObject | None:
        """Return a stored evidence object; None for one that cannot be read, which proves nothing.

        What can be read and is no evidence all the same (a part of it came after its PUT, and was never looked at) proves
        nothing either: `verify_all` holds all of it to its format, in the pool, and it is paid for like the rest.
        """
        try:
            manifest = Manifest.parse_stored(facts.body, media_type=facts.media_type)
            claim = EvidenceClaim(EvidenceFormat(facts.format), subject)
            return await self.read(manifest, claim, first_seen=facts.first_seen, there=there)
        except (ManifestInvalid, DocumentInvalid, BlobUnknown, Internal, ValueError):
            return None


def _parts(manifest: Manifest) -> Iterator[Descriptor]:
    """Yield the layers, and the config but for ``{}``, which everybody knows."""
    yield from manifest.layers
    if manifest.config is not None and manifest.config.digest != EMPTY_DIGEST:
        yield manifest.config
