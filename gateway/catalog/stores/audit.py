"""What happened.

Pure: Protocols only.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.audit.logins import LoginKey, LoginSpan
from gateway.catalog.values import EventRow, PullRow
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.strict_json import JsonObject


class AuditStore(Protocol):
    """Events and pulls; logins are events that were counted first."""

    async def events(self, *, after: int, limit: int) -> Sequence[EventRow]:
        """Return events with an id above ``after``, oldest first; ``after`` negative: the last ``limit`` ones."""
        ...

    async def record_event(
        self, kind: str, *, principal: Principal, project: str | None, data: JsonObject, now: int
    ) -> None:
        """Write one event by itself: for what has no other row to change."""
        ...

    async def record_pulls(self, pulls: Mapping[tuple[str, str, str, str, str, int], tuple[int, int, int]]) -> None:
        """Add counts: (principal id, repository, digest, address, outcome, minute) -> (first, last, count)."""
        ...

    async def record_logins(self, logins: Mapping[LoginKey, LoginSpan]) -> None:
        """Write one event for each entry, at the time of its last login."""
        ...

    async def who_pulled(self, digest: Digest) -> Sequence[PullRow]:
        """Return who pulled a digest, from where and when, newest first."""
        ...
