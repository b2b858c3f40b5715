"""One text for one value."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity import base64url
from tests.support.identity import PROPERTY


@PROPERTY
@given(st.binary(min_size=1, max_size=64))
def test_round_trip_agrees_with_the_standard_library(data: bytes) -> None:
    text = base64url.encode(data)
    assert base64.urlsafe_b64decode(text + "==") == data
    assert base64url.decode(text) == data


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("YQ==", id="padding"),
        pytest.param("YR", id="unused-bits-set"),
        pytest.param("Y", id="one-character"),
        pytest.param("-+_/", id="other-alphabet"),
        pytest.param("YW\n", id="newline"),
        pytest.param("Y W", id="space"),
        pytest.param("YWÀ", id="not-ascii"),
    ],
)
def test_decode_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        base64url.decode(text)


@PROPERTY
@given(st.text(max_size=24))
def test_any_text_is_decoded_or_refused(text: str) -> None:
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text
