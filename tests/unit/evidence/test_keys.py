"""Keys: which are refused, and which signatures each algorithm makes and does not make."""

import base64
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.errors import TrustPolicyInvalid
from gateway.evidence.keys import BUNDLE_HASHES, CLASSIC_HASHES, HashName, KeyAlgorithm, PublicKey
from tests.support import evidence as made

MESSAGE: Final = b"what was signed"


def _pem(native: object) -> str:
    content: bytes = native.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]  # every public key of cryptography has it
    return content.decode("ascii")


def _spki_pem(der: bytes) -> str:
    return f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode('ascii')}\n-----END PUBLIC KEY-----\n"


def _parse(kind: made.KeyKind, seed: int = 0) -> PublicKey:
    return PublicKey.parse(made.signer(kind, seed).pem.encode(), where="key")


@pytest.mark.parametrize("kind", made.KEY_KINDS)
def test_parse_names_the_key_by_its_spki(kind: made.KeyKind) -> None:
    key = _parse(kind)
    assert key.algorithm == KeyAlgorithm(kind)
    assert key.id == made.signer(kind).id
    assert key.spki == made.signer(kind).spki


def test_parse_gives_a_compressed_point_the_same_name() -> None:
    native = made.signer()._private.public_key()
    point = native.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    der = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    assert PublicKey.parse(_spki_pem(der).encode(), where="key").id == made.signer().id


@pytest.mark.parametrize("kind", made.KEY_KINDS)
@pytest.mark.parametrize(
    "table", [pytest.param(CLASSIC_HASHES, id="classic"), pytest.param(BUNDLE_HASHES, id="bundle")]
)
def test_made_knows_its_own_signature_alone(
    kind: made.KeyKind, table: dict[KeyAlgorithm, tuple[HashName, ...]]
) -> None:
    key, hashes = _parse(kind), table[KeyAlgorithm(kind)]
    signature = made.signer(kind).sign(MESSAGE)
    assert key.made(signature, MESSAGE, hashes=hashes)
    assert not key.made(signature, MESSAGE + b".", hashes=hashes)
    assert not _parse(kind, 1).made(signature, MESSAGE, hashes=hashes)
    assert not key.made(b"", MESSAGE, hashes=hashes)
    assert not key.made(signature[:-1], MESSAGE, hashes=hashes)
    assert not key.made(signature + b"\0", MESSAGE, hashes=hashes)
    assert not key.made(signature, MESSAGE, hashes=())


@pytest.mark.parametrize("kind", made.KEY_KINDS)
def test_made_knows_what_older_cosigns_made_in_classic_form(kind: made.KeyKind) -> None:
    signature = made.signer(kind).sign(MESSAGE, old=True)
    assert _parse(kind).made(signature, MESSAGE, hashes=CLASSIC_HASHES[KeyAlgorithm(kind)])


def test_made_takes_sha256_by_a_p384_key_in_classic_form_only() -> None:
    key, signature = _parse("ecdsa-p384"), made.signer("ecdsa-p384").sign(MESSAGE, old=True)
    assert not key.made(signature, MESSAGE, hashes=BUNDLE_HASHES[KeyAlgorithm.ECDSA_P384])
    assert not key.made(signature, MESSAGE, hashes=(HashName.SHA384,))
    assert key.made(signature, MESSAGE, hashes=(HashName.SHA256,))


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        pytest.param("ecdsa-p256", SHA1(), id="p256-sha1"),
        pytest.param("ecdsa-p256", SHA384(), id="p256-sha384"),
        pytest.param("ecdsa-p384", SHA512(), id="p384-sha512"),
        pytest.param("rsa", SHA512(), id="rsa-sha512"),
    ],
)
def test_made_takes_no_other_hash(kind: made.KeyKind, algorithm: SHA1 | SHA384 | SHA512) -> None:
    private = made.signer(kind)._private
    if kind == "rsa":
        signature = private.sign(MESSAGE, padding.PKCS1v15(), algorithm)
    else:
        signature = private.sign(MESSAGE, ec.ECDSA(algorithm))
    assert not _parse(kind).made(signature, MESSAGE, hashes=CLASSIC_HASHES[KeyAlgorithm(kind)])


def test_made_takes_no_pss() -> None:
    pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
    signature = made.signer("rsa")._private.sign(MESSAGE, pss, SHA256())
    assert not _parse("rsa").made(signature, MESSAGE, hashes=(HashName.SHA256,))


def test_parse_takes_windows_line_ends_and_white_space_around() -> None:
    pem = f"\n{made.signer().pem}\n \n".replace("\n", "\r\n")
    assert PublicKey.parse(pem.encode(), where="key").id == made.signer().id


P256: Final = made.signer()._private
PRIVATE: Final = P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
PKCS1: Final = made.signer("rsa")._private.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode("ascii")
ED25519_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        pytest.param("", "not one PEM block", id="empty"),
        pytest.param("not a key", "not one PEM block", id="text"),
        pytest.param(f"# the release key\n{made.signer().pem}", "not one PEM block", id="text-before"),
        pytest.param(f"{made.signer().pem}trailing", "not one PEM block", id="text-after"),
        pytest.param(made.signer().pem * 2, "more than one key", id="two-keys"),
        pytest.param(PRIVATE, "this is a private key", id="private-key"),
        pytest.param(made.signer().pem + PRIVATE, "this is a private key", id="private-key-behind"),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "this is a certificate", id="certificate"
        ),
        pytest.param(PKCS1, "a PKCS#1 key", id="pkcs1"),
        pytest.param(_spki_pem(b"\x30\x00"), "not a public key in SPKI form", id="not-spki"),
        pytest.param(_spki_pem(ED25519_PREFIX + b"\x01" + bytes(31)), "prime-order", id="ed25519-identity-point"),
        pytest.param(_spki_pem(ED25519_PREFIX + bytes(32)), "prime-order", id="ed25519-small-order"),
        pytest.param(_pem(ec.derive_private_key(7, ec.SECP521R1()).public_key()), "only P-256 and P-384", id="p521"),
        pytest.param(
            _pem(ec.derive_private_key(7, ec.SECP256K1()).public_key()), "only P-256 and P-384", id="secp256k1"
        ),
        pytest.param(_pem(ec.derive_private_key(7, ec.SECP224R1()).public_key()), "only P-256 and P-384", id="p224"),
        pytest.param(
            _pem(ed448.Ed448PrivateKey.from_private_bytes(bytes(57)).public_key()), "only ECDSA P-256", id="ed448"
        ),
        pytest.param(_pem(made.rsa_key(1024, 65537, 0).public_key()), "RSA of 1024 bits", id="rsa-1024"),
        pytest.param(_pem(made.rsa_key(2048, 3, 0).public_key()), "exponent under 65537", id="rsa-exponent-3"),
    ],
)
def test_parse_refuses(pem: str, reason: str) -> None:
    with pytest.raises(TrustPolicyInvalid) as caught:
        PublicKey.parse(pem.encode(), where="keys/release.pub")
    assert caught.value.where == "keys/release.pub"
    assert reason in caught.value.reason


def test_parse_refuses_dsa() -> None:
    numbers = dsa.DSAPublicNumbers(2, dsa.DSAParameterNumbers(p=(1 << 1023) | 1, q=(1 << 159) | 1, g=2))
    pem = _pem(numbers.public_key())
    with pytest.raises(TrustPolicyInvalid):
        PublicKey.parse(pem.encode(), where="key")


def test_a_key_does_not_print_its_native_half() -> None:
    assert "_native" not in repr(_parse("ecdsa-p256"))
