"""Our own access tokens: issued, and believed only after every check.

python-jose is used as a signature primitive and for nothing else, behind checks that all come first: it ignores
``crit``, tries every key it is given, takes a token without ``exp`` or ``aud``, reads several spellings of one token, and
meets Python's recursion limit before it has looked at a signature. A token is an upper bound, never a right: each request
intersects it with what its principal may do now (`gateway.access.grant`).

Never accepted: another algorithm, a key named by the token itself, a member or claim that we do not write.

Pure: no I/O; the clock is passed in.
Source: RFC 7515; RFC 7519; RFC 8725 (3.1 algorithms, 3.8 issuer, 3.9 audience, 3.11 typ); RFC 9068 (at+jwt); DESIGN 5.
"""

from collections.abc import Sequence
from typing import Final

from jose import jws

from gateway.errors import RequestInvalid, Unauthorized
from gateway.identity import base64url
from gateway.identity.key_ring import ALGORITHM, KeyRing, PublicKey
from gateway.identity.values import AccessClaims, ResourceAccess, UnverifiedToken
from gateway.oci.strict_json import JsonObject, JsonValue, parse_object

MAX_TOKEN_BYTES: Final = 8 * 1024
MAX_LIFETIME_SECONDS: Final = 15 * 60
"""Ours live five minutes (DESIGN 5); no setting and no key makes one that lives longer than this."""
LEEWAY_SECONDS: Final = 30
MAX_ACCESS_ENTRIES: Final = 64

_TYPE: Final = "at+jwt"
_MAX_HEADER_BYTES: Final = 512
_CLAIMS_DEPTH: Final = 4
"""The claims, ``access``, an entry, its ``actions``."""
_CLAIMS: Final = frozenset({"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "access"})
_ENTRY: Final = frozenset({"type", "name", "actions"})
_ACTIONS: Final = {"repository": frozenset({"pull", "push", "delete"}), "registry": frozenset({"*"})}
_MAX_TIME: Final = 2**53
"""Above it two readers of JSON may see two numbers (RFC 7493, 2.2)."""
_MAX_ID_CHARS: Final = 255


def issue_access_token(
    *,
    ring: KeyRing,
    issuer: str,
    audience: str,
    principal_id: str,
    access: Sequence[ResourceAccess],
    now: int,
    lifetime_seconds: int,
    token_id: str,
    session_id: str | None = None,
) -> str:
    """Return a token that says ``principal_id`` may ask for ``access``, from ``now`` for ``lifetime_seconds``.

    ``session_id``: of the session that it is good in and not beyond.

    Raises `RequestInvalid` where so much access would make a token over `MAX_TOKEN_BYTES`, `Unavailable` where no key
    signs now, `ValueError` for a lifetime outside 1 to `MAX_LIFETIME_SECONDS`.
    """
    if not 1 <= lifetime_seconds <= MAX_LIFETIME_SECONDS:
        raise ValueError(f"an access token lives 1 to {MAX_LIFETIME_SECONDS} seconds")
    key = ring.signing(now)
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": principal_id,
        "iat": now,
        "nbf": now,
        "exp": now + lifetime_seconds,
        "jti": token_id,
        "access": [{"type": one.type, "name": one.name, "actions": sorted(one.actions)} for one in access],
    }
    if session_id is not None:
        claims["sid"] = session_id
    token = jws.sign(claims, key.signer, headers={"typ": _TYPE, "kid": key.kid}, algorithm=ALGORITHM)
    if len(token) > MAX_TOKEN_BYTES or len(access) > MAX_ACCESS_ENTRIES:
        raise RequestInvalid("a token for so many repositories would be too large: ask for fewer scopes at once")
    return token


def verify_access_token(
    token: UnverifiedToken,
    *,
    ring: KeyRing,
    issuer: str,
    audience: str,
    now: int,
    leeway_seconds: int = LEEWAY_SECONDS,
    grace_seconds: int = 0,
) -> tuple[AccessClaims, PublicKey]:
    """Return what the token says, after every check, and the key it was verified with: what is remembered of it must not
    outlive that key. Raises `Unauthorized` with ``invalid_token``, and nothing else. ``grace_seconds`` as in `check_times`.
    """
    try:
        key = _choose_key(_read_header(token.text), ring=ring, now=now)
        # The list matters (a text would be searched for the algorithm's name), and so does the prebuilt key.
        payload = jws.verify(token.text, key.verifier, algorithms=[ALGORITHM])
        claims = _read_claims(payload, issuer=issuer, audience=audience)
        check_times(claims, now=now, leeway_seconds=leeway_seconds, grace_seconds=grace_seconds)
    except Exception:
        # Whatever went wrong, surprises included: one answer, and nothing of the token in it.
        raise Unauthorized("the token is not valid here, or no longer", error="invalid_token") from None
    return claims, key


def check_times(claims: AccessClaims, *, now: int, leeway_seconds: int, grace_seconds: int = 0) -> None:
    """Raise `ValueError` unless ``now`` is within the token's life, give or take ``leeway_seconds``.

    ``grace_seconds`` are how much longer it counts for the caller, who must then look at what else keeps it alive.
    """
    if claims.issued_at > now + leeway_seconds:
        raise ValueError("issued in the future")
    if now >= claims.expires_at + leeway_seconds + grace_seconds:
        raise ValueError("expired")


def _read_header(text: str) -> JsonObject:
    """Return the header of a token in compact form, all three segments of which are in their one spelling."""
    # Sizes and the number of dots come before anything is allocated per segment (CVE-2025-66506). The count is exact:
    # python-jose would cut elsewhere.
    if len(text) > MAX_TOKEN_BYTES or text.count(".") != 2:
        raise ValueError("not a token in compact form")
    header, payload, signature = text.split(".")
    base64url.decode(payload)
    base64url.decode(signature)
    return parse_object(base64url.decode(header), max_bytes=_MAX_HEADER_BYTES, max_depth=1)


def _choose_key(header: JsonObject, *, ring: KeyRing, now: int) -> PublicKey:
    """Return our key that ``header`` names. Exactly three members: no ``crit``, ``jwk``, ``jku``, ``x5c``, ``zip``."""
    kid = header.get("kid")
    if header.keys() != {"alg", "kid", "typ"} or header["alg"] != ALGORITHM or header["typ"] != _TYPE:
        raise ValueError("not the header of an access token")
    key = ring.public(kid, now) if isinstance(kid, str) else None
    if key is None:
        raise ValueError("signed by no key of ours")
    return key


def _read_claims(payload: bytes, *, issuer: str, audience: str) -> AccessClaims:
    claims = parse_object(payload, max_bytes=MAX_TOKEN_BYTES, max_depth=_CLAIMS_DEPTH)
    if claims.keys() - {"sid"} != _CLAIMS:
        raise ValueError("not the claims of an access token")
    # Equality of texts: an audience in a list (CVE-2020-26160) or an issuer that merely contains ours
    # (GHSA-75c5-xw7c-p5pm) is another one.
    if claims["iss"] != issuer or claims["aud"] != audience:
        raise ValueError("another issuer or audience")
    issued_at, not_before, expires_at = (_time(claims[name]) for name in ("iat", "nbf", "exp"))
    if not_before != issued_at or not 0 < expires_at - issued_at <= MAX_LIFETIME_SECONDS:
        raise ValueError("a lifetime that we do not give")
    return AccessClaims(
        principal_id=_id(claims["sub"]),
        access=_read_access(claims["access"]),
        issued_at=issued_at,
        expires_at=expires_at,
        token_id=_id(claims["jti"]),
        session_id=_id(claims["sid"]) if "sid" in claims else None,
    )


def _read_access(value: JsonValue) -> tuple[ResourceAccess, ...]:
    if not isinstance(value, list) or len(value) > MAX_ACCESS_ENTRIES:
        raise ValueError("access is not a short list")
    entries = tuple(_read_entry(entry) for entry in value)
    if len({(entry.type, entry.name) for entry in entries}) != len(entries):
        raise ValueError("a resource occurs twice")
    return entries


def _read_entry(value: JsonValue) -> ResourceAccess:
    if not isinstance(value, dict) or value.keys() != _ENTRY:
        raise ValueError("not an access entry")
    kind, actions = value["type"], value["actions"]
    if not isinstance(kind, str) or not isinstance(actions, list):
        raise ValueError("not an access entry")
    texts = frozenset(action for action in actions if isinstance(action, str))
    if len(texts) != len(actions) or not texts <= _ACTIONS.get(kind, frozenset()):
        raise ValueError("an action that there is not, or twice")
    return ResourceAccess(type=kind, name=_id(value["name"]), actions=texts)


def _time(value: JsonValue) -> int:
    # A Boolean is an integer to Python, and a number with a fraction is none of ours.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_TIME:
        raise ValueError("not a time in whole seconds")
    return value


def _id(value: JsonValue) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID_CHARS:
        raise ValueError("not an identifier")
    return value
