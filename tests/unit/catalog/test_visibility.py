"""Every query that says who sees what, against the definition in plain Python, over a thousand small catalogs.

A catalog is a project with two repositories and a random history of puts, admissions, verifications, deletes, revocations
and their ends. After every few steps everything is read, and so the hints are stored and must not lie later.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from gateway.catalog.effects import (
    DeleteManifest,
    DeleteTag,
    DropPending,
    Effect,
    Entomb,
    MoveTag,
    PendTag,
    RecordVerified,
    Signature,
    Support,
)
from gateway.catalog.sqlite.arrivals import link_blob
from gateway.catalog.sqlite.blobs import SqliteBlobs
from gateway.catalog.sqlite.commit import commit
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.listings import SqliteListings
from gateway.catalog.sqlite.manifests import SqliteManifests
from gateway.catalog.sqlite.world import read_world
from gateway.catalog.values import METADATA, ManifestClass
from gateway.catalog.world import WorldKey
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag
from tests.support.catalog import ALICE, NOW, add_project, admit, image, index, put
from tests.support.catalog_file import with_tables
from tests.support.visibility_model import Model, Shared, TagRow, named

CATALOGS: Final = 1000
"""Three times what the rarest mutant needs. With one part of `gateway.catalog.sqlite.visibility` left out, this failed
within 25 catalogs for three of eight parts, within 125 for four, and within 300 for the last: that an entry of a fallback
index was revoked.
"""
SIDE_BY_SIDE: Final = 125
IN_ONE_TEST: Final = 250
"""So that several workers share them."""
SIZE: Final = 10
STEPS: Final = 3
"""Writes of a catalog, each of several changes, each followed by reading everything."""

Descendant = tuple[Digest, tuple[Digest, ...]]
Item = tuple[Manifest, ManifestClass, Digest | None]

LEAVES: Final = [image(b"base", bytes([number]), config=bytes([number % 3])) for number in range(5)]
MIDDLE: Final = [index(LEAVES[0].digest, LEAVES[1].digest), index(LEAVES[1].digest, LEAVES[2].digest)]
OUTER: Final = index(MIDDLE[0].digest, LEAVES[3].digest)
ROOTS: Final = [index(MIDDLE[0].digest, LEAVES[4].digest), index(MIDDLE[1].digest), index(OUTER.digest), OUTER]
IMAGES: Final = [*LEAVES, *MIDDLE, *ROOTS]
SBOM: Final = image(b"sbom", subject=LEAVES[0].digest, artifactType="application/spdx+json")
EVIDENCE: Final = [
    (image(b"signature", bytes([number]), subject=subject.digest if number % 2 else None), subject)
    for number, subject in enumerate([*LEAVES[:2], MIDDLE[0], ROOTS[0], ROOTS[2], LEAVES[0]])
]
ABOUT_EVIDENCE: Final = (image(b"signature", b"of a signature"), EVIDENCE[0][0])
FALLBACKS: Final = [
    (index(EVIDENCE[0][0].digest, EVIDENCE[5][0].digest), LEAVES[0]),
    (index(EVIDENCE[0][0].digest), LEAVES[0]),
    (index(EVIDENCE[1][0].digest), LEAVES[0]),
    (index(EVIDENCE[1][0].digest, annotations={"of": "another"}), LEAVES[1]),
    (index(annotations={"no": "entries"}), LEAVES[2]),
]
CACHE: Final = image(b"base", b"cache")
POOL: Final[list[Item]] = [
    *((manifest, ManifestClass.IMAGE, None) for manifest in (*IMAGES, SBOM)),
    *((manifest, ManifestClass.EVIDENCE, about.digest) for manifest, about in (*EVIDENCE, ABOUT_EVIDENCE)),
    *((manifest, ManifestClass.FALLBACK, about.digest) for manifest, about in FALLBACKS),
    (CACHE, ManifestClass.CACHE, None),
]
BY_DIGEST: Final = {manifest.digest: manifest for manifest, _, _ in POOL}
BLOB_SIZES: Final = {part.digest: part.size for manifest in BY_DIGEST.values() for part in manifest.referenced_blobs}
SIGNED: Final = {
    LEAVES[0].digest,
    SBOM.digest,
    ABOUT_EVIDENCE[0].digest,
    *(evidence.digest for evidence, about in EVIDENCE if about in (LEAVES[0], EVIDENCE[0][0])),
    *(fallback.digest for fallback, about in FALLBACKS if about is LEAVES[0]),
}
TAGS: Final = [Tag("v1"), Tag("v2"), Tag("v3")]


def descendants(manifest: Manifest, path: tuple[Digest, ...] = ()) -> list[Descendant]:
    found: list[Descendant] = []
    for entry in manifest.manifests:
        found.append((entry.digest, path))
        found.extend(descendants(BY_DIGEST[entry.digest], (*path, entry.digest)))
    return found


class History:
    """One catalog: random changes, made to the database and to the model alike."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.project = f"p{seed:06}"
        self.names = [RepositoryName(f"{self.project}/a"), RepositoryName(f"{self.project}/b")]
        self.shared = Shared()
        self.models = {name: Model(self.shared) for name in self.names}
        self.pool = self._choose()
        self.blobs = sorted({blob for manifest, _, _ in self.pool for blob in named(manifest)})
        self.signers = [f"key:{seed}:{number}" for number in range(3)]
        self.now = NOW
        self.log: list[str] = []
        self.place = self.names[0]
        self.effects: list[Effect] = []

    def _choose(self) -> list[Item]:
        """Return what this catalog is about: one root with all it names, or one image with all about it, and some more."""
        root = self.random.choice(ROOTS)
        family = {root.digest, *(child for child, _ in descendants(root))}
        if self.random.random() < 0.3:
            family = SIGNED
        rest = [item for item in POOL if item[0].digest not in family]
        chosen = family | {item[0].digest for item in self.random.sample(rest, SIZE - len(family))}
        return [item for item in POOL if item[0].digest in chosen]

    def begin(self, connection: sqlite3.Connection) -> None:
        add_project(connection, self.project)
        for name in self.names:
            for blob in self.blobs:
                if self.random.random() < 0.85:
                    self.link(connection, name, blob)
        for manifest, cls, subject in self.random.sample(self.pool, len(self.pool)):
            if self.random.random() < 0.7:
                self.put(connection, self.names[0], manifest, cls, subject)
        self.flush(connection)

    def step(self, connection: sqlite3.Connection) -> None:
        """Make a few changes in one transaction."""
        self.now += self.random.randrange(5)
        for _ in range(self.random.randrange(1, 7)):
            name = self.names[self.random.random() < 0.25]
            change, *_ = self.random.choices(
                (self.put_any, self.admit_any, self.verify_any, self.delete_any, self.tag_any, self.hide, self.show,
                 self.blob_any, self.repush),
                (4, 8, 6, 2, 3, 3, 2, 2, 2),
            )  # fmt: skip
            change(connection, name)
        self.flush(connection)

    # -- changes

    def commit(self, connection: sqlite3.Connection, name: RepositoryName, *effects: Effect) -> None:
        """Have the effects applied, together with those before and after them in the same repository."""
        if name != self.place:
            self.flush(connection)
            self.place = name
        self.effects.extend(effects)

    def flush(self, connection: sqlite3.Connection) -> None:
        if not self.effects:
            return
        self.log.append(f"{self.place} {self.effects}")
        key = WorldKey(repository=self.place, caller=ALICE.id, digest=CACHE.digest)
        world = read_world(connection, key, now=self.now)
        assert world is not None
        assert commit(connection, [(key, world)], self.effects, repository=self.place, now=self.now)
        self.effects = []

    def put(
        self,
        connection: sqlite3.Connection,
        name: RepositoryName,
        manifest: Manifest,
        cls: ManifestClass,
        subject: Digest | None,
    ) -> None:
        missing = self.models[name].put(manifest, cls, subject)
        held = self.random.randrange(100)
        expires = self.now + 1000 if held else None
        effect = put(manifest, cls=cls, subject=subject, missing=missing, held_bytes=held, expires=expires)
        self.commit(connection, name, effect)

    def put_any(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        manifest, cls, subject = self.random.choice(self.pool)
        if cls is ManifestClass.EVIDENCE and self.random.random() < 0.2:
            cls, subject = ManifestClass.IMAGE, None
        self.put(connection, name, manifest, cls, subject)

    def repush(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        """Delete and push again: edges and tombstones are by digest and stay."""
        row = self.some(name)
        if row is not None:
            manifest, cls, subject = next(item for item in POOL if item[0].digest == row)
            self.delete(connection, name, row)
            self.put(connection, name, manifest, cls, subject)

    def admit_any(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        model = self.models[name]
        digest = self.some(name, lambda found: model.rows[found].cls is ManifestClass.IMAGE)
        evidence = [found for found, row in model.rows.items() if row.cls is ManifestClass.EVIDENCE]
        if digest is None:
            return
        requirements = [
            [self.support(evidence) for _ in range(self.random.randrange(1, 4))]
            for _ in range(self.random.choice((0, 1, 1, 2, 3)) if evidence else 0)
        ]
        if requirements and self.random.random() < 0.05:
            requirements.append([])
        until = self.random.choice((None, None, None, self.now - 1, self.now + 3, self.now + 8))
        edges: list[Descendant] = []
        for child, path in descendants(BY_DIGEST[digest]):
            judged = not path or (path[-1], path[:-1]) in edges
            if judged and self.random.random() < 0.9:
                edges.append((child, path))
        model.admit(digest, requirements, edges, until)
        steps = [(BY_DIGEST[child], [BY_DIGEST[step] for step in path]) for child, path in edges]
        self.commit(connection, name, admit(BY_DIGEST[digest], *requirements, edges=steps, until=until))

    def support(self, evidence: Sequence[Digest]) -> Support:
        signer = self.random.choice(self.signers)
        return Support(signer, "name", self.random.choice(list(evidence)), self.now - self.random.randrange(10))

    def verify_any(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        model = self.models[name]
        digest = self.some(name, lambda found: model.rows[found].cls is ManifestClass.EVIDENCE)
        if digest is None:
            return
        signers = [
            (signer, self.now - self.random.randrange(10))
            for signer in self.random.sample(self.signers, self.random.randrange(1, 3))
        ]
        model.verify(digest, signers)
        signed = tuple(Signature(digest, signer, "name", seen) for signer, seen in signers)
        subject = model.rows[digest].subject
        assert subject is not None
        self.commit(connection, name, RecordVerified(digest, subject, signed, 0))

    def delete_any(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        digest = self.some(name)
        if digest is not None:
            self.delete(connection, name, digest)

    def delete(self, connection: sqlite3.Connection, name: RepositoryName, digest: Digest) -> None:
        self.models[name].delete(digest)
        self.commit(connection, name, DeleteManifest(digest))

    def tag_any(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        digest = self.some(name)
        if digest is None:
            return
        tag = self.random.choice(TAGS)
        row = self.models[name].tags.get(tag.text) or TagRow()
        effect: Effect
        match self.random.randrange(5):
            case 0 | 1:
                effect = MoveTag(tag, digest, None)
                row.generation, row.target, row.pending = row.generation + 1, digest, None
            case 2:
                effect = PendTag(tag, digest, None, ALICE.id, {})
                row.generation, row.pending = row.generation + 1, digest
            case 3:
                effect = DropPending(tag)
                row.pending = None
            case _:
                effect = DeleteTag(tag)
                row.generation, row.target, row.pending = row.generation + 1, None, None
        if isinstance(effect, MoveTag | PendTag):
            self.models[name].tags[tag.text] = row
        self.commit(connection, name, effect)

    def hide(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        """Revoke bytes, or a signer."""
        if self.random.random() < 0.5:
            digest = self.random.choice(self.pool)[0].digest
            only_here = self.random.random() < 0.3
            (self.models[name].tombstones if only_here else self.shared.tombstones).add(digest)
            self.commit(connection, name, Entomb(digest, "test", "os:root", only_here=only_here))
            return
        self.flush(connection)
        signer, since = self.random.choice(self.signers), self.random.choice((0, self.now - 5))
        self.log.append(f"distrust {signer} {since}")
        cursor = connection.execute(
            """INSERT INTO distrust (signer_id, since, revoked_by, at) SELECT id, ?, 'os:root', 0 FROM signer
            WHERE identity = ? ON CONFLICT DO UPDATE SET since = excluded.since""",
            (since, signer),
        )
        if cursor.rowcount:
            # A later ``since`` shows again what was hidden: an event that raises, like the end of a revocation.
            self.shared.distrust[signer] = since
            self.raise_all(connection)

    def show(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        """End a revocation: whoever writes that raises every repository it can show something in."""
        self.flush(connection)
        if self.shared.tombstones and self.random.random() < 0.5:
            digest = self.random.choice(sorted(self.shared.tombstones))
            self.shared.tombstones.discard(digest)
            connection.execute(
                """DELETE FROM tombstone WHERE sha256 = ? AND repo_id = 0
                AND project_id = (SELECT id FROM project WHERE name = ?)""",
                (digest.hex, self.project),
            )
        elif self.shared.distrust:
            signer = self.random.choice(sorted(self.shared.distrust))
            del self.shared.distrust[signer]
            connection.execute(
                "DELETE FROM distrust WHERE signer_id = (SELECT id FROM signer WHERE identity = ?)", (signer,)
            )
        self.log.append("show")
        self.raise_all(connection)

    def raise_all(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "UPDATE repository SET raised = raised + 1 WHERE project_id = (SELECT id FROM project WHERE name = ?)",
            (self.project,),
        )

    def blob_any(self, connection: sqlite3.Connection, name: RepositoryName) -> None:
        self.link(connection, name, self.random.choice(self.blobs))

    def link(self, connection: sqlite3.Connection, name: RepositoryName, blob: Digest) -> None:
        self.flush(connection)
        self.models[name].link(blob)
        self.log.append(f"link {name} {blob}")
        link_blob(connection, name, blob, BLOB_SIZES[blob], principal=ALICE, now=self.now)

    def some(self, name: RepositoryName, wanted: Callable[[Digest], bool] = lambda _: True) -> Digest | None:
        found = sorted(digest for digest in self.models[name].rows if wanted(digest))
        return self.random.choice(found) if found else None


class Reader:
    """Asks everything there is to ask about one catalog, and compares."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.manifests = SqliteManifests(database=database)
        self.listings = SqliteListings(database=database)
        # One manifest inline: so that the walk and what it stores are what is tested here.
        self.blobs = SqliteBlobs(database=database, max_inline_links=1)

    async def check(self, history: History) -> None:
        for name in history.names:
            model = history.models[name]
            await self._manifests(history, name, model)
            await self._blobs(history, name, model)
            await self._tags(history, name, model)
        await self._repositories(history)
        self.database.read(lambda connection: _counts(connection, history))

    async def _manifests(self, history: History, name: RepositoryName, model: Model) -> None:
        for manifest, _, _ in history.pool:
            view = await self.manifests.by_digest(name, manifest.digest, now=history.now, with_body=False)
            row = model.rows.get(manifest.digest)
            assert (view is None) == (row is None), history.log
            if view is None or row is None:
                continue
            expected = model.condition(manifest.digest, history.now)
            assert (view.condition, view.visible, view.cls) == (
                expected,
                model.visible(manifest.digest, history.now),
                row.cls,
            ), (history.project, manifest.digest, history.log)
        for subject in (LEAVES[0], LEAVES[1], ROOTS[0]):
            listed = await self.manifests.referrers(
                name, subject.digest, artifact_type=None, after=None, limit=50, now=history.now
            )
            expected_list = {
                (digest, model.condition(digest, history.now))
                for digest, row in model.rows.items()
                if row.manifest.subject is not None and row.manifest.subject.digest == subject.digest
            }
            assert {(found.digest, found.condition) for found in listed} == expected_list, history.log

    async def _blobs(self, history: History, name: RepositoryName, model: Model) -> None:
        for blob in history.blobs:
            view = await self.blobs.blob(name, blob, now=history.now)
            assert (view is not None) == (blob in model.blobs), history.log
            if view is not None:
                assert view.visible == model.blob_visible(blob, history.now), (history.project, blob, history.log)

    async def _tags(self, history: History, name: RepositoryName, model: Model) -> None:
        listed = await self.listings.tags(name, last=None, limit=10, now=history.now)
        expected = [
            (
                tag,
                row.target is not None and model.visible(row.target, history.now),
                row.pending is not None,
                row.pending is not None and model.rows[row.pending].cls is ManifestClass.CACHE,
                model.condition(row.target, history.now)
                if row.target is not None and model.rows[row.target].cls in METADATA
                else None,
            )
            for tag, row in sorted(model.tags.items())
            if row.target is not None or row.pending is not None
        ]
        assert [
            (entry.tag.text, entry.visible, entry.pending, entry.cache, entry.metadata) for entry in listed
        ] == expected, history.log
        for tag in TAGS:
            view = await self.manifests.by_tag(name, tag, now=history.now, with_body=False)
            row = model.tags.get(tag.text, TagRow())
            if row.target is None and row.pending is None:
                assert view is None
                continue
            assert view is not None
            ends = [None if end is None else (end.digest, end.condition) for end in (view.target, view.pending)]
            assert view.generation == row.generation
            assert ends == [
                None if end is None else (end, model.condition(end, history.now)) for end in (row.target, row.pending)
            ], history.log

    async def _repositories(self, history: History) -> None:
        listed = await self.listings.repositories(last=history.project, limit=2, now=history.now)
        seen = {}
        for name, model in history.models.items():
            visible = any(model.visible(digest, history.now) for digest in model.rows)
            if model.exists:
                seen[name] = (visible, bool(model.rows) and not visible)
        assert {
            entry.name: (entry.visible, entry.held) for entry in listed if entry.project == history.project
        } == seen, history.log


def _counts(connection: sqlite3.Connection, history: History) -> None:
    """Compare every kept count with what it counts."""
    for counter, classes in (("held_bytes", "<> 'cache'"), ("cache_bytes", "= 'cache'")):
        held, counted = connection.execute(
            f"""SELECT p.{counter}, (SELECT coalesce(sum(m.held_size), 0) FROM manifest m JOIN repository r
            ON r.id = m.repo_id WHERE r.project_id = p.id AND m.class {classes}) FROM project p WHERE p.name = ?""",
            (history.project,),
        ).fetchone()
        assert held == counted, history.log
    for name, model in history.models.items():
        evidence = [row for row in model.rows.values() if row.cls is ManifestClass.EVIDENCE]
        rows = connection.execute(
            """SELECT s.subject, s.verified, s.unverified FROM subject_state s JOIN repository r ON r.id = s.repo_id
            WHERE r.name = ?""",
            (name.text,),
        )
        for subject, verified, unverified in rows:
            about = [row for row in evidence if row.subject is not None and row.subject.hex == subject]
            assert (verified, unverified) == (
                sum(1 for row in about if row.verified),
                sum(1 for row in about if not row.verified),
            ), history.log


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(with_tables(tmp_path / "catalog.db"))


@pytest.mark.parametrize("first", range(0, CATALOGS, IN_ONE_TEST))
def test_every_query_agrees_with_the_definition(database: Database, first: int) -> None:
    reader = Reader(database)

    async def live(histories: Sequence[History]) -> None:
        """Side by side, so that they share commits; writes and reads in turn, since they would wait for each other."""
        await asyncio.gather(*(database.write(history.begin) for history in histories))
        for number in range(STEPS):
            await asyncio.gather(*(database.write(history.step) for history in histories))
            # Not after each step: what was remembered two steps ago must not lie either.
            read = [history for history in histories if number == STEPS - 1 or history.random.random() < 0.5]
            await asyncio.gather(*(reader.check(history) for history in read))

    async def main() -> None:
        for start in range(first, first + IN_ONE_TEST, SIDE_BY_SIDE):
            await live([History(seed) for seed in range(start, start + SIDE_BY_SIDE)])
        await database.close()

    asyncio.run(main())
