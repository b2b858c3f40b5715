"""The head of a request: one reading or none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.head import MAX_HEAD_FIELDS, Request, parse_head
from gateway.errors import RequestInvalid
from tests.support.oci import PROPERTY

HOSTS = frozenset({"registry.example", "registry.example:5000"})


def scope(
    *headers: tuple[str, str], path: bytes = b"/v2/", host: str | None = "registry.example:5000", **more: Any
) -> dict[str, Any]:
    fields = [] if host is None else [("host", host)]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "raw_path": path,
        "path": "/forged/by/somebody",
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in (*fields, *headers)],
        "client": ("192.0.2.7", 40000),
        **more,
    }


def parse(*headers: tuple[str, str], **more: Any) -> Request:
    return parse_head(scope(*headers, **more), hosts=HOSTS)


def test_a_whole_head() -> None:
    request = parse(
        ("authorization", "Bearer abc"),
        ("content-length", "12"),
        ("content-type", "application/json"),
        ("content-range", "0-11"),
        ("range", "bytes=0-1"),
        ("if-none-match", '"x"'),
        ("if-range", '"y"'),
        ("expect", "100-Continue"),
        ("registry-gateway-view", "pending"),
        ("user-agent", "one"),
        ("user-agent", "two"),
        path=b"/v2/team/app/manifests/sha256%3Aab",
        query_string=b"tag=a&tag=b",
        method="PUT",
    )
    assert request == Request(
        method="PUT",
        path="/v2/team/app/manifests/sha256:ab",
        query=(("tag", "a"), ("tag", "b")),
        address="192.0.2.7",
        accept=None,
        authorization="Bearer abc",
        content_length=12,
        chunked=False,
        content_type="application/json",
        content_range="0-11",
        range="bytes=0-1",
        if_none_match='"x"',
        if_range='"y"',
        expects_continue=True,
        view_pending=True,
    )
    assert request.has_body
    assert "abc" not in repr(request)


def test_a_small_head() -> None:
    request = parse(client=None)
    assert (request.address, request.authorization, request.content_length) == ("", None, None)
    assert not request.has_body
    assert not request.expects_continue
    assert not request.view_pending


@pytest.mark.parametrize(
    ("headers", "has_body"),
    [
        pytest.param((("content-length", "0"),), False, id="length-zero"),
        pytest.param((("content-length", "1"),), True, id="length-one"),
        pytest.param((("transfer-encoding", "Chunked"),), True, id="chunked"),
    ],
)
def test_whether_there_is_a_body(headers: tuple[tuple[str, str], ...], has_body: bool) -> None:
    assert parse(*headers).has_body is has_body


@pytest.mark.parametrize(
    ("path", "read"),
    [
        pytest.param(b"/v2/a/blobs/sha256%3aab", "/v2/a/blobs/sha256:ab", id="escaped-colon"),
        pytest.param(b"/v2/a/b%40c", "/v2/a/b@c", id="escaped-at"),
        pytest.param(b"/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/", id="slash-at-the-end"),
        pytest.param(b"/.well-known/jwks.json", "/.well-known/jwks.json", id="leading-dot-is-no-dot-segment"),
        pytest.param(b"/v2/a.b/..c/d..", "/v2/a.b/..c/d..", id="dots-in-a-segment"),
        pytest.param(b"/v2/_catalog~-", "/v2/_catalog~-", id="every-mark"),
    ],
)
def test_paths(path: bytes, read: str) -> None:
    assert parse(path=path).path == read


@pytest.mark.parametrize("host", ["REGISTRY.example:5000", "registry.example"])
def test_hosts(host: str) -> None:
    assert parse(host=host).path == "/v2/"


NO_ADDRESS = "the path has a character that no address here has"
SHORTENED = "the path has an empty or a dot segment"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param(b"/v2//_catalog", SHORTENED, id="double-slash"),
        pytest.param(b"//v2/_catalog", SHORTENED, id="double-slash-first"),
        pytest.param(b"/v2/a/../_catalog", SHORTENED, id="dot-dot"),
        pytest.param(b"/v2/./_catalog", SHORTENED, id="dot"),
        pytest.param(b"/v2/a/..", SHORTENED, id="dot-dot-last"),
        pytest.param(b"/v2/a%2f..%2fb", NO_ADDRESS, id="encoded-slash"),
        pytest.param(b"/v2/a%2Fb", NO_ADDRESS, id="encoded-slash-upper"),
        pytest.param(b"/v2/%2e%2e/b", NO_ADDRESS, id="encoded-dots"),
        pytest.param(b"/v2/a%00", NO_ADDRESS, id="encoded-nul"),
        pytest.param(b"/v2/a\x00", NO_ADDRESS, id="nul"),
        pytest.param(b"/v2/%1b[31m", NO_ADDRESS, id="terminal-escape"),
        pytest.param(b"/v2/a%253A", NO_ADDRESS, id="encoded-twice"),
        pytest.param(b"/v2/a\\b", NO_ADDRESS, id="backslash"),
        pytest.param(b"/v2/a;b", NO_ADDRESS, id="semicolon"),
        pytest.param(b"/v2/a#b", NO_ADDRESS, id="fragment"),
        pytest.param(b"/v2/a\xc3\xa9", NO_ADDRESS, id="raw-utf-8"),
        pytest.param(b"/v2/a\n", NO_ADDRESS, id="line-break-last"),
        pytest.param(b"v2/", NO_ADDRESS, id="no-slash-first"),
        pytest.param(b"", NO_ADDRESS, id="empty"),
        pytest.param(b"*", NO_ADDRESS, id="asterisk"),
        pytest.param(b"http://evil/v2/", NO_ADDRESS, id="absolute"),
        pytest.param(b"/" + b"a" * 2048, "the path is longer than 2048 bytes", id="too-long"),
        pytest.param(None, "the path is longer than 2048 bytes", id="server-without-raw-path"),
    ],
)
def test_paths_that_are_refused(path: bytes, message: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse(path=path)
    assert caught.value.message == message


FOREIGN = "the Host header does not name this registry"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        pytest.param({"host": None}, FOREIGN, id="no-host"),
        pytest.param({"host": "evil.example"}, FOREIGN, id="another-host"),
        pytest.param({"host": "registry.example:5001"}, FOREIGN, id="another-port"),
        pytest.param({"host": "registry.example:5000/v2/pub?"}, FOREIGN, id="host-that-forges-a-path"),
        pytest.param({"host": ""}, FOREIGN, id="empty-host"),
        pytest.param({"method": "get"}, "the method is not one", id="lower-case-method"),
        pytest.param({"method": "G" * 17}, "the method is not one", id="long-method"),
        pytest.param({"method": "GET /v2/ HTTP/1.1\r\n"}, "the method is not one", id="method-with-a-line"),
        pytest.param({"query_string": b"a=%0a"}, "a parameter has a control character", id="query"),
        pytest.param({"query_string": b"a" * 8193}, "more than 8192 bytes of parameters", id="query-too-long"),
    ],
)
def test_heads_that_are_refused(head: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse(**head)
    assert caught.value.message == message


TRANSFER = "a transfer coding that is not understood here"
NO_NUMBER = "Content-Length is not a number"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        pytest.param((("host", "registry.example"),), "more than one host header", id="two-hosts"),
        pytest.param((("host", "registry.example:5000"),), "more than one host header", id="two-equal-hosts"),
        pytest.param((("authorization", "Bearer a"),) * 2, "more than one authorization header", id="authorization"),
        pytest.param((("range", "bytes=0-1"),) * 2, "more than one range header", id="range"),
        pytest.param((("content-type", "a/b"),) * 2, "more than one content-type header", id="content-type"),
        pytest.param((("content-length", "1"),) * 2, "more than one content-length header", id="two-lengths"),
        pytest.param((("content-length", "1, 1"),), NO_NUMBER, id="a-list-of-lengths"),
        pytest.param((("content-length", "+5"),), NO_NUMBER, id="plus"),
        pytest.param((("content-length", "-5"),), NO_NUMBER, id="minus"),
        pytest.param((("content-length", "0x5"),), NO_NUMBER, id="hexadecimal"),
        pytest.param((("content-length", "5 "),), NO_NUMBER, id="blank"),
        pytest.param((("content-length", ""),), NO_NUMBER, id="empty-length"),
        pytest.param((("content-length", "\xb2"),), NO_NUMBER, id="a-digit-to-unicode"),
        pytest.param((("content-length", "9" * 20),), NO_NUMBER, id="more-digits-than-any-length"),
        pytest.param(
            (("content-length", "5"), ("transfer-encoding", "chunked")),
            "both Content-Length and Transfer-Encoding",
            id="length-and-chunks",
        ),
        pytest.param((("transfer-encoding", "gzip, chunked"),), TRANSFER, id="two-codings"),
        pytest.param((("transfer-encoding", "xchunked"),), TRANSFER, id="unknown-coding"),
        pytest.param((("transfer-encoding", "chunked"),) * 2, "more than one transfer-encoding header", id="twice"),
        pytest.param((("authorization", "a\x00b"),), "the authorization header has a control character", id="nul"),
        pytest.param((("if-none-match", "a\nb"),), "the if-none-match header has a control character", id="newline"),
        pytest.param((("x", "y"),) * MAX_HEAD_FIELDS, "more than 100 headers", id="too-many"),
        pytest.param((("x", "y" * 65536),), "more than 65536 bytes of headers", id="too-large"),
    ],
)
def test_headers_that_are_refused(headers: tuple[tuple[str, str], ...], message: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse(*headers)
    assert caught.value.message == message


def test_accept_is_a_list_in_one_line_or_in_many() -> None:
    assert parse(("accept", "a/b"), ("accept", "c/d, e/f")).accept == "a/b,c/d, e/f"
    assert parse().accept is None


def test_chunks_in_http_1_0_are_refused() -> None:
    with pytest.raises(RequestInvalid) as caught:
        parse(("transfer-encoding", "chunked"), http_version="1.0")
    assert caught.value.message == TRANSFER


_NAMES = st.sampled_from(
    ["host", "authorization", "content-length", "transfer-encoding", "range", "x-other", "content-type", "expect"]
)
_VALUES = st.one_of(
    st.sampled_from(["registry.example", "chunked", "5", "0", "bytes=0-1", "Bearer x"]),
    st.text(st.characters(max_codepoint=255), max_size=20),
)


@PROPERTY
@given(
    st.lists(st.tuples(_NAMES, _VALUES), max_size=6),
    st.one_of(st.binary(max_size=60), st.sampled_from([b"/v2/", b"/v2/a/blobs/x", b"/token"])),
    st.binary(max_size=60),
    st.text(max_size=8),
    st.sampled_from(["1.0", "1.1"]),
)
def test_any_head_is_read_or_refused(
    headers: list[tuple[str, str]], path: bytes, query: bytes, method: str, version: str
) -> None:
    try:
        request = parse(*headers, path=path, query_string=query, method=method, http_version=version, host=None)
    except RequestInvalid:
        return
    assert request.path.startswith("/")
    assert not {"%", "\\", "\x00", "?", "#"} & set(request.path)
    assert not {"", ".", ".."} & set(request.path.split("/")[1:-1])
    assert not (request.chunked and request.content_length is not None)
