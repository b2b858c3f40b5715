"""Byte ranges of downloads and uploads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RangeInvalid, UploadInvalid
from gateway.oci.ranges import (
    MAX_RANGES,
    ByteRange,
    format_content_range,
    format_range,
    parse_content_range,
    parse_range,
)
from tests.support.oci import PROPERTY

SIZE = 2048


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        pytest.param("bytes=500-1499", 500, 1499, id="both-ends"),
        pytest.param("bytes=500-", 500, 2047, id="from"),
        pytest.param("bytes=-500", 1548, 2047, id="last"),
        pytest.param("bytes=2000-5000", 2000, 2047, id="beyond-the-end"),
        pytest.param("bytes=-5000", 0, 2047, id="more-than-all"),
        pytest.param("bytes=0-0", 0, 0, id="one-byte"),
        pytest.param("Bytes=2047-2047", 2047, 2047, id="the-unit-ignores-case"),
    ],
)
def test_parse_range_accepts(header: str, start: int, end: int) -> None:
    part = parse_range(header, size=SIZE)
    assert part == ByteRange(start, end)
    assert part.length == end - start + 1


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("bytes=500-0", id="ends-before-it-starts"),
        pytest.param("bytes=5000-10000", id="outside"),
        pytest.param("bytes=2048-", id="just-outside"),
        pytest.param("bytes=-0", id="the-last-nothing"),
        pytest.param("bytes=-", id="no-ends"),
        pytest.param("bytes=", id="nothing"),
        pytest.param("bytes=a-b", id="letters"),
        pytest.param("bytes= 0-1", id="blank"),
        pytest.param("bytes=0-1 ", id="trailing-blank"),
        pytest.param("bytes=0-1\n", id="trailing-newline"),
        pytest.param("bytes=--1", id="negative"),
        pytest.param("bytes=+0-1", id="plus"),
        pytest.param("bytes=0x0-0x1", id="hexadecimal"),
        pytest.param("bytes=٠-١", id="arabic-digits"),
        pytest.param("bytes=0-" + "9" * 20, id="twenty-digits"),
        pytest.param("bytes=" + "0-0," * MAX_RANGES + "0-0", id="too-many"),
    ],
)
def test_parse_range_refuses(header: str) -> None:
    with pytest.raises(RangeInvalid) as caught:
        parse_range(header, size=SIZE)
    assert caught.value.size_bytes == SIZE


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("items=0-1", id="other-unit"),
        pytest.param("bytes", id="no-ranges"),
        pytest.param("bytes=0-1,5-6", id="two-ranges"),
        pytest.param("bytes=" + "0-0," * (MAX_RANGES - 1) + "0-0", id="as-many-as-are-ignored"),
    ],
)
def test_parse_range_ignores(header: str) -> None:
    assert parse_range(header, size=SIZE) is None


def test_an_empty_blob_has_no_range() -> None:
    for header in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        with pytest.raises(RangeInvalid) as caught:
            parse_range(header, size=0)
        assert caught.value.size_bytes == 0


@PROPERTY
@given(st.integers(0, 2**62), st.integers(0, 2**62), st.integers(1, 2**62))
def test_a_range_is_what_slicing_gives(first: int, last: int, size: int) -> None:
    try:
        part = parse_range(f"bytes={first}-{last}", size=size)
    except RangeInvalid:
        assert first > last or first >= size
        return
    assert part is not None
    assert (part.start, part.end_inclusive) == (first, min(last, size - 1))
    assert format_content_range(part, size=size) == f"bytes {first}-{min(last, size - 1)}/{size}"


@PROPERTY
@given(st.text("bytes=0123456789-, x", max_size=30), st.integers(0, 100))
def test_whatever_is_parsed_lies_within(header: str, size: int) -> None:
    try:
        part = parse_range(header, size=size)
    except RangeInvalid:
        return
    if part is not None:
        assert 0 <= part.start <= part.end_inclusive < size


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("5-9", id="registry"),
        pytest.param("bytes 5-9/*", id="http-unknown-total"),
        pytest.param("bytes 5-9/100", id="http-total"),
    ],
)
def test_parse_content_range_accepts(header: str) -> None:
    assert parse_content_range(header) == ByteRange(5, 9)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("5", id="one-number"),
        pytest.param("5-", id="open"),
        pytest.param("-5", id="suffix"),
        pytest.param("9-5", id="ends-before-it-starts"),
        pytest.param("bytes 5-9", id="http-without-total"),
        pytest.param("bytes=5-9", id="range-syntax"),
        pytest.param("bytes */100", id="unsatisfied"),
        pytest.param("5-9/*", id="total-without-unit"),
        pytest.param(" 5-9", id="blank"),
        pytest.param("5-9\n", id="trailing-newline"),
        pytest.param("0-" + "9" * 20, id="twenty-digits"),
    ],
)
def test_parse_content_range_refuses(header: str) -> None:
    with pytest.raises(UploadInvalid) as caught:
        parse_content_range(header)
    assert "Content-Range" in caught.value.message


@PROPERTY
@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_content_ranges_are_read_back(first: int, length: int) -> None:
    assert parse_content_range(f"{first}-{first + length}") == ByteRange(first, first + length)


@pytest.mark.parametrize(
    ("size", "text"),
    [pytest.param(0, "0-0", id="none"), pytest.param(1, "0-0", id="one"), pytest.param(10, "0-9", id="ten")],
)
def test_format_range(size: int, text: str) -> None:
    assert format_range(size) == text
