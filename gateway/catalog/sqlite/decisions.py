"""`DecisionReads` on SQLite: a decision by its id, and the newest about a tag.

A push that was refused leaves no tag, and its decision is the manifest's; which tags it asked for stands in its event.
So both are looked at. An operator's question, read aside: it looks at every decision of one repository.

I/O: reads of the catalog.
"""

import json
import sqlite3
from typing import Final

from gateway.catalog.sqlite.database import Database
from gateway.catalog.values import DecisionRow
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag

BY_ID: Final = "SELECT id, repo_name, digest, tag, outcome, at, record FROM decision WHERE id = ?"

BY_TAG: Final = """SELECT d.id, d.repo_name, d.digest, d.tag, d.outcome, d.at, d.record FROM decision d
WHERE d.repo_name = :repository AND (d.tag = :tag OR d.tag IS NULL AND d.outcome IN ('denied', 'policy-error') AND EXISTS (
  SELECT 1 FROM event e, json_each(e.data, '$.tags') t
  WHERE e.digest = d.digest AND e.decision_id = d.id AND t.value = :tag))
ORDER BY d.rowid DESC LIMIT 1"""


class SqliteDecisions:
    """`DecisionReads` over a `Database`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def decision(self, decision_id: str) -> DecisionRow | None:
        """Return the decision of this id."""
        row = await self._database.read_aside(lambda connection: connection.execute(BY_ID, (decision_id,)).fetchone())
        return None if row is None else _decision(row)

    async def newest_of_tag(self, repository: RepositoryName, tag: Tag) -> DecisionRow | None:
        """Return the newest decision about ``tag``, that of a refused push which asked for it included."""
        given = {"repository": repository.text, "tag": tag.text}
        row = await self._database.read_aside(lambda connection: connection.execute(BY_TAG, given).fetchone())
        return None if row is None else _decision(row)


def _decision(row: sqlite3.Row) -> DecisionRow:
    return DecisionRow(
        id=row[0],
        repository=RepositoryName.parse(row[1]),
        digest=Digest.parse(row[2]),
        tag=row[3],
        outcome=row[4],
        at=row[5],
        record=json.loads(row[6]),
    )
