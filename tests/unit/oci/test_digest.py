"""Digests: one spelling, or none."""

import hashlib
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import DigestInvalid
from gateway.oci.digest import HEX_LENGTHS, Algorithm, Digest
from tests.support.oci import PROPERTY

ABC = "sha256:" + "abc" + "0" * 61


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "no algorithm", id="empty"),
        pytest.param("0" * 64, "no algorithm", id="no-algorithm"),
        pytest.param("md5:" + "0" * 32, "unsupported algorithm", id="weak-algorithm"),
        pytest.param("sha384:" + "0" * 96, "unsupported algorithm", id="algorithm-not-served"),
        pytest.param("SHA256:" + "0" * 64, "unsupported algorithm", id="upper-case-algorithm"),
        pytest.param(":" + "0" * 64, "unsupported algorithm", id="empty-algorithm"),
        pytest.param("sha256:" + "A" * 64, "malformed hex", id="upper-case"),
        pytest.param("sha256:" + "0" * 63, "wrong length", id="short"),
        pytest.param("sha256:" + "0" * 128, "wrong length", id="the-other-length"),
        pytest.param("sha512:" + "0" * 64, "wrong length", id="sha512-short"),
        pytest.param(ABC + "\n", "wrong length", id="trailing-newline"),
        pytest.param(ABC[:-1] + "\n", "malformed hex", id="newline-in-place-of-a-digit"),
        pytest.param("sha256:" + "../" * 21 + "a", "malformed hex", id="traversal"),
        pytest.param("sha256:" + "٠" * 64, "malformed hex", id="arabic-digits"),
        pytest.param("sha256::" + "0" * 63, "malformed hex", id="second-colon"),
        pytest.param("sha256:baddigeststring", "wrong length", id="conformance-suite"),
    ],
)
def test_parse_refuses(text: str, reason: str) -> None:
    with pytest.raises(DigestInvalid) as caught:
        Digest.parse(text)
    assert caught.value.reason == reason
    assert caught.value.digest == text[:200]


@PROPERTY
@given(st.sampled_from(["sha256", "sha512"]), st.data())
def test_parse_is_the_inverse_of_str(algorithm: str, data: st.DataObject) -> None:
    length = HEX_LENGTHS[algorithm]
    text = f"{algorithm}:" + data.draw(st.text("0123456789abcdef", min_size=length, max_size=length))
    assert str(Digest.parse(text)) == text


@PROPERTY
@given(st.text(alphabet=st.sampled_from([*string.printable, "é", "\x00"]), max_size=150))
@example("sha256:" + "a" * 64)
def test_whatever_is_parsed_is_spelled_as_it_came(text: str) -> None:
    try:
        digest = Digest.parse(text)
    except DigestInvalid:
        return
    assert str(digest) == text


@PROPERTY
@given(st.binary(max_size=200), st.sampled_from(["sha256", "sha512"]))
def test_of_is_what_hashlib_says(content: bytes, algorithm: Algorithm) -> None:
    digest = Digest.of(content, algorithm=algorithm)
    assert str(digest) == f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    digest.check(content)


def test_check_refuses_other_content() -> None:
    digest = Digest.of(b"a")
    with pytest.raises(DigestInvalid) as caught:
        digest.check(b"b")
    assert caught.value.digest == str(digest)


def test_an_endless_text_is_not_repeated_in_the_error() -> None:
    with pytest.raises(DigestInvalid) as caught:
        Digest.parse("x" * 100_000)
    assert len(str(caught.value)) < 300
