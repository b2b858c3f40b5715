"""Keys: which one signs, which one verifies, what is published."""

import jose.backends
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gateway.errors import ConfigInvalid, Unavailable
from gateway.identity.key_ring import KeyRing, SigningKey, check_backend, thumbprint
from tests.support.identity import KEY, NOW, PRIVATE_KEY

OTHER_PRIVATE = ec.derive_private_key(0xBEEF, ec.SECP256R1())


def key(private: object, *, not_before: int, retire_after: int | None = None) -> SigningKey:
    return SigningKey.of(private, not_before=not_before, retire_after=retire_after)


OLD = key(PRIVATE_KEY, not_before=NOW - 1000, retire_after=NOW + 1000)
NEW = key(OTHER_PRIVATE, not_before=NOW)
RING = KeyRing((OLD, NEW))


def test_thumbprint_of_rfc_7638_section_3_1() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    members = {"kty": "RSA", "n": modulus, "e": "AQAB"}
    assert thumbprint(dict(members)) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(NOW - 1000, OLD, id="first-second-of-the-old"),
        pytest.param(NOW - 1, OLD, id="before-the-new"),
        pytest.param(NOW, NEW, id="the-newest-that-started"),
        pytest.param(NOW + 5000, NEW, id="old-retired"),
    ],
)
def test_signing(now: int, expected: SigningKey) -> None:
    assert RING.signing(now) == expected


@pytest.mark.parametrize(
    ("ring", "now"),
    [
        pytest.param(KeyRing(()), NOW, id="empty"),
        pytest.param(RING, NOW - 1001, id="none-yet"),
        pytest.param(KeyRing((OLD,)), NOW + 1000, id="all-retired"),
    ],
)
def test_signing_without_a_key(ring: KeyRing, now: int) -> None:
    with pytest.raises(Unavailable):
        ring.signing(now)


def test_public() -> None:
    found = RING.public(OLD.kid, NOW + 999)
    assert found is not None
    assert (found.kid, found.retire_after) == (OLD.kid, NOW + 1000)
    assert RING.public(OLD.kid, NOW + 1000) is None
    assert RING.public("other", NOW) is None
    ahead = RING.public(NEW.kid, NOW - 10)
    assert ahead is not None, "another node's clock may be ahead"


def test_jwks_has_public_members_only_and_no_retired_key() -> None:
    published = RING.jwks(NOW)["keys"]
    assert isinstance(published, list)
    assert [sorted(one) for one in published if isinstance(one, dict)] == [
        ["alg", "crv", "kid", "kty", "use", "x", "y"]
    ] * 2
    assert RING.jwks(NOW + 1000)["keys"] == [NEW.public_jwk]


def test_kid_is_the_thumbprint_of_what_is_published() -> None:
    required = {name: KEY.public_jwk[name] for name in ("crv", "kty", "x", "y")}
    assert thumbprint(required) == KEY.kid == KEY.public_jwk["kid"]


@pytest.mark.parametrize(
    "private",
    [
        pytest.param(ec.derive_private_key(7, ec.SECP384R1()), id="p-384"),
        pytest.param(ec.derive_private_key(7, ec.SECP256K1()), id="secp256k1"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="rsa"),
        pytest.param(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)), id="ed25519"),
        pytest.param(PRIVATE_KEY.public_key(), id="public-half"),
        pytest.param("-----BEGIN PRIVATE KEY-----", id="text"),
    ],
)
def test_only_p256_signs(private: object) -> None:
    with pytest.raises(ConfigInvalid):
        key(private, not_before=NOW)


def test_a_key_that_retires_before_it_starts() -> None:
    with pytest.raises(ConfigInvalid):
        key(PRIVATE_KEY, not_before=NOW, retire_after=NOW)


def test_a_key_twice() -> None:
    with pytest.raises(ConfigInvalid):
        KeyRing((OLD, KEY))


def test_row_46_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_backend()
    monkeypatch.setattr(jose.backends, "ECKey", object)
    with pytest.raises(ConfigInvalid):
        check_backend()


def test_repr_shows_no_private_half() -> None:
    private_number = str(PRIVATE_KEY.private_numbers().private_value)
    assert private_number not in repr(RING)
    assert "signer" not in repr(KEY)
