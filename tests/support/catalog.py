"""A catalog on SQLite with a project in it, and manifests as clients write them, for tests of what is visible.

Rows of principals and projects are written as they are in the schema; everything about manifests goes through the store.
"""

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.catalog.effects import Admit, Effect, JudgedEdge, PutManifest, RecordVerified, Signature, Support
from gateway.catalog.sqlite.admissions import SqliteAdmissionStore
from gateway.catalog.sqlite.blobs import SqliteBlobs
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.listings import SqliteListings
from gateway.catalog.sqlite.manifests import SqliteManifests
from gateway.catalog.values import BlobView, ManifestClass, ManifestView, TagView
from gateway.catalog.world import World, WorldKey
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag
from tests.support.catalog_file import with_tables

T = TypeVar("T")

NOW: Final = 1_800_000_000
WEEK: Final = 7 * 24 * 3600
PROJECT: Final = "acme"
REPO: Final = RepositoryName("acme/app")
ALICE: Final = Principal("u:alice", PrincipalKind.USER, "alice")
BOB: Final = Principal("u:bob", PrincipalKind.USER, "bob")
KEY_1: Final = "key:sha256:" + "1" * 64
KEY_2: Final = "key:sha256:" + "2" * 64
LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"


def image(*layers: bytes, config: bytes = b"{}", subject: Digest | None = None, **more: Any) -> Manifest:
    """Return an image of these layers; ``subject`` as the OCI referrers API has it."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": _descriptor(config, media_types.OCI_CONFIG),
        "layers": [_descriptor(layer, LAYER) for layer in layers],
        **({} if subject is None else {"subject": _named(subject, media_types.OCI_MANIFEST)}),
        **more,
    }
    return _made(Manifest.parse(json.dumps(document).encode(), content_type=media_types.OCI_MANIFEST))


def index(*children: Digest, **more: Any) -> Manifest:
    """Return an index of these children, by whatever digests they are named."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [_named(child, media_types.OCI_MANIFEST) for child in children],
        **more,
    }
    return _made(Manifest.parse(json.dumps(document).encode(), content_type=media_types.OCI_INDEX))


_LENGTHS: Final[dict[Digest, int]] = {}
"""Of every manifest that was made here: who names one by its digest gives its true length."""


def _made(manifest: Manifest) -> Manifest:
    for algorithm in ("sha256", "sha512"):
        _LENGTHS[Digest(algorithm, hashlib.new(algorithm, manifest.raw).hexdigest())] = len(manifest.raw)
    return manifest


def _descriptor(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}


def _named(digest: Digest, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest), "size": _LENGTHS.get(digest, 7)}


def blobs_of(manifest: Manifest) -> tuple[Digest, ...]:
    """Return what the closure looks for."""
    return tuple(blob.digest for blob in manifest.referenced_blobs)


def key_of(
    manifest: Manifest, *, tags: Sequence[str] = (), caller: Principal = ALICE, repository: RepositoryName = REPO
) -> WorldKey:
    """Return the world key of a manifest in the way that admission makes it."""
    return WorldKey(
        repository=repository,
        caller=caller.id,
        digest=manifest.digest,
        blobs=blobs_of(manifest),
        children=tuple(dict.fromkeys(child.digest for child in manifest.manifests)),
        tags=tuple(Tag(tag) for tag in tags),
    )


def put(
    manifest: Manifest,
    *,
    cls: ManifestClass = ManifestClass.IMAGE,
    subject: Digest | None = None,
    missing: Sequence[Digest] = (),
    aliases: Sequence[Digest] = (),
    who: Principal = ALICE,
    held_bytes: int = 0,
    expires: int | None = None,
    judged: bool = True,
) -> PutManifest:
    """Return the write of a manifest."""
    return PutManifest(
        manifest=manifest,
        cls=cls,
        subject=subject,
        evidence_format="cosign-signature" if cls is ManifestClass.EVIDENCE else None,
        aliases=tuple(aliases),
        missing=tuple(missing),
        who=who,
        who_claims={},
        reads=True,
        judged=judged,
        held_bytes=held_bytes,
        expires=expires,
    )


def support(evidence: Manifest, *, signer: str = KEY_1, seen: int = NOW) -> Support:
    """Return a support of one requirement by one signer."""
    return Support(signer=signer, signer_name=signer[-4:], evidence=evidence.digest, seen=seen)


def verified(evidence: Manifest, *signers: str, seen: int = NOW, subject: Digest | None = None) -> RecordVerified:
    """Return the record that these signers signed in the evidence, about ``subject`` or what its bytes name."""
    about = subject or (evidence.digest if evidence.subject is None else evidence.subject.digest)
    signed = (Signature(evidence.digest, signer, signer[-4:], seen) for signer in signers or (KEY_1,))
    return RecordVerified(evidence.digest, about, tuple(signed), 0)


def admit(
    manifest: Manifest,
    *requirements: Sequence[Support],
    edges: Sequence[tuple[Manifest, Sequence[Manifest]]] = (),
    until: int | None = None,
) -> Admit:
    """Return the admission of a manifest; ``edges`` are (child, path)."""
    return Admit(
        digest=manifest.digest,
        requirements=tuple(tuple(requirement) for requirement in requirements),
        edges=tuple(JudgedEdge(child.digest, tuple(step.digest for step in path)) for child, path in edges),
        until=until,
    )


@dataclass(frozen=True)
class Catalog:
    """A catalog with its seams, driven from tests that are not coroutines themselves."""

    database: Database
    manifests: SqliteManifests
    listings: SqliteListings
    blobs: SqliteBlobs
    store: SqliteAdmissionStore

    def world(self, key: WorldKey, *, now: int = NOW) -> World | None:
        return run(self.store.read_world(key, now=now))

    def commit(
        self, *effects: Effect, about: Manifest | WorldKey, now: int = NOW, repository: RepositoryName = REPO
    ) -> bool:
        """Commit effects under the world as it is."""
        key = about if isinstance(about, WorldKey) else key_of(about, repository=repository)
        world = self.world(key, now=now)
        assert world is not None
        return run(self.store.commit([(key, world)], effects, repository=repository, now=now))

    def push(self, manifest: Manifest, *effects: Effect, now: int = NOW, **options: Any) -> None:
        """Link the blobs, put the manifest, apply the rest."""
        for blob in (*manifest.layers, *((manifest.config,) if manifest.config else ())):
            self.link(blob.digest, blob.size, now=now)
        assert self.commit(put(manifest, **options), *effects, about=manifest, now=now)

    def link(
        self, digest: Digest, size: int = 1, *, repository: RepositoryName = REPO, now: int = NOW, by: Principal = ALICE
    ) -> None:
        run(self.blobs.link(repository, digest, size, principal=by, now=now))

    def by_tag(self, tag: str, *, now: int = NOW, repository: RepositoryName = REPO) -> TagView | None:
        return run(self.manifests.by_tag(repository, Tag(tag), now=now, with_body=False))

    def by_digest(
        self, named: Manifest | Digest, *, now: int = NOW, repository: RepositoryName = REPO
    ) -> ManifestView | None:
        digest = named.digest if isinstance(named, Manifest) else named
        return run(self.manifests.by_digest(repository, digest, now=now, with_body=True))

    def view(self, manifest: Manifest, *, now: int = NOW) -> ManifestView:
        found = self.by_digest(manifest, now=now)
        assert found is not None
        return found

    def blob(self, content: bytes, *, now: int = NOW, repository: RepositoryName = REPO) -> BlobView | None:
        return run(self.blobs.blob(repository, Digest.of(content), now=now))

    def execute(self, statement: str, *values: object) -> None:
        """Write to the tables directly, statements with a semicolon between: what another part would have done."""

        def change(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA defer_foreign_keys = ON")
            for each in statement.split(";"):
                connection.execute(each, values)

        run(self.database.write(change))

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        def query(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(statement, values).fetchall()

        return self.database.read(query)

    def work(self) -> list[tuple[str, str, dict[str, str]]]:
        return [(kind, key, json.loads(data)) for kind, key, data in self.rows("SELECT kind, key, data FROM work")]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def add_project(connection: sqlite3.Connection, name: str = PROJECT, *, held_bytes_limit: int = 10**10) -> int:
    cursor = connection.execute(
        """INSERT INTO project (name, mode, visibility, held_bytes_limit, held_seconds, created)
        VALUES (?, 'hold', 'private', ?, ?, ?)""",
        (name, held_bytes_limit, WEEK, NOW - 1000),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def add_writer(connection: sqlite3.Connection, principal: Principal, project_id: int) -> None:
    connection.execute(
        "INSERT INTO principal (id, kind, name, created, created_by) VALUES (?, ?, ?, ?, 'os:root')",
        (principal.id, principal.kind.value, principal.name, NOW - 1000),
    )
    connection.execute(
        "INSERT INTO member (project_id, principal_id, role, added, added_by) VALUES (?, ?, 'writer', ?, 'os:root')",
        (project_id, principal.id, NOW - 1000),
    )


def open_catalog(path: Path) -> Catalog:
    database = Database(path)
    return Catalog(
        database,
        SqliteManifests(database=database),
        SqliteListings(database=database),
        SqliteBlobs(database=database),
        SqliteAdmissionStore(database=database),
    )


@contextmanager
def copy_of(template: Path, directory: Path) -> Iterator[Catalog]:
    """Yield a catalog that starts as the closed one in ``template``."""
    opened = open_catalog(Path(shutil.copy(template / "catalog.db", directory / "catalog.db")))
    try:
        yield opened
    finally:
        run(opened.database.close())


@contextmanager
def catalog(directory: Path, *, populate: Callable[[sqlite3.Connection], None] | None = None) -> Iterator[Catalog]:
    """Yield a catalog with the project ``acme`` and two writers, alice and bob."""
    opened = open_catalog(with_tables(directory / "catalog.db"))

    def change(connection: sqlite3.Connection) -> None:
        project_id = add_project(connection)
        for principal in (ALICE, BOB):
            add_writer(connection, principal, project_id)
        if populate is not None:
            populate(connection)

    run(opened.database.write(change))
    try:
        yield opened
    finally:
        run(opened.database.close())
