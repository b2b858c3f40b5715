"""The keys that sign our access tokens: which one signs now, which ones still verify.

All keys are P-256. A key is found by its ``kid`` in this ring and nowhere else: never in a token's own header
(CVE-2025-24976), never by trying every key. Never reads a file: see `gateway.identity.key_files`.

Pure: no I/O.
Source: RFC 7638 (thumbprints); RFC 7517 and 7518, section 6.2 (JWK of an EC key); DESIGN 5.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Final, Self

import jose.backends
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk
from jose.backends.base import Key
from jose.backends.cryptography_backend import CryptographyECKey

from gateway.errors import ConfigInvalid, Unavailable
from gateway.identity import base64url
from gateway.oci.strict_json import JsonObject, JsonValue

ALGORITHM: Final = "ES256"
_COORDINATE_BYTES: Final = 32
"""RFC 7518, 6.2.1.2: a coordinate of P-256 is 32 octets, leading zeros included."""


def check_backend() -> None:
    """Raise `ConfigInvalid` unless python-jose signs with the cryptography library.

    Its other backend is ``ecdsa``, whose signing time tells of the key (CVE-2024-23342, will not be fixed). Which one is
    taken depends on what can be imported, so a broken installation would change it without a word.
    """
    if jose.backends.ECKey is not CryptographyECKey:
        raise ConfigInvalid("python-jose does not use its cryptography backend: install python-jose[cryptography]")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The half of a key that verifies. ``retire_after`` in Unix seconds: from then on nothing verifies with it."""

    kid: str
    verifier: Key
    retire_after: int | None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A P-256 key, from when it signs and until when it may be used (Unix seconds; None is no end)."""

    kid: str
    not_before: int
    retire_after: int | None
    signer: Key = field(repr=False, compare=False)
    verifier: Key = field(repr=False, compare=False)
    public_jwk: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, private_key: object, *, not_before: int, retire_after: int | None) -> Self:
        """Return the signing key around ``private_key``. Raises `ConfigInvalid` unless it is an EC key on P-256.

        python-jose takes a key on any curve for ES256, so the curve is checked here, once.
        """
        check_backend()
        if not isinstance(private_key, ec.EllipticCurvePrivateKey) or not isinstance(private_key.curve, ec.SECP256R1):
            raise ConfigInvalid("a key that signs access tokens must be an EC key on P-256")
        if retire_after is not None and retire_after <= not_before:
            raise ConfigInvalid("a signing key retires before it is used")
        public_key = private_key.public_key()
        numbers = public_key.public_numbers()
        members: JsonObject = {
            "crv": "P-256",
            "kty": "EC",
            "x": base64url.encode(numbers.x.to_bytes(_COORDINATE_BYTES, "big")),
            "y": base64url.encode(numbers.y.to_bytes(_COORDINATE_BYTES, "big")),
        }
        kid = thumbprint(members)
        return cls(
            kid=kid,
            not_before=not_before,
            retire_after=retire_after,
            # python-jose takes cryptography's key objects as they are; its type stubs do not say so.
            signer=jwk.construct(private_key, ALGORITHM),  # type: ignore[arg-type]
            verifier=jwk.construct(public_key, ALGORITHM),  # type: ignore[arg-type]
            public_jwk={**members, "alg": ALGORITHM, "kid": kid, "use": "sig"},
        )


def thumbprint(required_members: JsonObject) -> str:
    """Return the RFC 7638 thumbprint (SHA-256, base64url) of a key's required members."""
    canonical = json.dumps(required_members, sort_keys=True, separators=(",", ":")).encode("ascii")
    return base64url.encode(hashlib.sha256(canonical).digest())


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every key that signs or verifies. A change of keys is a new ring, so whatever was kept for the old one is void.

    A key that no longer signs still verifies until its ``retire_after``: whoever retires it leaves time for the tokens
    that it has signed.
    """

    keys: tuple[SigningKey, ...]

    def __post_init__(self) -> None:
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise ConfigInvalid("the same signing key is in the ring twice")

    def signing(self, now: int) -> SigningKey:
        """Return the key that signs at ``now``: the one that started last. Raises `Unavailable` where there is none."""
        usable = [key for key in self.keys if key.not_before <= now and not _retired(key.retire_after, now)]
        if not usable:
            raise Unavailable("no key that could sign an access token is in use now")
        return max(usable, key=lambda key: (key.not_before, key.kid))

    def public(self, kid: str, now: int) -> PublicKey | None:
        """Return the key called ``kid`` for verifying at ``now``; None if there is none or it has retired.

        ``not_before`` is not asked: with several nodes another one's clock may be ahead, and the token's own ``nbf`` is
        checked with leeway.
        """
        for key in self.keys:
            if key.kid == kid and not _retired(key.retire_after, now):
                return PublicKey(kid=kid, verifier=key.verifier, retire_after=key.retire_after)
        return None

    def jwks(self, now: int) -> JsonObject:
        """Return the JWK Set to publish: the public halves of all keys not retired, future ones included."""
        keys: list[JsonValue] = [dict(key.public_jwk) for key in self.keys if not _retired(key.retire_after, now)]
        return {"keys": keys}


def _retired(retire_after: int | None, now: int) -> bool:
    return retire_after is not None and now >= retire_after
