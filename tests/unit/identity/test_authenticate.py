"""Basic credentials: their one spelling, and who they are."""

import asyncio
import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unauthorized
from gateway.identity.authenticate import MAX_BASIC_CHARS, authenticate, parse_basic, parse_bearer
from gateway.identity.secrets import Secret, SecretKind
from gateway.identity.values import Basic, Identity, LocalAccount, Principal, PrincipalKind, Robot, UnverifiedToken
from tests.support.federation import no_federation
from tests.support.identity import ALICE, NOW, PROPERTY, CountingHasher, FakeAccounts

SECRET = Secret.generate(SecretKind.ROBOT, lambda count: b"s" * count)
EXPIRED = Secret.generate(SecretKind.ROBOT, lambda count: b"e" * count)
REVOKED = Secret.generate(SecretKind.ROBOT, lambda count: b"r" * count)
UNKNOWN = Secret.generate(SecretKind.ROBOT, lambda count: b"u" * count)
CI = Principal(id="r:1", kind=PrincipalKind.ROBOT, name="robot+team+ci")
MALLORY = Principal(id="u:mallory", kind=PrincipalKind.USER, name="mallory")
ACCOUNTS = FakeAccounts(
    accounts={
        "alice": LocalAccount(ALICE, "hash of correct", disabled=False),
        "mallory": LocalAccount(MALLORY, "hash of correct", disabled=True),
        CI.name: LocalAccount(ALICE, f"hash of {SECRET.text}", disabled=False),
    },
    robots={
        SECRET.sha256: Robot(CI, "team", expires_at=NOW + 1, revoked=False),
        EXPIRED.sha256: Robot(CI, "team", expires_at=NOW, revoked=False),
        REVOKED.sha256: Robot(CI, "team", expires_at=NOW + 1, revoked=True),
    },
)


def header(text: str, *, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(text.encode(encoding)).decode()


def who(credentials: Basic, hasher: CountingHasher) -> Identity:
    return asyncio.run(
        authenticate(credentials, accounts=ACCOUNTS, hasher=hasher, ci=no_federation(), address="192.0.2.7", now=NOW)
    )


def test_an_account() -> None:
    hasher = CountingHasher()
    identity = who(Basic("alice", "correct"), hasher)
    assert (identity.principal, identity.method, hasher.work) == (ALICE, "password", 1)


def test_a_robot_costs_no_password_hash() -> None:
    hasher = CountingHasher()
    identity = who(Basic(CI.name, SECRET.text), hasher)
    assert (identity.principal, identity.method, hasher.work) == (CI, "robot", 0)


@pytest.mark.parametrize(
    ("credentials", "work"),
    [
        pytest.param(Basic("alice", "wrong"), 1, id="wrong-password"),
        pytest.param(Basic("alice", ""), 1, id="empty-password"),
        pytest.param(Basic("nobody", "correct"), 1, id="row-6-unknown-account"),
        pytest.param(Basic("", ""), 1, id="empty"),
        pytest.param(Basic("mallory", "correct"), 1, id="disabled"),
        pytest.param(Basic("mallory", "wrong"), 1, id="disabled-and-wrong"),
        pytest.param(Basic(CI.name, UNKNOWN.text), 0, id="unknown-secret"),
        pytest.param(Basic(CI.name, EXPIRED.text), 0, id="expired"),
        pytest.param(Basic(CI.name, REVOKED.text), 0, id="revoked"),
        pytest.param(Basic("robot+other+ci", SECRET.text), 0, id="another-robots-name"),
        pytest.param(Basic("alice", SECRET.text), 0, id="secret-under-an-accounts-name"),
        pytest.param(Basic("\udc80", SECRET.text), 0, id="name-with-a-surrogate"),
        pytest.param(Basic(CI.name, SECRET.text[:-1] + "~"), 1, id="misspelt-secret"),
    ],
)
def test_one_refusal_for_every_cause(credentials: Basic, work: int) -> None:
    hasher = CountingHasher()
    with pytest.raises(Unauthorized) as caught:
        who(credentials, hasher)
    assert caught.value.message == "the user name or the password is wrong, or the account is not active"
    assert (caught.value.error, caught.value.scopes) == (None, ())
    assert hasher.work == work


@pytest.mark.parametrize(
    ("text", "username", "password"),
    [
        pytest.param("alice:correct", "alice", "correct", id="plain"),
        pytest.param("alice:a:b", "alice", "a:b", id="colon-in-the-password"),
        pytest.param("a$l+ice:ä€ 😀", "a$l+ice", "ä€ 😀", id="unicode"),
        pytest.param(":", "", "", id="empty"),
        pytest.param("alice:", "alice", "", id="empty-password"),
        pytest.param("u:" + "x" * 4000, "u", "x" * 4000, id="a-token-as-password"),
    ],
)
def test_parse_basic(text: str, username: str, password: str) -> None:
    assert parse_basic(header(text)) == Basic(username, password)
    assert parse_basic(header(text).replace("Basic", "bASIC")) == Basic(username, password)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("Basic", id="scheme-alone"),
        pytest.param("Basic ", id="nothing-after-it"),
        pytest.param("Bearer YTpi", id="another-scheme"),
        pytest.param("Basic  YTpi", id="two-spaces"),
        pytest.param("Basic\tYTpi", id="tab"),
        pytest.param("Basic YTpi ", id="trailing-space"),
        pytest.param("Basic YTpi\n", id="trailing-newline"),
        pytest.param("Basic YTpiYw", id="no-padding"),
        pytest.param("Basic YTpiYx==", id="unused-bits-set"),
        pytest.param("Basic YTo_", id="url-alphabet"),
        pytest.param("Basic YTpi,Basic YTpi", id="two-in-one"),
        pytest.param("Basic YTpié", id="not-ascii"),
        pytest.param(header("alice"), id="no-colon"),
        pytest.param(header("alice:ä", encoding="latin-1"), id="latin-1"),
        pytest.param(header("alice:a\x00b"), id="nul"),
        pytest.param(header("al\r\nice:x"), id="line-break"),
        pytest.param(header("alice:\x85"), id="c1-control"),
        pytest.param(header("a:" + "x" * MAX_BASIC_CHARS), id="too-long"),
    ],
)
def test_parse_basic_refuses(value: str) -> None:
    with pytest.raises(Unauthorized) as caught:
        parse_basic(value)
    assert caught.value.message == "the Authorization header is malformed"


@PROPERTY
@given(st.text(max_size=80))
def test_any_header_is_parsed_or_refused(value: str) -> None:
    for text in (value, "Basic " + value):
        try:
            parse_basic(text)
        except Unauthorized:
            continue


_PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)


@PROPERTY
@given(_PRINTABLE.filter(lambda text: ":" not in text), _PRINTABLE)
def test_what_a_client_sends_is_what_is_read(username: str, password: str) -> None:
    assert parse_basic(header(f"{username}:{password}")) == Basic(username, password)


def test_parse_bearer() -> None:
    assert parse_bearer("Bearer abc") == parse_bearer("bearer abc") == UnverifiedToken("abc")
    for value in ("", "Bearer", "Basic abc", "Bearer\tabc", "Bearer " + "x" * 40_000):
        with pytest.raises(Unauthorized) as caught:
            parse_bearer(value)
        assert caught.value.error == "invalid_token"


def test_credentials_are_not_shown() -> None:
    assert "correct" not in repr(Basic("alice", "correct"))
    assert "correct" not in repr(ACCOUNTS.accounts["alice"])
