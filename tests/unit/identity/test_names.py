"""The one grammar of the names of accounts and robots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RequestInvalid
from gateway.identity.names import check_account_name, check_robot_name


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True))
def test_what_a_robot_can_be_called_an_account_can_too_but_for_the_reserved(name: str) -> None:
    check_robot_name(name)
    if name.lower() not in {"anonymous", "system"}:
        check_account_name(name)


@given(st.text(min_size=1, max_size=20), st.sampled_from("/:+\n\x00 ~#"), st.text(max_size=20))
def test_no_name_has_a_character_that_is_something_else_s(before: str, character: str, after: str) -> None:
    for check in (check_account_name, check_robot_name):
        with pytest.raises(RequestInvalid):
            check(before + character + after)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="nothing"),
        pytest.param(".bob", id="dot-first"),
        pytest.param("-bob", id="dash-first"),
        pytest.param("b" * 129, id="long"),
        pytest.param("bob\n", id="trailing-newline"),
        pytest.param("b\u043eb", id="cyrillic-o"),
        pytest.param("anonymous", id="anonymous"),
        pytest.param("System", id="system-in-any-case"),
    ],
)
def test_an_account_is_not_called(name: str) -> None:
    with pytest.raises(RequestInvalid):
        check_account_name(name)


def test_the_lengths() -> None:
    check_account_name("b" * 128)
    check_robot_name("b" * 64)
    with pytest.raises(RequestInvalid):
        check_robot_name("b" * 65)


def test_an_address_is_an_account_s_name_and_no_robot_s() -> None:
    check_account_name("bob@example.org")
    with pytest.raises(RequestInvalid):
        check_robot_name("bob@example.org")
