"""Attacks on our own access tokens: forged, confused, bent. The numbers are rows of the register of known attacks.

Every token here would be accepted by some library in its default settings; the answer is always the same 401.
"""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import Unauthorized
from gateway.identity.access_token import MAX_TOKEN_BYTES, verify_access_token
from gateway.identity.token_cache import TokenCache
from gateway.identity.values import UnverifiedToken
from tests.support.identity import (
    AUDIENCE,
    ISSUER,
    KEY,
    NOW,
    PRIVATE_KEY,
    RING,
    b64,
    es256,
    good_claims,
    good_header,
    issue,
    sign,
    sign_raw,
)

HEADER = json.dumps(good_header()).encode()
CLAIMS = json.dumps(good_claims()).encode()
ATTACKER = ec.derive_private_key(0xBAD, ec.SECP256R1())
PUBLIC = PRIVATE_KEY.public_key()


def refused(token: UnverifiedToken) -> None:
    """The token is refused with ``invalid_token``, by the verifier and by the cache before it, and is not in the error."""
    for verify in (_verify, _verify_cached):
        with pytest.raises(Unauthorized) as caught:
            verify(token)
        assert caught.value.error == "invalid_token"
        assert caught.value.message == "the token is not valid here, or no longer"


def _verify(token: UnverifiedToken) -> None:
    verify_access_token(token, ring=RING, issuer=ISSUER, audience=AUDIENCE, now=NOW)


def _verify_cached(token: UnverifiedToken) -> None:
    cache = TokenCache(issuer=ISSUER, audience=AUDIENCE)
    try:
        cache.verify(token, ring=RING, now=NOW)
    finally:
        assert len(cache) == 0


def attacker_jwk() -> dict[str, Any]:
    numbers = ATTACKER.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": b64(numbers.x.to_bytes(32, "big")),
        "y": b64(numbers.y.to_bytes(32, "big")),
        "kid": KEY.kid,
    }


def test_the_good_token_is_good() -> None:
    _verify(sign())


@pytest.mark.parametrize("audience", ["other:5000", AUDIENCE + "/", AUDIENCE.upper(), AUDIENCE[:-1], ""])
def test_row_09_another_audience(audience: str) -> None:
    refused(sign(claims={**good_claims(), "aud": audience}))


@pytest.mark.parametrize("audience", [[AUDIENCE], [], [AUDIENCE, "other"], 5000, None, True, {"0": AUDIENCE}], ids=repr)
def test_row_10_audience_of_another_type(audience: object) -> None:
    refused(sign(claims={**good_claims(), "aud": audience}))


@pytest.mark.parametrize("claim", ["iat", "exp", "nbf", "aud", "iss", "sub", "jti", "access"])
def test_row_19_a_token_without_a_claim(claim: str) -> None:
    refused(sign(claims={name: value for name, value in good_claims().items() if name != claim}))


@pytest.mark.parametrize("with_kid", [True, False], ids=["our-kid", "its-own-kid"])
@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param("jwk", attacker_jwk(), id="jwk"),
        pytest.param("jku", "https://attacker.example/jwks.json", id="jku"),
        pytest.param("x5u", "https://attacker.example/chain.pem", id="x5u"),
        pytest.param("x5c", ["MIIB"], id="x5c"),
        pytest.param("x5t#S256", "AAAA", id="x5t"),
    ],
)
def test_rows_35_36_a_key_that_the_token_brings(member: str, value: object, with_kid: bool) -> None:
    header = {**good_header(), member: value}
    if not with_kid:
        header["kid"] = "attacker"
    refused(sign_raw(json.dumps(header).encode(), CLAIMS, ATTACKER))
    # The member alone condemns it, though our key signed.
    refused(sign_raw(json.dumps(header).encode(), CLAIMS))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), id="pem"),
        pytest.param(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(), id="pem-stripped"),
        pytest.param(PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), id="der"),
        pytest.param(PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), id="ssh"),
        pytest.param(PUBLIC.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint), id="point"),
        pytest.param(json.dumps(KEY.public_jwk).encode(), id="jwk"),
        pytest.param(b"", id="empty"),
    ],
)
def test_rows_37_43_45_our_public_key_as_a_secret(algorithm: str, secret: bytes) -> None:
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    for claimed in (algorithm, "ES256"):
        header = json.dumps({**good_header(), "alg": claimed}).encode()
        signing_input = f"{b64(header)}.{b64(CLAIMS)}"
        mac = hmac.new(secret, signing_input.encode(), digest).digest()
        refused(UnverifiedToken(f"{signing_input}.{b64(mac)}"))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "NONE", "", None, "ES256K", "ES384", "RS256", "es256", "E"]
)
def test_row_38_another_algorithm_or_none(algorithm: str | None) -> None:
    header = json.dumps({**good_header(), "alg": algorithm}).encode()
    refused(sign_raw(header, CLAIMS))
    refused(UnverifiedToken(f"{b64(header)}.{b64(CLAIMS)}."))


def test_row_38_no_algorithm() -> None:
    refused(sign(header={"kid": KEY.kid, "typ": "at+jwt"}))


@pytest.mark.parametrize("value", [["b64"], ["exp"], [], ["urn:example:unknown"], "b64", None], ids=repr)
def test_row_39_crit(value: object) -> None:
    refused(sign(header={**good_header(), "crit": value}))
    refused(sign(header={**good_header(), "crit": value, "b64": False}))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * 1_000_000, id="no-dot"),
        pytest.param(f"{b64(b' ' * 700_000)}.e30.AA", id="header"),
        pytest.param(f"{b64(HEADER)}.{b64(b' ' * 700_000)}.AA", id="claims"),
        pytest.param(f"{b64(HEADER)}.{b64(CLAIMS)}.{'A' * 1_000_000}", id="signature"),
    ],
)
def test_row_40_a_token_of_a_megabyte_is_not_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    # Work, not time: nothing is decoded before the size is known.
    monkeypatch.setattr("gateway.identity.base64url.decode", never)
    refused(UnverifiedToken(text))


def test_row_40_the_limit_is_exact_and_includes_good_signatures() -> None:
    padded = b"".join((CLAIMS, b" " * MAX_TOKEN_BYTES))
    refused(sign_raw(HEADER, padded))
    fits = (MAX_TOKEN_BYTES - len(sign().text)) // 4 * 3 - 3
    _verify(sign_raw(HEADER, CLAIMS + b" " * fits))


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA", id="jwe"),
        pytest.param(json.dumps({"payload": b64(CLAIMS), "signatures": []}), id="json-serialisation"),
        pytest.param("", id="empty"),
        pytest.param("..", id="dots"),
        pytest.param(f".{b64(CLAIMS)}.AA", id="no-header"),
    ],
)
def test_row_42_other_forms(token: str) -> None:
    refused(UnverifiedToken(token))


@pytest.mark.parametrize(
    "issuer",
    [ISSUER + "/", ISSUER[:-1], ISSUER.upper(), "x" + ISSUER, [ISSUER], "", None],
    ids=repr,
)
def test_row_44_another_issuer(issuer: object) -> None:
    refused(sign(claims={**good_claims(), "iss": issuer}))


def test_row_45_other_spellings_of_one_token() -> None:
    header, payload, signature = issue().text.split(".")
    last = signature[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same_bytes = alphabet[alphabet.index(last) ^ 1]
    for text in (
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}.{signature}==",
        f"{header}.{payload}.{signature[:-1]}{same_bytes}",
        f"{header}.{payload}.{signature[:-1]}\n{last}",
        f"{header}.{payload}.{signature}\n",
        f" {header}.{payload}.{signature}",
        f"{header}.{payload}.{signature.replace('-', '+').replace('_', '/')}.",
    ):
        refused(UnverifiedToken(text))


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(bytes(64), id="zeros"),
        pytest.param(b"", id="empty"),
        pytest.param(es256(f"{b64(HEADER)}.{b64(CLAIMS)}".encode())[:63], id="cut"),
        pytest.param(es256(f"{b64(HEADER)}.{b64(CLAIMS)}".encode()) + b"\0", id="longer"),
        pytest.param(es256(b"another text"), id="of-another-text"),
    ],
)
def test_row_45_signatures_that_are_none(signature: bytes) -> None:
    refused(UnverifiedToken(f"{b64(HEADER)}.{b64(CLAIMS)}.{b64(signature)}"))


def test_row_45_numbers_that_break_a_reader() -> None:
    for number in (b"1e400", b"-1", b"1.0e3", b"9" * 5000, b"NaN", b"Infinity", b"1790000300.0"):
        refused(sign_raw(HEADER, CLAIMS.replace(str(NOW + 300).encode(), number)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("." * 8000, id="dots"),
        pytest.param("." * 1_000_000, id="a-million-dots"),
        pytest.param("-" * 8000, id="dashes"),
        pytest.param("_." * 4000, id="both"),
        pytest.param("a." * 3, id="three-dots"),
    ],
)
def test_row_92_separators_only(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("gateway.identity.base64url.decode", never)
    refused(UnverifiedToken(text))


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'], ids=["lists", "objects"])
def test_row_99_nesting(bracket: bytes) -> None:
    refused(sign_raw(bracket * 380, CLAIMS))
    refused(sign_raw(HEADER, bracket * (4000 // len(bracket))))
    refused(UnverifiedToken(f"{b64(bracket * 100_000)}.e30.AA"))


def test_row_104_a_verified_token_answers_only_for_its_own_audience_and_keys() -> None:
    token = issue()
    TokenCache(issuer=ISSUER, audience=AUDIENCE).verify(token, ring=RING, now=NOW)
    for issuer, audience in ((ISSUER, "other"), ("https://other", AUDIENCE)):
        with pytest.raises(Unauthorized):
            TokenCache(issuer=issuer, audience=audience).verify(token, ring=RING, now=NOW)


def test_row_114_no_refusal_carries_the_token() -> None:
    token = UnverifiedToken(sign().text[:-4] + "AAAA")
    with pytest.raises(Unauthorized) as caught:
        _verify(token)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    shown = f"{caught.value} {caught.value!r} {token!r} {vars(caught.value)}"
    assert token.text not in shown
    assert token.text.split(".")[2] not in shown
