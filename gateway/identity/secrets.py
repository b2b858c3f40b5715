"""Secrets that we generate: 256 random bits that say what they are.

``rgr_`` and 43 characters of the secret and 6 of a checksum: scanners find a leaked one without asking us, and we tell a
robot's secret from a person's password without asking anybody. The checksum is no protection, only a spelling check.
Kept as SHA-256: what has 256 random bits needs no slow hash (passwords that people choose do: `passwords`).

Pure: no I/O; randomness is passed in.
Source: DESIGN 5 ("Secrets that we generate").
"""

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

from gateway.errors import Unauthorized

PREFIX: Final = "rgr_"
ENTROPY_BYTES: Final = 32
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_CHARS: Final = 43
"""62^43 is just over 2^256."""
_CHECKSUM_CHARS: Final = 6
"""62^6 is over 2^32, so a CRC-32 fits."""
_SHAPE: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_BODY_CHARS + _CHECKSUM_CHARS}}}")


@dataclass(frozen=True, slots=True)
class RobotSecret:
    """A robot's secret. ``text`` is what a client types as its password; it is shown once and never stored or logged."""

    text: str = field(repr=False)

    @classmethod
    def generate(cls, random_bytes: Callable[[int], bytes]) -> Self:
        """Return a new secret made from `ENTROPY_BYTES` of ``random_bytes`` (in production `os.urandom`)."""
        entropy = random_bytes(ENTROPY_BYTES)
        if len(entropy) != ENTROPY_BYTES:
            raise ValueError(f"the source of randomness did not give {ENTROPY_BYTES} bytes")
        body = PREFIX + _base62(int.from_bytes(entropy, "big"), width=_BODY_CHARS)
        return cls(body + _checksum(body))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the secret written as ``text``. Raises `Unauthorized` for what `looks_like_secret` does not know."""
        if not looks_like_secret(text):
            raise Unauthorized
        return cls(text)

    @property
    def sha256(self) -> bytes:
        """The SHA-256 (32 bytes) of the text: what is stored and looked up."""
        return hashlib.sha256(self.text.encode("ascii")).digest()


def looks_like_secret(text: str) -> bool:
    """Return whether ``text`` has the prefix, the shape and the checksum of a secret. It says nothing of its validity."""
    if _SHAPE.fullmatch(text) is None:
        return False
    return _checksum(text[:-_CHECKSUM_CHARS]) == text[-_CHECKSUM_CHARS:]


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), width=_CHECKSUM_CHARS)


def _base62(number: int, *, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
