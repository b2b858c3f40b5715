"""Whether a head that the parser has read is one that is read here.

Pure: no I/O.
Source: security row 120; RFC 9112, sections 2.3, 3.2 and 6.3; RFC 9110, section 7.8 ("Upgrade").
"""

from collections.abc import Sequence
from typing import Final

from gateway.server.refusing import NOT_READ, OTHER_VERSION

_VERSIONS: Final = frozenset({"1.0", "1.1"})

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case."""


def head_fault(*, version: str, says_http: bool, target: bytes, headers: Headers, upgrade: bool) -> int | None:
    """Return the status that refuses this head, or None where an application may have it.

    ``says_http``: the request line does; the parser reads RTSP and ICE too. ``upgrade``: the parser sees one, or CONNECT.
    """
    if version not in _VERSIONS:
        return OTHER_VERSION
    # Only the origin form: the parser would cut a scheme, a host or a fragment off, and another reader would not.
    if not says_http or not target.startswith(b"/") or b"#" in target:
        return NOT_READ
    # Of an upgrade the parser reads no body, and takes it to end with its head: what follows would be the next request.
    if upgrade and body_length(headers) != 0:
        return NOT_READ
    return None


def body_length(headers: Headers) -> int | None:
    """Return the length that these headers give the body, or None for a chunked one. The parser found them to be right."""
    length = 0
    for name, value in headers:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value)
    return length
