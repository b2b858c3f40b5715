"""Public keys of the trust policy: read strictly, refused when weak, and the one place where a signature is checked.

The scheme follows from the key and never from the evidence, so no header can choose it: ECDSA P-256 with SHA-256; P-384
with SHA-384 (what cosign 2.6 and 3 do) and, for classic signatures, SHA-256 (what older ones did); RSA PKCS#1 v1.5 with
SHA-256; Ed25519 pure, and as Ed25519ph, which is what cosign makes with such a key. Nothing here takes a key from
anywhere but the operator's files.

Pure: no I/O. Imports cryptography, and PyNaCl for Ed25519ph, which cryptography does not have.
Source: sigstore specs "algorithm-registry"; FIPS 186-5; RFC 8032, 5.1 and 8.1; RFC 8017, 8.2.
"""

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign_ed25519ph_final_verify,
    crypto_sign_ed25519ph_state,
    crypto_sign_ed25519ph_update,
)
from nacl.exceptions import CryptoError

from gateway.errors import TrustPolicyInvalid

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
MIN_RSA_EXPONENT: Final = 65537
"""FIPS 186-5, A.1.1: larger than 2^16. An upper bound on the size keeps one check under a millisecond."""

_PEM: Final = re.compile(
    rb"\s*-----BEGIN PUBLIC KEY-----\r?\n(?:[A-Za-z0-9+/]+={0,2}\r?\n)+-----END PUBLIC KEY-----\s*"
)
_LABEL: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")

_Native: TypeAlias = ec.EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey


class KeyAlgorithm(StrEnum):
    """The kinds of key that may vouch for something."""

    ECDSA_P256 = "ecdsa-p256"
    ECDSA_P384 = "ecdsa-p384"
    RSA = "rsa"
    ED25519 = "ed25519"


class HashName(StrEnum):
    """`key.hashAlgorithm` of a ClusterImagePolicy. ``sha512`` is Ed25519ph's prehash."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


_HASHES: Final[dict[HashName, HashAlgorithm]] = {HashName.SHA256: SHA256(), HashName.SHA384: SHA384()}

CLASSIC_HASHES: Final[dict[KeyAlgorithm, tuple[HashName, ...]]] = {
    KeyAlgorithm.ECDSA_P256: (HashName.SHA256,),
    KeyAlgorithm.ECDSA_P384: (HashName.SHA384, HashName.SHA256),
    KeyAlgorithm.RSA: (HashName.SHA256,),
    KeyAlgorithm.ED25519: (HashName.SHA512,),
}
BUNDLE_HASHES: Final[dict[KeyAlgorithm, tuple[HashName, ...]]] = {
    **CLASSIC_HASHES,
    KeyAlgorithm.ECDSA_P384: (HashName.SHA384,),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that may vouch for something. Equal keys have equal ``spki`` (DER, with a named curve)."""

    algorithm: KeyAlgorithm
    spki: bytes
    _native: _Native = field(repr=False, compare=False)

    @classmethod
    def parse(cls, pem: bytes, *, where: str) -> Self:
        """Return the key in ``pem``: one ``PUBLIC KEY`` block and nothing else.

        Raises `TrustPolicyInvalid` at ``where`` for anything else, for a weak key and for an algorithm not listed above.
        """
        if _PEM.fullmatch(pem) is None:
            raise TrustPolicyInvalid(where, _why_not_one_key(pem))
        try:
            native = load_pem_public_key(pem.strip())
        except (ValueError, UnsupportedAlgorithm) as reason:
            raise TrustPolicyInvalid(where, "not a public key in SPKI form") from reason
        match native:
            case ec.EllipticCurvePublicKey():
                algorithm = _curve(native, where=where)
            case RSAPublicKey():
                algorithm = _strong_rsa(native, where=where)
            case Ed25519PublicKey():
                algorithm = _strong_ed25519(native, where=where)
            case _:
                raise TrustPolicyInvalid(where, "only ECDSA P-256 and P-384, RSA and Ed25519 keys can be trusted")
        spki = native.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(algorithm, spki, native)

    @property
    def id(self) -> str:
        """The key's name everywhere: ``key:sha256:<hex of the SPKI DER>``."""
        return f"key:sha256:{hashlib.sha256(self.spki).hexdigest()}"

    def made(self, signature: bytes, message: bytes, *, hashes: tuple[HashName, ...]) -> bool:
        """Return whether this key made ``signature`` over ``message``, with one of ``hashes`` where the key has a choice.

        An answer rather than a check that raises: which of several keys signed is the question, and the caller counts a
        signature only where the answer is True.
        """
        match self._native:
            case Ed25519PublicKey():
                return HashName.SHA512 in hashes and self._made_ed25519(self._native, signature, message)
            case ec.EllipticCurvePublicKey() as native:
                return any(_made_ecdsa(native, signature, message, _HASHES[name]) for name in hashes)
            case native:
                return any(_made_rsa(native, signature, message, _HASHES[name]) for name in hashes)

    def _made_ed25519(self, native: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
        try:
            native.verify(signature, message)
        except InvalidSignature:
            return self._made_ed25519ph(native, signature, message)
        return True

    @staticmethod
    def _made_ed25519ph(native: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
        if len(signature) != 64:
            return False
        state = crypto_sign_ed25519ph_state()
        crypto_sign_ed25519ph_update(state, message)
        try:
            return crypto_sign_ed25519ph_final_verify(state, signature, native.public_bytes_raw())
        except CryptoError:
            return False


def _made_ecdsa(native: ec.EllipticCurvePublicKey, signature: bytes, message: bytes, algorithm: HashAlgorithm) -> bool:
    try:
        native.verify(signature, message, ec.ECDSA(algorithm))
    except InvalidSignature:
        return False
    return True


def _made_rsa(native: RSAPublicKey, signature: bytes, message: bytes, algorithm: HashAlgorithm) -> bool:
    try:
        native.verify(signature, message, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def _curve(native: ec.EllipticCurvePublicKey, *, where: str) -> KeyAlgorithm:
    match native.curve:
        case ec.SECP256R1():
            return KeyAlgorithm.ECDSA_P256
        case ec.SECP384R1():
            return KeyAlgorithm.ECDSA_P384
        case curve:
            raise TrustPolicyInvalid(where, f"curve {curve.name}: only P-256 and P-384 can be trusted")


def _strong_rsa(native: RSAPublicKey, *, where: str) -> KeyAlgorithm:
    if not MIN_RSA_BITS <= native.key_size <= MAX_RSA_BITS:
        raise TrustPolicyInvalid(
            where, f"RSA of {native.key_size} bits: {MIN_RSA_BITS} to {MAX_RSA_BITS} can be trusted"
        )
    if native.public_numbers().e < MIN_RSA_EXPONENT:
        raise TrustPolicyInvalid(where, f"RSA with an exponent under {MIN_RSA_EXPONENT}")
    return KeyAlgorithm.RSA


def _strong_ed25519(native: Ed25519PublicKey, *, where: str) -> KeyAlgorithm:
    # For a point of small order anybody can write a signature that verifies (RFC 8032 leaves the check to the caller).
    if not crypto_core_ed25519_is_valid_point(native.public_bytes_raw()):
        raise TrustPolicyInvalid(where, "not a point of the prime-order group: anybody could sign for this key")
    return KeyAlgorithm.ED25519


def _why_not_one_key(pem: bytes) -> str:
    """Return a sentence for the operator who put something else where a public key belongs."""
    labels = [label.decode("ascii") for label in _LABEL.findall(pem)]
    if any("PRIVATE KEY" in label for label in labels):
        return "this is a private key: take it out of here, replace it, and put its public half in its place"
    if any("CERTIFICATE" in label for label in labels):
        return "this is a certificate, and certificates are not supported yet: give the public key"
    if labels == ["RSA PUBLIC KEY"]:
        return "a PKCS#1 key: convert it with `openssl rsa -RSAPublicKey_in -in FILE -pubout`"
    if labels.count("PUBLIC KEY") > 1:
        return "more than one key: give each its own authority"
    return "not one PEM block `-----BEGIN PUBLIC KEY-----` with nothing around it"
