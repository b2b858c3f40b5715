"""The gateway's settings and parts: a secret that is not there ends the start, and switches nothing off."""

from pathlib import Path

import pytest

from gateway import app
from gateway.config.reading import parse
from gateway.config.sections import Config
from gateway.errors import ConfigInvalid
from gateway.server.gateway import settings

BAD = [pytest.param(b"", id="empty"), pytest.param(b"\xff\xfe", id="not-utf-8")]


def configured(folder: Path, text: str, content: bytes) -> Config:
    (folder / "token").write_bytes(content)
    return parse(text, {}, directory=folder, name="gateway.toml")


@pytest.mark.parametrize("content", BAD)
def test_a_metrics_secret_that_is_none_is_refused_and_does_not_remove_the_metrics(
    tmp_path: Path, content: bytes
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        settings(configured(tmp_path, '[metrics]\ntoken_file = "token"', content))
    assert caught.value.message.startswith("metrics.token_file: ")


def test_a_metrics_secret_is_read_without_its_line_end(tmp_path: Path) -> None:
    made = settings(configured(tmp_path, '[metrics]\ntoken_file = "token"', b"s3cret\r\n"))
    assert made.metrics_secret == "s3cret"


@pytest.mark.parametrize("content", BAD)
def test_a_token_for_the_policy_server_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    text = '[policy]\nengine = "opa"\naddress = "https://opa.example.test"\ntoken_file = "token"'
    with pytest.raises(ConfigInvalid) as caught:
        app._engine(configured(tmp_path, text, content))
    assert caught.value.message.startswith("policy.token_file: ")
