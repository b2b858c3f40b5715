"""What an answer says in one line."""

import json

import pytest

from gateway.cli.demo_client import Answer


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(json.dumps({"errors": [{"code": "DENIED", "message": "no"}]}).encode(), "no", id="refusal"),
        pytest.param(b"", "", id="empty"),
        pytest.param(b"<html>", "", id="not-json"),
        pytest.param(b"[]", "", id="a-list"),
        pytest.param(b'{"errors": []}', "", id="no-error"),
    ],
)
def test_message(content: bytes, message: str) -> None:
    assert Answer(403, {}, content).message == message
