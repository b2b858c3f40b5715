"""Manifests by tag, by digest, by subject: `ManifestReads` on SQLite.

Each is one statement over unique keys, with visibility derived in it (DESIGN 3); by tag and by digest are what every pull
asks, and run inline.

I/O: reads of the catalog.
Source: reference measurements of DESIGN 4: 11 to 37 us each over 2.4 million manifests.
"""

# ruff: noqa: S608 - composed of constants; values are bound parameters.

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from gateway.access.values import Condition
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.rows import Row, alias_digest, view, view_columns
from gateway.catalog.sqlite.visibility import HELD, condition, image
from gateway.catalog.values import ManifestClass, ManifestView, TagView, WithBody
from gateway.errors import Internal
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag

MAX_INLINE_REFERRERS: Final = 100
"""184 us a page of 100, whatever they weigh: no body is in it. Larger ones would keep the event loop."""

_BODY: Final = ", (SELECT b.bytes FROM body b WHERE b.manifest_id = m.id)"


def _statements(tail: str) -> tuple[str, str]:
    """Return the statement without and with the body."""
    columns = view_columns("m")
    return f"SELECT {columns} {tail}", f"SELECT {columns}{_BODY} {tail}"


BY_ID: Final = _statements("FROM manifest m JOIN repository r ON r.id = m.repo_id WHERE m.id = :id")
BY_SHA256: Final = _statements("""FROM repository r JOIN manifest m ON m.repo_id = r.id AND m.sha256 = :sha256
WHERE r.name = :repository""")
BY_ALIAS: Final = _statements("""FROM repository r JOIN alias a ON a.repo_id = r.id AND a.digest = :digest
JOIN manifest m ON m.id = a.manifest_id WHERE r.name = :repository""")

BY_TAG: Final = tuple(
    f"""SELECT t.target_alias, t.pending_id, t.pending_alias, t.requester_id, t.generation, {view_columns("m")}{body}
FROM repository r JOIN tag t ON t.repo_id = r.id AND t.name = :tag
LEFT JOIN manifest m ON m.id = t.target_id WHERE r.name = :repository"""
    for body in ("", _BODY)
)
_TAG_WIDTH: Final = 5

SUBJECT: Final = f"""SELECT {image("m")} FROM repository r JOIN manifest m ON m.repo_id = r.id AND m.sha256 = :sha256
WHERE r.name = :repository AND m.class = '{ManifestClass.IMAGE.value}'"""

# Evidence names one subject for the whole page: it is looked up once, and each row only compared with it.
# No body: up to 4 MiB each, of rows that the caller may not even see.
_REFERRERS: Final = f"""SELECT {view_columns("m", subject="(:subject_visible AND m.subject = :sha256)")}
FROM repository r JOIN referrer f ON f.repo_id = r.id AND f.subject = :subject
JOIN manifest m ON m.id = f.manifest_id WHERE r.name = :repository"""
REFERRERS: Final = f"""{_REFERRERS} AND (f.artifact_type, f.manifest_id) > (:type, :id)
ORDER BY f.artifact_type, f.manifest_id LIMIT :limit"""
REFERRERS_OF_TYPE: Final = f"""{_REFERRERS} AND f.artifact_type = :type AND f.manifest_id > :id
ORDER BY f.manifest_id LIMIT :limit"""

MAX_REMEMBERED_BYTES: Final = 32 * 1024
"""Larger manifests are read anew each time: all that is remembered stays under 64 MiB."""

BODY_BY_ID: Final = "SELECT b.bytes FROM body b WHERE b.manifest_id = ?"

# What waits has a clock (`expires`), and its partial index holds nothing else: the oldest end first.
HELD_LIST: Final = f"""SELECT r.name, {view_columns("m")}
FROM manifest m JOIN repository r ON r.id = m.repo_id
WHERE m.expires IS NOT NULL AND m.state = {HELD}
AND (:project IS NULL OR r.project_id = (SELECT p.id FROM project p WHERE p.name = :project))
AND {condition("m")} = '{Condition.HELD.value}' ORDER BY m.expires LIMIT :limit"""

IMAGES: Final = f"""SELECT r.name, {view_columns("m")}
FROM manifest m JOIN repository r ON r.id = m.repo_id
WHERE m.id > :after AND m.class = '{ManifestClass.IMAGE.value}' ORDER BY m.id LIMIT :limit"""


class SqliteManifests:
    """`ManifestReads` over a `Database`."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def by_tag(self, repository: RepositoryName, tag: Tag, *, now: int, with_body: WithBody) -> TagView | None:
        """Return the tag, or None where there is no such tag (a deleted one counts as none).

        ``with_body="visible"``: of a visible target only. What waits is for few, whether or not its digest is visible.
        """
        return self._database.read_again(
            ("tag", repository.text, tag.text, with_body),
            lambda connection: _by_tag(connection, repository, tag, now, with_body),
            now=now,
            keep=lambda found: found is None or (_light(found.target) and _light(found.pending)),
        )

    async def by_digest(
        self, repository: RepositoryName, digest: Digest, *, now: int, with_body: WithBody
    ) -> ManifestView | None:
        """Return the manifest row named by a sha256, or by the alias it was pushed with."""
        return self._database.read_again(
            ("digest", repository.text, str(digest), with_body),
            lambda connection: _by_digest(connection, repository, digest, now, with_body),
            now=now,
            keep=_light,
        )

    async def referrers(
        self,
        repository: RepositoryName,
        subject: Digest,
        *,
        artifact_type: str | None,
        after: tuple[str, int] | None,
        limit: int,
        now: int,
    ) -> Sequence[ManifestView]:
        """Return the manifests that name ``subject``, without bodies, by (artifact type, row id) after ``after``."""

        def query(connection: sqlite3.Connection) -> Sequence[ManifestView]:
            return _referrers(connection, repository, subject, artifact_type, after, limit, now)

        if limit <= MAX_INLINE_REFERRERS:
            return self._database.read(query)
        return await self._database.read_aside(query)

    async def bodies(self, ids: Sequence[int]) -> Mapping[int, bytes]:
        """Return the bytes of manifests by row id, read aside; what is gone is not in it. The caller bounds the sum."""

        def query(connection: sqlite3.Connection) -> Mapping[int, bytes]:
            found = ((number, connection.execute(BODY_BY_ID, (number,)).fetchone()) for number in ids)
            return {number: row[0] for number, row in found if row is not None}

        return await self._database.read_aside(query)

    async def held(self, project: ProjectName | None, *, limit: int, now: int) -> Sequence[ManifestView]:
        """Return what waits, of every class: held, not carried, with an end. What ends first comes first."""
        values = {"project": None if project is None else project.text, "limit": limit, "now": now}
        return await self._database.read_aside(
            lambda connection: [
                view(row[1:], RepositoryName(row[0]), alias=None) for row in connection.execute(HELD_LIST, values)
            ]
        )

    async def images(self, *, after: int, limit: int, now: int) -> Sequence[ManifestView]:
        """Return images of every repository and state with a row id above ``after``, by row id."""
        values = {"after": after, "limit": limit, "now": now}
        return await self._database.read_aside(
            lambda connection: [
                view(row[1:], RepositoryName(row[0]), alias=None) for row in connection.execute(IMAGES, values)
            ]
        )


def _light(found: ManifestView | None) -> bool:
    """Return whether a view may stay in memory."""
    return found is None or found.body is None or len(found.body) <= MAX_REMEMBERED_BYTES


def _by_tag(
    connection: sqlite3.Connection, repository: RepositoryName, tag: Tag, now: int, with_body: WithBody
) -> TagView | None:
    values = {"repository": repository.text, "tag": tag.text, "now": now}
    every = with_body is True
    row: Row | None = connection.execute(BY_TAG[every], values).fetchone()
    if row is None:
        return None
    target_alias, pending_id, pending_alias, requester, generation = row[:_TAG_WIDTH]
    found = row[_TAG_WIDTH:]
    target = None if found[0] is None else view(found, repository, alias=alias_digest(target_alias))
    pending = None
    if pending_id is not None:
        waiting = connection.execute(BY_ID[every], {"id": pending_id, "now": now}).fetchone()
        pending = None if waiting is None else view(waiting, repository, alias=alias_digest(pending_alias))
    if target is None and pending is None:
        return None
    if target is not None and with_body == "visible":
        target = _with_visible_body(connection, target)
    return TagView(tag=tag, target=target, pending=pending, requester=requester, generation=generation)


def _by_digest(
    connection: sqlite3.Connection, repository: RepositoryName, digest: Digest, now: int, with_body: WithBody
) -> ManifestView | None:
    values = {"repository": repository.text, "sha256": digest.hex, "digest": str(digest), "now": now}
    by_sha256 = digest.algorithm == "sha256"
    statement = (BY_SHA256 if by_sha256 else BY_ALIAS)[with_body is True]
    row = connection.execute(statement, values).fetchone()
    if row is None:
        return None
    found = view(row, repository, alias=None if by_sha256 else digest)
    return _with_visible_body(connection, found) if with_body == "visible" else found


def _with_visible_body(connection: sqlite3.Connection, found: ManifestView) -> ManifestView:
    """Return the view with its bytes where it is visible.

    By a statement of its own in the same snapshot, a look-up by row id: to ask for them in the first one only where the
    row is visible would derive visibility twice. How long a hidden one takes must not tell how large it is.
    """
    if not found.visible:
        return found
    row = connection.execute(BODY_BY_ID, (found.id,)).fetchone()
    if row is None:
        raise Internal("a manifest without its body")
    return replace(found, body=row[0])


def _referrers(
    connection: sqlite3.Connection,
    repository: RepositoryName,
    subject: Digest,
    artifact_type: str | None,
    after: tuple[str, int] | None,
    limit: int,
    now: int,
) -> Sequence[ManifestView]:
    # Ids start at 1, and the empty type comes first: nothing is skipped.
    after_type, after_id = after or ("", 0)
    values: dict[str, str | int] = {
        "repository": repository.text,
        "subject": str(subject),
        # Evidence binds by sha256 only: a subject named otherwise makes none of it visible.
        "sha256": subject.hex if subject.algorithm == "sha256" else "",
        "now": now,
        "limit": limit,
        "id": after_id,
        "type": after_type if artifact_type is None else artifact_type,
    }
    if artifact_type is not None and after is not None and after_type != artifact_type:
        values["id"] = 0 if after_type < artifact_type else 2**63 - 1
    row = connection.execute(SUBJECT, values).fetchone()
    values["subject_visible"] = 0 if row is None else row[0]
    rows = connection.execute(REFERRERS if artifact_type is None else REFERRERS_OF_TYPE, values)
    return [view(row, repository, alias=None) for row in rows]
