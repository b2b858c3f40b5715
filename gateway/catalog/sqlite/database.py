"""One SQLite file: inline reads, reads aside, and one writer whose transactions are shared.

- *inline*: point reads run on the event loop's own connection without suspending (5 us against 68 us for a hop). What every
  request asks again is remembered for as long as no other connection commits and the second is the same: the answer is
  then the one that the statement would give.
- *aside*: long walks run in a few reader threads, so that they delay nobody.
- *write*: one thread takes what has queued up, opens one ``BEGIN IMMEDIATE``, gives each member its own savepoint, commits
  once. A member that raises loses its own savepoint only. Nobody is answered before COMMIT has returned and the files are
  those that were opened: what is committed to one that was removed is durable for nobody.

After an I/O error nothing is written any more, since an fsync that failed once may succeed the next time without having
stored anything.

I/O: the database file.
Source: DESIGN 4; sqlite.org/wal.html, "fsyncgate" (LWN 752063).
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, NullPool, create_engine

from gateway.catalog.schema import metadata
from gateway.catalog.sqlite.connection import check_version, create_private, open_connection
from gateway.catalog.sqlite.faults import refusal_of
from gateway.catalog.sqlite.presence import OpenedFiles
from gateway.errors import GatewayError, StorageFailed, Unavailable

T = TypeVar("T")

ASIDE_READERS: Final = 2
MAX_BATCH: Final = 64
"""Members of one group commit: bounds what one COMMIT makes its first member wait for."""

MAX_REMEMBERED: Final = 2048
"""Answers that are kept at a time. All go with the next commit, or the next second."""

_MAX_INLINE_BUSY_SECONDS: Final = 1.0
_NOT_THERE: Final = object()


@dataclass(slots=True)
class _Member:
    """One change that waits for the writer, and what came of it before COMMIT."""

    change: Callable[[sqlite3.Connection], Any]
    future: "Future[Any]" = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None


class Database:
    """An open catalog file. One per process; connections are never shared with another process or a fork."""

    def __init__(self, path: Path, *, busy_seconds: float = 10.0) -> None:
        """Open ``path``, created empty (mode 0600) if need be.

        ``busy_seconds`` is how long a write waits for another process's transaction. Raises `ConfigInvalid` for a place
        or an SQLite that cannot keep the promises of DESIGN 4, `Unavailable` where it cannot be opened now, `StorageFailed`
        where it goes meanwhile.
        """
        check_version()
        self._path = path
        self._closed = False
        self._failed = False
        create_private(path)
        opened: list[sqlite3.Connection] = []
        try:
            for seconds in (busy_seconds, min(busy_seconds, _MAX_INLINE_BUSY_SECONDS), *[busy_seconds] * ASIDE_READERS):
                opened.append(open_connection(path, busy_seconds=seconds, writes=not opened))
            self.files = OpenedFiles(path)
        except BaseException:
            for connection in opened:
                connection.close()
            raise
        self._writer, self._inline, *aside = opened
        self._aside_free: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for connection in aside:
            self._aside_free.put(connection)
        self._aside = ThreadPoolExecutor(max_workers=ASIDE_READERS, thread_name_prefix="catalog-read")
        self._remembered: dict[Hashable, Any] = {}
        self._remembered_at = (-1, -1)
        self._queue: queue.SimpleQueue[_Member | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run_writer, name="catalog-write", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def failed(self) -> bool:
        """Whether an I/O call failed: the process must stop serving (DESIGN 4)."""
        return self._failed

    def create_tables(self) -> None:
        """Create every table that is not there. For tests: a real catalog is made and changed by its migrations."""
        engine = create_engine(URL.create("sqlite", database=str(self._path)), poolclass=NullPool)
        try:
            metadata.create_all(engine)
        finally:
            engine.dispose()

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``query`` finds in one snapshot, without suspending: for point reads on the event loop.

        Raises `Unavailable` or `StorageFailed` for what SQLite raises.
        """
        self._check_open()
        return _snapshot(self._inline, query)

    def read_again(
        self,
        key: Hashable,
        query: Callable[[sqlite3.Connection], T],
        *,
        now: int,
        keep: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Return what `read` would, without asking where nothing can have changed since it was asked.

        ``key`` names the query with everything it depends on but the catalog and ``now`` (Unix seconds); what it returns is
        shared, so it must be immutable. ``keep`` says whether an answer may stay in memory. An answer counts while
        ``PRAGMA data_version`` stands, which any commit moves, of this process or another, and while ``now`` is the same.
        """
        at = (self.data_version(), now)
        if at != self._remembered_at:
            self._remembered.clear()
            self._remembered_at = at
        found = self._remembered.get(key, _NOT_THERE)
        if found is not _NOT_THERE:
            remembered: T = found
            return remembered
        # Its snapshot may be younger than the version that was read: never older.
        answer = _snapshot(self._inline, query)
        if len(self._remembered) < MAX_REMEMBERED and keep(answer):
            self._remembered[key] = answer
        return answer

    async def read_aside(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``query`` finds in one snapshot, from a reader thread: for long walks."""
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._aside, self._read_aside, query)

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``change`` returned, once it is durable.

        It runs in the writer thread, in a savepoint of a transaction that it may share with others, and must neither
        commit nor block. What it raises undoes its own writes only and is raised here; errors of SQLite other than
        `sqlite3.IntegrityError` come as the gateway's own. A caller that is cancelled does not know which it was.
        """
        self._check_open()
        member = _Member(change)
        self._queue.put(member)
        result: T = await asyncio.wrap_future(member.future)
        return result

    def data_version(self) -> int:
        """Return a number that differs from the last one if another connection has committed meanwhile (3 us)."""
        self._check_open()
        try:
            return int(self._inline.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise refusal_of(error) from error

    async def close(self) -> None:
        """Finish what is queued, then close every connection. Nothing where it is closed."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._thread.join)
        await loop.run_in_executor(None, self._aside.shutdown)
        self._inline.close()
        for _ in range(ASIDE_READERS):
            self._aside_free.get().close()
        # Last: the connection that may write is the one to fold the log into the file.
        self._writer.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the catalog is closed")

    def _read_aside(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._aside_free.get()
        try:
            return _snapshot(connection, query)
        finally:
            self._aside_free.put(connection)

    def _run_writer(self) -> None:
        """Serve the queue until its end marker: in the writer thread."""
        last = False
        while not last:
            waiting = [self._queue.get()]
            while len(waiting) < MAX_BATCH and waiting[-1] is not None:
                try:
                    waiting.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            last = waiting[-1] is None
            # A member whose caller gave up before its turn is not run at all.
            batch = [
                member for member in waiting if member is not None and member.future.set_running_or_notify_cancel()
            ]
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[_Member]) -> None:
        """Run the members in one transaction and answer each: the only place where anything is committed."""
        try:
            failure = self._transact(batch)
        except BaseException as surprise:  # this thread is the only one that answers: nobody may wait for ever
            self._failed = True
            failure = StorageFailed(f"the catalog's writer failed: {type(surprise).__name__}")
            failure.__cause__ = surprise
        for member in batch:
            error = failure or member.error
            if error is None:
                member.future.set_result(member.result)
            else:
                member.future.set_exception(error)

    def _transact(self, batch: list[_Member]) -> GatewayError | None:
        """Return what made the whole transaction fail, None where it is durable."""
        if self._failed:
            return StorageFailed("the catalog failed before: nothing is written until a restart")
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for member in batch:
                _run_member(self._writer, member)
            self._writer.execute("COMMIT")
        except (sqlite3.Error, MemoryError) as error:
            refusal = refusal_of(error)
            self._failed = isinstance(refusal, StorageFailed)
            self._undo()
            return refusal
        try:
            self.files.check()
        except (StorageFailed, Unavailable) as refusal:
            # It is committed, to what may be nobody's file: like the end of a connection, this says not which.
            self._failed = isinstance(refusal, StorageFailed)
            return refusal
        return None

    def _undo(self) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except (sqlite3.Error, MemoryError):
            self._failed = True


def _run_member(connection: sqlite3.Connection, member: _Member) -> None:
    """Run one member in its savepoint. Raises what ends the whole transaction (`sqlite3.Error`, `MemoryError`)."""
    connection.execute("SAVEPOINT member")
    try:
        member.result = member.change(connection)
    except BaseException as error:
        # A full disk or a failed call makes SQLite roll back everything by itself: then nobody's change is there.
        if not connection.in_transaction:
            raise (
                error if isinstance(error, (sqlite3.Error, MemoryError)) else sqlite3.OperationalError("rolled back")
            ) from error
        member.error = error
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            member.error = refusal_of(error)
            member.error.__cause__ = error
            if isinstance(member.error, StorageFailed):
                raise
        connection.execute("ROLLBACK TO member")
    connection.execute("RELEASE member")


def _snapshot(connection: sqlite3.Connection, query: Callable[[sqlite3.Connection], T]) -> T:
    try:
        connection.execute("BEGIN")
        try:
            return query(connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except (sqlite3.Error, MemoryError) as error:
        raise refusal_of(error) from error
