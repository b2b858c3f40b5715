"""DSSE envelopes: the bytes that are signed, and the bytes that they carry.

Pure: no I/O, no third-party import.
Source: secure-systems-lab/dsse v1.0.2, protocol.md (PAE) and envelope.md.
"""

from dataclasses import dataclass
from typing import Final

from gateway.evidence import base64_strict, members
from gateway.evidence.limits import MAX_ATTESTATION_BYTES, MAX_SIGNATURE_BYTES
from gateway.evidence.values import Refused, RejectionCode
from gateway.oci import media_types
from gateway.oci.strict_json import JsonValue

_MAX_TYPE_CHARS: Final = 256
_MAX_KEY_ID_CHARS: Final = 1024


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope of an in-toto statement, unverified. ``key_id`` members are not kept: they prove nothing."""

    payload: bytes
    signatures: tuple[bytes, ...]

    @property
    def signed(self) -> bytes:
        """The bytes that every signature is over: the pre-authentication encoding of type and payload."""
        return b"DSSEv1 %d %s %d %s" % (
            len(media_types.IN_TOTO),
            media_types.IN_TOTO.encode("ascii"),
            len(self.payload),
            self.payload,
        )


def parse_value(value: JsonValue, *, max_signatures: int) -> Envelope:
    """Return the envelope that ``value`` is. Raises `Refused`.

    Members that the format does not have are refused, although DSSE lets them pass: nothing signs them.
    """
    envelope = members.exactly(value, {"payload", "payloadType", "signatures"}, what="the envelope")
    payload_type = members.a_text(envelope["payloadType"], what="payloadType", max_chars=_MAX_TYPE_CHARS)
    if payload_type != media_types.IN_TOTO:
        raise Refused(RejectionCode.UNSUPPORTED_CONTENT, f"payloadType is not {media_types.IN_TOTO}")
    entries = members.a_list(envelope["signatures"], what="signatures", max_items=max_signatures)
    if not entries:
        raise members.malformed("signatures is empty")
    encoded = members.a_text(envelope["payload"], what="payload", max_chars=2 * MAX_ATTESTATION_BYTES)
    return Envelope(
        base64_strict.decode(encoded, what="payload", max_bytes=MAX_ATTESTATION_BYTES),
        tuple(_signature(entry) for entry in entries),
    )


def parse(document: bytes, *, max_signatures: int) -> Envelope:
    """Return the envelope in ``document``. Raises `Refused`."""
    value = members.parse(document, what="the envelope", max_bytes=MAX_ATTESTATION_BYTES)
    return parse_value(value, max_signatures=max_signatures)


def _signature(entry: JsonValue) -> bytes:
    signature = members.only(entry, {"sig", "keyid"}, what="a signature of the envelope")
    members.a_text(signature.get("keyid", ""), what="keyid", max_chars=_MAX_KEY_ID_CHARS)
    encoded = members.a_text(signature.get("sig"), what="sig", max_chars=2 * MAX_SIGNATURE_BYTES)
    return base64_strict.decode(encoded, what="sig", max_bytes=MAX_SIGNATURE_BYTES)
