"""Secrets that commands make."""

import asyncio
import hashlib
import string

from gateway.cli.secrets import new_password, new_robot_secret, password_hash
from gateway.identity.secrets import Secret, SecretKind


def test_a_password_is_letters_and_digits_and_never_the_same() -> None:
    made = {new_password() for _ in range(200)}
    assert len(made) == 200
    assert {len(each) for each in made} == {24}
    assert set("".join(made)) == set(string.ascii_letters + string.digits)


def test_a_robots_secret_is_stored_as_its_digest() -> None:
    text, digest = new_robot_secret()
    assert (read := Secret.read(text)) is not None
    assert read.sha256 == digest
    assert read.kind is SecretKind.ROBOT
    assert digest not in text.encode()
    assert len(digest) == hashlib.sha256().digest_size


def test_a_password_is_stored_by_argon2id() -> None:
    assert asyncio.run(password_hash("correct horse battery")).startswith("$argon2id$")
