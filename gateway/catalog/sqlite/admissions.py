"""`AdmissionStore` on SQLite: the one way to change what is visible.

I/O: the catalog.
"""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from gateway.catalog.effects import Effect
from gateway.catalog.saying import Said
from gateway.catalog.sqlite.commit import commit
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.sight import Unsettled
from gateway.catalog.sqlite.witnesses import remember, walk
from gateway.catalog.sqlite.world import read_world
from gateway.catalog.values import DecisionRow
from gateway.catalog.world import World, WorldKey
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag

DECISIONS: Final = """SELECT id, tag, outcome, at, record FROM decision
WHERE repo_name = ? AND digest = ? ORDER BY rowid DESC LIMIT ?"""

NEWEST: Final = """SELECT id, outcome, reasons_sha256, record_sha256 FROM decision
WHERE repo_name = ? AND digest = ? AND tag IS ? ORDER BY rowid DESC LIMIT 1"""

DRIFT: Final = """SELECT d.id, d.tag, d.outcome, d.at, d.record, d.repo_name, d.digest FROM decision d
JOIN manifest m ON m.id = d.manifest_id
WHERE m.state = 1 AND d.tag IS NULL AND d.outcome = 'drift' AND (d.repo_name = :p OR d.repo_name LIKE :below ESCAPE '!')
  AND NOT EXISTS (SELECT 1 FROM decision n WHERE n.manifest_id = d.manifest_id AND n.tag IS NULL AND n.rowid > d.rowid)
ORDER BY d.rowid DESC LIMIT :k"""
"""An operator's question, read aside: it looks at every decision of the instance."""


class SqliteAdmissionStore:
    """`AdmissionStore` over a `Database`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def read_world(self, key: WorldKey, *, now: int) -> World | None:
        """Return the world of a decision, one snapshot; None where no project claims the repository's name."""
        try:
            return self._database.read(lambda connection: read_world(connection, key, now=now, walks=False))
        except Unsettled as found:
            await self._settle(found, now=now)
        return await self._database.read_aside(lambda connection: read_world(connection, key, now=now))

    async def _settle(self, unsettled: Unsettled, *, now: int) -> None:
        """Find out whether the blobs are shown, off the event loop, and remember it: the commit asks again."""
        for blob in unsettled.blobs:
            asked = partial(walk, repo_id=unsettled.repo_id, blob_id=blob, now=now)
            walked = await self._database.read_aside(asked)
            await self._database.write(partial(remember, walked=walked))

    async def commit(
        self,
        expected: Sequence[tuple[WorldKey, World]],
        effects: Sequence[Effect],
        *,
        repository: RepositoryName,
        now: int,
    ) -> bool:
        """Apply ``effects`` in one transaction if every world still equals what is expected; return whether it did."""
        return await self._database.write(
            lambda connection: commit(connection, expected, effects, repository=repository, now=now)
        )

    async def decisions(self, repository: RepositoryName, digest: Digest, *, limit: int) -> Sequence[DecisionRow]:
        """Return the decisions about these bytes here, newest first."""
        rows = self._database.read(
            lambda connection: connection.execute(DECISIONS, (repository.text, str(digest), limit)).fetchall()
        )
        return [_decision(row, repository, digest) for row in rows]

    async def newest_decision(self, repository: RepositoryName, digest: Digest, *, tag: Tag | None) -> Said | None:
        """Return what the newest decision says about the manifest (``tag`` None) or about this tag of it."""
        values = (repository.text, str(digest), None if tag is None else tag.text)
        row = self._database.read(lambda connection: connection.execute(NEWEST, values).fetchone())
        return None if row is None else Said(*row)

    async def drift(self, project: ProjectName | None, *, limit: int) -> Sequence[DecisionRow]:
        """Return the newest judgement of each admitted manifest that would not be admitted any more, newest first."""
        name = "" if project is None else project.text
        below = "%" if project is None else name.replace("!", "!!").replace("_", "!_") + "/%"
        given = {"p": name, "below": below, "k": limit}
        rows = await self._database.read_aside(lambda connection: connection.execute(DRIFT, given).fetchall())
        return [_decision(row, RepositoryName.parse(row[5]), Digest.parse(row[6])) for row in rows]

    async def decision_input(self, sha256: str) -> bytes | None:
        """Return the stored input document of a decision."""
        row = self._database.read(
            lambda connection: connection.execute(
                "SELECT document FROM decision_input WHERE sha256 = ?", (sha256,)
            ).fetchone()
        )
        return None if row is None else row[0]


def _decision(row: Sequence[Any], repository: RepositoryName, digest: Digest) -> DecisionRow:
    return DecisionRow(
        id=row[0],
        repository=repository,
        digest=digest,
        tag=row[1],
        outcome=row[2],
        at=row[3],
        record=json.loads(row[4]),
    )
