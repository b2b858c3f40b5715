"""The verifier of other people's tokens: what it takes, and everything that is refused."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unauthorized
from gateway.identity.oidc import verify as verify_module
from gateway.identity.oidc.key_set import ALGORITHMS, KeySet, parse_key_set
from gateway.identity.oidc.verify import (
    MAX_TOKEN_CHARS,
    TokenClaims,
    peek_issuer,
    peek_kid,
    verify_token,
)
from tests.support.identity import NOW, PROPERTY, b64
from tests.support.issuer import (
    AUDIENCE,
    EC_KEY,
    ED_KEY,
    GONE,
    ISSUER,
    OTHER_EC_KEY,
    P384_KEY,
    PrivateKey,
    good_claims,
    good_header,
    jwk,
    key_set,
    rsa_key,
    sign,
    sign_raw,
    signature,
)

KEYS = parse_key_set(key_set(jwk(EC_KEY, kid="k1"), jwk(rsa_key(), kid="r1"), jwk(ED_KEY, kid="e1")))
DAY = 24 * 3600


def verify(
    text: str,
    *,
    keys: KeySet = KEYS,
    issuer: str = ISSUER,
    algorithms: frozenset[str] = ALGORITHMS,
    now: int = NOW,
    max_life_seconds: int = DAY,
) -> TokenClaims:
    return verify_token(
        text, keys, issuer=issuer, algorithms=algorithms, now=now, leeway_seconds=30, max_life_seconds=max_life_seconds
    )


def refused(
    text: str,
    *,
    keys: KeySet = KEYS,
    issuer: str = ISSUER,
    algorithms: frozenset[str] = ALGORITHMS,
    now: int = NOW,
    max_life_seconds: int = DAY,
) -> None:
    with pytest.raises(Unauthorized) as caught:
        verify(text, keys=keys, issuer=issuer, algorithms=algorithms, now=now, max_life_seconds=max_life_seconds)
    assert caught.value.error == "invalid_token"
    assert caught.value.message == "the token is not valid here, or no longer"
    assert caught.value.scopes == ()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def mac(header: dict[str, Any], secret: bytes) -> str:
    """A token of the good claims, MACed with ``secret``."""
    signing_input = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(good_claims()).encode())}"
    return f"{signing_input}.{b64(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"


# What is taken


@pytest.mark.parametrize(
    ("algorithm", "key", "kid"),
    [
        pytest.param("ES256", EC_KEY, "k1", id="es256"),
        pytest.param("RS256", rsa_key(), "r1", id="rs256"),
        pytest.param("PS256", rsa_key(), "r1", id="ps256"),
        pytest.param("EdDSA", ED_KEY, "e1", id="eddsa"),
    ],
)
def test_a_good_token_is_verified(algorithm: str, key: PrivateKey, kid: str) -> None:
    text = sign(header=good_header(alg=algorithm, kid=kid), key=key, algorithm=algorithm)
    assert verify(text) == TokenClaims(
        issuer=ISSUER,
        subject="repo:octo/app:ref:refs/heads/main",
        audience=(AUDIENCE,),
        issued_at=NOW,
        expires_at=NOW + 300,
        token_id="6f9c1f6e",
        claims=good_claims(),
    )


def test_what_may_be_missing() -> None:
    claims = verify(sign(good_claims(iat=GONE, jti=GONE)))
    assert (claims.issued_at, claims.token_id) == (None, None)
    assert verify(sign(good_claims(nbf=GONE))).issued_at is not None


@pytest.mark.parametrize("begins", [GONE, good_claims()["iat"] - 29 * 24 * 3600], ids=["unknown", "a-month-ago"])
def test_a_life_counts_from_its_beginning(begins: object) -> None:
    with pytest.raises(Unauthorized):
        verify(sign(good_claims(iat=GONE, nbf=begins)))


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(good_header(typ=GONE), id="no-typ"),
        pytest.param(good_header(typ="jwt"), id="typ-lower-case"),
        pytest.param(good_header(typ="JOSE"), id="typ-of-spiffe"),
        pytest.param(good_header(x5t="A1b2", **{"x5t#S256": "c3D4"}), id="thumbprints"),
    ],
)
def test_a_header_that_issuers_send(header: dict[str, Any]) -> None:
    assert verify(sign(header=header)).subject == good_claims()["sub"]


def test_claims_of_kubernetes() -> None:
    account = {"namespace": "ci", "serviceaccount": {"name": "builder", "uid": "0b1c"}, "warnafter": NOW + 10}
    claims = verify(sign(good_claims(aud=[AUDIENCE, "other"], **{"kubernetes.io": account})))
    assert claims.audience == (AUDIENCE, "other")
    assert claims.claims["kubernetes.io"] == account


def test_a_token_without_kid_and_the_only_key_that_fits() -> None:
    assert verify(sign(header=good_header(kid=GONE))).issuer == ISSUER
    two = parse_key_set(key_set(jwk(EC_KEY, kid="k1"), jwk(OTHER_EC_KEY, kid="k2")))
    refused(sign(header=good_header(kid=GONE)), keys=two)


# The signature, and who may have made it


@pytest.mark.parametrize(
    "algorithms", [pytest.param(ALGORITHMS, id="usual"), pytest.param(ALGORITHMS | {"none"}, id="none-listed")]
)
@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("kid", ["k1", GONE])
def test_unsigned(algorithms: frozenset[str], name: str, kid: object) -> None:
    header = b64(json.dumps(good_header(alg=name, kid=kid)).encode())
    payload = b64(json.dumps(good_claims()).encode())
    refused(f"{header}.{payload}.", algorithms=algorithms)
    refused(f"{header}.{payload}", algorithms=algorithms)
    refused(f"{header}.{payload}.AA", algorithms=algorithms)


def test_a_signature_taken_off() -> None:
    refused(sign().rpartition(".")[0] + ".")
    refused(sign().rpartition(".")[0])


@pytest.mark.parametrize("kid", ["r1", "k1", GONE])
@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), id="pem"),
        pytest.param(
            rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
            id="pem-without-newline",
        ),
        pytest.param(rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), id="der"),
        pytest.param(rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1), id="pkcs1"),
        pytest.param(rsa_key().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), id="ssh"),
        pytest.param(json.dumps(jwk(rsa_key(), kid="r1")).encode(), id="jwk"),
        pytest.param(json.dumps(jwk(rsa_key(), kid="r1"), separators=(",", ":")).encode(), id="jwk-compact"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_mac_with_the_public_key(secret: bytes, kid: object) -> None:
    for name in ("HS256", "RS256"):
        refused(mac(good_header(alg=name, kid=kid), secret), algorithms=ALGORITHMS | {"HS256"})


def test_a_symmetric_key_in_the_key_set_makes_no_mac_good() -> None:
    keys = parse_key_set(
        key_set(jwk(EC_KEY, kid="k1"), {"kty": "oct", "kid": "s", "k": b64(b"secret"), "alg": "HS256"})
    )
    refused(mac(good_header(alg="HS256", kid="s"), b"secret"), keys=keys, algorithms=ALGORITHMS | {"HS256"})


@pytest.mark.parametrize(
    ("header", "key"),
    [
        pytest.param(good_header(), OTHER_EC_KEY, id="another-key-under-its-name"),
        pytest.param(good_header(kid="unknown"), EC_KEY, id="unknown-kid"),
        pytest.param(good_header(kid="r1"), EC_KEY, id="kid-of-an-rsa-key"),
        pytest.param(good_header(alg="RS256"), rsa_key(), id="alg-of-another-key"),
        pytest.param(good_header(), P384_KEY, id="p-384-under-es256"),
        pytest.param(good_header(alg="ES384"), EC_KEY, id="es384"),
        pytest.param(good_header(alg="ES256K"), EC_KEY, id="es256k"),
        pytest.param(good_header(alg="RS512", kid="r1"), rsa_key(), id="rs512"),
        pytest.param(good_header(alg="PS256", kid="r1"), rsa_key(), id="pkcs1-signature-under-ps256"),
        pytest.param(good_header(alg="Ed25519", kid="e1"), ED_KEY, id="name-of-rfc-9864"),
        pytest.param(good_header(alg="es256"), EC_KEY, id="lower-case"),
        pytest.param(good_header(alg=["ES256"]), EC_KEY, id="alg-list"),
        pytest.param(good_header(alg=None), EC_KEY, id="alg-null"),
        pytest.param(good_header(alg=GONE), EC_KEY, id="no-alg"),
    ],
)
def test_a_key_and_algorithm_that_do_not_go_together(header: dict[str, Any], key: PrivateKey) -> None:
    everything = ALGORITHMS | {"ES384", "ES256K", "RS512", "Ed25519", "es256"}
    refused(sign(header=header, key=key), algorithms=everything)


def test_an_algorithm_that_the_issuer_does_not_use() -> None:
    refused(sign(), algorithms=frozenset({"RS256"}))
    refused(sign(), algorithms=frozenset())


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [pytest.param(P384_KEY, "ES256", id="p-384"), pytest.param(rsa_key(1024), "RS256", id="rsa-1024")],
)
def test_a_weak_or_strange_key_of_the_issuer_verifies_nothing(key: PrivateKey, algorithm: str) -> None:
    keys = parse_key_set(key_set(jwk(key, kid="bad"), jwk(OTHER_EC_KEY, kid="good")))
    refused(sign(header=good_header(alg=algorithm, kid="bad"), key=key, algorithm=algorithm), keys=keys)


def test_a_key_for_one_algorithm_is_not_used_with_another() -> None:
    keys = parse_key_set(key_set(jwk(rsa_key(), kid="r1", alg="RS256")))
    refused(sign(header=good_header(alg="PS256", kid="r1"), key=rsa_key(), algorithm="PS256"), keys=keys)


def test_a_signature_in_der_form() -> None:
    signing_input = sign().rpartition(".")[0]
    der = EC_KEY.sign(signing_input.encode(), ec.ECDSA(SHA256()))
    refused(f"{signing_input}.{b64(der)}")


def test_a_signature_of_zeros() -> None:
    refused(f"{sign().rpartition('.')[0]}.{b64(bytes(64))}")


# The header


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"crit": []}, id="crit-empty"),
        pytest.param({"crit": ["exp"]}, id="crit"),
        pytest.param({"crit": ["b64"], "b64": False}, id="crit-b64"),
        pytest.param({"b64": True}, id="b64"),
        pytest.param({"jwk": jwk(OTHER_EC_KEY)}, id="jwk"),
        pytest.param({"jku": "https://evil.example/jwks"}, id="jku"),
        pytest.param({"x5u": "https://evil.example/chain"}, id="x5u"),
        pytest.param({"x5c": ["AAAA"]}, id="x5c"),
        pytest.param({"x5c": "AAAA"}, id="x5c-text"),
        pytest.param({"zip": "DEF"}, id="zip"),
        pytest.param({"cty": "JWT"}, id="nested"),
        pytest.param({"enc": "A256GCM"}, id="encrypted"),
        pytest.param({"ALG": "none"}, id="member-in-upper-case"),
        pytest.param({"typ": "at+jwt"}, id="an-access-token"),
        pytest.param({"typ": "logout+jwt"}, id="a-logout-token"),
        pytest.param({"typ": 1}, id="typ-number"),
        pytest.param({"typ": ""}, id="typ-empty"),
        pytest.param({"kid": 1}, id="kid-number"),
        pytest.param({"kid": ["k1"]}, id="kid-list"),
        pytest.param({"kid": None}, id="kid-null"),
        pytest.param({"kid": ""}, id="kid-empty"),
        pytest.param({"kid": "k1\x00"}, id="kid-with-a-nul"),
        pytest.param({"kid": "k" * 256}, id="kid-long"),
        pytest.param({"x5t": {"a": 1}}, id="x5t-object"),
        pytest.param({"x5t": "a" * 2048}, id="large"),
    ],
)
def test_header_refused(changes: dict[str, Any]) -> None:
    text = sign(header=good_header(**changes))
    refused(text)
    assert peek_kid(text) is None


def test_a_key_in_the_header_that_signed_the_token() -> None:
    for member in ({"jwk": jwk(OTHER_EC_KEY)}, {"jwk": jwk(OTHER_EC_KEY), "kid": GONE}):
        refused(sign(header=good_header(**member), key=OTHER_EC_KEY))


# The claims


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("iss", ISSUER + "/", id="iss-slash"),
        pytest.param("iss", ISSUER + ".evil.example", id="iss-begins-with-ours"),
        pytest.param("iss", "https://evil.example/" + ISSUER, id="iss-ends-with-ours"),
        pytest.param("iss", ISSUER[:-1], id="iss-part-of-ours"),
        pytest.param("iss", [ISSUER], id="iss-list"),
        pytest.param("iss", "", id="iss-empty"),
        pytest.param("iss", None, id="iss-null"),
        pytest.param("iss", GONE, id="iss-missing"),
        pytest.param("exp", GONE, id="exp-missing"),
        pytest.param("exp", None, id="exp-null"),
        pytest.param("exp", str(NOW + 300), id="exp-text"),
        pytest.param("exp", float(NOW + 300), id="exp-float"),
        pytest.param("exp", NOW + 300.5, id="exp-fraction"),
        pytest.param("exp", True, id="exp-boolean"),
        pytest.param("exp", [NOW + 300], id="exp-list"),
        pytest.param("exp", -1, id="exp-negative"),
        pytest.param("exp", 2**53 + 1, id="exp-huge"),
        pytest.param("exp", 10**18, id="exp-in-nanoseconds"),
        pytest.param("iat", str(NOW), id="iat-text"),
        pytest.param("iat", float(NOW), id="iat-float"),
        pytest.param("iat", True, id="iat-boolean"),
        pytest.param("iat", None, id="iat-null"),
        pytest.param("iat", NOW + 31, id="iat-ahead"),
        pytest.param("nbf", str(NOW), id="nbf-text"),
        pytest.param("nbf", False, id="nbf-boolean"),
        pytest.param("nbf", None, id="nbf-null"),
        pytest.param("nbf", NOW + 31, id="nbf-ahead"),
        pytest.param("nbf", 10**18, id="nbf-in-nanoseconds"),
        pytest.param("nbf", -1, id="nbf-negative"),
        pytest.param("iat", -1, id="iat-negative"),
        pytest.param("sub", GONE, id="sub-missing"),
        pytest.param("sub", "", id="sub-empty"),
        pytest.param("sub", 74, id="sub-number"),
        pytest.param("sub", ["a"], id="sub-list"),
        pytest.param("sub", "s" * 1025, id="sub-long"),
        pytest.param("sub", "a\nb", id="sub-with-a-newline"),
        pytest.param("sub", "a\x9bb", id="sub-with-an-escape"),
        pytest.param("aud", GONE, id="aud-missing"),
        pytest.param("aud", None, id="aud-null"),
        pytest.param("aud", 1, id="aud-number"),
        pytest.param("aud", "", id="aud-empty"),
        pytest.param("aud", [], id="aud-empty-list"),
        pytest.param("aud", [AUDIENCE, 1], id="aud-list-with-a-number"),
        pytest.param("aud", [[AUDIENCE]], id="aud-list-of-lists"),
        pytest.param("aud", {AUDIENCE: 1}, id="aud-object"),
        pytest.param("aud", [AUDIENCE] * 33, id="aud-many"),
        pytest.param("aud", "a" * 1025, id="aud-long"),
        pytest.param("jti", None, id="jti-null"),
        pytest.param("jti", "", id="jti-empty"),
        pytest.param("jti", 1, id="jti-number"),
        pytest.param("jti", "j" * 256, id="jti-long"),
    ],
)
def test_claims_refused(name: str, value: object) -> None:
    refused(sign(good_claims(**{name: value})))


def test_a_long_subject_is_taken() -> None:
    assert verify(sign(good_claims(sub="s" * 1024))).subject == "s" * 1024


@pytest.mark.parametrize(
    ("now", "accepted"),
    [
        pytest.param(NOW - 31, False, id="issued-31-s-ahead"),
        pytest.param(NOW - 30, True, id="issued-30-s-ahead"),
        pytest.param(NOW + 300, True, id="at-exp"),
        pytest.param(NOW + 329, True, id="exp-plus-29"),
        pytest.param(NOW + 330, False, id="exp-plus-30"),
        pytest.param(NOW + DAY, False, id="a-day-later"),
    ],
)
@pytest.mark.parametrize("missing", ["iat", "nbf"])
def test_times(now: int, accepted: bool, missing: str) -> None:
    text = sign(good_claims(**{missing: GONE}))
    if accepted:
        assert verify(text, now=now).expires_at == NOW + 300
    else:
        refused(text, now=now)


@pytest.mark.parametrize(
    ("iat", "seconds", "accepted"),
    [
        pytest.param(NOW, 300, True, id="as-long-as-allowed"),
        pytest.param(NOW, 299, False, id="a-second-longer"),
        pytest.param(NOW - 100, 399, False, id="counted-from-iat"),
        pytest.param(0, DAY, False, id="since-1970"),
        pytest.param(GONE, 300, True, id="counted-from-now"),
        pytest.param(GONE, 299, False, id="counted-from-now-a-second-longer"),
    ],
)
def test_a_long_life_is_refused(iat: object, seconds: int, accepted: bool) -> None:
    text = sign(good_claims(iat=iat))
    if accepted:
        assert verify(text, max_life_seconds=seconds).expires_at == NOW + 300
    else:
        refused(text, max_life_seconds=seconds)


def _payload(member: bytes) -> bytes:
    return json.dumps(good_claims())[:-1].encode() + b", " + member + b"}"


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        pytest.param(b'{"alg":"ES256","kid":"k1","alg":"ES256"}', _payload(b'"a":1'), id="header-member-twice"),
        pytest.param(b'{"alg":"none","kid":"k1","alg":"ES256"}', _payload(b'"a":1'), id="two-algorithms"),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"sub":"other"'), id="claim-twice"),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"a":{"b":1,"b":2}'), id="inner-member-twice"),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"\\u0073ub":"other"'), id="claim-twice-by-escape"),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"a":NaN'), id="nan"),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"a":1e400'), id="infinite"),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"a":' + b"9" * 4400), id="many-digits"),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"a":"\\ud800"'), id="lone-surrogate"),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"a":' + b"[" * 8 + b"]" * 8), id="deep"),
        pytest.param(
            json.dumps(good_header()).encode(), _payload(b'"a":' + b"[" * 5_500 + b"]" * 5_500), id="very-deep"
        ),
        pytest.param(json.dumps(good_header()).encode(), _payload(b'"a":[' + b"1," * 5_000 + b"1]"), id="many-values"),
        pytest.param(
            json.dumps(good_header()).encode(),
            json.dumps(good_claims()).encode().replace(str(NOW + 300).encode(), b"1e400"),
            id="exp-infinite",
        ),
        pytest.param(
            json.dumps(good_header()).encode(),
            json.dumps(good_claims()).encode().replace(str(NOW + 300).encode(), b"1790000300e0"),
            id="exp-with-an-exponent",
        ),
        pytest.param(json.dumps(good_header()).encode(), b"[]", id="claims-list"),
        pytest.param(json.dumps(good_header()).encode(), b"null", id="claims-null"),
        pytest.param(json.dumps(good_header()).encode(), b"\xff\xfe", id="claims-not-utf-8"),
        pytest.param(json.dumps(good_header()).encode(), b"\xef\xbb\xbf" + _payload(b'"a":1'), id="byte-order-mark"),
        pytest.param(b"[]", _payload(b'"a":1'), id="header-list"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(good_header()).encode(), _payload(b'"a":1'), id="header-with-a-mark"),
        pytest.param(b'{"alg":' + b"[" * 900 + b"]" * 900 + b"}", _payload(b'"a":1'), id="deep-header"),
    ],
)
def test_what_has_two_readings_or_none_is_refused(header: bytes, payload: bytes) -> None:
    refused(sign_raw(header, payload))


# The form


def other_last_character(segment: str) -> str:
    """The same bytes, spelt with another last character."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4 in (2, 3)
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) + 1]


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("suffix", ["=", "==", "\n", " ", "\x00", "é"])
def test_a_segment_with_something_behind_it(position: int, suffix: str) -> None:
    segments = sign().split(".")
    segments[position] += suffix
    refused(".".join(segments))


def test_other_spellings_of_a_good_token() -> None:
    header, payload, tail = sign_raw(b'{"alg":"ES256","kid":"k1"} ', _padded_claims()).split(".")
    assert verify(f"{header}.{payload}.{tail}").issuer == ISSUER
    refused(f"{header}.{payload}.{other_last_character(tail)}")
    refused(f" {header}.{payload}.{tail}")
    refused(f"{header}.{payload}.{tail}.")
    refused(f"{header}.{payload}.{tail}.{tail}")
    refused(f"{header}..{payload}.{tail}")
    refused(f"{header}.{payload}.{tail.replace('-', '+').replace('_', '/')}+")
    refused(f"{header}.{payload[:9]}\n{payload[9:]}.{tail}")
    refused(json.dumps({"protected": header, "payload": payload, "signature": tail}))


def _padded_claims() -> bytes:
    payload = json.dumps(good_claims()).encode()
    return payload + b" " * (-len(payload) % 3 + 1)


def sign_segments(segments: list[str]) -> str:
    signing_input = ".".join(segments)
    return f"{signing_input}.{b64(signature(signing_input.encode(), 'ES256', EC_KEY))}"


@pytest.mark.parametrize("position", [0, 1])
def test_a_segment_that_is_signed_in_another_spelling(position: int) -> None:
    # Here the signature is right for the very characters that were sent, so that only the spelling can be refused.
    segments = [b64(b'{"alg":"ES256","kid":"k1"}  '), b64(_padded_claims())]
    assert verify(sign_segments(segments)).issuer == ISSUER
    segments[position] = other_last_character(segments[position])
    refused(sign_segments(segments))


def test_a_token_of_another_size() -> None:
    room = MAX_TOKEN_CHARS - len(sign(good_claims(a="")))
    fits = sign(good_claims(a="a" * (room * 3 // 4 - 3)))
    assert MAX_TOKEN_CHARS - 8 < len(fits) <= MAX_TOKEN_CHARS
    assert verify(fits).issuer == ISSUER
    refused(sign(good_claims(a="a" * room)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("..", id="dots"),
        pytest.param("." * 1_000_000, id="a-million-dots"),
        pytest.param("a" * 1_000_000, id="1-mb"),
        pytest.param(sign(header=good_header(x5t="a" * 1_000_000)), id="1-mb-of-header"),
        pytest.param(sign(good_claims(a="a" * 1_000_000)), id="1-mb-of-claims"),
        pytest.param(sign() + "A" * 1_000_000, id="1-mb-of-signature"),
        pytest.param(sign_raw(b"[" * 100_000, b"{}"), id="deep-and-large-header"),
        pytest.param("\ud800.\ud800.\ud800", id="surrogates"),
    ],
)
def test_a_text_that_is_no_token(text: str) -> None:
    refused(text)
    assert peek_issuer(text) is None
    assert peek_kid(text) is None


def test_nothing_of_the_claims_is_shown() -> None:
    assert "octo-secret" not in repr(verify(sign(good_claims(a="octo-secret"))))


# Surprises inside


@pytest.mark.parametrize("surprise", [BaseException, RecursionError, MemoryError, OverflowError])
def test_a_surprise_is_a_refusal(surprise: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    _raise_inside(surprise, monkeypatch)
    refused(sign())


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_is_not_swallowed(end: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    _raise_inside(end, monkeypatch)
    with pytest.raises(end):
        verify(sign())


def _raise_inside(error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: object) -> bool:
        raise error

    # There is no seam for a defect in a compiled library, so this one is patched in.
    monkeypatch.setattr(type(verify_module._ALGORITHMS["ES256"]), "verify", panic)


# Looking at what is not verified


def test_peek() -> None:
    text = sign(good_claims(iss="https://evil.example"), good_header(kid="unknown"))
    assert peek_issuer(text) == "https://evil.example"
    assert peek_kid(text) == "unknown"
    assert peek_kid(sign(header=good_header(kid=GONE))) is None


@pytest.mark.parametrize("issuer", [None, 1, [ISSUER], "", "i" * 1025, "a\nb", GONE])
def test_peek_at_a_strange_issuer(issuer: object) -> None:
    assert peek_issuer(sign(good_claims(iss=issuer))) is None


def test_peek_refuses_what_has_two_readings() -> None:
    assert peek_issuer(sign_raw(json.dumps(good_header()).encode(), _payload(b'"iss":"https://evil.example"'))) is None
    assert peek_issuer(sign_raw(b'{"alg":"ES256","alg":"none"}', _payload(b'"a":1'))) is None
    assert peek_issuer(sign() + "=") is None


# Whatever is sent


def read_or_refused(text: str) -> TokenClaims | None:
    """The claims, None where refused; anything but `Unauthorized` is a failure of the test that calls."""
    peek_issuer(text)
    peek_kid(text)
    try:
        return verify(text)
    except Unauthorized:
        return None


GOOD_TOKENS = [
    sign(),
    sign(header=good_header(alg="RS256", kid="r1"), key=rsa_key(), algorithm="RS256"),
    sign(header=good_header(alg="PS256", kid="r1"), key=rsa_key(), algorithm="PS256"),
    sign(header=good_header(alg="EdDSA", kid="e1"), key=ED_KEY, algorithm="EdDSA"),
]


@PROPERTY
@given(st.sampled_from(GOOD_TOKENS), st.data())
def test_a_mutated_token_never_verifies(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 6)))
    other = data.draw(st.text(st.characters(max_codepoint=0x17F) | st.sampled_from("AQgw.-_=")))
    mutated = text[:start] + other + text[end:]
    assert mutated == text or read_or_refused(mutated) is None


@PROPERTY
@given(st.lists(st.sampled_from([segment for text in GOOD_TOKENS for segment in text.split(".")]), max_size=4))
def test_segments_of_different_tokens_never_verify(segments: list[str]) -> None:
    text = ".".join(segments)
    claims = read_or_refused(text)
    # All four say the same, so a payload of one verifies under the header and signature of another only if it is its own.
    assert claims is None or any(text == good for good in GOOD_TOKENS)


@PROPERTY
@given(st.text(max_size=300) | st.lists(st.binary(max_size=120).map(b64), max_size=5).map(".".join))
def test_any_text_is_refused(text: str) -> None:
    assert read_or_refused(text) is None


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@PROPERTY
@given(st.sampled_from(sorted(good_claims())), _json)
def test_any_value_of_a_claim_is_read_or_refused(name: str, value: object) -> None:
    claims = read_or_refused(sign(good_claims(**{name: value})))
    if claims is not None:
        assert claims.issuer == ISSUER
        assert isinstance(claims.subject, str)
        assert claims.audience
        assert NOW - 30 < claims.expires_at <= NOW + DAY


@PROPERTY
@given(st.sampled_from(["alg", "kid"]), _json.filter(lambda value: value not in good_header().values()))
def test_any_other_algorithm_or_key_in_the_header_is_refused(name: str, value: object) -> None:
    assert read_or_refused(sign(header=good_header(**{name: value}))) is None


@PROPERTY
@given(st.text(max_size=6).filter(lambda name: name not in {"alg", "kid", "typ", "x5t", "x5t#S256"}), _json)
def test_any_other_member_in_the_header_is_refused(name: str, value: object) -> None:
    assert read_or_refused(sign(header=good_header(**{name: value}))) is None
