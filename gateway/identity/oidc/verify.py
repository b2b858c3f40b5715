"""Is this token of somebody else's what it claims to be? The one verifier of JWTs that the gateway did not sign.

joserfc is the signature primitive, behind checks that all come first: sizes, the one spelling of base64, a header of
known members, an algorithm and a key chosen by us. Never accepted: an unsigned token, a MAC, a key or a place for keys
named by the token, a critical extension, compression, a claim with two readings. Whether ``aud`` names this registry
and whether the claims give any right are the caller's questions.

Pure: no I/O; the clock is passed in.
Source: RFC 7515; RFC 7519; RFC 8725; OpenID Connect Core 1.0, sections 2 and 3.1.3.7.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from joserfc import jws

from gateway.errors import DocumentInvalid, Unauthorized
from gateway.identity import base64url
from gateway.identity.oidc.key_set import ALGORITHMS, MAX_KID_CHARS, KeySet
from gateway.oci.strict_json import JsonObject, JsonValue, parse_object

MAX_TOKEN_CHARS: Final = 16 * 1024
LEEWAY_SECONDS: Final = 30
MAX_SUBJECT_CHARS: Final = 1024
"""OpenID Connect says 255; the sub of GitHub and GitLab spells out project, reference and environment."""

_MAX_HEADER_BYTES: Final = 2048
_CLAIMS_DEPTH: Final = 8
_MAX_CLAIM_NODES: Final = 4_000
_MAX_AUDIENCES: Final = 32
_MAX_TEXT_CHARS: Final = 1024
_MAX_TOKEN_ID_CHARS: Final = 255
_HEADER: Final = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
"""Entra and others send thumbprints of a certificate; they are not looked at, the key is found by its ``kid``."""
_TYPES: Final = frozenset({"jwt", "jose"})
"""RFC 7519, 5.1; JOSE is SPIFFE's other spelling. An issuer's other tokens (``at+jwt``, ``logout+jwt``) are no ID
token, although the same key signs them (RFC 8725, 3.11)."""
_ALGORITHMS: Final = {name: jws.JWSRegistry.algorithms[name] for name in ALGORITHMS}
"""joserfc's implementations of what is taken: none of ``none`` and of MACs is left to be chosen, whoever lists them.

They are called directly: joserfc's own reading of a token would be a second one beside ours."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """The verified content of an issuer's token. Unix seconds; ``claims`` are all of them, as they were signed.

    ``audience`` is never empty, and nobody has compared it yet.
    """

    issuer: str
    subject: str
    audience: tuple[str, ...]
    issued_at: int | None
    expires_at: int
    token_id: str | None
    claims: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A token taken apart, and nothing of it believed."""

    header: JsonObject
    payload: bytes
    signing_input: bytes
    signature: bytes


def verify_token(
    text: str,
    keys: KeySet,
    *,
    issuer: str,
    algorithms: frozenset[str],
    now: int,
    leeway_seconds: int = LEEWAY_SECONDS,
    max_life_seconds: int,
) -> TokenClaims:
    """Return what the token says, after every check but that of its audience.

    Raises `Unauthorized` with ``invalid_token``, and nothing else; nothing of the token is in it.
    """
    try:
        token = _open(text)
        _check_signature(token, keys, algorithms=algorithms)
        claims = _read_claims(token.payload, issuer=issuer)
        _check_times(claims, now=now, leeway_seconds=leeway_seconds, max_life_seconds=max_life_seconds)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        # Whatever went wrong, surprises included: one answer. A panic in a Rust extension is not an Exception.
        raise Unauthorized("the token is not valid here, or no longer", error="invalid_token") from None
    return claims


def peek_issuer(text: str) -> str | None:
    """Return the ``iss`` that the token claims, None for anything odd. Not verified: only for choosing the verifier."""
    try:
        return _text(_parse_claims(_open(text).payload).get("iss"), max_chars=_MAX_TEXT_CHARS)
    except (ValueError, DocumentInvalid):
        return None


def peek_kid(text: str) -> str | None:
    """Return the ``kid`` that the token claims, None for anything odd. Not verified: only for having its key fetched."""
    try:
        return _kid(_open(text).header)
    except (ValueError, DocumentInvalid):
        return None


def _open(text: str) -> _Opened:
    """Return the parts of a token whose three segments are in their one spelling, and whose header has known members."""
    # Sizes and the number of dots come before anything is allocated per segment (CVE-2025-66506).
    if len(text) > MAX_TOKEN_CHARS or text.count(".") != 2:
        raise ValueError("not a token in compact form")
    header_segment, payload_segment, signature_segment = text.split(".")
    signature = base64url.decode(signature_segment)
    payload = base64url.decode(payload_segment)
    header = parse_object(base64url.decode(header_segment), max_bytes=_MAX_HEADER_BYTES, max_depth=1)
    if not header.keys() <= _HEADER:
        raise ValueError("a header member that is not taken: crit, jwk, jku, x5u, x5c, zip or another")
    if "typ" in header and _text(header["typ"], max_chars=_MAX_TEXT_CHARS).lower() not in _TYPES:
        raise ValueError("a token of another type")
    signing_input = f"{header_segment}.{payload_segment}".encode("ascii")
    return _Opened(header=header, payload=payload, signing_input=signing_input, signature=signature)


def _check_signature(token: _Opened, keys: KeySet, *, algorithms: frozenset[str]) -> None:
    """Raise unless the one key that the token can mean has signed it, with an algorithm that its issuer uses."""
    name = token.header.get("alg")
    if not isinstance(name, str) or name not in algorithms:
        raise ValueError("an algorithm that is not taken from this issuer")
    algorithm = _ALGORITHMS[name]
    key = keys.choose(_kid(token.header), algorithm=name).verifier
    algorithm.check_key(key)
    if not algorithm.verify(token.signing_input, token.signature, key):
        raise ValueError("not signed by that key")


def _kid(header: JsonObject) -> str | None:
    return _text(header["kid"], max_chars=MAX_KID_CHARS) if "kid" in header else None


def _parse_claims(payload: bytes) -> JsonObject:
    return parse_object(payload, max_bytes=MAX_TOKEN_CHARS, max_depth=_CLAIMS_DEPTH, max_nodes=_MAX_CLAIM_NODES)


def _read_claims(payload: bytes, *, issuer: str) -> TokenClaims:
    claims = _parse_claims(payload)
    # Equality of texts: an issuer that merely contains ours (GHSA-75c5-xw7c-p5pm) is another one.
    if claims.get("iss") != issuer:
        raise ValueError("another issuer")
    return TokenClaims(
        issuer=issuer,
        subject=_text(claims["sub"], max_chars=MAX_SUBJECT_CHARS),
        audience=_audience(claims["aud"]),
        issued_at=_time(claims["iat"]) if "iat" in claims else None,
        expires_at=_time(claims["exp"]),
        token_id=_text(claims["jti"], max_chars=_MAX_TOKEN_ID_CHARS) if "jti" in claims else None,
        claims=claims,
    )


def _check_times(claims: TokenClaims, *, now: int, leeway_seconds: int, max_life_seconds: int) -> None:
    """Raise `ValueError` unless ``now`` is within the token's life, and that life is no longer than is taken."""
    issued_at = claims.issued_at
    not_before = _time(claims.claims["nbf"]) if "nbf" in claims.claims else None
    if any(start is not None and start > now + leeway_seconds for start in (issued_at, not_before)):
        raise ValueError("not valid yet")
    if now >= claims.expires_at + leeway_seconds:
        raise ValueError("expired")
    begins = not_before if issued_at is None else issued_at
    if begins is None or claims.expires_at - begins > max_life_seconds:
        raise ValueError("lives longer than is taken, or does not say since when it lives")


def _audience(value: JsonValue) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    if not 0 < len(texts) <= _MAX_AUDIENCES:
        raise ValueError("no audience, or too many")
    return tuple(_text(one, max_chars=_MAX_TEXT_CHARS) for one in texts)


def _time(value: JsonValue) -> int:
    # A Boolean is an integer to Python, and a number with a fraction, be it .0, is read differently elsewhere. No upper
    # bound: whatever is far ahead is not valid yet, or lives too long.
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("not a time in whole seconds")
    return value


def _text(value: JsonValue, *, max_chars: int) -> str:
    # A control character has no place in a name that people will read in a log or a terminal.
    if not isinstance(value, str) or not 0 < len(value) <= max_chars or _CONTROL.search(value) is not None:
        raise ValueError("not a short text")
    return value
