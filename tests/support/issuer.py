"""A fake issuer of ID tokens: keys, key sets, discovery documents and signed tokens. No secret here protects anything.

Signs with the cryptography library alone, so that the verifier under test does not check itself.
"""

import asyncio
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gateway.errors import OutboundFailed
from tests.support.identity import NOW, b64

ISSUER: Final = "https://ci.example"
JWKS_URI: Final = "https://keys.ci.example/jwks?v=1"
DISCOVERY: Final = "https://ci.example/.well-known/openid-configuration"
AUDIENCE: Final = "https://registry.example:5000"

GONE: Final = object()
"""As a value: the member is left out."""

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

EC_KEY: Final = ec.derive_private_key(0x15515, ec.SECP256R1())
OTHER_EC_KEY: Final = ec.derive_private_key(0x07E12, ec.SECP256R1())
P384_KEY: Final = ec.derive_private_key(0x15515, ec.SECP384R1())
ED_KEY: Final = ed25519.Ed25519PrivateKey.from_private_bytes(b"fake issuer" + bytes(21))


@cache
def rsa_key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """An RSA key, the same one for the life of the process."""
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


def changed(document: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """``document`` with ``changes``; a member that is `GONE` is left out."""
    return {name: value for name, value in {**document, **changes}.items() if value is not GONE}


def jwk(key: PrivateKey, **members: Any) -> dict[str, Any]:
    """The public half of ``key`` as a JWK, with further ``members`` (or instead of its own; `GONE` leaves one out)."""
    public = key.public_key()
    match public:
        case rsa.RSAPublicKey():
            numbers = public.public_numbers()
            own = {"kty": "RSA", "n": integer(numbers.n), "e": integer(numbers.e)}
        case ec.EllipticCurvePublicKey():
            point, octets = public.public_numbers(), (public.key_size + 7) // 8
            curve = {256: "P-256", 384: "P-384", 521: "P-521"}[public.key_size]
            own = {"kty": "EC", "crv": curve, "x": integer(point.x, octets), "y": integer(point.y, octets)}
        case _:
            own = {"kty": "OKP", "crv": "Ed25519", "x": b64(public.public_bytes_raw())}
    return changed(own, **members)


def integer(number: int, octets: int | None = None) -> str:
    """``number`` as RFC 7518 writes it; without ``octets`` in as few as it needs."""
    return b64(number.to_bytes(octets or (number.bit_length() + 7) // 8, "big"))


def key_set(*keys: object) -> bytes:
    """A JWK Set of ``keys``."""
    return json.dumps({"keys": keys}).encode()


def discovery(**changes: Any) -> bytes:
    """The discovery document of `ISSUER`, with ``changes`` (a member that is `GONE` is left out)."""
    good = {
        "issuer": ISSUER,
        "jwks_uri": JWKS_URI,
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public", "pairwise"],
    }
    return json.dumps(changed(good, **changes)).encode()


def good_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a job's token that lives five minutes from `NOW`."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "repo:octo/app:ref:refs/heads/main",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 300,
        "jti": "6f9c1f6e",
        "repository_id": "74",
    }
    return changed(good, **changes)


def good_header(**changes: Any) -> dict[str, Any]:
    """The header of a token that ``k1`` signs with ES256."""
    return changed({"alg": "ES256", "kid": "k1", "typ": "JWT"}, **changes)


def signature(signing_input: bytes, algorithm: str, key: PrivateKey) -> bytes:
    """A JOSE signature. ``algorithm`` chooses the padding of RSA; everything else follows from the key."""
    match key:
        case rsa.RSAPrivateKey() if algorithm == "PS256":
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
            return key.sign(signing_input, pss, hashes.SHA256())
        case rsa.RSAPrivateKey():
            return key.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(signing_input, ec.ECDSA(hashes.SHA256())))
            octets = (key.key_size + 7) // 8
            return r.to_bytes(octets, "big") + s.to_bytes(octets, "big")
        case ed25519.Ed25519PrivateKey():
            return key.sign(signing_input)


def sign_raw(header: bytes, payload: bytes, *, key: PrivateKey = EC_KEY, algorithm: str = "ES256") -> str:
    """A token of exactly these bytes with a signature that is right: only the other checks can refuse it."""
    signing_input = f"{b64(header)}.{b64(payload)}"
    return f"{signing_input}.{b64(signature(signing_input.encode(), algorithm, key))}"


def sign(
    claims: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
    *,
    key: PrivateKey = EC_KEY,
    algorithm: str = "ES256",
) -> str:
    """A rightly signed token with these claims (default: the good ones), and ``algorithm`` in the default header."""
    return sign_raw(
        json.dumps(good_header(alg=algorithm) if header is None else header).encode(),
        json.dumps(good_claims() if claims is None else claims).encode(),
        key=key,
        algorithm=algorithm,
    )


class FakeFetch:
    """A network of documents by URL. An exception is raised instead; `hold` keeps every answer back until `release`."""

    def __init__(self, answers: Mapping[str, bytes | Exception] | None = None) -> None:
        self.answers: dict[str, bytes | Exception] = {
            DISCOVERY: discovery(),
            JWKS_URI: key_set(jwk(EC_KEY, kid="k1")),
            **(answers or {}),
        }
        self.asked: list[str] = []
        self.limits: list[int] = []
        self._open = asyncio.Event()
        self._open.set()

    async def __call__(self, url: str, *, max_bytes: int) -> bytes:
        self.asked.append(url)
        self.limits.append(max_bytes)
        await self._open.wait()
        answer = self.answers.get(url, OutboundFailed("404"))
        if isinstance(answer, Exception):
            raise answer
        if len(answer) > max_bytes:
            raise OutboundFailed(f"larger than {max_bytes} bytes")
        return answer

    def fetches(self) -> int:
        """How often the key set was asked for."""
        return self.asked.count(JWKS_URI)

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()
