"""One reading of a JSON document, or none.

Two parsers that read the same signed bytes differently are an attack (GHSA-qq97-vm5h-rrhg; sigstore bundles with a
member twice). So: UTF-8 without a BOM, every member name once, no NaN or Infinity, no lone surrogate, no number that a
double cannot hold. Depth and the number of values are measured *before* parsing: the parser would meet its recursion
limit first, and 4 MiB of empty lists are most of a second in which nobody else is served.

Pure: no I/O, no third-party import.
Source: RFC 8259; RFC 7493 (I-JSON), sections 2.1 to 2.3.
"""

import json
import math
import re
from typing import Final, NoReturn, TypeAlias

from gateway.errors import DocumentInvalid

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

MAX_DEPTH: Final = 64
"""DESIGN 11."""

MAX_NODES: Final = 100_000
"""Values of one document: below 0.1 s of parsing, which holds the interpreter. An index of 1,000 entries, each with
platform, annotations and everything else that clients write, has 30,000."""

_MAX_INTEGER_DIGITS: Final = 19
_NO_SHAPE: Final = bytes(set(range(256)) - set(b'"[]{},'))
_STRING: Final = re.compile(rb'"[^"]*(?:"|\Z)')


def parse(document: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES) -> JsonValue:
    """Return the value of ``document``.

    Raises `DocumentInvalid` for anything with two readings, over ``max_bytes``, nested deeper than ``max_depth`` or of
    more than ``max_nodes`` values. Where the writer is trusted, or has waited for a thread of his own, a caller raises
    ``max_nodes``.
    """
    if len(document) > max_bytes:
        raise DocumentInvalid(f"larger than {max_bytes} bytes")
    if document.startswith(b"\xef\xbb\xbf"):
        raise DocumentInvalid("byte order mark")
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError:
        raise DocumentInvalid("not UTF-8") from None
    _check_shape(document, max_depth=max_depth, max_nodes=max_nodes)
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_finite,
        )
    except DocumentInvalid:
        raise
    except (ValueError, RecursionError):
        raise DocumentInvalid("malformed") from None
    _check_surrogates(text, value)
    return value


def parse_object(
    document: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES
) -> JsonObject:
    """Return the object that ``document`` is. Raises `DocumentInvalid`, also where it is not an object."""
    value = parse(document, max_bytes=max_bytes, max_depth=max_depth, max_nodes=max_nodes)
    if not isinstance(value, dict):
        raise DocumentInvalid("not an object")
    return value


def _check_shape(document: bytes, *, max_depth: int, max_nodes: int) -> None:
    """Raise `DocumentInvalid` where there are too many values, or brackets nest too deep. What is in strings is text.

    Every value but the first stands after a comma or an opening bracket, so those outside strings are no fewer.
    """
    openings = document.count(b"[") + document.count(b"{")
    if openings <= max_depth and openings + document.count(b",") < max_nodes:
        return
    # A walk over 4 MiB is 150 ms of everybody's time; these passes leave it a few KiB. Escapes go first, the escaped
    # backslash before the escaped quotation mark. Two adjacent marks are an empty string, or the end of one and the
    # start of the next: without them the brackets outside are the same.
    shape = document.replace(rb"\\", b"").replace(b'\\"', b"").translate(None, _NO_SHAPE).replace(b'""', b"")
    too_many = DocumentInvalid(f"more than {max_nodes} values")
    # A value has at most one name and is at most one string: four quotation marks. It is also what keeps the next line
    # from cutting out a million strings, one by one.
    if shape.count(b'"') > 4 * max_nodes:
        raise too_many
    shape = _STRING.sub(b"", shape)
    if shape.count(b"[") + shape.count(b"{") + shape.count(b",") >= max_nodes:
        raise too_many
    depth = 0
    for byte in shape.translate(None, b","):
        if byte in (0x5B, 0x7B):  # [ {
            depth += 1
            if depth > max_depth:
                raise DocumentInvalid(f"nested deeper than {max_depth}")
        else:
            depth -= 1


def _unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DocumentInvalid("a member name occurs twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise DocumentInvalid(f"{name} is not JSON")


def _integer(digits: str) -> int:
    # A thousand digits take quadratic time to convert, and no field of a manifest has more than 19 (2^63).
    if len(digits.lstrip("-")) > _MAX_INTEGER_DIGITS:
        raise DocumentInvalid("an integer has too many digits")
    return int(digits)


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise DocumentInvalid("a number is out of range")
    return number


def _check_surrogates(text: str, value: JsonValue) -> None:
    """Raise `DocumentInvalid` for a lone surrogate: it cannot be stored, logged or sent on as UTF-8."""
    if "\\u" not in text:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise DocumentInvalid("a lone surrogate") from None
