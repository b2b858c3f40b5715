"""JWK Sets: what may verify a token, and what is left out."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_is_valid_point

from gateway.errors import OutboundFailed
from gateway.identity.oidc.key_set import MAX_KEY_SET_BYTES, MAX_KEYS, KeySet, parse_key_set
from tests.support.identity import PROPERTY, b64
from tests.support.issuer import (
    EC_KEY,
    ED_KEY,
    GONE,
    OTHER_EC_KEY,
    P384_KEY,
    integer,
    jwk,
    key_set,
    rsa_key,
)

GOOD = jwk(OTHER_EC_KEY, kid="good")
ED_P = 2**255 - 19


def kids(*keys: object) -> list[str | None]:
    return [key.kid for key in parse_key_set(key_set(*keys)).keys]


def refused(content: bytes) -> str:
    with pytest.raises(OutboundFailed) as caught:
        parse_key_set(content)
    return caught.value.message


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        pytest.param(jwk(EC_KEY, kid="k"), {"ES256"}, id="ec"),
        pytest.param(jwk(ED_KEY, kid="k"), {"EdDSA"}, id="ed25519"),
        pytest.param(jwk(rsa_key(), kid="k"), {"RS256", "PS256"}, id="rsa"),
        pytest.param(jwk(rsa_key(), kid="k", alg="RS256"), {"RS256"}, id="rsa-for-one-algorithm"),
        pytest.param(jwk(EC_KEY, kid="k", use="sig", key_ops=["verify"], alg="ES256"), {"ES256"}, id="all-members"),
        pytest.param(
            jwk(rsa_key(), kid="k", x5t="abc", x5c=["AAAA"], issuer="https://login.example"),
            {"RS256", "PS256"},
            id="members-of-certificates-are-not-read",
        ),
    ],
)
def test_a_key_is_taken_for_its_algorithms(key: dict[str, Any], algorithms: set[str]) -> None:
    (taken,) = parse_key_set(key_set(key)).keys
    assert taken.kid == "k"
    assert taken.algorithms == algorithms


def _off_curve() -> dict[str, Any]:
    return jwk(EC_KEY, kid="bad", y=integer(EC_KEY.public_key().public_numbers().y ^ 1, 32))


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({"kty": "oct", "kid": "bad", "k": "c2VjcmV0"}, id="symmetric"),
        pytest.param({"kty": "AKP", "kid": "bad", "alg": "ML-DSA-44", "pub": "AAAA"}, id="unknown-type"),
        pytest.param({"kid": "bad"}, id="no-type"),
        pytest.param(jwk(EC_KEY, kid="bad", kty=["EC"]), id="type-list"),
        pytest.param(jwk(EC_KEY, kid="bad", kty="ec"), id="type-lower-case"),
        pytest.param(jwk(EC_KEY, kid="bad", use="enc"), id="use-enc"),
        pytest.param(jwk(EC_KEY, kid="bad", use=None), id="use-null"),
        pytest.param(jwk(EC_KEY, kid="bad", use=["sig"]), id="use-list"),
        pytest.param(jwk(EC_KEY, kid="bad", key_ops=["sign"]), id="operations-without-verify"),
        pytest.param(jwk(EC_KEY, kid="bad", key_ops=[]), id="no-operation"),
        pytest.param(jwk(EC_KEY, kid="bad", key_ops="verify"), id="operations-text"),
        pytest.param(jwk(EC_KEY, kid="bad", d=b64(bytes(32))), id="private-member"),
        pytest.param(jwk(rsa_key(), kid="bad", qi="AQ"), id="private-member-of-rsa"),
        pytest.param(jwk(rsa_key(), kid="bad", oth=[]), id="other-primes"),
        pytest.param(jwk(EC_KEY, kid="bad", k="AQ"), id="member-of-a-symmetric-key"),
        pytest.param(jwk(rsa_key(1024), kid="bad"), id="rsa-1024"),
        pytest.param(jwk(rsa_key(exponent=3), kid="bad"), id="rsa-exponent-3"),
        pytest.param(jwk(rsa_key(), kid="bad", e="AQ"), id="rsa-exponent-1"),
        pytest.param(jwk(rsa_key(), kid="bad", e=b64(bytes([1] * 5))), id="rsa-exponent-large"),
        pytest.param(jwk(rsa_key(), kid="bad", n=integer(2**8192 + 1)), id="rsa-8193"),
        pytest.param(jwk(rsa_key(), kid="bad", n=b64(bytes(200) + b"\xff" * 100)), id="rsa-leading-zeros"),
        pytest.param(jwk(rsa_key(), kid="bad", n=GONE), id="rsa-without-n"),
        pytest.param(jwk(rsa_key(), kid="bad", n=1), id="rsa-n-number"),
        pytest.param(jwk(rsa_key(), kid="bad", alg="RS512"), id="rsa-for-rs512"),
        pytest.param(jwk(rsa_key(), kid="bad", alg="RSA-OAEP"), id="rsa-for-encryption"),
        pytest.param(jwk(rsa_key(), kid="bad", alg="none"), id="for-none"),
        pytest.param(jwk(rsa_key(), kid="bad", alg="HS256"), id="for-hs256"),
        pytest.param(jwk(rsa_key(), kid="bad", alg="ES256"), id="rsa-for-es256"),
        pytest.param(jwk(rsa_key(), kid="bad", alg=None), id="alg-null"),
        pytest.param(jwk(rsa_key(), kid="bad", alg=["RS256"]), id="alg-list"),
        pytest.param(jwk(P384_KEY, kid="bad"), id="p-384"),
        pytest.param(jwk(P384_KEY, kid="bad", crv="P-256"), id="p-384-called-p-256"),
        pytest.param(jwk(ec.derive_private_key(7, ec.SECP521R1()), kid="bad"), id="p-521"),
        pytest.param(jwk(EC_KEY, kid="bad", crv="secp256k1"), id="secp256k1"),
        pytest.param(_off_curve(), id="not-on-the-curve"),
        pytest.param(jwk(EC_KEY, kid="bad", x=b64(bytes(32)), y=b64(bytes(32))), id="point-zero"),
        pytest.param(jwk(EC_KEY, kid="bad", x=jwk(EC_KEY)["x"] + "="), id="padding"),
        pytest.param(jwk(EC_KEY, kid="bad", x="AA" + jwk(EC_KEY)["x"]), id="not-base64"),
        pytest.param(
            jwk(EC_KEY, kid="bad", x=integer(EC_KEY.public_key().public_numbers().x, 33)), id="long-coordinate"
        ),
        pytest.param(jwk(EC_KEY, kid="bad", x=jwk(EC_KEY)["x"][:-2]), id="short-coordinate"),
        pytest.param(jwk(ED_KEY, kid="bad", crv="X25519"), id="x25519"),
        pytest.param(jwk(ED_KEY, kid="bad", crv="Ed448"), id="ed448"),
        pytest.param(jwk(ED_KEY, kid="bad", x=b64(b"\x01" + bytes(31))), id="ed25519-point-of-small-order"),
        pytest.param(jwk(EC_KEY, kid=""), id="kid-empty"),
        pytest.param(jwk(EC_KEY, kid=1), id="kid-number"),
        pytest.param(jwk(EC_KEY, kid=None), id="kid-null"),
        pytest.param(jwk(EC_KEY, kid="k" * 256), id="kid-long"),
        pytest.param(None, id="null"),
        pytest.param([], id="list"),
        pytest.param("key", id="text"),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # what joserfc only warns of is left out
def test_a_key_is_left_out_and_the_others_stay(key: object) -> None:
    assert kids(key, GOOD) == ["good"]
    assert "no key" in refused(key_set(key))


_Y_OF_ORDER_8 = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize(
    "y",
    [
        pytest.param(0, id="order-4"),
        pytest.param(1, id="order-1"),
        pytest.param(ED_P - 1, id="order-2"),
        pytest.param(int.from_bytes(_Y_OF_ORDER_8, "little"), id="order-8"),
        pytest.param(ED_P - int.from_bytes(_Y_OF_ORDER_8, "little"), id="order-8-negative"),
        pytest.param(ED_P, id="zero-not-reduced"),
        pytest.param(ED_P + 1, id="one-not-reduced"),
    ],
)
def test_a_point_for_which_anybody_can_sign_is_left_out(y: int, sign: int) -> None:
    octets = (y | sign << 255).to_bytes(32, "little")
    assert not crypto_core_ed25519_is_valid_point(octets)  # as libsodium sees it
    assert kids(jwk(ED_KEY, kid="bad", x=b64(octets)), GOOD) == ["good"]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(jwk(OTHER_EC_KEY, kid="k1"), id="another-key"),
        pytest.param(jwk(EC_KEY, kid="k1"), id="the-same-key"),
        pytest.param(jwk(rsa_key(), kid="k1"), id="another-type"),
    ],
)
def test_two_usable_keys_of_one_name_are_both_refused(second: dict[str, Any]) -> None:
    assert kids(jwk(EC_KEY, kid="k1"), second, GOOD) == ["good"]


def test_a_key_of_no_use_takes_no_name_away() -> None:
    assert kids(jwk(rsa_key(), kid="k1", use="enc"), jwk(EC_KEY, kid="k1")) == ["k1"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="no-keys"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"keys": {}}', id="keys-object"),
        pytest.param(b'{"keys": null}', id="keys-null"),
        pytest.param(key_set(), id="empty"),
        pytest.param(key_set(*(jwk(EC_KEY, kid=f"k{n}") for n in range(MAX_KEYS + 1))), id="too-many-keys"),
        pytest.param(key_set(GOOD) + b" " * MAX_KEY_SET_BYTES, id="huge"),
        pytest.param(b'{"keys": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"),
        pytest.param(key_set(GOOD)[:-1] + b', "keys": []}', id="keys-twice"),
        pytest.param(key_set(GOOD).replace(b'"kid"', b'"kid": "other", "kid"'), id="kid-twice"),
        pytest.param(json.dumps({"keys": [GOOD], "x": ["a"] * 6000}).encode(), id="many-values"),
    ],
)
def test_a_key_set_is_refused_whole(content: bytes) -> None:
    assert "key set" in refused(content)


def test_as_many_keys_as_are_allowed() -> None:
    keys = [jwk(EC_KEY, kid=f"k{number}") for number in range(MAX_KEYS)]
    assert len(parse_key_set(key_set(*keys)).keys) == MAX_KEYS


def choose(keys: KeySet, kid: str | None, algorithm: str) -> str | None:
    try:
        return keys.choose(kid, algorithm=algorithm).kid or "unnamed"
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("keys", "kid", "algorithm", "chosen"),
    [
        pytest.param([jwk(EC_KEY, kid="a"), GOOD], "a", "ES256", "a", id="by-name"),
        pytest.param([jwk(EC_KEY, kid="a"), GOOD], "A", "ES256", None, id="name-in-upper-case"),
        pytest.param([jwk(EC_KEY, kid="a"), GOOD], "a", "RS256", None, id="name-of-another-type"),
        pytest.param([jwk(EC_KEY, kid="a"), jwk(rsa_key())], "a", "RS256", None, id="name-with-an-unnamed-that-fits"),
        pytest.param([jwk(EC_KEY)], "a", "ES256", None, id="unnamed-key-for-a-name"),
        pytest.param([jwk(EC_KEY), jwk(rsa_key())], None, "ES256", "unnamed", id="one-unnamed-fits"),
        pytest.param([jwk(EC_KEY), jwk(OTHER_EC_KEY)], None, "ES256", None, id="two-unnamed-fit"),
        pytest.param([jwk(EC_KEY), GOOD], None, "ES256", None, id="unnamed-and-named-fit"),
        pytest.param([GOOD, jwk(rsa_key(), kid="r")], None, "ES256", "good", id="one-named-fits"),
        pytest.param([GOOD], None, "EdDSA", None, id="none-fits"),
    ],
)
def test_choose(keys: list[dict[str, Any]], kid: str | None, algorithm: str, chosen: str | None) -> None:
    assert choose(parse_key_set(key_set(*keys)), kid, algorithm) == chosen


def test_a_set_knows_its_names() -> None:
    keys = parse_key_set(key_set(jwk(EC_KEY, kid="a"), jwk(rsa_key())))
    assert "a" in keys
    assert "b" not in keys


def test_a_key_is_not_shown() -> None:
    assert jwk(EC_KEY)["x"] not in repr(parse_key_set(key_set(jwk(EC_KEY, kid="a"))))


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.binary(max_size=64).map(b64),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_members = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "k", "use", "alg", "key_ops", "kid"])


@PROPERTY
@given(
    st.sampled_from([jwk(EC_KEY, kid="k"), jwk(ED_KEY, kid="k"), jwk(rsa_key(), kid="k")]),
    st.dictionaries(_members, _json, max_size=3),
)
def test_whatever_one_key_is_the_others_stay(key: dict[str, Any], changes: dict[str, Any]) -> None:
    changes = {name: value for name, value in changes.items() if not (name == "kid" and value == "good")}
    assert "good" in parse_key_set(key_set({**key, **changes}, GOOD))


@PROPERTY
@given(st.binary(max_size=200) | _json.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused(content: bytes) -> None:
    refused(content)
