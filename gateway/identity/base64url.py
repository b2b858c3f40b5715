"""Base64url without padding, in its one spelling.

Python's decoder drops characters that it does not know and ignores the unused bits of the last one, so that many texts
decode to the same bytes. Here one text has one value and one value has one text.

Pure: no I/O, no third-party import.
Source: RFC 4648, sections 3.5 (canonical encoding) and 5; RFC 7515, appendix C.
"""

import base64
import re
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]+")


def encode(data: bytes) -> str:
    """Return ``data`` in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes that ``text`` is the canonical encoding of. Raises `ValueError` for anything else."""
    if _ALPHABET.fullmatch(text) is None or len(text) % 4 == 1:
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not the canonical base64url of its bytes")
    return data
