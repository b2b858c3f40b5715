"""Where the server is, and what its answers are made of; the server itself is in `tests/services`."""

from pathlib import Path

import pytest

from gateway.errors import ConfigInvalid
from gateway.policy.opa_client import Answered, OpaAddress, Refused, _understood


@pytest.mark.parametrize(
    ("text", "address"),
    [
        pytest.param("unix:///run/opa.sock", OpaAddress(socket=Path("/run/opa.sock"), tls=False), id="socket"),
        pytest.param("https://opa:1234", OpaAddress(host="opa", port=1234), id="tls"),
        pytest.param("https://opa/", OpaAddress(host="opa", port=8181), id="default-port"),
        pytest.param("http://127.0.0.1:8181", OpaAddress(host="127.0.0.1", tls=False), id="loopback"),
        pytest.param("http://[::1]:8181", OpaAddress(host="::1", tls=False), id="loopback-v6"),
    ],
)
def test_an_address(text: str, address: OpaAddress) -> None:
    assert OpaAddress.parse(text) == address


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("opa:8181", id="no-scheme"),
        pytest.param("ftp://opa", id="another-scheme"),
        pytest.param("unix://host/run/opa.sock", id="socket-with-host"),
        pytest.param("unix:///", id="socket-is-the-root"),
        pytest.param("http://opa.example.com:8181", id="in-the-clear"),
        pytest.param("https://user:secret@opa", id="credentials"),
        pytest.param("https://opa/v1/data", id="path"),
        pytest.param("https://opa?x=1", id="query"),
        pytest.param("https://opa:port", id="no-port"),
        pytest.param("https://opa:99999", id="port-too-large"),
    ],
)
def test_an_address_that_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid):
        OpaAddress.parse(text)


def test_the_token_is_not_printed() -> None:
    assert "s3cret" not in repr(OpaAddress.parse("https://opa", token="s3cret"))


@pytest.mark.parametrize(
    ("status", "content", "answer"),
    [
        pytest.param(200, b'{"result":{"a":1}}', Answered({"a": 1}, True), id="defined"),
        pytest.param(200, b'{"result":null}', Answered(None, True), id="null-is-defined"),
        pytest.param(200, b"{}", Answered(None, False), id="undefined"),
        pytest.param(200, b'{"warning":{"code":"api_usage_warning"}}', Answered(None, False), id="warning-only"),
        pytest.param(
            401, b'{"code":"unauthorized","message":"no"}', Refused(401, "HTTP 401: unauthorized: no"), id="401"
        ),
        pytest.param(
            500,
            b'{"code":"internal_error","message":"m","errors":[{"code":"eval_conflict_error","message":"c",'
            b'"location":{"file":"a.rego","row":7}}]}',
            Refused(500, "HTTP 500: internal_error: m: eval_conflict_error: c at a.rego:7"),
            id="policy-error",
        ),
        pytest.param(502, b"{}", Refused(502, "HTTP 502: no reason given"), id="proxy"),
    ],
)
def test_an_answer(status: int, content: bytes, answer: Answered | Refused) -> None:
    assert _understood(status, content) == answer


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"result":1,"result":2}',
        b'{"result":NaN}',
        b'{"result":' + b"[" * 40 + b"]" * 40 + b"}",
    ],
)
def test_an_answer_with_two_readings_or_none(content: bytes) -> None:
    understood = _understood(200, content)
    assert isinstance(understood, Refused)
    assert "HTTP 200" in understood.reason
