"""What a manifest claims to be, from a closed list; whatever is not on it is judged like an image.

A claim is only a claim: `gateway.evidence.content.parse_content` reads the layers and the config, so that a runnable image
does not pass for a signature by giving itself a `subject` or a tag that ends in ``.sig``.

Pure: no I/O, no third-party import.
Source: cosign specs/SIGNATURE_SPEC.md and specs/BUNDLE_SPEC.md; in-toto attestation v1, "Storage"; OCI distribution-spec
v1.1.1, "Referrers Tag Schema".
"""

import re
from typing import Final

from gateway.evidence.bundle import MEDIA_TYPE as SIGSTORE_BUNDLE
from gateway.evidence.limits import MAX_EVIDENCE_CONFIG_BYTES
from gateway.evidence.synthetic_config import EMPTY, EMPTY_DIGEST
from gateway.evidence.values import EvidenceClaim, EvidenceFormat
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest, ManifestKind
from gateway.oci.names import Tag

SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE_ENVELOPE: Final = "application/vnd.dsse.envelope.v1+json"
COSIGN_ARTIFACT: Final = "application/vnd.dev.cosign.artifact.sig.v1+json"

_EVIDENCE_TAG: Final = re.compile(r"sha256-([0-9a-f]{64})\.(sig|att)")
_FALLBACK_TAG: Final = re.compile(r"sha256-([0-9a-f]{64})")
_RESERVED_TAG: Final = re.compile(r"sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?")

_BY_SUFFIX: Final = {
    "sig": (EvidenceFormat.COSIGN_SIGNATURE, SIMPLE_SIGNING),
    "att": (EvidenceFormat.COSIGN_ATTESTATION, DSSE_ENVELOPE),
}


def classify(manifest: Manifest, tag: Tag | None) -> EvidenceClaim | None:
    """Return what ``manifest`` claims to be under ``tag`` (None: pushed by digest), or None where it is no evidence.

    The class belongs to the pair: the same bytes under another tag are judged like an image, since a tag that people
    pull by must never be one that nobody judged. Where a tag and a `subject` both name a digest, they must agree.
    """
    if manifest.kind is not ManifestKind.IMAGE or not manifest.layers:
        return None
    if tag is None:
        return _by_subject(manifest)
    return _by_tag(manifest, tag)


def is_fallback_tag(tag: Tag) -> Digest | None:
    """Return the digest that the referrers fallback tag ``sha256-<hex>`` is about, None for any other tag."""
    match = _FALLBACK_TAG.fullmatch(tag.text)
    return None if match is None else Digest("sha256", match[1])


def reserved_tag(tag: Tag) -> bool:
    """Return whether ``tag`` is a name for evidence only: ``sha256-<hex>``, bare or with .sig, .att or .sbom.

    Hexadecimal in upper case is not reserved: no client looks there, and the tag is judged like any other.
    """
    return _RESERVED_TAG.fullmatch(tag.text) is not None


def _by_tag(manifest: Manifest, tag: Tag) -> EvidenceClaim | None:
    match = _EVIDENCE_TAG.fullmatch(tag.text)
    if match is None:
        return None
    subject = Digest("sha256", match[1])
    if manifest.subject is not None and manifest.subject.digest != subject:
        return None
    form, layer_type = _BY_SUFFIX[match[2]]
    if not _small_config(manifest) or not _all_layers(manifest, layer_type):
        return None
    return EvidenceClaim(form, subject)


def _by_subject(manifest: Manifest) -> EvidenceClaim | None:
    if manifest.subject is None or manifest.config is None or not _small_config(manifest):
        return None
    # cosign before 2.6.4 and 3.1.2 wrote the type into the config alone. One of the two speaks: the artifactType if
    # there is one, so that a document with two types has one reading.
    match manifest.artifact_type or manifest.config.media_type:
        case typ if typ == COSIGN_ARTIFACT and _all_layers(manifest, SIMPLE_SIGNING):
            return EvidenceClaim(EvidenceFormat.COSIGN_SIGNATURE, manifest.subject.digest)
        case typ if typ == SIGSTORE_BUNDLE and _one_bundle(manifest):
            return EvidenceClaim(EvidenceFormat.SIGSTORE_BUNDLE, manifest.subject.digest)
        case typ if typ == media_types.IN_TOTO and _all_layers(manifest, DSSE_ENVELOPE):
            return EvidenceClaim(EvidenceFormat.IN_TOTO, manifest.subject.digest)
        case _:
            return None


def _small_config(manifest: Manifest) -> bool:
    return manifest.config is not None and manifest.config.size <= MAX_EVIDENCE_CONFIG_BYTES


def _all_layers(manifest: Manifest, media_type: str) -> bool:
    return all(layer.media_type == media_type for layer in manifest.layers)


def _one_bundle(manifest: Manifest) -> bool:
    """Return whether it is one bundle under the empty config, the only shape that cosign and `@sigstore/oci` write."""
    config = manifest.config
    empty = (
        config is not None
        and config.media_type == media_types.EMPTY
        and config.size == len(EMPTY)
        and config.digest == EMPTY_DIGEST
    )
    return empty and len(manifest.layers) == 1 and manifest.layers[0].media_type == SIGSTORE_BUNDLE
