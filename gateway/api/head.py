"""The head of a request: refused, or one reading of it.

The first thing that sees a request, and the only one that sees what was sent. Two servers that read one head differently
are an attack, so whatever has two readings is refused: two of a header that there is one of, a length beside a transfer
coding, an encoded slash, a path that some would shorten. The server has counted bytes and fields already; here it is done
again, because another server may be put in front of this.

Pure: no I/O, no third-party import.
Source: RFC 9112, sections 3.2 and 6; security row 32 (a Host header that forges paths), 90, 120 and section J.
"""

import re
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.api.asgi import Scope
from gateway.api.forms import Fields, parse_form
from gateway.errors import RequestInvalid

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEAD_FIELDS: Final = 100
MAX_PATH_BYTES: Final = 2 * 1024
"""A name of 255, a digest of 135 and the words of the routes fit four times."""
MAX_QUERY_BYTES: Final = 8 * 1024

_METHOD: Final = re.compile(r"[A-Z]{1,16}")
# ``:`` and ``@`` are the two characters of our paths that careful clients escape.
_PATH: Final = re.compile(rb"/(?:[A-Za-z0-9._~/:@-]|%3[Aa]|%40)*")
_TWO_READINGS: Final = re.compile(r"//|/\.\.?(?:/|\Z)")
_ESCAPE: Final = re.compile(r"%3[Aa]|%40")
_LENGTH: Final = re.compile(r"[0-9]{1,19}")

_READ: Final = frozenset(
    {
        b"accept",
        b"authorization",
        b"content-length",
        b"content-range",
        b"content-type",
        b"expect",
        b"host",
        b"if-none-match",
        b"if-range",
        b"range",
        b"registry-gateway-view",
        b"transfer-encoding",
    }
)
"""The headers that are looked at, each at most once but for `_LISTED`; no other has any influence."""
_LISTED: Final = frozenset({b"accept"})
"""Lists, which clients send in one line or in many (RFC 9110, 5.3). Only ``/metrics`` asks: no manifest is converted."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks, in one reading. ``address`` is the peer's, ``query`` in the order in which it was sent."""

    method: str
    path: str
    query: Fields
    address: str
    accept: str | None
    authorization: str | None = field(repr=False)
    content_length: int | None
    chunked: bool
    content_type: str | None
    content_range: str | None
    range: str | None
    if_none_match: str | None
    if_range: str | None
    expects_continue: bool
    view_pending: bool

    @property
    def has_body(self) -> bool:
        """Whether the head announces a body of at least one byte, or one of unknown length."""
        return self.chunked or bool(self.content_length)


def parse_head(scope: Scope, *, hosts: Set[str]) -> Request:
    """Return the request whose head ``scope`` holds. Raises `RequestInvalid`.

    ``hosts`` are the values that the Host header may have, in lower case, with the port where there is one. What it says
    decides nothing else: every address we make is made from the configuration.
    """
    headers = _headers(scope["headers"])
    if headers.get("host", "").lower() not in hosts:
        raise RequestInvalid("the Host header does not name this registry")
    method: str = scope["method"]
    if _METHOD.fullmatch(method) is None:
        raise RequestInvalid("the method is not one")
    length, chunked = _framing(headers, http_version=scope["http_version"])
    return Request(
        method=method,
        path=_path(scope.get("raw_path")),
        query=parse_form(scope["query_string"], max_bytes=MAX_QUERY_BYTES),
        address=peer(scope),
        accept=headers.get("accept"),
        authorization=headers.get("authorization"),
        content_length=length,
        chunked=chunked,
        content_type=headers.get("content-type"),
        content_range=headers.get("content-range"),
        range=headers.get("range"),
        if_none_match=headers.get("if-none-match"),
        if_range=headers.get("if-range"),
        expects_continue=headers.get("expect", "").lower() == "100-continue",
        view_pending=headers.get("registry-gateway-view") == "pending",
    )


def peer(scope: Scope) -> str:
    """Return the address of the other end of the connection; empty where there is none. No header changes it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _headers(fields: Any) -> dict[str, str]:
    """Return the headers that are read, each of which occurs once at most."""
    found: dict[str, str] = {}
    size = 0
    if len(fields) > MAX_HEAD_FIELDS:
        raise RequestInvalid(f"more than {MAX_HEAD_FIELDS} headers")
    for name, value in fields:
        size += len(name) + len(value)
        if name not in _READ:
            continue
        key = name.decode("ascii")
        text = value.decode("latin-1")
        if not text.isprintable():
            raise RequestInvalid(f"the {key} header has a control character")
        if key in found:
            if name not in _LISTED:
                raise RequestInvalid(f"more than one {key} header")
            text = f"{found[key]},{text}"
        found[key] = text
    if size > MAX_HEAD_BYTES:
        raise RequestInvalid(f"more than {MAX_HEAD_BYTES} bytes of headers")
    return found


def _framing(headers: dict[str, str], *, http_version: str) -> tuple[int | None, bool]:
    """Return the announced length of the body, and whether it comes in chunks; both is smuggling (RFC 9112, 6.1)."""
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise RequestInvalid("both Content-Length and Transfer-Encoding")
        if coding.lower() != "chunked" or http_version == "1.0":
            raise RequestInvalid("a transfer coding that is not understood here")
    if length is None:
        return None, coding is not None
    if _LENGTH.fullmatch(length) is None:
        raise RequestInvalid("Content-Length is not a number")
    return int(length), False


def _path(raw: bytes | None) -> str:
    """Return the path, its two harmless escapes decoded. Nothing is shortened, folded or decoded twice."""
    if raw is None or len(raw) > MAX_PATH_BYTES:
        raise RequestInvalid(f"the path is longer than {MAX_PATH_BYTES} bytes")
    if _PATH.fullmatch(raw) is None:
        raise RequestInvalid("the path has a character that no address here has")
    path = raw.decode("ascii")
    if _TWO_READINGS.search(path) is not None:
        raise RequestInvalid("the path has an empty or a dot segment")
    if "%" in path:
        path = _ESCAPE.sub(lambda escape: "@" if escape[0] == "%40" else ":", path)
    return path
