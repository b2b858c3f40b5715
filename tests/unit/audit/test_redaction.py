"""Secrets do not reach an event, and what is no secret does."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.redaction import MASK, MAX_DEPTH, MAX_TEXT_CHARS, redact
from gateway.oci.strict_json import JsonObject, JsonValue

CANARY = "canary5f1dcanary"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"password": CANARY}, id="password"),
        pytest.param({"old_password": CANARY}, id="suffix"),
        pytest.param({"PASSWORD": CANARY}, id="upper-case"),
        pytest.param({"client-secret": CANARY}, id="dash"),
        pytest.param({"robot.secret": CANARY}, id="dot"),
        pytest.param({"password_hash": CANARY}, id="hash"),
        pytest.param({"secret_sha256": CANARY}, id="digest-of-a-secret"),
        pytest.param({"refresh_token": CANARY}, id="token"),
        pytest.param({"Authorization": CANARY}, id="header"),
        pytest.param({"cookie": CANARY}, id="cookie"),
        pytest.param({"private_key": CANARY}, id="private-key"),
        pytest.param({"secret": {"value": [CANARY]}}, id="nested-value"),
        pytest.param({"a": [{"b": {"token": CANARY}}]}, id="nested-name"),
        pytest.param({"message": f"got Bearer {CANARY}"}, id="bearer"),
        pytest.param({"message": f"got basic {CANARY}=="}, id="basic"),
        pytest.param({"url": f"https://u:{CANARY}@host/v2/"}, id="address"),
        pytest.param({"token_text": f"eyJhbGciOiJFUzI1NiJ9.{CANARY}.{CANARY}"}, id="jwt"),
        pytest.param({"text": f"x\n-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"}, id="pem"),
        pytest.param({"text": f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}"}, id="pem-cut-short"),
        pytest.param({"text": f"$argon2id$v=19$m=1,t=1,p=1$c2FsdA${CANARY}"}, id="argon2"),
    ],
)
def test_secrets_are_masked(data: JsonObject) -> None:
    before = json.dumps(data)
    text = json.dumps(redact(data))
    assert CANARY not in text
    assert MASK in text
    assert json.dumps(data) == before


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"principal": "u:alice", "name": "alice", "role": "owner"}, id="names"),
        pytest.param({"reason": "the token of the CI was leaked: secret rotated"}, id="words"),
        pytest.param({"signer": "key:sha256:" + "ab" * 32, "key": "cosign.pub"}, id="signer"),
        pytest.param({"revision": "sha256:" + "1" * 64}, id="digest"),
        pytest.param({"has_token": True, "secret": None, "token": False}, id="flags"),
        pytest.param({"url": "https://registry.example:5000/v2/a@sha256:ab"}, id="address"),
        pytest.param({"pem": "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----"}, id="public-key"),
        pytest.param({"secretary": "ann", "tokens": 3, "keys": ["a"]}, id="longer-words"),
        pytest.param({"tag": "v1", "numbers": [1, 2.5, None, True]}, id="values"),
    ],
)
def test_what_is_no_secret_stays(data: JsonObject) -> None:
    assert redact(data) == data


def test_long_text_is_cut() -> None:
    cut = redact({"reason": "x" * (MAX_TEXT_CHARS + 1)})["reason"]
    assert cut == "x" * MAX_TEXT_CHARS + "[cut]"


@pytest.mark.parametrize(
    "unit",
    [
        "-eyJ",
        "eyJaaaaaaaa.",
        "Basic ",
        "Bearer\t",
        "-----BEGIN ",
        "PRIVATE KEY",
        "://a:",
        "://",
        "$argon2i$",
        " ",
        "a:",
    ],
)
def test_masking_takes_time_in_proportion_to_the_text(unit: str) -> None:
    """The event is written inside the transaction: nobody's text may hold up the writer."""
    text = (unit * MAX_TEXT_CHARS)[:MAX_TEXT_CHARS]
    started = time.process_time()
    redact({str(number): text for number in range(100)})
    assert time.process_time() - started < 5.0  # 0.1 s is usual; a quadratic pattern takes a minute


def test_depth_is_bounded() -> None:
    value: JsonValue = CANARY
    for _ in range(MAX_DEPTH + 1):
        value = [value]
    assert CANARY not in json.dumps(redact({"a": value}))


_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=9), _values, max_size=4))
def test_masking_twice_is_masking_once(data: JsonObject) -> None:
    assert redact(redact(data)) == redact(data)
