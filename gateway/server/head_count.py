"""How large the head is that is being read.

A head is counted twice. As it came: so that how it is cut does not matter, and what the parser keeps to itself (blanks, a
line without end) counts too. And as it was parsed: of a head that begins inside a piece nobody tells where, and its target
and fields are never more than what came.

Pure: no I/O, no third-party import.
Source: security row 90.
"""

from gateway.api.head import MAX_HEAD_BYTES, MAX_HEAD_FIELDS


class HeadCount:
    """Counts the heads of one connection, each for itself. The first has begun."""

    __slots__ = ("_came_bytes", "_fields", "_parsed_bytes", "number")

    def __init__(self) -> None:
        self.number = 0
        self._came_bytes = self._parsed_bytes = self._fields = 0

    def begin(self) -> None:
        """Count a new head, from nothing."""
        self.number += 1
        self._came_bytes = self._parsed_bytes = self._fields = 0

    @property
    def room(self) -> int:
        """How many bytes more may come of it."""
        return MAX_HEAD_BYTES - self._came_bytes

    @property
    def too_large(self) -> bool:
        """Whether what was parsed is more than a head may have."""
        return self._parsed_bytes > MAX_HEAD_BYTES or self._fields > MAX_HEAD_FIELDS

    def came(self, size: int, *, number: int) -> None:
        """Count a piece of ``size`` bytes that was parsed and did not complete it.

        ``number`` is what it was before: where another head has begun in this piece, what was parsed of that is counted.
        """
        self._came_bytes = self._came_bytes + size if number == self.number else self._parsed_bytes

    def target(self, size: int) -> None:
        """Count a piece of the target."""
        self._parsed_bytes += size

    def field(self, name: bytes, value: bytes) -> None:
        """Count a field with its colon and its line's end, which are never more than came."""
        self._parsed_bytes += len(name) + len(value) + 3
        self._fields += 1
