"""Secrets that commands make: drawn from the operating system, shown once, stored hashed.

I/O: randomness; a thread for the password hash.
"""

import os
import string
from typing import Final

from gateway.identity.passwords import RFC_9106_SECOND, PasswordThreads
from gateway.identity.secrets import Secret, SecretKind

_ALPHABET: Final = string.ascii_letters + string.digits
_PASSWORD_CHARS: Final = 24
"""142 bits of 62 characters: nobody remembers it, and nobody guesses it."""


def new_robot_secret() -> tuple[str, bytes]:
    """Return a new robot secret, and the SHA-256 to store."""
    secret = Secret.generate(SecretKind.ROBOT, os.urandom)
    return secret.text, secret.sha256


def new_password() -> str:
    """Return a new password for an account that a command makes."""
    limit = 256 - 256 % len(_ALPHABET)
    chosen: list[str] = []
    while len(chosen) < _PASSWORD_CHARS:
        chosen.extend(_ALPHABET[byte % len(_ALPHABET)] for byte in os.urandom(_PASSWORD_CHARS) if byte < limit)
    return "".join(chosen[:_PASSWORD_CHARS])


async def password_hash(password: str) -> str:
    """Return the stored form of a password that a person chose."""
    threads = PasswordThreads(parameters=RFC_9106_SECOND, max_concurrent=1, max_waiting=1, random_bytes=os.urandom)
    try:
        return await threads.hash(password)
    finally:
        threads.close()
