"""Robots' secrets: shape, checksum, digest."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Unauthorized
from gateway.identity.secrets import RobotSecret, looks_like_secret
from tests.support.identity import PROPERTY

ZERO = RobotSecret.generate(bytes)
MOST = RobotSecret.generate(lambda count: b"\xff" * count)


@PROPERTY
@given(st.binary(min_size=32, max_size=32))
def test_generate(entropy: bytes) -> None:
    secret = RobotSecret.generate(lambda _: entropy)
    assert re.fullmatch(r"rgr_[0-9A-Za-z]{49}", secret.text)
    assert looks_like_secret(secret.text)
    assert RobotSecret.parse(secret.text) == secret
    assert secret.sha256 == hashlib.sha256(secret.text.encode()).digest()
    assert secret.text not in repr(secret)


@PROPERTY
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_other_randomness_is_another_secret(one: bytes, other: bytes) -> None:
    same = RobotSecret.generate(lambda _: one) == RobotSecret.generate(lambda _: other)
    assert same == (one == other)


def test_golden() -> None:
    # The checksum by another route: CRC-32 of the prefix and 43 zeros, in base 62.
    assert ZERO.text[:47] == "rgr_" + "0" * 43
    assert MOST.text.startswith("rgr_")
    number = 0
    for character in MOST.text[4:47]:
        number = number * 62 + "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".index(character)
    assert number == 2**256 - 1


@PROPERTY
@given(st.integers(0, 52), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"))
def test_one_wrong_character_is_seen(position: int, character: str) -> None:
    text = MOST.text[:position] + character + MOST.text[position + 1 :]
    assert looks_like_secret(text) == (text == MOST.text)


@PROPERTY
@given(st.text(max_size=60))
def test_other_text_is_none(text: str) -> None:
    assert not looks_like_secret(text)
    with pytest.raises(Unauthorized):
        RobotSecret.parse(text)


@pytest.mark.parametrize(
    "text", [MOST.text + "\n", " " + MOST.text, MOST.text.upper(), MOST.text[:-1], MOST.text + "0"]
)
def test_near_misses(text: str) -> None:
    assert not looks_like_secret(text)


def test_short_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="randomness"):
        RobotSecret.generate(lambda count: b"x" * (count - 1))
