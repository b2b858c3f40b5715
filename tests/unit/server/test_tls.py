"""TLS: what the listener offers."""

import datetime
import ssl
from pathlib import Path
from typing import Literal

import pytest

from gateway.server.tls import issue_self_signed, server_context, write_issued

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


def context(folder: Path, minimum: Literal["1.3", "1.2"]) -> ssl.SSLContext:
    write_issued(issue_self_signed(["localhost"], now=NOW), folder / "tls")
    return server_context(
        certificate=folder / "tls" / "certificate.pem", key=folder / "tls" / "key.pem", minimum=minimum
    )


def test_tls_1_2_is_behind_a_setting(tmp_path: Path) -> None:
    assert context(tmp_path / "a", "1.3").minimum_version is ssl.TLSVersion.TLSv1_3
    assert context(tmp_path / "b", "1.2").minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("minimum", ["1.3", "1.2"])
def test_every_suite_is_aead_with_forward_secrecy_and_the_client_chooses(
    tmp_path: Path, minimum: Literal["1.3", "1.2"]
) -> None:
    made = context(tmp_path, minimum)
    names = [str(suite["name"]) for suite in made.get_ciphers()]
    assert names
    assert all(name.startswith(("TLS_", "ECDHE-")) for name in names)
    assert all("GCM" in name or "CHACHA20" in name for name in names)
    assert not made.options & ssl.OP_CIPHER_SERVER_PREFERENCE
