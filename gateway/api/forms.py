"""``application/x-www-form-urlencoded``: queries, and the form of the token endpoint.

Its own parser, because the ready-made ones guess: ``;`` as a second separator, a broken escape left as it is, a name of any
length. Here ``&`` alone separates, an escape is two hexadecimal digits, the text is UTF-8 without control characters.

Pure: no I/O, no third-party import.
Source: WHATWG URL, "application/x-www-form-urlencoded parsing"; CVE-2026-40347 and its family for what goes wrong.
"""

import re
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from gateway.errors import RequestInvalid

MAX_FIELDS: Final = 64

Fields: TypeAlias = tuple[tuple[str, str], ...]

_PRINTABLE: Final = re.compile(rb"[\x21-\x7e]*")
_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def parse_form(text: bytes, *, max_bytes: int, max_fields: int = MAX_FIELDS) -> Fields:
    """Return the names and values of ``text`` in order, repeated ones too. Raises `RequestInvalid`."""
    if not text:
        return ()
    if len(text) > max_bytes:
        raise RequestInvalid(f"more than {max_bytes} bytes of parameters")
    if _PRINTABLE.fullmatch(text) is None:
        raise RequestInvalid("parameters are not URL-encoded")
    if text.count(b"&") >= max_fields:
        raise RequestInvalid(f"more than {max_fields} parameters")
    fields = []
    for field in text.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            fields.append((_decode(name), _decode(value)))
    return tuple(fields)


def _decode(text: bytes) -> str:
    if _BROKEN_ESCAPE.search(text) is not None:
        raise RequestInvalid("a parameter has a broken escape")
    try:
        decoded = unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise RequestInvalid("a parameter is not UTF-8") from None
    if _CONTROL.search(decoded) is not None:
        raise RequestInvalid("a parameter has a control character")
    return decoded
