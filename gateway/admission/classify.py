"""What a manifest is to the gateway, derived from its bytes and the tag it is put under; from a closed list.

Derived anew for every tag: the same bytes are evidence under ``sha256-<hex>.sig`` and an image under ``latest``. What is
on no list is an image, and is judged like one.

Pure: no I/O, no third-party import.
Source: DESIGN 3; the BuildKit cache layouts (`application/vnd.buildkit.cacheconfig.v0`).
"""

from dataclasses import dataclass

from gateway.catalog.values import ManifestClass
from gateway.errors import Denied, ManifestInvalid, Reason
from gateway.evidence.classify import classify as classify_evidence
from gateway.evidence.classify import is_fallback_tag, reserved_tag
from gateway.evidence.values import EvidenceClaim
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest, ManifestKind
from gateway.oci.names import Tag


@dataclass(frozen=True, slots=True)
class Classified:
    """A manifest and what it is under each tag it was put under.

    ``claim`` is of evidence, ``fallback_of`` of a fallback index: the subject. ``metadata_tags`` move at once and get
    no tag decision; ``image_tags`` are judged.
    """

    cls: ManifestClass
    claim: EvidenceClaim | None
    fallback_of: Digest | None
    metadata_tags: tuple[Tag, ...]
    image_tags: tuple[Tag, ...]

    @property
    def subject(self) -> Digest | None:
        """The manifest this one is metadata of."""
        return self.claim.subject if self.claim is not None else self.fallback_of


def classify(manifest: Manifest, tags: tuple[Tag, ...]) -> Classified:
    """Return what ``manifest`` is when it is put under ``tags`` (none: by digest alone).

    Raises `Denied` for a tag that is reserved for evidence, `ManifestInvalid` for tags of both kinds in one request: those
    of evidence need another right, and move without a decision.
    """
    # What is built like a cache is one under every tag: it would else be two things, by the order of two requests.
    cache = _is_cache(manifest)
    claims = {tag: None if cache else classify_evidence(manifest, tag) for tag in tags}
    # A manifest under its own digest as a tag is what `cosign copy` puts first: another spelling of the same bytes, which
    # is judged like any tag, and which an index of its evidence takes over when one comes.
    own = {tag for tag in tags if is_fallback_tag(tag) == manifest.digest}
    lists = manifest.kind is ManifestKind.INDEX and not cache
    fallbacks = {tag: is_fallback_tag(tag) if lists and tag not in own else None for tag in tags}
    for tag in tags:
        if tag not in own:
            _check_reserved(tag, is_evidence=claims[tag] is not None, is_fallback=fallbacks[tag] is not None)
    by_digest = None if cache else classify_evidence(manifest, None)
    claim = by_digest or next((found for found in claims.values() if found is not None), None)
    fallback_of = next((subject for subject in fallbacks.values() if subject is not None), None)
    metadata: tuple[Tag, ...] = ()
    if claim is not None:
        metadata = tuple(tag for tag in tags if claims[tag] == claim and _names(tag, claim.subject))
    elif fallback_of is not None:
        metadata = tuple(tag for tag in tags if fallbacks[tag] == fallback_of)
    if metadata and metadata != tags:
        raise ManifestInvalid("tags of evidence and other tags are put in requests of their own", field="tag")
    if claim is not None and (metadata or not tags):
        return Classified(ManifestClass.EVIDENCE, claim, None, metadata, ())
    if fallback_of is not None:
        return Classified(ManifestClass.FALLBACK, None, fallback_of, metadata, ())
    for tag in tags:
        # Evidence of one kind under the name of another, or of another digest: an image under a name for evidence.
        if tag not in own:
            _check_reserved(tag, is_evidence=False, is_fallback=False)
    return Classified(ManifestClass.CACHE if cache else ManifestClass.IMAGE, None, None, (), tags)


def _check_reserved(tag: Tag, *, is_evidence: bool, is_fallback: bool) -> None:
    """Raise `Denied` where a name that clients look for evidence by would become the name of something else."""
    if not reserved_tag(tag) or tag.text.endswith(".sbom") or is_evidence or is_fallback:
        return
    message = f"tag {tag} is a name for evidence of that digest, and this is none"
    raise Denied(message, reasons=(Reason("TAG_RESERVED", message, "deny"),))


def _names(tag: Tag, subject: Digest) -> bool:
    """Whether the tag is the evidence tag of ``subject``: evidence put under any other tag is judged as an image there."""
    return tag.text in (f"{subject.algorithm}-{subject.hex}.sig", f"{subject.algorithm}-{subject.hex}.att")


def _is_cache(manifest: Manifest) -> bool:
    if manifest.kind is ManifestKind.INDEX:
        return any(entry.media_type not in media_types.MANIFESTS for entry in manifest.manifests)
    return manifest.config is not None and manifest.config.media_type == media_types.BUILDKIT_CACHE_CONFIG
