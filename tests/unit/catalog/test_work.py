"""Work that two processes claim at once, for real."""

import asyncio
import functools
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Final

from gateway.catalog.sqlite.work import CLAIMED
from tests.support.catalog import add_project
from tests.support.catalog_admin import NOW, on_sqlite, opened

ITEMS: Final = 300

_CLAIMER: Final = """
import asyncio, sys
from pathlib import Path
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.work import SqliteWork

async def main():
    database = Database(Path(sys.argv[1]))
    work = SqliteWork(database=database)
    # One claim before the start, so that both have a share on however fast a machine.
    items = await work.claim(limit=3, lease_seconds=60, now=int(sys.argv[2]))
    print("ready", flush=True)
    sys.stdin.readline()
    while items:
        for item in items:
            print(item.key, item.attempts, flush=True)
        if len(items) > 1:
            await work.done(items[0])
        items = await work.claim(limit=3, lease_seconds=60, now=int(sys.argv[2]))
    await database.close()

asyncio.run(main())
"""


def test_two_processes_never_claim_the_same_item(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with opened(path) as database:
        work = on_sqlite(database).work

        async def fill() -> None:
            await asyncio.gather(*(work.enqueue("reevaluate", f"{number}", {}, due=NOW) for number in range(ITEMS)))

        asyncio.run(fill())
        command = [sys.executable, "-c", _CLAIMER, str(path), str(NOW)]
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:  # both are open and waiting: now at once
            assert worker.stdin is not None
            worker.stdin.write("\n")
            worker.stdin.flush()
        outputs = [worker.communicate(timeout=120)[0].splitlines() for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0]
        claimed = [line.split() for output in outputs for line in output]
        assert sorted(int(key) for key, _ in claimed) == list(range(ITEMS))
        assert {attempts for _, attempts in claimed} == {"1"}
        assert all(outputs), "both had their share"


def test_a_project_with_plenty_of_work_keeps_no_others_waiting(tmp_path: Path) -> None:
    with opened(tmp_path / "catalog.db") as database:
        work = on_sqlite(database).work

        async def story() -> None:
            for number in (1, 2):
                await database.write(functools.partial(_add_repository, name=f"p{number}"))
            for number in range(100):
                await work.enqueue("reevaluate", f"{number}", {"repository": "p1/app"}, due=NOW - 50)
            await work.enqueue("reevaluate", "other", {"repository": "p2/app"}, due=NOW)
            await work.enqueue("expire", "own", {}, due=NOW)
            await work.enqueue("reevaluate", "later", {"repository": "p2/app"}, due=NOW + 1)
            first = await work.claim(limit=4, lease_seconds=60, now=NOW)
            assert [item.key for item in first] == ["0", "1", "other", "own"]
            second = await work.claim(limit=4, lease_seconds=60, now=NOW)
            assert [item.key for item in second] == ["2", "3", "4", "5"]

        asyncio.run(story())


def _add_repository(connection: sqlite3.Connection, *, name: str) -> None:
    values = (add_project(connection, name), f"{name}/app", NOW)
    connection.execute("INSERT INTO repository (project_id, name, created) VALUES (?, ?, ?)", values)


def test_a_claim_reads_the_first_few_of_each_project(tmp_path: Path) -> None:
    with opened(tmp_path / "catalog.db") as database:
        values = {"now": NOW, "limit": 16}
        plan = database.read(lambda connection: connection.execute(f"EXPLAIN QUERY PLAN {CLAIMED}", values).fetchall())
        found = [row[3] for row in plan]
        assert "SEARCH n USING INDEX ix_work_project_id (project_id=? AND due<?)" in found
        assert [line for line in found if line.startswith("SCAN w") and "INDEX ix_work_project_id" not in line] == []
