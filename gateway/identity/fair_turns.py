"""A queue in which everybody has his turn: who puts much into it waits for himself.

Whoever waits does so under a key, and the keys take turns. When it is full, the key that has most waiting gives way to one
that has less: its newest is put out.

Pure: no I/O.
"""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Full(Exception):
    """There is no place for another."""


class FairTurns(Generic[T]):
    """At most ``max_waiting`` items, whatever their keys."""

    def __init__(self, *, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._size = 0

    def waiting(self, key: str) -> int:
        """Return how many wait under ``key``."""
        return len(self._waiting.get(key, ()))

    def put(self, key: str, item: T) -> T | None:
        """Let ``item`` wait; return the one that is put out for it, None where there was a place. Raises `Full`."""
        put_out: T | None = None
        if self._size >= self._max_waiting:
            most = max(self._waiting, key=self.waiting, default=key)
            if self.waiting(most) <= self.waiting(key) + 1:
                raise Full
            put_out = self._waiting[most].pop()
            self._size -= 1
        self._waiting.setdefault(key, deque()).append(item)
        self._size += 1
        return put_out

    def take(self) -> tuple[str, T] | None:
        """Return whose turn it is, None where nobody waits."""
        if not self._waiting:
            return None
        key, items = self._waiting.popitem(last=False)
        item = items.popleft()
        self._size -= 1
        if items:
            self._waiting[key] = items
        return key, item

    def remove(self, key: str, item: T) -> None:
        """Forget one that does not wait any more; nothing where it does not."""
        items = self._waiting.get(key, deque())
        if item in items:
            items.remove(item)
            self._size -= 1
            if not items:
                del self._waiting[key]
