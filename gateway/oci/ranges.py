"""Byte ranges: which part of some bytes.

Two grammars meet here. ``Range`` (download) is HTTP's. ``Content-Range`` (upload) is the registry's own ``<first>-<last>``,
with HTTP's form tolerated. Both ends are inclusive, as they are written.

Pure: no I/O, no third-party import.
Source: RFC 9110, sections 14.1 to 14.4; OCI distribution-spec v1.1.1, "Pushing a blob in chunks".
"""

import re
from dataclasses import dataclass
from typing import Final

from gateway.errors import RangeInvalid, UploadInvalid

MAX_RANGES: Final = 100
"""Above it a list is an attack (CVE-2025-62727, quadratic merging), below it a client that can do without."""

# 19 digits hold every length there is; the conversion of a megabyte of digits is quadratic.
_ONE_RANGE: Final = re.compile(r"([0-9]{1,19})?-([0-9]{1,19})?")
_CONTENT_RANGE: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,19})|bytes ([0-9]{1,19})-([0-9]{1,19})/(?:\*|[0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes ``start`` to ``end_inclusive``, counted from 0. There is no empty range."""

    start: int
    end_inclusive: int

    @property
    def length(self) -> int:
        """How many bytes it is; at least 1."""
        return self.end_inclusive - self.start + 1


def parse_range(header: str, *, size: int) -> ByteRange | None:
    """Return the part of ``size`` bytes that the ``Range`` header asks for, or None where all of it is to be sent.

    None is for what HTTP says to ignore (a unit other than bytes) and for a list of up to `MAX_RANGES` ranges: lazy
    pullers (stargz) send one, take a 200 for it, and fail for good on a 416. Raises `RangeInvalid` for the rest: a
    range outside the bytes, one that ends before it starts (HTTP would let us ignore it; the conformance suite does
    not), one that is not written as a range at all.
    """
    unit, equals, ranges = header.partition("=")
    if not equals or unit.lower() != "bytes":
        return None
    commas = ranges.count(",")
    if commas:
        if commas >= MAX_RANGES:
            raise RangeInvalid(size)
        return None
    match = _ONE_RANGE.fullmatch(ranges)
    if match is None:
        raise RangeInvalid(size)
    first, last = match.groups()
    if first is not None:
        start = int(first)
        end = size - 1 if last is None else min(int(last), size - 1)
    elif last is not None:
        # The last so many bytes; all of them where there are fewer, and none at all for ``-0``.
        start, end = size - min(int(last), size), size - 1
    else:
        raise RangeInvalid(size)
    if start > end:
        raise RangeInvalid(size)
    return ByteRange(start, end)


def parse_content_range(header: str) -> ByteRange:
    """Return where a chunk belongs: ``<first>-<last>``, or ``bytes <first>-<last>/<total or *>``.

    Raises `UploadInvalid`. The total is not believed: the digest at the end says what the blob is.
    """
    match = _CONTENT_RANGE.fullmatch(header)
    if match is None:
        raise UploadInvalid("Content-Range must be <first byte>-<last byte>")
    first, last = (int(text) for text in match.groups() if text is not None)
    if last < first:
        raise UploadInvalid("Content-Range ends before it starts")
    return ByteRange(first, last)


def format_range(size: int) -> str:
    """Return the ``Range`` that an upload of ``size`` bytes so far answers with.

    ``0-0`` for none: it says one byte, and every client since Docker's first reads it as none.
    """
    return f"0-{max(size - 1, 0)}"


def format_content_range(part: ByteRange, *, size: int) -> str:
    """Return the ``Content-Range`` of a 206 that sends ``part`` of ``size`` bytes."""
    return f"bytes {part.start}-{part.end_inclusive}/{size}"
