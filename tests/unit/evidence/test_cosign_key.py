"""The private-key file of the demo: cosign's format, under its password and under no other."""

import base64
import hashlib
import json
import re
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from gateway.evidence.cosign_key import encrypted_private_key

KEY: Final = ec.derive_private_key(0xC051, ec.SECP256R1())
PASSWORD: Final = "correct horse"
BLOCK: Final = re.compile(
    rb"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n((?:[A-Za-z0-9+/=]{1,64}\n)+)"
    rb"-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
)


def document(pem: bytes) -> dict[str, Any]:
    """Return what is in the one PEM block that the file is."""
    block = BLOCK.fullmatch(pem)
    assert block is not None, pem
    found = json.loads(base64.b64decode(block[1]))
    assert isinstance(found, dict)
    return found


def opened(made: dict[str, Any], password: str) -> bytes:
    """Return the key in PKCS#8, as `cosign` opens it: by the parameters that stand in the file."""
    numbers = made["kdf"]["params"]
    secret = hashlib.scrypt(
        password.encode(),
        salt=base64.b64decode(made["kdf"]["salt"]),
        n=numbers["N"],
        r=numbers["r"],
        p=numbers["p"],
        maxmem=256 << 20,
        dklen=32,
    )
    return SecretBox(secret).decrypt(
        base64.b64decode(made["ciphertext"]), nonce=base64.b64decode(made["cipher"]["nonce"])
    )


def test_it_is_the_key_under_its_password_and_under_no_other() -> None:
    made = document(encrypted_private_key(KEY, password=PASSWORD))
    native = serialization.load_der_private_key(opened(made, PASSWORD), password=None)
    assert isinstance(native, ec.EllipticCurvePrivateKey)
    assert native.private_numbers() == KEY.private_numbers()
    with pytest.raises(CryptoError):
        opened(made, PASSWORD + "s")


def test_it_is_the_format_that_cosign_reads() -> None:
    made = document(encrypted_private_key(KEY, password=PASSWORD))
    assert made["kdf"]["name"] == "scrypt"
    # What `cosign` refuses to read where it is another: theupdateframework's "standard" of scrypt.
    assert made["kdf"]["params"] == {"N": 65536, "r": 8, "p": 1}
    assert made["cipher"]["name"] == "nacl/secretbox"


def test_no_two_files_are_alike() -> None:
    one, other = (document(encrypted_private_key(KEY, password=PASSWORD)) for _ in range(2))
    assert one["kdf"]["salt"] != other["kdf"]["salt"]
    assert one["cipher"]["nonce"] != other["cipher"]["nonce"]
    assert one["ciphertext"] != other["ciphertext"]
