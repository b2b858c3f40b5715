"""Pulls, counted in memory and written in batches: a pull never waits for audit, and audit never for a disk per pull.

One entry per principal, repository, digest, client address, outcome and minute. The number of entries is bounded: whoever
asks for a million digests that are not there must not fill the memory. Over the bound, what no entry exists for is counted
under the digest's own name no more, but under `OVERFLOW`, per principal and repository; nothing is dropped in silence.

Pure: no I/O; the clock is the caller's. For one event loop, no locks.
Source: DESIGN 8.
"""

from typing import Final, TypeAlias

PullKey: TypeAlias = tuple[str, str, str, str, str, int]
"""Principal id, repository, digest, address, outcome, minute."""

PullSpan: TypeAlias = tuple[int, int, int]
"""First and last time in Unix seconds, and how many."""

PULLED: Final = "pulled"
DENIED: Final = "denied"

OVERFLOW: Final = "*"
"""Stands for digest and address where they were too many to tell apart, and for all of the key where even that is."""

MAX_ENTRIES: Final = 50_000
"""About 20 MB. Flushed every few seconds: 10,000 different pulls per second fit."""


class PullCounter:
    """Counts pulls and read denials until `take`."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: dict[PullKey, PullSpan] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def count(
        self, *, principal_id: str, repository: str, digest: str, address: str, outcome: str, now: int, times: int = 1
    ) -> None:
        """Count a pull of ``digest`` at ``now`` (Unix seconds). Never fails, never grows past its bound."""
        minute = now // 60
        key = (principal_id, repository, digest, address, outcome, minute)
        if key not in self._entries and len(self._entries) >= self._max_entries:
            key = (principal_id, repository, OVERFLOW, OVERFLOW, outcome, minute)
            # The overflow's own entries are bounded by the same number once more.
            if key not in self._entries and len(self._entries) >= 2 * self._max_entries:
                key = (OVERFLOW, OVERFLOW, OVERFLOW, OVERFLOW, outcome, minute)
        first, last, count = self._entries.get(key, (now, now, 0))
        self._entries[key] = (min(first, now), max(last, now), count + times)

    def take(self) -> dict[PullKey, PullSpan]:
        """Return what was counted since the last call, and start anew."""
        taken, self._entries = self._entries, {}
        return taken

    def put_back(self, taken: dict[PullKey, PullSpan]) -> None:
        """Count again what could not be written: the next `take` has it."""
        for (principal, repository, digest, address, outcome, _minute), (first, last, times) in taken.items():
            common = {"principal_id": principal, "repository": repository, "digest": digest, "address": address}
            # Two calls keep both ends of the span.
            self.count(**common, outcome=outcome, now=first, times=times)
            self.count(**common, outcome=outcome, now=last, times=0)
