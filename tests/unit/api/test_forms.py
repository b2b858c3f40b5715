"""URL-encoded parameters: one reading, bounded, and never an error that is not ours."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.forms import parse_form
from gateway.errors import RequestInvalid
from tests.support.oci import PROPERTY


def parse(text: bytes) -> tuple[tuple[str, str], ...]:
    return parse_form(text, max_bytes=8192)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param(b"", (), id="empty"),
        pytest.param(b"a=1", (("a", "1"),), id="one"),
        pytest.param(b"tag=a&tag=b", (("tag", "a"), ("tag", "b")), id="repeated-in-order"),
        pytest.param(b"a", (("a", ""),), id="no-value"),
        pytest.param(b"a=", (("a", ""),), id="empty-value"),
        pytest.param(b"a=b=c", (("a", "b=c"),), id="first-equals-sign-separates"),
        pytest.param(b"&a=1&&b=2&", (("a", "1"), ("b", "2")), id="empty-fields"),
        pytest.param(b"a=x+y%2Bz", (("a", "x y+z"),), id="plus-is-a-blank"),
        pytest.param(b"a=%C3%A9", (("a", "é"),), id="utf-8"),
        pytest.param(b"a=1;b=2", (("a", "1;b=2"),), id="semicolon-separates-nothing"),
        pytest.param(b"a=%2526", (("a", "%26"),), id="decoded-once"),
        pytest.param(b"a%26b=1", (("a&b", "1"),), id="escaped-separator"),
    ],
)
def test_parse(text: bytes, fields: tuple[tuple[str, str], ...]) -> None:
    assert parse(text) == fields


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(b"a=%", "a parameter has a broken escape", id="escape-without-digits"),
        pytest.param(b"a=%4", "a parameter has a broken escape", id="escape-with-one-digit"),
        pytest.param(b"a=%zz", "a parameter has a broken escape", id="escape-of-letters"),
        pytest.param(b"%u0041=1", "a parameter has a broken escape", id="escape-in-a-name"),
        pytest.param(b"a=%ff", "a parameter is not UTF-8", id="not-utf-8"),
        pytest.param(b"a=%ed%a0%80", "a parameter is not UTF-8", id="surrogate"),
        pytest.param(b"a=%c0%af", "a parameter is not UTF-8", id="overlong-slash"),
        pytest.param(b"a=%00", "a parameter has a control character", id="nul"),
        pytest.param(b"a=%0d%0aSet-Cookie", "a parameter has a control character", id="line-break"),
        pytest.param(b"a=%1b[31m", "a parameter has a control character", id="terminal-escape"),
        pytest.param(b"a=%c2%85", "a parameter has a control character", id="c1-control"),
        pytest.param(b"a=\xc3\xa9", "parameters are not URL-encoded", id="raw-bytes"),
        pytest.param(b"a=b c", "parameters are not URL-encoded", id="raw-blank"),
        pytest.param(b"a" * 8193, "more than 8192 bytes of parameters", id="too-long"),
        pytest.param(b"&".join([b"a=1"] * 65), "more than 64 parameters", id="too-many"),
        pytest.param(b"&" * 64, "more than 64 parameters", id="too-many-empty-ones"),
    ],
)
def test_parse_refuses(text: bytes, message: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse(text)
    assert caught.value.message == message


def test_as_many_as_allowed() -> None:
    assert len(parse(b"&".join([b"a=1"] * 64))) == 64


@PROPERTY
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1),
            st.text(st.characters(exclude_categories=("Cc", "Cs"))),
        ),
        max_size=8,
    )
)
def test_what_the_standard_library_writes_is_read_back(fields: list[tuple[str, str]]) -> None:
    text = urlencode(fields).encode()
    if len(text) <= 8192:
        assert list(parse(text)) == fields


@PROPERTY
@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_refused(text: bytes) -> None:
    try:
        fields = parse(text)
    except RequestInvalid:
        return
    assert all(name.isprintable() or " " in name or not name.isascii() for name, _ in fields if name)
    assert not any("\x00" in part or "\n" in part or "\x1b" in part for field in fields for part in field)
