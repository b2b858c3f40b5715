"""Generated secrets: kind, shape, checksum, digest."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.secrets import Secret, SecretKind
from tests.support.identity import PROPERTY

ZERO = Secret.generate(SecretKind.ROBOT, bytes)
MOST = Secret.generate(SecretKind.ROBOT, lambda count: b"\xff" * count)


@PROPERTY
@given(st.binary(min_size=32, max_size=32))
def test_generate(entropy: bytes) -> None:
    secret = Secret.generate(SecretKind.ROBOT, lambda _: entropy)
    assert re.fullmatch(r"rgr_[0-9A-Za-z]{49}", secret.text)
    assert Secret.read(secret.text) == secret
    assert secret.sha256 == hashlib.sha256(secret.text.encode()).digest()
    assert secret.text not in repr(secret)


@PROPERTY
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_other_randomness_is_another_secret(one: bytes, other: bytes) -> None:
    same = Secret.generate(SecretKind.ROBOT, lambda _: one) == Secret.generate(SecretKind.ROBOT, lambda _: other)
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
    assert (Secret.read(text) is None) == (text != MOST.text)


@PROPERTY
@given(st.text(max_size=60))
def test_other_text_is_none(text: str) -> None:
    assert Secret.read(text) is None


@pytest.mark.parametrize(
    "text", [MOST.text + "\n", " " + MOST.text, MOST.text.upper(), MOST.text[:-1], MOST.text + "0"]
)
def test_near_misses(text: str) -> None:
    assert Secret.read(text) is None


def test_short_randomness_is_refused() -> None:
    with pytest.raises(ValueError, match="randomness"):
        Secret.generate(SecretKind.ROBOT, lambda count: b"x" * (count - 1))


def test_a_kind_is_told_by_its_prefix_and_the_checksum_is_over_it() -> None:
    session = Secret.generate(SecretKind.SESSION, bytes)
    read = Secret.read(session.text)
    assert read is not None
    assert (read.kind, session.text[:4]) == (SecretKind.SESSION, "rgs_")
    assert Secret.read("rgr_" + session.text[4:]) is None
    assert Secret.read("rgx_" + session.text[4:]) is None
