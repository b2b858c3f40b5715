"""Where what came may be cut, so that at most one message ends in each piece.

The parser reads all that it is given, tells of every request in it and never says where one of them ended: 256 KB that came
at once may be 14,000 requests. So it is given pieces. A head ends with an empty line, a body where its length or its last
chunk says. How bytes are cut changes nothing that the parser reads in them: a cut too many costs its time, and where one
is missing a second head begins in a piece, which is refused.

It also looks at the end of the request line, of which the parser tells ``RTSP/1.1`` and ``HTTP/1.1`` apart, and us not.

Pure: no I/O, no third-party import.
Source: security row 90; RFC 9112, sections 2.1, 3 and 7.1.
"""

import re
from enum import Enum, auto
from typing import Final

_BLANK: Final = re.compile(rb"[\r\n]+")
_EMPTY_LINE: Final = b"\r\n\r\n"
_HTTP: Final = re.compile(rb" HTTP/\d\.\d\r\n\Z")
_KEPT_OF_LINE: Final = len(b" HTTP/1.1\r\n")
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]++)[^\n]*+\n")  # possessive: 200 KB of zeros without end would cost 25 s
_MAX_SIZE_BYTES: Final = 64
"""Of a size whose line came in pieces. It may begin with zeros; what is behind it means nothing here."""


class _Part(Enum):
    LINE = auto()
    FIELDS = auto()
    LENGTH = auto()
    CHUNKS = auto()


class Cutter:
    """Cuts what comes on one connection, and is told what it is: first a head."""

    __slots__ = ("_last", "_left_bytes", "_line", "_part")

    def __init__(self) -> None:
        self._left_bytes = 0  # of a body, or of a chunk with its line's end
        self._last = False  # whether that is the last chunk
        self.head()

    def head(self) -> None:
        """Expect a head, or empty lines before it."""
        self._part, self._line = _Part.LINE, b""

    def body(self, length: int | None) -> None:
        """Expect a body of ``length`` bytes, or for None a chunked one. The head before it is complete."""
        self._part = _Part.CHUNKS if length is None else _Part.LENGTH
        self._left_bytes, self._last, self._line = length or 0, False, b""

    @property
    def says_http(self) -> bool:
        """Whether the request line ends with a version of HTTP, whichever. To be asked before `body`."""
        return _HTTP.search(self._line) is not None

    def cut(self, data: bytes, start: int, stop: int) -> int:
        """Return where the piece of ``data`` from ``start`` ends, at ``stop`` at the latest. It counts as read."""
        end = self._cut(data, start, stop)
        # Where a body is over and the parser says that it is not, let it read what it refuses.
        return end if end > start else stop

    def _cut(self, data: bytes, start: int, stop: int) -> int:
        match self._part:
            case _Part.LINE:
                return self._cut_line(data, start, stop)
            case _Part.FIELDS:
                return self._cut_fields(data, start, stop)
            case _Part.CHUNKS:
                return self._cut_chunks(data, start, stop)
            case _Part.LENGTH:
                end = min(start + self._left_bytes, stop)
                self._left_bytes -= end - start
                return end

    def _cut_line(self, data: bytes, start: int, stop: int) -> int:
        if not self._line and (blank := _BLANK.match(data, start, stop)):
            return blank.end()
        end = data.find(b"\n", start, stop) + 1 or stop
        self._line = (self._line + data[max(start, end - _KEPT_OF_LINE) : end])[-_KEPT_OF_LINE:]
        if self._line.endswith(b"\n"):
            self._part = _Part.FIELDS
        return end

    def _cut_fields(self, data: bytes, start: int, stop: int) -> int:
        if data.startswith((b"\r", b"\n"), start, stop):
            # The empty line, where it began before this piece.
            return data.find(b"\n", start, stop) + 1 or stop
        end = data.find(_EMPTY_LINE, start, stop)
        return stop if end < 0 else end + len(_EMPTY_LINE)

    def _cut_chunks(self, data: bytes, start: int, stop: int) -> int:
        start, self._left_bytes = start + self._left_bytes, 0
        while start < stop and not self._last:
            found = None if self._line else _SIZE.match(data, start, stop)
            if found is None:
                # A line that is not complete, or was not when a piece ended.
                end = data.find(b"\n", start, stop) + 1
                self._line = (self._line + data[start : end or stop])[:_MAX_SIZE_BYTES]
                found = _SIZE.match(self._line.rstrip(b"\n") + b"\n") if end else None
                if found is None:
                    return stop  # where there is no size the parser will say so
                start, self._line = end, b""
            else:
                start = found.end()
            size = int(found[1], 16)
            start, self._last = start + size + len(b"\r\n"), not size
        self._left_bytes = max(start - stop, 0)
        return min(start, stop)
