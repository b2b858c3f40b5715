"""How many bytes of bodies that are read whole are in memory at one time: of all requests, and of one caller's.

A body under its own limit is harmless, and a thousand of them at one time are not: whoever sends all but the last byte of
each holds all that he has sent for as long as he likes. So every byte is taken from a budget as it comes, and given back
when its request is answered. What is announced takes nothing.

Pure: no I/O.
Source: CVE-2017-11468, for many requests at one time.
"""

from collections import Counter
from typing import Final

from gateway.errors import TooManyRequests, Unavailable

MAX_BYTES: Final = 256 * 1024 * 1024
MAX_BYTES_OF_ONE: Final = 64 * 1024 * 1024
"""Sixteen manifests of the largest size at one time."""
RETRY_SECONDS: Final = 5


class BodyBudget:
    """The budget of one process. Its callers are told apart by any text, empty ones too."""

    def __init__(self, *, max_bytes: int = MAX_BYTES, max_bytes_of_one: int = MAX_BYTES_OF_ONE) -> None:
        self._max_bytes = max_bytes
        self._max_bytes_of_one = max_bytes_of_one
        self._of: Counter[str] = Counter()
        self._taken = 0

    def take(self, caller: str, count: int) -> None:
        """Take ``count`` bytes for ``caller``. Raises `TooManyRequests` beyond his share, `Unavailable` beyond them all."""
        if self._of[caller] + count > self._max_bytes_of_one:
            raise TooManyRequests(
                "too many bytes of your requests are being read at this moment: send fewer at one time",
                retry_after_seconds=RETRY_SECONDS,
            )
        if self._taken + count > self._max_bytes:
            raise Unavailable(
                "too many bytes of requests are being read at this moment: try again", retry_after_seconds=RETRY_SECONDS
            )
        self._of[caller] += count
        self._taken += count

    def give_back(self, caller: str, count: int) -> None:
        """Give back what was taken."""
        self._taken -= count
        self._of[caller] -= count
        if not self._of[caller]:
            del self._of[caller]
