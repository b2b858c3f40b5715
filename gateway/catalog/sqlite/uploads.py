"""Upload sessions as rows: whose they are, and how many bytes were acknowledged.

A session is found by its id *and* its principal *and* its repository. To anybody else the answer is that of a session that
never was: the same error, whichever part did not fit (CVE-2026-32589).

I/O: reads and writes of the catalog.
Source: DESIGN 4 ("Upload sessions") and 11.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.directory import read_project
from gateway.catalog.sqlite.loose import check_room, drop_loose
from gateway.catalog.values import MAX_PATCHES, UploadRow
from gateway.errors import Conflict, NameUnknown, TooManyRequests, UploadInvalid, UploadOutOfOrder, UploadUnknown
from gateway.identity.values import Principal
from gateway.oci.names import RepositoryName

MAX_OPEN: Final = 200
"""Sessions of one principal in one project: twenty docker pushes of ten layers each at a time, by one robot.

Each is a file and up to a blob's length of bytes that no repository has. They end with their upload, when they are
cancelled, and when they were idle for too long.
"""
OPEN_RETRY_SECONDS: Final = 30

OPEN: Final = (
    "SELECT 1 FROM upload u WHERE u.project_id = :project AND u.principal_id = :principal LIMIT 1 OFFSET :others"
)

_COLUMNS: Final = "id, repo_name, principal_id, size, patches, started, touched"


class SqliteUploads:
    """`UploadCatalog`, and `idle` for whoever removes what nobody finishes."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def start(self, session: str, repository: RepositoryName, *, principal: Principal, now: int) -> None:
        """Record a new session of size 0.

        Raises `NameUnknown` where no project claims the repository's name, `TooManyRequests` where the principal has
        `MAX_OPEN` sessions in the project, or no room for another blob that nothing names (`check_room`): counted in the
        transaction, so that requests at one time do not pass together.
        """

        def change(connection: sqlite3.Connection) -> None:
            project = read_project(connection, repository)
            if project is None:
                raise NameUnknown(f"no project claims {repository}")
            values = {"project": project.id, "principal": principal.id, "others": MAX_OPEN - 1}
            if connection.execute(OPEN, values).fetchone() is not None:
                raise TooManyRequests(
                    f"{MAX_OPEN} uploads are open in this project: finish or cancel one before the next is started",
                    retry_after_seconds=OPEN_RETRY_SECONDS,
                )
            check_room(connection, project.id, repository, principal=principal)
            connection.execute(
                "INSERT INTO upload (id, repo_name, project_id, principal_id, started, touched) VALUES (?, ?, ?, ?, ?, ?)",
                (session, repository.text, project.id, principal.id, now, now),
            )

        try:
            await self._database.write(change)
        except sqlite3.IntegrityError:
            raise Conflict("there is an upload session with this id already") from None

    async def upload(self, session: str, repository: RepositoryName, *, principal_id: str) -> UploadRow:
        """Return the session. Raises `UploadUnknown`, also for another principal or repository."""
        row = self._database.read(
            lambda connection: connection.execute(
                f"SELECT {_COLUMNS} FROM upload WHERE id = ? AND repo_name = ? AND principal_id = ?",  # noqa: S608
                (session, repository.text, principal_id),
            ).fetchone()
        )
        if row is None:
            raise UploadUnknown(session)
        return UploadRow(row[0], repository, *row[2:])

    async def advance(self, session: str, *, from_size: int, to_size: int, now: int) -> None:
        """Record acknowledged bytes: compare and swap, so that of two chunks for one place only one counts.

        Raises `UploadUnknown`, `UploadOutOfOrder` where the session is no longer at ``from_size``, `UploadInvalid` for a
        step backwards and after `MAX_PATCHES` steps.
        """
        if to_size < from_size:
            raise UploadInvalid("an upload session does not shrink")

        def change(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT size, patches FROM upload WHERE id = ?", (session,)).fetchone()
            if row is None:
                raise UploadUnknown(session)
            if row[0] != from_size:
                raise UploadOutOfOrder(row[0])
            if row[1] >= MAX_PATCHES:
                raise UploadInvalid(f"more than {MAX_PATCHES} chunks: start again, with larger ones")
            connection.execute(
                "UPDATE upload SET size = ?, patches = patches + 1, touched = max(touched, ?) WHERE id = ?",
                (to_size, now, session),
            )

        await self._database.write(change)

    async def count_failed(self, session: str) -> None:
        """Count a chunk that came to nothing with those that did: it was received and written as they are."""
        await self._database.write(
            lambda connection: connection.execute("UPDATE upload SET patches = patches + 1 WHERE id = ?", (session,))
        )

    async def end(self, session: str) -> None:
        """Forget the session; nothing where it is gone."""
        await self._database.write(lambda connection: connection.execute("DELETE FROM upload WHERE id = ?", (session,)))

    async def drop_loose(self, *, before: int, limit: int) -> int:
        """Take blobs from their repositories that no manifest has named since ``before`` (Unix seconds); return how many.

        Their bytes stay in the store, as those of every blob that no repository has any more. A repository that held
        nothing else goes with them.
        """
        return await self._database.write(lambda connection: drop_loose(connection, before=before, limit=limit))

    async def idle(self, *, before: int, limit: int) -> Sequence[str]:
        """Return ids of sessions not touched since ``before`` (Unix seconds), longest idle first."""
        rows = await self._database.read_aside(
            lambda connection: connection.execute(
                "SELECT id FROM upload WHERE touched < ? ORDER BY touched, id LIMIT ?", (before, limit)
            ).fetchall()
        )
        return [row[0] for row in rows]
