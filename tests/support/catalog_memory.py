"""Uploads, revisions, audit and work in memory: fakes that pass the contract suites of the catalog."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gateway.audit.logins import LoginKey, LoginSpan, login_data
from gateway.catalog.sqlite.uploads import MAX_OPEN, OPEN_RETRY_SECONDS
from gateway.catalog.values import MAX_PATCHES, EventRow, PullRow, RevisionRow, UploadRow, WorkItem
from gateway.errors import (
    Conflict,
    Internal,
    NameUnknown,
    TooManyRequests,
    UploadInvalid,
    UploadOutOfOrder,
    UploadUnknown,
)
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from gateway.oci.strict_json import JsonObject
from tests.support.catalog_model import Directory, Log


class MemoryUploads:
    """`UploadCatalog`."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._rows: dict[str, UploadRow] = {}
        self._projects: dict[str, int] = {}

    async def start(self, session: str, repository: RepositoryName, *, principal: Principal, now: int) -> None:
        standing = await self._directory.standing(principal.id, repository, now=now)
        if standing is None:
            raise NameUnknown(repository.text)
        place = (standing.project.id, principal.id)
        if sum(place == (self._projects[row.id], row.principal_id) for row in self._rows.values()) >= MAX_OPEN:
            raise TooManyRequests("too many", retry_after_seconds=OPEN_RETRY_SECONDS)
        if session in self._rows:
            raise Conflict(session)
        self._projects[session] = standing.project.id
        self._rows[session] = UploadRow(session, repository, principal.id, 0, 0, now, now)

    async def upload(self, session: str, repository: RepositoryName, *, principal_id: str) -> UploadRow:
        row = self._rows.get(session)
        if row is None or (row.repository, row.principal_id) != (repository, principal_id):
            raise UploadUnknown(session)
        return row

    async def advance(self, session: str, *, from_size: int, to_size: int, now: int) -> None:
        row = self._rows.get(session)
        if to_size < from_size:
            raise UploadInvalid("shrinks")
        if row is None:
            raise UploadUnknown(session)
        if row.size != from_size:
            raise UploadOutOfOrder(row.size)
        if row.patches >= MAX_PATCHES:
            raise UploadInvalid("too many")
        self._rows[session] = replace(row, size=to_size, patches=row.patches + 1, touched=max(row.touched, now))

    async def count_failed(self, session: str) -> None:
        row = self._rows.get(session)
        if row is not None:
            self._rows[session] = replace(row, patches=row.patches + 1)

    async def end(self, session: str) -> None:
        self._rows.pop(session, None)

    async def idle(self, *, before: int, limit: int) -> Sequence[str]:
        rows = sorted((row.touched, row.id) for row in self._rows.values() if row.touched < before)
        return [session for _, session in rows[:limit]]


class MemoryWork:
    """`WorkStore`."""

    def __init__(self) -> None:
        self._next = 0
        # (kind, key) -> item, due, leased until (None: not leased)
        self._rows: dict[tuple[str, str], tuple[WorkItem, int, int | None]] = {}

    async def claim(self, *, limit: int, lease_seconds: int, now: int) -> Sequence[WorkItem]:
        ready = sorted(
            (due, item.id, place)
            for place, (item, due, leased) in self._rows.items()
            if due <= now and (leased is None or leased <= now)
        )
        claimed = []
        for due, _, place in ready[:limit]:
            item = replace(self._rows[place][0], attempts=self._rows[place][0].attempts + 1)
            self._rows[place] = (item, due, now + lease_seconds)
            claimed.append(item)
        return claimed

    async def done(self, item: WorkItem) -> None:
        if self._holds(item):
            del self._rows[item.kind, item.key]

    async def retry(self, item: WorkItem, *, due: int) -> None:
        if self._holds(item):
            self._rows[item.kind, item.key] = (item, due, None)

    async def enqueue(self, kind: str, key: str, data: Mapping[str, str], *, due: int) -> None:
        known = self._rows.get((kind, key))
        if known is None:
            self._next += 1
            self._rows[kind, key] = (WorkItem(self._next, kind, key, dict(data), 0), due, None)
        else:
            self._rows[kind, key] = (replace(known[0], data=dict(data)), min(due, known[1]), None)

    def _holds(self, item: WorkItem) -> bool:
        known = self._rows.get((item.kind, item.key))
        return known is not None and known[2] is not None and known[0] == item


class MemoryRevisions:
    """`RevisionStore`."""

    def __init__(self, log: Log, work: MemoryWork) -> None:
        self._log = log
        self._work = work
        self._rows: list[RevisionRow] = []
        self._active: dict[str, tuple[str, int, str]] = {}

    async def activate(
        self,
        kind: str,
        digest: str,
        content: bytes,
        *,
        reason: str,
        by: Principal,
        now: int,
        hides: bool = False,
    ) -> RevisionRow:
        events = {"policy": "policy.activated", "trust": "trust.applied"}
        if kind not in events:
            raise Internal(kind)
        known = [row for row in self._rows if (row.kind, row.digest) == (kind, digest)]
        if known and known[0].content != content:
            raise Conflict(digest)
        if not known:
            known = [RevisionRow(kind, digest, reason, by.id, now, None, None, content)]
            self._rows.append(known[0])
        self._rows[self._rows.index(known[0])] = replace(known[0], activated=now)
        previous, generation, _ = self._active.get(kind, (None, 0, ""))
        self._active[kind] = (digest, generation + 1, reason)
        data: JsonObject = {
            "revision": digest,
            "previous": previous,
            "generation": generation + 1,
            "reason": reason,
            **({"hides": True} if hides else {}),
        }
        self._log.write(events[kind], by=by.id, now=now, data=data)
        hiding = {"hides": str(generation + 1)} if hides else {}
        await self._work.enqueue("rejudge", kind, {"kind": kind, "revision": digest, **hiding}, due=now)
        active = await self.active(kind)
        assert active is not None
        return active

    async def active(self, kind: str) -> RevisionRow | None:
        return next((row for row in await self.revisions(kind) if row.active_generation is not None), None)

    async def revisions(self, kind: str) -> Sequence[RevisionRow]:
        if kind not in ("policy", "trust"):
            raise Internal(kind)
        digest, generation, reason = self._active.get(kind, (None, 0, ""))
        return [
            replace(row, active_generation=generation, reason=reason) if row.digest == digest else row
            for row in reversed(self._rows)
            if row.kind == kind
        ]


class MemoryAudit:
    """`AuditStore`."""

    def __init__(self, log: Log, directory: Directory) -> None:
        self._log = log
        self._directory = directory
        self._pulls: dict[tuple[str, str, str, str, str, int], tuple[int, int, int]] = {}

    async def events(self, *, after: int, limit: int) -> Sequence[EventRow]:
        if after < 0:
            return self._log.rows[-limit:]
        return [row for row in self._log.rows if row.id > after][:limit]

    async def record_event(
        self, kind: str, *, principal: Principal, project: str | None, data: JsonObject, now: int
    ) -> None:
        self._log.write(kind, by=principal.id, now=now, project=project, data=data)

    async def record_pulls(self, pulls: Mapping[tuple[str, str, str, str, str, int], tuple[int, int, int]]) -> None:
        for key, (first, last, count) in pulls.items():
            old_first, old_last, old_count = self._pulls.get(key, (first, last, 0))
            self._pulls[key] = (min(first, old_first), max(last, old_last), old_count + count)

    async def record_logins(self, logins: Mapping[LoginKey, LoginSpan]) -> None:
        for key, span in sorted(logins.items(), key=lambda entry: entry[1].last):
            kind = "login.succeeded" if key.succeeded else "login.failed"
            self._log.write(kind, by=key.principal_id, now=span.last, data=login_data(key, span))

    async def who_pulled(self, digest: Digest) -> Sequence[PullRow]:
        rows = []
        for (who, repository, name, address, outcome, _), (first, last, count) in self._pulls.items():
            if name == str(digest):
                person = await self._directory.principal_by_name(who)
                called = who if person is None else person.name
                rows.append(PullRow(who, called, repository, name, address, outcome, first, last, count))
        return sorted(rows, key=lambda row: (-row.last, row.principal_id, row.repository, row.address, row.outcome))
