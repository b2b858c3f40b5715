"""One reading of base64."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence import base64_strict
from gateway.evidence.values import Refused, RejectionCode


@given(st.binary(max_size=64))
def test_decode_reads_what_encoding_gives(content: bytes) -> None:
    assert base64_strict.decode(base64.b64encode(content).decode(), what="it", max_bytes=64) == content


@given(st.text(max_size=12))
def test_decode_has_one_text_for_the_same_bytes(text: str) -> None:
    try:
        content = base64_strict.decode(text, what="it", max_bytes=64)
    except Refused:
        return
    assert base64.b64encode(content).decode() == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("QR==", RejectionCode.PAYLOAD_MALFORMED, id="stray-bits"),
        pytest.param("QQ", RejectionCode.PAYLOAD_MALFORMED, id="no-padding"),
        pytest.param("QQ=\n", RejectionCode.PAYLOAD_MALFORMED, id="newline"),
        pytest.param("Q Q=", RejectionCode.PAYLOAD_MALFORMED, id="space"),
        pytest.param("_-8=", RejectionCode.PAYLOAD_MALFORMED, id="url-alphabet"),
        pytest.param("é===", RejectionCode.PAYLOAD_MALFORMED, id="not-ascii"),
        pytest.param("QUJDRA==", RejectionCode.LIMIT_EXCEEDED, id="over-the-limit"),
    ],
)
def test_decode_refuses(text: str, code: RejectionCode) -> None:
    with pytest.raises(Refused) as caught:
        base64_strict.decode(text, what="it", max_bytes=3)
    assert caught.value.code is code


PIECE = base64_strict._PIECE_BYTES


@pytest.mark.parametrize("length", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 2])
def test_decode_of_more_than_one_piece(length: int) -> None:
    content = bytes(range(251)) * (length // 251 + 1)
    text = base64.b64encode(content[:length]).decode()
    assert base64_strict.decode(text, what="it", max_bytes=length) == content[:length]


@pytest.mark.parametrize("last", [b"x" * (PIECE - 1), b"x" * (PIECE - 2)])
def test_decode_refuses_what_goes_on_after_padding_where_two_pieces_meet(last: bytes) -> None:
    text = base64.b64encode(last).decode() + "QUJD"
    with pytest.raises(Refused) as caught:
        base64_strict.decode(text, what="it", max_bytes=2 * PIECE)
    assert caught.value.code is RejectionCode.PAYLOAD_MALFORMED
