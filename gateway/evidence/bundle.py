"""Sigstore bundles, version 0.3: the envelope in them, unverified.

Log entries and timestamps are counted and otherwise left alone: an authority that trusts a key without a log
(``ctlog: none``) draws nothing from them, and no other authority exists yet. A certificate is noted, never believed.

Pure: no I/O, no third-party import.
Source: sigstore/protobuf-specs v0.5, sigstore_bundle.proto and sigstore_common.proto, in protobuf's JSON form.
"""

from dataclasses import dataclass
from typing import Final

from gateway.evidence import dsse, members
from gateway.evidence.dsse import Envelope
from gateway.evidence.limits import MAX_ATTESTATION_BYTES, MAX_LOG_ENTRIES, MAX_TIMESTAMPS
from gateway.evidence.values import Refused, RejectionCode
from gateway.oci.strict_json import JsonObject

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"

_KEY_MATERIAL: Final = frozenset({"publicKey", "certificate", "x509CertificateChain"})
_MATERIAL: Final = _KEY_MATERIAL | {"tlogEntries", "timestampVerificationData"}
_MAX_HINT_CHARS: Final = 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle carries. ``certified`` says that its signer means to be known by a certificate, not by a key."""

    envelope: Envelope
    certified: bool


def parse(document: bytes) -> Bundle:
    """Return the bundle in ``document``. Raises `Refused`, also for every member that version 0.3 does not have."""
    bundle = members.parse(document, what="the bundle", max_bytes=MAX_ATTESTATION_BYTES)
    members.only(bundle, {"mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"}, what="the bundle")
    if bundle.get("mediaType") != MEDIA_TYPE:
        raise members.malformed(f"mediaType is not {MEDIA_TYPE}")
    certified = _is_certified(members.only(bundle.get("verificationMaterial"), _MATERIAL, what="verificationMaterial"))
    if ("dsseEnvelope" in bundle) == ("messageSignature" in bundle):
        raise members.malformed("the bundle has both or neither of dsseEnvelope and messageSignature")
    if "messageSignature" in bundle:
        raise Refused(
            RejectionCode.UNSUPPORTED_CONTENT,
            "a message signature: sign the image with `cosign sign`, which makes a DSSE envelope",
        )
    # One signature, as the specification of the bundle has it; with two it would be open which of them counts.
    return Bundle(dsse.parse_value(bundle["dsseEnvelope"], max_signatures=1), certified)


def _is_certified(material: JsonObject) -> bool:
    kinds = material.keys() & _KEY_MATERIAL
    if len(kinds) != 1:
        raise members.malformed("verificationMaterial names none or several of key, certificate and chain")
    members.a_list(material.get("tlogEntries", []), what="tlogEntries", max_items=MAX_LOG_ENTRIES)
    stamps = members.only(
        material.get("timestampVerificationData", {}), {"rfc3161Timestamps"}, what="timestampVerificationData"
    )
    members.a_list(stamps.get("rfc3161Timestamps", []), what="rfc3161Timestamps", max_items=MAX_TIMESTAMPS)
    if kinds != {"publicKey"}:
        members.an_object(material[next(iter(kinds))], what="the certificate")
        return True
    # The hint would say which key to try. Keys are few and known: it is read for its form and used for nothing.
    key = members.only(material["publicKey"], {"hint"}, what="publicKey")
    members.a_text(key.get("hint", ""), what="publicKey.hint", max_chars=_MAX_HINT_CHARS)
    return False
