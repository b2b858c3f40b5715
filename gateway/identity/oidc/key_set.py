"""The keys of an issuer, as far as they may verify a token here.

An issuer's JWK Set also holds keys that are none of this verifier's business: for encryption, on other curves, of types
to come. Those are left out and the rest stays usable. What a key is good for is decided here, once: joserfc later gets
one key that fits the algorithm, and never a document to choose from.

Pure: no I/O.
Source: RFC 7517 (JWK, JWK Set); RFC 7518, section 6; RFC 8037, section 2; RFC 8725, 3.1, 3.2 and 3.5; FIPS 186-5.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.errors import DocumentInvalid, OutboundFailed
from gateway.identity import base64url
from gateway.oci.strict_json import JsonObject, JsonValue, parse_object

ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA"})
"""Every algorithm that is taken from anybody: none is symmetric, none is ``none``."""
MAX_KEY_SET_BYTES: Final = 256 * 1024
MAX_KEYS: Final = 100
MAX_KID_CHARS: Final = 255
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192
"""One check stays under a millisecond."""
MIN_RSA_EXPONENT: Final = 65537
"""FIPS 186-5, A.1.1: larger than 2^16."""

_MAX_RSA_EXPONENT_BYTES: Final = 4
_MAX_NODES: Final = 5_000
"""A hundred keys of a dozen members, certificates and operations included, and as much again for what else there is."""
_KEY_SET_DEPTH: Final = 8
_COORDINATE_BYTES: Final = 32
"""Of P-256 (RFC 7518, 6.2.1.2) and of Ed25519 (RFC 8037, 2): 32 octets, leading zeros included."""
_SECRET: Final = frozenset({"k", "d", "p", "q", "dp", "dq", "qi", "oth"})

_P: Final = 2**255 - 19
_Y8: Final = int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little")
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})
"""The y of the eight points of small order: for them anybody can write a signature that verifies."""

NativeKey: TypeAlias = RSAKey | ECKey | OKPKey


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A public key of an issuer and the algorithms it may verify; never empty, and all of its own type and curve."""

    kid: str | None
    algorithms: frozenset[str]
    verifier: NativeKey = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """Usable keys of one issuer; no two have the same ``kid``."""

    keys: tuple[IssuerKey, ...]

    def __contains__(self, kid: str) -> bool:
        """Return whether a key is called ``kid``."""
        return any(key.kid == kid for key in self.keys)

    def choose(self, kid: str | None, *, algorithm: str) -> IssuerKey:
        """Return the one key that a token with this ``kid`` and ``algorithm`` must be signed with.

        Raises `ValueError` where there is none. A token without ``kid`` has a key only where a single one fits (OpenID
        Connect Core, 10.1): keys are never tried one after the other.
        """
        fitting = [key for key in self.keys if algorithm in key.algorithms and (kid is None or key.kid == kid)]
        if len(fitting) != 1:
            raise ValueError("not the token of exactly one key")
        return fitting[0]


def parse_key_set(content: bytes) -> KeySet:
    """Return the usable keys of a JWK Set.

    Raises `OutboundFailed` for what is no JWK Set with one reading, for one over `MAX_KEY_SET_BYTES` or `MAX_KEYS`, and
    where no key is usable. Left out without an error: another type or curve, a symmetric key, one with a private member
    (who published it gave it away), weak RSA, a ``use`` other than ``sig``, ``key_ops`` without ``verify``, an ``alg``
    that is not taken, and every key whose ``kid`` another usable one has too.
    """
    try:
        document = parse_object(content, max_bytes=MAX_KEY_SET_BYTES, max_depth=_KEY_SET_DEPTH, max_nodes=_MAX_NODES)
    except DocumentInvalid as invalid:
        raise OutboundFailed(f"the key set is {invalid.message}") from None
    members = document.get("keys")
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise OutboundFailed(f"the key set holds no list of at most {MAX_KEYS} keys")
    found = [key for key in map(_usable, members) if key is not None]
    times = Counter(key.kid for key in found)
    keys = tuple(key for key in found if key.kid is None or times[key.kid] == 1)
    if not keys:
        raise OutboundFailed("the key set holds no key that could verify a token here")
    return KeySet(keys)


def _usable(value: JsonValue) -> IssuerKey | None:
    try:
        return _read_key(value)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        # A key that cannot be read is no reason to lose the others. BaseException: a panic in Rust is not an Exception.
        return None


def _read_key(value: JsonValue) -> IssuerKey:
    if not isinstance(value, dict) or value.keys() & _SECRET:
        raise ValueError("not a public key")
    if value.get("use", "sig") != "sig" or not _verifies(value.get("key_ops", ["verify"])):
        raise ValueError("not a key for signatures")
    kid = value.get("kid")
    if "kid" in value and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID_CHARS):
        raise ValueError("not a name of a key")
    verifier, fits = _read_native(value)
    algorithms = fits & {value["alg"]} if "alg" in value else fits
    if not algorithms:
        raise ValueError("a key for another algorithm")
    return IssuerKey(kid=kid if isinstance(kid, str) else None, algorithms=algorithms, verifier=verifier)


def _verifies(operations: JsonValue) -> bool:
    return isinstance(operations, list) and "verify" in operations


def _read_native(value: JsonObject) -> tuple[NativeKey, frozenset[str]]:
    """Return the key itself and what its type can do. Only the members checked here reach joserfc."""
    match value.get("kty"), value.get("crv"):
        case "RSA", _:
            modulus, exponent = _octets(value, "n"), _octets(value, "e")
            _check_rsa(modulus, exponent)
            rsa = RSAKey.import_key({"kty": "RSA", "n": base64url.encode(modulus), "e": base64url.encode(exponent)})
            return rsa, frozenset({"RS256", "PS256"})
        case "EC", "P-256":
            x, y = _coordinate(value, "x"), _coordinate(value, "y")
            # The import refuses a point that is not on the curve.
            return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y}), frozenset({"ES256"})
        case "OKP", "Ed25519":
            x = _coordinate(value, "x")
            # The topmost bit is the sign of the other coordinate.
            if (int.from_bytes(base64url.decode(x), "little") & (2**255 - 1)) % _P in _SMALL_ORDER:
                raise ValueError("a point of small order")
            return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x}), frozenset({"EdDSA"})
        case _:
            raise ValueError("a type or curve that is not taken")


def _check_rsa(modulus: bytes, exponent: bytes) -> None:
    """Raise `ValueError` for RSA that is too weak, or too large to be checked for anybody who asks."""
    bits = int.from_bytes(modulus, "big").bit_length()
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS or len(exponent) > _MAX_RSA_EXPONENT_BYTES:
        raise ValueError("RSA of another size than is taken")
    if int.from_bytes(exponent, "big") < MIN_RSA_EXPONENT:
        raise ValueError("RSA with a small exponent")


def _octets(value: JsonObject, name: str) -> bytes:
    text = value[name]
    if not isinstance(text, str):
        raise TypeError("a member of a key is not a text")
    return base64url.decode(text)


def _coordinate(value: JsonObject, name: str) -> str:
    octets = _octets(value, name)
    if len(octets) != _COORDINATE_BYTES:
        raise ValueError("a coordinate of another length than the curve's")
    return base64url.encode(octets)
