"""Signing keys in a directory."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from gateway.errors import ConfigInvalid, Conflict
from gateway.identity.key_files import create_signing_key, load_key_ring
from tests.support.identity import NOW, PRIVATE_KEY


def pem(
    private: ec.EllipticCurvePrivateKey = PRIVATE_KEY,
    encryption: KeySerializationEncryption = NoEncryption(),  # noqa: B008  # immutable
) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def test_create_and_load(tmp_path: Path) -> None:
    directory = tmp_path / "state" / "keys"
    created = create_signing_key(directory, now=NOW)
    (path,) = directory.iterdir()
    assert path.name == f"signing-{NOW}.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    ring = load_key_ring(directory)
    assert ring.keys == (created,)
    assert ring.signing(NOW).kid == created.kid


def test_retiring_is_a_rename(tmp_path: Path) -> None:
    created = create_signing_key(tmp_path, now=NOW)
    (tmp_path / f"signing-{NOW}.pem").rename(tmp_path / f"signing-{NOW}-until-{NOW + 600}.pem")
    newer = create_signing_key(tmp_path, now=NOW + 300)
    ring = load_key_ring(tmp_path)
    assert ring.signing(NOW + 300).kid == newer.kid
    assert ring.public(created.kid, NOW + 599) is not None
    assert ring.public(created.kid, NOW + 600) is None


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    created = create_signing_key(tmp_path, now=NOW)
    with pytest.raises(Conflict):
        create_signing_key(tmp_path, now=NOW)
    assert load_key_ring(tmp_path).keys == (created,)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_draft_of_a_crash_is_not_in_the_way(tmp_path: Path) -> None:
    write(tmp_path / f".signing-{NOW}.pem.draft", b"half a k")
    created = create_signing_key(tmp_path, now=NOW)
    assert load_key_ring(tmp_path).keys == (created,)


def test_create_where_it_cannot_be(tmp_path: Path) -> None:
    write(tmp_path / "file", b"")
    with pytest.raises(ConfigInvalid) as caught:
        create_signing_key(tmp_path / "file" / "keys", now=NOW)
    assert "cannot be written" in caught.value.message


@pytest.mark.parametrize(
    ("name", "content", "mode", "reason"),
    [
        pytest.param("key.pem", pem(), 0o600, "its name", id="name"),
        pytest.param("signing-1.pem.bak", pem(), 0o600, "its name", id="backup"),
        pytest.param("signing-1.pem", pem(), 0o640, "chmod 600", id="group-can-read"),
        pytest.param("signing-1.pem", pem(), 0o602, "chmod 600", id="others-can-write"),
        pytest.param("signing-1.pem", b"", 0o600, "PEM", id="empty"),
        pytest.param("signing-1.pem", b"-----BEGIN PRIVATE KEY-----\n", 0o600, "PEM", id="cut"),
        pytest.param("signing-1.pem", b"\xff" * 9000, 0o600, "larger", id="large"),
        pytest.param("signing-1.pem", pem(encryption=BestAvailableEncryption(b"x")), 0o600, "PEM", id="encrypted"),
        pytest.param("signing-1.pem", pem(ec.derive_private_key(7, ec.SECP384R1())), 0o600, "P-256", id="p-384"),
        pytest.param("signing-9-until-3.pem", pem(), 0o600, "retires before", id="times"),
    ],
)
def test_load_refuses(tmp_path: Path, name: str, content: bytes, mode: int, reason: str) -> None:
    create_signing_key(tmp_path, now=NOW)
    write(tmp_path / name, content, mode)
    with pytest.raises(ConfigInvalid) as caught:
        load_key_ring(tmp_path)
    assert name in caught.value.message
    assert reason in caught.value.message


def test_load_refuses_a_link_and_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "keys").mkdir()
    create_signing_key(tmp_path / "elsewhere", now=NOW)
    link = tmp_path / "keys" / "signing-1.pem"
    link.symlink_to(tmp_path / "elsewhere" / f"signing-{NOW}.pem")
    with pytest.raises(ConfigInvalid):
        load_key_ring(tmp_path / "keys")
    link.unlink()
    os.mkfifo(link, 0o600)
    with pytest.raises(ConfigInvalid) as caught:
        load_key_ring(tmp_path / "keys")
    assert "regular" in caught.value.message


def test_load_without_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid):
        load_key_ring(tmp_path)
    with pytest.raises(ConfigInvalid):
        load_key_ring(tmp_path / "missing")
