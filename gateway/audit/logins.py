"""Logins, counted in memory and written in batches: somebody who guesses passwords slows neither the endpoint nor the disk.

One entry per principal, method, client address, outcome and minute. The first login of an entry is written with the next
batch, those that follow it when its minute is over: two events per entry at most. The entries of a minute are bounded;
what is beyond is counted without its address, and beyond that without anything. Nothing is dropped in silence, and what
fails takes no room from what succeeds, nor one method from another.

The name that was tried is not known here: only whose it is, where it is somebody's.

Pure: no I/O; the clock is the caller's. For one event loop, no locks.
Source: DESIGN 8.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.oci.strict_json import JsonObject

UNKNOWN: Final = "unknown"
"""Stands for the principal where the name that was tried is nobody's: people type passwords into that field."""

MANY: Final = "*"
"""Stands for what was too much to tell apart."""

MAX_FAILED: Final = 100
"""Entries of failed logins in one minute; as many again without their addresses."""

MAX_SUCCEEDED: Final = 5_000
"""Entries of successful ones: each has a secret that is right."""


@dataclass(frozen=True, slots=True)
class LoginKey:
    """What is told apart. ``minute`` is Unix time // 60; ``method`` is ``password``, ``robot`` or ``ci``."""

    principal_id: str
    method: str
    address: str
    succeeded: bool
    minute: int


@dataclass(frozen=True, slots=True)
class LoginSpan:
    """When, in Unix seconds, and how often. ``why`` is why one of them was refused, where more is known than that it was.

    One stands for all: were they told apart by it, whoever can make the reasons differ could fill the room of others.
    """

    first: int
    last: int
    count: int
    why: str = ""


def login_data(key: LoginKey, span: LoginSpan) -> JsonObject:
    """Return what the event of these logins says of them."""
    counted: JsonObject = {
        "method": key.method,
        "address": key.address,
        "count": span.count,
        "first": span.first,
        "last": span.last,
    }
    return {**counted, "why": span.why} if span.why else counted


class LoginCounter:
    """Counts logins until `take`."""

    def __init__(self, *, max_failed: int = MAX_FAILED, max_succeeded: int = MAX_SUCCEEDED) -> None:
        self._max = {False: max_failed, True: max_succeeded}
        self._entries: dict[LoginKey, LoginSpan] = {}
        self._minute = 0
        self._known: defaultdict[tuple[bool, str], set[LoginKey]] = defaultdict(set)
        self._told: set[LoginKey] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def count(
        self, *, principal_id: str | None, method: str, address: str, succeeded: bool, now: int, why: str = ""
    ) -> None:
        """Count a login at ``now`` (Unix seconds); ``principal_id`` None: of nobody. Never fails, never without bound."""
        self._advance(now // 60)
        key = LoginKey(principal_id or UNKNOWN, method, address, succeeded, self._minute)
        self._add(self._bounded(key), LoginSpan(now, now, 1, why))

    def take(self, *, now: int, everything: bool = False) -> Mapping[LoginKey, LoginSpan]:
        """Return what is to be written: what is new, and what was held back until its minute was over.

        ``everything``: what is held back too, because there is no later.
        """
        self._advance(now // 60)
        taken = {
            key: span
            for key, span in self._entries.items()
            if everything or key not in self._told or key.minute != self._minute
        }
        for key in taken:
            del self._entries[key]
        self._told.update(key for key in taken if key.minute == self._minute)
        return taken

    def put_back(self, taken: Mapping[LoginKey, LoginSpan]) -> None:
        """Count again what could not be written: the next `take` has it."""
        for key, span in taken.items():
            self._told.discard(key)
            # While nothing can be written, minutes add up: what is old is counted with the present one.
            self._add(self._bounded(replace(key, minute=self._minute)), span)

    def _advance(self, minute: int) -> None:
        if minute == self._minute:
            return
        self._minute = minute
        self._told.clear()
        self._known.clear()

    def _bounded(self, key: LoginKey) -> LoginKey:
        known, most = self._known[key.succeeded, key.method], self._max[key.succeeded]
        if key not in known and len(known) >= most:
            key = replace(key, address=MANY)
            if key not in known and len(known) >= 2 * most:
                # Not among those that are counted: there are two of these, one for each outcome.
                return replace(key, principal_id=MANY, method=MANY)
        known.add(key)
        return key

    def _add(self, key: LoginKey, span: LoginSpan) -> None:
        there = self._entries.get(key, span)
        times = span.count if there is span else there.count + span.count
        why = there.why or span.why
        self._entries[key] = LoginSpan(min(there.first, span.first), max(there.last, span.last), times, why)
