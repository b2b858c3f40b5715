"""The private-key file that cosign reads: for the demo, whose key a person goes on with.

Pure, but for the operating system's randomness in salt and nonce.
Source: sigstore `pkg/cryptoutils` and theupdateframework's `encrypted` (scrypt, NaCl secretbox).
"""

import base64
import hashlib
import json
import os
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from nacl.secret import SecretBox

_LABEL: Final = "ENCRYPTED SIGSTORE PRIVATE KEY"
_N: Final = 65536
_R: Final = 8
_P: Final = 1
_MAX_MEMORY_BYTES: Final = 256 * 1024 * 1024


def encrypted_private_key(key: ec.EllipticCurvePrivateKey, *, password: str) -> bytes:
    """Return the PEM file of ``key`` under ``password``, as ``cosign generate-key-pair`` writes it."""
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    salt, nonce = os.urandom(32), os.urandom(SecretBox.NONCE_SIZE)
    secret = hashlib.scrypt(password.encode(), salt=salt, n=_N, r=_R, p=_P, maxmem=_MAX_MEMORY_BYTES, dklen=32)
    document = {
        "kdf": {"name": "scrypt", "params": {"N": _N, "r": _R, "p": _P}, "salt": _text(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _text(nonce)},
        "ciphertext": _text(SecretBox(secret).encrypt(der, nonce).ciphertext),
    }
    body = _text(json.dumps(document, separators=(",", ":")).encode())
    lines = "\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    return f"-----BEGIN {_LABEL}-----\n{lines}\n-----END {_LABEL}-----\n".encode()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
