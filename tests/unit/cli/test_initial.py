"""`init`: a folder that works, whose secrets are its owner's only, and never over something that is there."""

import os
import re
import stat
from pathlib import Path

import pytest
from cryptography import x509

from gateway.config.reading import load
from tests.support.command_line import Home, command


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_the_owners_only(made: Home) -> None:
    assert mode(made.folder) == 0o700
    for place in ("data", "keys/tls", "keys/token"):
        assert mode(made.folder / place) == 0o700
    for place in ("keys/tls/key.pem", "data/catalog.sqlite", *_token_keys(made)):
        assert mode(made.folder / place) == 0o600


def _token_keys(made: Home) -> list[str]:
    return [str(path.relative_to(made.folder)) for path in (made.folder / "keys" / "token").iterdir()]


@pytest.mark.parametrize(
    ("umask", "file_mode", "folder_mode"),
    [
        pytest.param(0o000, 0o644, 0o755, id="of-a-careless-shell"),
        pytest.param(0o022, 0o644, 0o755, id="usual"),
        pytest.param(0o077, 0o600, 0o700, id="of-a-careful-one"),
    ],
)
def test_nobody_else_may_write_whatever_the_umask(tmp_path: Path, umask: int, file_mode: int, folder_mode: int) -> None:
    """What others can write is what they decide: the configuration names the files of secrets, policies are rules."""
    folder = tmp_path / "registry"
    before = os.umask(umask)
    try:
        assert command("init", str(folder)).status == 0
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        private = f"{name}/".startswith(("data/", "keys/token/")) or name in ("keys/tls", "keys/tls/key.pem")
        if path.is_dir():
            assert mode(path) == (0o700 if private else folder_mode), name
        else:
            assert mode(path) == (0o600 if private else file_mode), name
    assert mode(folder) == 0o700


def test_the_file_it_writes_is_the_default_but_for_what_was_asked(made: Home) -> None:
    config = load(made.config_file, {})
    assert config.server.listen == "127.0.0.1:5443"
    assert config.server.public_url == "https://localhost:5443"
    assert config.path(config.storage.path) == made.folder / "data"


def test_the_certificate_is_of_the_names_that_clients_use(made: Home) -> None:
    certificate = x509.load_pem_x509_certificate((made.folder / "keys" / "tls" / "certificate.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}


def test_what_it_answers_as_json_is_all_that_a_script_needs(tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    ran = command("--output", "json", "init", str(folder), "--public-url", "https://registry.example.test")
    made = ran.data
    assert ran.status == 0
    assert made["config"] == str(folder / "gateway.toml")
    assert made["address"] == "https://registry.example.test"
    assert made["account"] == "admin"
    assert len(made["password"]) == 24
    assert made["password"] not in ran.err
    for path in folder.rglob("*"):
        assert not path.is_file() or made["password"].encode() not in path.read_bytes()


def test_the_password_is_alone_on_stdout(tmp_path: Path) -> None:
    ran = command("init", str(tmp_path / "registry"), "--tls", "off")
    assert re.fullmatch(r"[A-Za-z0-9]{24}\n", ran.out)
    assert ran.out.strip() not in ran.err
    assert "account  admin" in ran.err
    assert f"registry-gateway --config {tmp_path / 'registry' / 'gateway.toml'} serve" in ran.err


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    ran = command("init", str(tmp_path))
    assert ran.status == 1
    assert "is not empty" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["something"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(("--listen", "localhost:5000"), "server.listen", id="listen-a-name"),
        pytest.param(("--tls", "acme"), "--tls acme is not available yet", id="acme"),
        pytest.param(("--tls", "none"), "one of self-signed, files, off", id="no-such-mode"),
        pytest.param(("--tls", "off", "--listen", "0.0.0.0:5000"), "loopback addresses only", id="plain-for-all"),
        pytest.param(("--public-url", "https://x/y"), "nothing more", id="a-path-in-the-url"),
        pytest.param(("--public-url", 'https://x"\n[log]'), "not TOML", id="a-url-that-writes-toml"),
    ],
)
def test_a_setting_that_is_none_makes_nothing(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    ran = command("init", str(tmp_path / "registry"), *options)
    assert ran.status == 2
    assert said in ran.err
    assert not (tmp_path / "registry").exists()


def test_with_files_it_makes_no_certificate_and_doctor_asks_for_one(tmp_path: Path) -> None:
    home = Home(tmp_path / "registry")
    assert command("init", str(home.folder), "--tls", "files").status == 0
    assert not (home.folder / "keys" / "tls").exists()
    ran = home.run("doctor")
    assert ran.status == 1
    assert "are not a certificate and its key" in ran.out


def test_without_tls_it_listens_on_loopback_by_http(tmp_path: Path) -> None:
    home = Home(tmp_path / "registry")
    assert command("init", str(home.folder), "--tls", "off").status == 0
    assert load(home.config_file, {}).server.public_url == "http://localhost:5000"
    assert home.run("doctor").status == 0
