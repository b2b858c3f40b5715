"""The one file: snapshots, group commit, two processes, and what happens when the disk says no."""

import asyncio
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.catalog.sqlite.database import MAX_BATCH, MAX_REMEMBERED, Database
from gateway.catalog.sqlite.faults import refusal_of
from gateway.errors import ConfigInvalid, GatewayError, Internal, StorageFailed, StorageFull, Unavailable
from tests.support.catalog_file import add, database_in

ROOT = Path(__file__).parents[3]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with database_in(tmp_path / "catalog.db") as database:
        yield database


def names(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("SELECT identity FROM signer ORDER BY identity")]


def pragmas(connection: sqlite3.Connection) -> dict[str, object]:
    wanted = ("journal_mode", "synchronous", "foreign_keys", "query_only", "trusted_schema", "temp_store")
    return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}


# -- opening


def test_what_the_promises_rest_on_is_set(database: Database) -> None:
    promised = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0, "temp_store": 2}
    assert database.read(pragmas) == {**promised, "query_only": 1}
    assert asyncio.run(database.read_aside(pragmas)) == {**promised, "query_only": 1}
    assert asyncio.run(database.write(pragmas)) == {**promised, "query_only": 0}


def test_the_file_is_its_owners_alone(database: Database) -> None:
    for suffix in ("", "-wal", "-shm"):
        mode = Path(f"{database.path}{suffix}").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid):
        Database(tmp_path / "missing" / "catalog.db")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"not a database, and longer than a header " * 40)
    with pytest.raises(ConfigInvalid):
        Database(tmp_path / "catalog.db")


def test_a_place_that_has_no_write_ahead_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigInvalid) as caught:
        Database(Path(":memory:"))
    assert "journal_mode" in caught.value.message


# -- reading


def test_a_read_is_one_snapshot(database: Database) -> None:
    other = sqlite3.connect(database.path, isolation_level=None)

    def query(connection: sqlite3.Connection) -> tuple[list[str], list[str]]:
        before = names(connection)
        other.execute("INSERT INTO signer (identity, name) VALUES ('late', 'n')")
        return before, names(connection)

    try:
        assert database.read(query) == ([], [])
        assert database.read(names) == ["late"]
        assert asyncio.run(database.read_aside(names)) == ["late"]
    finally:
        other.close()


@pytest.mark.parametrize("aside", [False, True], ids=["inline", "aside"])
def test_a_read_never_writes(database: Database, aside: bool) -> None:
    with pytest.raises(GatewayError):
        asyncio.run(database.read_aside(add("x"))) if aside else database.read(add("x"))
    assert database.read(names) == []


def test_a_read_that_fails_leaves_the_connection_usable(database: Database) -> None:
    def query(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT 1")
        raise KeyError("mine")

    with pytest.raises(KeyError):
        database.read(query)
    with pytest.raises(Internal):
        database.read(lambda connection: connection.execute("SELECT nothing FROM nowhere"))
    assert database.read(names) == []


def counting(calls: list[int]) -> Callable[[sqlite3.Connection], tuple[str, ...]]:
    def query(connection: sqlite3.Connection) -> tuple[str, ...]:
        calls.append(1)
        return tuple(names(connection))

    return query


def test_what_is_asked_again_is_remembered_until_anybody_commits(database: Database) -> None:
    calls: list[int] = []
    assert [database.read_again("names", counting(calls), now=1) for _ in range(3)] == [()] * 3
    assert len(calls) == 1
    asyncio.run(database.write(add("own")))
    assert database.read_again("names", counting(calls), now=1) == ("own",)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("INSERT INTO signer (identity, name) VALUES ('other', 'n')")
    other.close()
    assert database.read_again("names", counting(calls), now=1) == ("other", "own")
    assert len(calls) == 3


def test_what_is_remembered_is_of_one_second_and_one_question(database: Database) -> None:
    calls: list[int] = []
    for key, now in (("a", 1), ("a", 2), ("b", 2), ("a", 2), ("a", 1)):
        database.read_again(key, counting(calls), now=now)
    assert len(calls) == 4


def test_what_may_not_stay_in_memory_is_read_anew(database: Database) -> None:
    calls: list[int] = []
    for _ in range(2):
        database.read_again("names", counting(calls), now=1, keep=bool)
    assert len(calls) == 2


def test_what_is_remembered_is_bounded(database: Database) -> None:
    calls: list[int] = []
    for _ in range(2):
        for number in range(MAX_REMEMBERED + 1):
            database.read_again(number, counting(calls), now=1)
    assert len(calls) == MAX_REMEMBERED + 2


def test_a_commit_during_the_question_is_not_missed_by_the_next(database: Database) -> None:
    def beside(connection: sqlite3.Connection) -> tuple[str, ...]:
        found = tuple(names(connection))
        asyncio.run(database.write(add("late")))
        return found

    assert database.read_again("names", beside, now=1) == ()
    assert database.read_again("names", counting([]), now=1) == ("late",)


def test_a_question_that_fails_is_not_remembered(database: Database) -> None:
    with pytest.raises(Internal):
        database.read_again("names", lambda connection: connection.execute("SELECT 1 FROM absent"), now=1)
    assert database.read_again("names", counting([]), now=1) == ()


def test_the_data_version_moves_with_commits_of_others(database: Database) -> None:
    before = database.data_version()
    assert database.data_version() == before
    asyncio.run(database.write(add("a")))
    assert database.data_version() != before


# -- writing


class Busy:
    """The writer, kept in a transaction until `go`: what is asked for meanwhile queues up behind it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._started, self._gate = threading.Event(), threading.Event()
        self.statements: list[str] = []

    async def begin(self) -> None:
        self._first = asyncio.ensure_future(self._database.write(self._wait))
        await asyncio.to_thread(self._started.wait, 10)

    async def go(self) -> None:
        await asyncio.sleep(0)
        self._gate.set()
        await self._first

    def _wait(self, connection: sqlite3.Connection) -> None:
        self._started.set()
        self._gate.wait(10)
        connection.set_trace_callback(self.statements.append)


def test_a_write_returns_what_the_change_returned(database: Database) -> None:
    assert asyncio.run(database.write(add("a"))) == "a"
    assert database.read(names) == ["a"]


def test_members_share_a_transaction_and_a_failing_one_harms_none(database: Database) -> None:
    """While one transaction is open, five changes queue up: they become one, and the two bad ones leave no trace."""
    busy = Busy(database)

    def half(connection: sqlite3.Connection) -> None:
        add("half")(connection)
        raise ValueError("mine")

    def twice(connection: sqlite3.Connection) -> None:
        add("twice")(connection)
        add("twice")(connection)

    async def main() -> list[object]:
        await busy.begin()
        others = [asyncio.ensure_future(database.write(each)) for each in (add("a"), half, add("b"), twice, add("c"))]
        await busy.go()
        return await asyncio.gather(*others, return_exceptions=True)

    results = asyncio.run(main())
    assert [result for result in results if isinstance(result, str)] == ["a", "b", "c"]
    assert isinstance(results[1], ValueError)
    assert isinstance(results[3], sqlite3.IntegrityError)
    assert database.read(names) == ["a", "b", "c"]
    assert (busy.statements.count("BEGIN IMMEDIATE"), busy.statements.count("COMMIT")) == (
        1,
        2,
    )  # its own, and the five's


def test_a_batch_is_bounded(database: Database) -> None:
    busy = Busy(database)

    async def main() -> None:
        await busy.begin()
        others = [asyncio.ensure_future(database.write(add(f"{number:03}"))) for number in range(MAX_BATCH + 1)]
        await busy.go()
        await asyncio.gather(*others)

    asyncio.run(main())
    assert busy.statements.count("COMMIT") == 3
    assert len(database.read(names)) == MAX_BATCH + 1


def test_nobody_is_answered_before_the_commit(database: Database) -> None:
    """The result of a member is only known once another connection can read what it wrote."""

    async def one(name: str) -> bool:
        await database.write(add(name))
        return name in database.read(names)

    async def main() -> list[bool]:
        return await asyncio.gather(*(one(f"{number}") for number in range(30)))

    assert all(asyncio.run(main()))


def test_a_change_that_nobody_waits_for_any_more_is_not_made(database: Database) -> None:
    busy = Busy(database)

    async def main() -> None:
        await busy.begin()
        given_up = asyncio.ensure_future(database.write(add("given up")))
        await asyncio.sleep(0)
        given_up.cancel()
        await busy.go()

    asyncio.run(main())
    asyncio.run(database.write(add("next")))
    assert database.read(names) == ["next"]


def test_an_error_of_sqlite_is_one_of_ours(database: Database) -> None:
    with pytest.raises(Internal):
        asyncio.run(database.write(lambda connection: connection.execute("SELECT nothing FROM nowhere").fetchall()))
    assert database.failed is False


def test_a_change_that_commits_by_itself_is_a_fault(database: Database) -> None:
    with pytest.raises(Internal):
        asyncio.run(database.write(lambda connection: connection.execute("COMMIT").fetchall()))
    assert asyncio.run(database.write(add("after"))) == "after"


def test_another_process_that_holds_the_lock_is_waited_for_and_no_longer(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.db", busy_seconds=0.01)
    database.create_tables()
    other = sqlite3.connect(database.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            asyncio.run(database.write(add("a")))
        assert database.read(names) == []  # a reader waits for nobody
        other.execute("ROLLBACK")
        assert asyncio.run(database.write(add("a"))) == "a"
    finally:
        other.close()
        asyncio.run(database.close())


def test_a_full_disk_undoes_the_change_and_not_the_catalog(database: Database) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        connection.execute("INSERT INTO signer (identity, name) VALUES ('large', ?)", ("x" * 1_000_000,))

    with pytest.raises(StorageFull):
        asyncio.run(database.write(fill))
    asyncio.run(database.write(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone()))
    assert asyncio.run(database.write(add("a"))) == "a"
    assert database.failed is False


# -- the end


def test_close_finishes_what_was_asked_for(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalog.db")
    database.create_tables()

    async def main() -> list[str]:
        asked = [asyncio.ensure_future(database.write(add(f"{number}"))) for number in range(5)]
        await asyncio.sleep(0)
        await database.close()
        await database.close()
        return await asyncio.gather(*asked)

    assert asyncio.run(main()) == ["0", "1", "2", "3", "4"]
    with pytest.raises(Unavailable):
        database.read(names)
    with pytest.raises(Unavailable):
        asyncio.run(database.write(add("late")))
    assert not Path(f"{database.path}-wal").exists()


# -- two processes

_OTHER = """
import asyncio, sys
from pathlib import Path
from typing import Any
from gateway.catalog.sqlite.database import Database

database = Database(Path(sys.argv[1]))
for line in sys.stdin:
    word, _, name = line.strip().partition(" ")
    if word == "write":
        asyncio.run(database.write(
            lambda connection: connection.execute("INSERT INTO signer (identity, name) VALUES (?, 'n')", (name,)).rowcount
        ))
        print("written", flush=True)
    else:
        rows = database.read(lambda connection: connection.execute("SELECT identity FROM signer ORDER BY 1").fetchall())
        print(",".join(row[0] for row in rows), flush=True)
"""


@pytest.fixture
def other(database: Database) -> Iterator[Callable[[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _OTHER, str(database.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask(line: str) -> str:
        if line == "kill":
            process.send_signal(signal.SIGKILL)
            process.wait()
            return ""
        stdin.write(f"{line}\n")
        stdin.flush()
        return stdout.readline().strip()

    yield ask
    process.kill()
    process.wait()
    stdout.close()
    stdin.close()


def test_two_processes_see_each_others_commits_on_the_next_read(
    database: Database, other: Callable[[str], str]
) -> None:
    for number in range(5):
        version = database.data_version()
        assert other(f"write theirs{number}") == "written"
        assert database.data_version() != version
        assert f"theirs{number}" in database.read(names)
        asyncio.run(database.write(add(f"ours{number}")))
        assert f"ours{number}" in other("read")


def test_what_was_acknowledged_survives_the_process(database: Database, other: Callable[[str], str]) -> None:
    assert other("write theirs") == "written"
    other("kill")
    assert database.read(names) == ["theirs"]
    assert asyncio.run(database.write(add("ours"))) == "ours"


_FAILING = """
import asyncio, resource, sys, threading
from pathlib import Path
from typing import Any
from gateway.catalog.sqlite.database import Database
from gateway.errors import StorageFailed

def add(connection, name, size):
    connection.execute("INSERT INTO signer (identity, name) VALUES (?, ?)", (name, "x" * size))

async def main():
    database = Database(Path(sys.argv[1]))
    await database.write(lambda connection: add(connection, "before", 1))
    limit = Path(sys.argv[1] + "-wal").stat().st_size + 4096
    gate = threading.Event()
    asked = [
        asyncio.ensure_future(database.write(change))
        for change in (
            lambda connection: gate.wait(10),
            # One transaction: the small change is lost with the one that the disk did not take.
            lambda connection: add(connection, "small", 1),
            lambda connection: add(connection, "large", 3_000_000),
        )
    ]
    await asyncio.sleep(0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    gate.set()
    _, *results = await asyncio.gather(*asked, return_exceptions=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    later = await asyncio.gather(database.write(lambda connection: add(connection, "later", 1)), return_exceptions=True)
    print(*[type(result).__name__ for result in (*results, *later)], database.failed)
    rows = database.read(lambda connection: connection.execute("SELECT identity FROM signer").fetchall())
    print(*[row[0] for row in rows])

asyncio.run(main())
"""


def test_after_a_failed_write_call_nothing_is_written_any_more(database: Database) -> None:
    """An fsync that failed once may succeed the next time without having stored anything: no second try."""
    ran = subprocess.run(
        [sys.executable, "-c", _FAILING, str(database.path)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["StorageFailed StorageFailed StorageFailed True", "before"]


_NO_DESCRIPTORS = """
import asyncio, os, sys
from pathlib import Path
from typing import Any
from gateway.catalog.sqlite.database import Database

def change(connection):
    # Sorts and sets aside far more than a page cache holds; with its savepoint it needs a journal of its own, too.
    connection.execute("CREATE TEMP TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
                       " SELECT i, hex(randomblob(200)) AS x FROM n ORDER BY x")
    connection.execute("INSERT INTO signer (identity, name) SELECT i || x, 'n' FROM t")
    connection.execute("UPDATE signer SET name = identity")
    connection.execute("DROP TABLE t")

async def main():
    database = Database(Path(sys.argv[1]))
    await database.write(lambda connection: connection.execute("SELECT 1").fetchone())
    taken = []
    try:
        while True:
            taken.append(os.open("/", os.O_RDONLY))
    except OSError:
        pass
    await database.write(change)
    count = database.read(lambda connection: connection.execute("SELECT count(*) FROM signer").fetchone())
    print(database.failed, count[0])

asyncio.run(main())
"""


def test_a_write_needs_no_descriptor(database: Database) -> None:
    """Whoever opens connections takes those that are free; a commit that needed one ended the process."""
    command = ["prlimit", "--nofile=128:128", sys.executable, "-c", _NO_DESCRIPTORS, str(database.path)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (ran.returncode, ran.stdout) == (0, "False 20000\n"), ran.stderr


class Starved:
    """The writer's connection, of which one statement finds no memory, or ends in what nobody thought of."""

    def __init__(self, inner: sqlite3.Connection, statement: str, error: BaseException) -> None:
        self._inner, self._statement, self._error = inner, statement, error

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Execute it, but for the first that begins so."""
        if self._statement and statement.startswith(self._statement):
            self._statement = ""
            raise self._error
        return self._inner.execute(statement, *values)


@pytest.mark.parametrize("statement", ["BEGIN", "SAVEPOINT", "INSERT", "RELEASE", "COMMIT"])
def test_a_write_that_finds_no_memory_is_undone_and_the_next_is_written(database: Database, statement: str) -> None:
    database._writer = Starved(database._writer, statement, MemoryError())  # type: ignore[assignment]
    with pytest.raises((Unavailable, MemoryError)):
        asyncio.run(database.write(add("lost")))
    assert asyncio.run(database.write(add("kept"))) == "kept"
    assert database.read(names) == ["kept"]


def test_a_surprise_in_the_writer_is_told_and_nothing_is_written_after_it(database: Database) -> None:
    database._writer = Starved(database._writer, "COMMIT", OverflowError("nobody thought of this"))  # type: ignore[assignment]
    for name in ("first", "second"):
        with pytest.raises(StorageFailed):
            asyncio.run(database.write(add(name)))


# -- what an error means


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param(sqlite3.SQLITE_BUSY, Unavailable, id="busy"),
        pytest.param(sqlite3.SQLITE_BUSY_SNAPSHOT, Unavailable, id="busy-snapshot"),
        pytest.param(sqlite3.SQLITE_LOCKED, Unavailable, id="locked"),
        pytest.param(sqlite3.SQLITE_FULL, StorageFull, id="full"),
        pytest.param(sqlite3.SQLITE_CANTOPEN, Unavailable, id="no-descriptor"),
        pytest.param(sqlite3.SQLITE_CANTOPEN_ISDIR, Unavailable, id="cannot-be-opened"),
        pytest.param(sqlite3.SQLITE_IOERR_NOMEM, Unavailable, id="no-memory-for-a-call"),
        pytest.param(sqlite3.SQLITE_IOERR_GETTEMPPATH, Unavailable, id="no-temporary-folder"),
        pytest.param(sqlite3.SQLITE_IOERR_FSYNC, StorageFailed, id="fsync"),
        pytest.param(sqlite3.SQLITE_IOERR_WRITE, StorageFailed, id="write"),
        pytest.param(sqlite3.SQLITE_CORRUPT, StorageFailed, id="corrupt"),
        pytest.param(sqlite3.SQLITE_NOTADB, ConfigInvalid, id="not-a-database"),
        pytest.param(sqlite3.SQLITE_READONLY, ConfigInvalid, id="read-only"),
        pytest.param(sqlite3.SQLITE_ERROR, Internal, id="a-bad-statement"),
        pytest.param(sqlite3.SQLITE_CONSTRAINT_UNIQUE, Internal, id="a-constraint"),
        pytest.param(None, Internal, id="not-from-sqlite"),
    ],
)
def test_what_an_error_means(code: int | None, expected: type[GatewayError]) -> None:
    error = sqlite3.OperationalError("x")
    if code is not None:
        error.sqlite_errorcode = code
        error.sqlite_errorname = "NAME"
    assert type(refusal_of(error)) is expected
