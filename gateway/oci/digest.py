"""Content digests: the names of bytes.

A digest is ``<algorithm>:<hex>``. This module refuses what it does not know and never lower-cases, trims or guesses.

Pure: no I/O, no third-party import.
Source: OCI image-spec v1.1, descriptor.md, "Digests".
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal, Self, TypeAlias, cast

from gateway.errors import DigestInvalid

Algorithm: TypeAlias = Literal["sha256", "sha512"]

HEX_LENGTHS: Final[dict[str, int]] = {"sha256": 64, "sha512": 128}
_HEX: Final = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The name of some bytes. Equal digests name equal bytes; another spelling does not exist."""

    algorithm: Algorithm
    hex: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the digest written as ``text``, exactly as a client sent it.

        Raises `DigestInvalid` for an unknown algorithm, a length outside `HEX_LENGTHS` (characters) or anything but
        ``[0-9a-f]``. Upper case is refused, not folded: two spellings would be two names for the same bytes.
        """
        algorithm, colon, encoded = text.partition(":")
        if not colon:
            raise DigestInvalid(text[:200], "no algorithm")
        length = HEX_LENGTHS.get(algorithm)
        if length is None:
            raise DigestInvalid(text[:200], "unsupported algorithm")
        if len(encoded) != length:
            raise DigestInvalid(text[:200], "wrong length")
        if _HEX.fullmatch(encoded) is None:
            raise DigestInvalid(text[:200], "malformed hex")
        return cls(cast(Algorithm, algorithm), encoded)

    @classmethod
    def of(cls, content: bytes, *, algorithm: Algorithm = "sha256") -> Self:
        """Return the digest of ``content``."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    def check(self, content: bytes) -> None:
        """Raise `DigestInvalid` unless this is the digest of ``content``."""
        if hashlib.new(self.algorithm, content).hexdigest() != self.hex:
            raise DigestInvalid(str(self), "the content has another digest")

    def __hash__(self) -> int:
        # Of the characters alone, whose hash Python keeps: a manifest's digests are looked up hundreds of times.
        return hash(self.hex)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
