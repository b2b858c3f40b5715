"""The layers of evidence as their format has them: the bytes that are signed and the signatures over them, unverified.

`parse_content` is the second half of classification: it holds a manifest to what `classify` took it for. It reads the
form and believes nothing; what a payload says counts only after its signature, in `gateway.evidence.judge`.

Pure: no I/O, no third-party import.
Source: cosign specs/SIGNATURE_SPEC.md; DESIGN 3 ("its layer content must parse as that format") and 11.
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never

from gateway.errors import DigestInvalid, ManifestInvalid
from gateway.evidence import base64_strict, bundle, dsse, members, simple_signing, synthetic_config
from gateway.evidence.limits import (
    MAX_ATTESTATION_BYTES,
    MAX_ENVELOPE_SIGNATURES,
    MAX_EVIDENCE_CONFIG_BYTES,
    MAX_EVIDENCE_MANIFEST_BYTES,
    MAX_LAYERS,
    MAX_PAYLOAD_BYTES,
    MAX_SIGNATURE_BYTES,
)
from gateway.evidence.values import EvidenceFormat, EvidenceObject, Refused, RejectionCode
from gateway.oci.descriptor import Descriptor
from gateway.oci.digest import Digest

SIGNATURE_ANNOTATION: Final = "dev.cosignproject.cosign/signature"
CERTIFICATE_ANNOTATION: Final = "dev.sigstore.cosign/certificate"


@dataclass(frozen=True, slots=True)
class UnverifiedLayer:
    """``signed`` are the very bytes that each of ``signatures`` claims to be over; ``payload`` is what they carry.

    ``certified``: it names a certificate as its signer. ``size_bytes`` is that of the whole layer.
    """

    signed: bytes
    payload: bytes
    signatures: tuple[bytes, ...]
    certified: bool
    size_bytes: int


def parse_content(evidence: EvidenceObject) -> None:
    """Raise `ManifestInvalid` unless config and every layer read as the format that the manifest claims.

    ``field`` is the place in the manifest. Bytes that are not in ``blobs`` are a refusal too.
    """
    try:
        check_size(evidence)
    except Refused as refused:
        raise ManifestInvalid(refused.message) from None
    layers = LayerReader(evidence)
    for number, descriptor in enumerate(evidence.manifest.layers):
        try:
            layers.read(descriptor)
        except Refused as refused:
            raise ManifestInvalid(refused.message, field=f"layers[{number}]") from None
    try:
        check_config(evidence)
    except Refused as refused:
        raise ManifestInvalid(refused.message, field="config") from None


def check_size(evidence: EvidenceObject) -> None:
    """Raise `Refused` for a manifest over the limits of evidence, before any of its layers is looked at."""
    if len(evidence.manifest.raw) > MAX_EVIDENCE_MANIFEST_BYTES:
        raise Refused(RejectionCode.LIMIT_EXCEEDED, f"the manifest is larger than {MAX_EVIDENCE_MANIFEST_BYTES} bytes")
    if len(evidence.manifest.layers) > MAX_LAYERS:
        raise Refused(RejectionCode.LIMIT_EXCEEDED, f"the manifest has more than {MAX_LAYERS} layers")


def check_config(evidence: EvidenceObject) -> None:
    """Raise `Refused` for a config that says anything of its own (`synthetic_config`)."""
    config = evidence.manifest.config
    if config is None:
        raise members.malformed("the manifest has no config")
    if config.digest == synthetic_config.EMPTY_DIGEST:
        # Known by its name alone, so that nobody reads two bytes for each bundle.
        if config.size != len(synthetic_config.EMPTY):
            raise Refused(RejectionCode.CONTENT_MISSING, "the empty config has another size than its descriptor")
        return
    synthetic_config.check(_content(evidence, config, max_bytes=MAX_EVIDENCE_CONFIG_BYTES), evidence.manifest)


class LayerReader:
    """Reads the layers of one evidence manifest as the claimed format. What several of them name is read once.

    A hundred layers can name one blob of 32 MiB, which is stored and counted once.
    """

    def __init__(self, evidence: EvidenceObject) -> None:
        self._evidence = evidence
        self._known: dict[Digest, UnverifiedLayer] = {}

    def read(self, descriptor: Descriptor) -> UnverifiedLayer:
        """Return the layer that ``descriptor`` names. Raises `Refused`."""
        layer = self._known.get(descriptor.digest)
        if layer is None:
            layer = self._known[descriptor.digest] = _read(self._evidence, descriptor)
        match self._evidence.claim.format:
            case EvidenceFormat.SIGSTORE_BUNDLE:
                return layer
            case EvidenceFormat.COSIGN_SIGNATURE:
                signatures: tuple[bytes, ...] = (_annotated_signature(descriptor),)
            case EvidenceFormat.COSIGN_ATTESTATION | EvidenceFormat.IN_TOTO:
                signatures = layer.signatures
            case other:
                assert_never(other)
        return replace(layer, signatures=signatures, certified=_is_certified(descriptor))


def _read(evidence: EvidenceObject, descriptor: Descriptor) -> UnverifiedLayer:
    """Return what the layer's bytes say by themselves, whatever its descriptor says of them."""
    form = evidence.claim.format
    if form is EvidenceFormat.COSIGN_SIGNATURE:
        payload = _content(evidence, descriptor, max_bytes=MAX_PAYLOAD_BYTES)
        simple_signing.parse(payload)
        return UnverifiedLayer(payload, payload, (), False, len(payload))
    document = _content(evidence, descriptor, max_bytes=MAX_ATTESTATION_BYTES)
    if form is EvidenceFormat.SIGSTORE_BUNDLE:
        parsed = bundle.parse(document)
        envelope, certified = parsed.envelope, parsed.certified
    else:
        envelope, certified = dsse.parse(document, max_signatures=MAX_ENVELOPE_SIGNATURES), False
    return UnverifiedLayer(envelope.signed, envelope.payload, envelope.signatures, certified, len(document))


def _is_certified(descriptor: Descriptor) -> bool:
    return CERTIFICATE_ANNOTATION in descriptor.annotations


def _content(evidence: EvidenceObject, descriptor: Descriptor, *, max_bytes: int) -> bytes:
    """Return the bytes that ``descriptor`` names. What was stored under a name is hashed again, not believed."""
    if descriptor.size > max_bytes:
        raise Refused(RejectionCode.LIMIT_EXCEEDED, f"the layer is larger than {max_bytes} bytes")
    content = evidence.blobs.get(descriptor.digest)
    if content is None:
        raise Refused(RejectionCode.CONTENT_MISSING, f"{descriptor.digest} is not here")
    if len(content) != descriptor.size:
        raise Refused(RejectionCode.CONTENT_MISSING, f"{descriptor.digest} has another size than its descriptor")
    try:
        descriptor.digest.check(content)
    except DigestInvalid:
        raise Refused(RejectionCode.CONTENT_MISSING, f"the bytes of {descriptor.digest} have another digest") from None
    return content


def _annotated_signature(descriptor: Descriptor) -> bytes:
    encoded = descriptor.annotations.get(SIGNATURE_ANNOTATION)
    if not encoded:
        raise members.malformed(f"the annotation {SIGNATURE_ANNOTATION} is missing")
    return base64_strict.decode(encoded, what="the signature", max_bytes=MAX_SIGNATURE_BYTES)
