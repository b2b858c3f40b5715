"""How large the head is that is being read.

It is counted as it came: so how it is cut does not matter, and what the parser keeps to itself (blanks, a line without end)
counts too. Where a head begins a piece begins (`gateway.server.cutting`).

Pure: no I/O, no third-party import.
Source: security row 90.
"""

from gateway.api.head import MAX_HEAD_BYTES, MAX_HEAD_FIELDS


class HeadCount:
    """Counts the heads of one connection, each for itself. The first has begun."""

    __slots__ = ("_bytes", "_fields")

    def __init__(self) -> None:
        self._bytes = self._fields = 0

    def begin(self) -> None:
        """Count a new head, from nothing."""
        self._bytes = self._fields = 0

    @property
    def room(self) -> int:
        """How many bytes more may come of it."""
        return MAX_HEAD_BYTES - self._bytes

    @property
    def too_many_fields(self) -> bool:
        """Whether it has more fields than a head may have."""
        return self._fields > MAX_HEAD_FIELDS

    def came(self, size: int) -> None:
        """Count a piece of ``size`` bytes."""
        self._bytes += size

    def field(self) -> None:
        """Count a field."""
        self._fields += 1
