"""The signing keys as files: one PEM file (PKCS #8) per key in a directory of their own, for the owner's eyes only.

The name says when: ``signing-<not before>.pem``, or ``signing-<not before>-until-<retire after>.pem``, in Unix seconds, so
that retiring a key is one rename and nothing can contradict the key. Taking a file away revokes the key at once, with
every token it signed.

I/O: plain blocking calls, for start-up and the command line; never called while a request waits.
Source: RFC 5958 (PKCS #8); DESIGN 5.
"""

import os
import re
import stat
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.errors import ConfigInvalid, Conflict
from gateway.identity.key_ring import KeyRing, SigningKey

_NAME: Final = re.compile(r"signing-(?P<not_before>[0-9]{1,12})(?:-until-(?P<retire_after>[0-9]{1,12}))?\.pem")
_MAX_PEM_BYTES: Final = 8 * 1024
"""A P-256 key is about 240 bytes; the limit keeps a wrong file from being read whole."""


def load_key_ring(directory: Path) -> KeyRing:
    """Return the ring of the keys in ``directory``.

    Raises `ConfigInvalid`, naming the file, where there is no key, a file is not a P-256 key, is called something else,
    or can be read by others. A file that is not understood is never passed over: it may be the key somebody relies on.
    """
    try:
        paths = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ConfigInvalid(f"the signing keys in {directory} cannot be read: {error.strerror}") from None
    if not paths:
        raise ConfigInvalid(f"there is no signing key in {directory}")
    return KeyRing(tuple(_load(path) for path in paths))


def create_signing_key(directory: Path, *, now: int) -> SigningKey:
    """Create a key that signs from ``now`` (Unix seconds) on, in ``directory`` (made with 0700 if need be), with 0600.

    It is on the disk when this returns. Raises `Conflict` where a key of this second exists, `ConfigInvalid` where the
    directory cannot be written.
    """
    private_key = ec.generate_private_key(ec.SECP256R1())
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = directory / f"signing-{now}.pem"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_durably(path, pem)
    except FileExistsError:
        raise Conflict(f"{path} exists: a key that starts in this second is there already") from None
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be written: {error.strerror}") from None
    return SigningKey.of(private_key, not_before=now, retire_after=None)


def _write_durably(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, so that it appears under its name only when it is whole."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, since a rename would replace a key that is already there.
        os.link(draft, path)
    finally:
        draft.unlink()
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _load(path: Path) -> SigningKey:
    named = _NAME.fullmatch(path.name)
    if named is None:
        raise ConfigInvalid(f"{path} is not a signing key: its name is not signing-<time>[-until-<time>].pem")
    retire_after = named["retire_after"]
    try:
        private_key = load_pem_private_key(_read_private(path), password=None)
        return SigningKey.of(
            private_key,
            not_before=int(named["not_before"]),
            retire_after=None if retire_after is None else int(retire_after),
        )
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{path}: {error.message}") from None
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read: {error.strerror}") from None
    except Exception:
        # cryptography raises several kinds for what is not a key; none of them may show what the file holds.
        raise ConfigInvalid(f"{path} is not an unencrypted private key in PEM form") from None


def _read_private(path: Path) -> bytes:
    """Return the content of a file that only its owner can read. The open file is examined, not the name."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigInvalid("not a regular file")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise ConfigInvalid("other users may read or write this key: chmod 600")
        if status.st_size > _MAX_PEM_BYTES:
            raise ConfigInvalid(f"larger than {_MAX_PEM_BYTES} bytes")
        return file.read(_MAX_PEM_BYTES)
