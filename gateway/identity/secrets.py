"""Secrets that we generate: 256 random bits that say what they are.

A prefix for each kind, 43 characters of the secret and 6 of a checksum: scanners find a leaked one without asking us, and
we tell one of ours from a person's password without asking anybody. The checksum is no protection, only a spelling check.
Kept as SHA-256: what has 256 random bits needs no slow hash (passwords that people choose do: `passwords`).

Pure: no I/O; randomness is passed in.
Source: DESIGN 5 ("Secrets that we generate").
"""

import hashlib
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

ENTROPY_BYTES: Final = 32
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_CHARS: Final = 43
"""62^43 is just over 2^256."""
_CHECKSUM_CHARS: Final = 6
"""62^6 is over 2^32, so a CRC-32 fits."""


class SecretKind(StrEnum):
    """What a secret is for, by the prefix that it begins with."""

    ROBOT = "rgr_"
    SESSION = "rgs_"
    """Of a CI job's session."""


_SHAPE: Final = re.compile(r"(rgr_|rgs_)[0-9A-Za-z]{49}")
"""A kind's prefix, the body and the checksum."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A generated secret. ``text`` is what a client types as its password; it is shown once and never stored or logged."""

    kind: SecretKind
    text: str = field(repr=False)

    @classmethod
    def generate(cls, kind: SecretKind, random_bytes: Callable[[int], bytes]) -> Self:
        """Return a new secret made from `ENTROPY_BYTES` of ``random_bytes`` (in production `os.urandom`)."""
        entropy = random_bytes(ENTROPY_BYTES)
        if len(entropy) != ENTROPY_BYTES:
            raise ValueError(f"the source of randomness did not give {ENTROPY_BYTES} bytes")
        body = kind + _base62(int.from_bytes(entropy, "big"), width=_BODY_CHARS)
        return cls(kind, body + _checksum(body))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the secret written as ``text``, None where it has not prefix, shape and checksum of one.

        It says nothing of its validity.
        """
        shape = _SHAPE.fullmatch(text)
        if shape is None or _checksum(text[:-_CHECKSUM_CHARS]) != text[-_CHECKSUM_CHARS:]:
            return None
        return cls(SecretKind(shape[1]), text)

    @property
    def sha256(self) -> bytes:
        """The SHA-256 (32 bytes) of the text: what is stored and looked up."""
        return hashlib.sha256(self.text.encode("ascii")).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), width=_CHECKSUM_CHARS)


def _base62(number: int, *, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
