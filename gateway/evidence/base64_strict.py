"""Base64 with one reading: the standard alphabet, full padding, no white space, no stray bits.

Python's decoder, asked to validate, still accepts an encoding whose unused bits are set; two texts for the same bytes are
two names for one thing, so the text has to be the one that encoding the bytes gives.

Pure: no I/O, no third-party import.
Source: RFC 4648, sections 3.5 and 4.
"""

import base64
import binascii
from typing import Final

from gateway.evidence.values import Refused, RejectionCode

_PIECE_BYTES: Final = 192 * 1024
_PIECE_CHARACTERS: Final = _PIECE_BYTES // 3 * 4
"""Decoding holds the interpreter: piece by piece, so that others are served between them. Of 32 MiB it is 0.3 s."""


def decode(text: str, *, what: str, max_bytes: int) -> bytes:
    """Return the bytes that ``text`` encodes. Raises `Refused`; ``what`` names the field in its message."""
    if len(text) > 4 * ((max_bytes + 2) // 3):
        raise Refused(RejectionCode.LIMIT_EXCEEDED, f"{what} is longer than {max_bytes} bytes")
    pieces = [_piece(text[at : at + _PIECE_CHARACTERS], what=what) for at in range(0, len(text), _PIECE_CHARACTERS)]
    if any(len(piece) != _PIECE_BYTES for piece in pieces[:-1]):
        raise Refused(
            RejectionCode.PAYLOAD_MALFORMED, f"{what} is not canonical base64"
        )  # It goes on after its padding.
    return b"".join(pieces)


def _piece(text: str, *, what: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(RejectionCode.PAYLOAD_MALFORMED, f"{what} is not base64") from None
    if base64.b64encode(decoded).decode("ascii") != text:
        raise Refused(RejectionCode.PAYLOAD_MALFORMED, f"{what} is not canonical base64")
    return decoded
