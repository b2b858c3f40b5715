"""A gateway without a listener: the real catalog, the real rules in WebAssembly, content in memory; time by hand.

`House` is what the tests of admission push into and look at. Nothing in it is a mock.
"""

import asyncio
import functools
import itertools
import shutil
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.access.rights import rights
from gateway.access.values import Grant, InstanceRole, Mode, Role, Standing, Visibility
from gateway.admission.expiry import Expiry
from gateway.admission.gate import Gate
from gateway.admission.revisions import ActiveRevisions
from gateway.admission.values import Outcome, Push
from gateway.admission.worker import Worker
from gateway.app import assemble, background
from gateway.catalog.sqlite.admissions import SqliteAdmissionStore
from gateway.catalog.sqlite.audit import SqliteAudit
from gateway.catalog.sqlite.blobs import SqliteBlobs
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.directory import SqliteStandings
from gateway.catalog.sqlite.listings import SqliteListings
from gateway.catalog.sqlite.manifests import SqliteManifests
from gateway.catalog.sqlite.members import SqliteMembers
from gateway.catalog.sqlite.principals import SqlitePrincipals
from gateway.catalog.sqlite.projects import SqliteProjects
from gateway.catalog.sqlite.revisions import SqliteRevisions
from gateway.catalog.values import ManifestView, TagView
from gateway.config.reading import parse
from gateway.content.store import Content
from gateway.evidence.trust_policy import TrustPolicy
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag
from gateway.oci.strict_json import JsonObject
from gateway.policy.engine import PolicyEngine
from gateway.policy.pack import shipped_revision
from gateway.policy.wasm_engine import WasmEngine
from tests.support.catalog_file import kept_folder, with_tables
from tests.support.content_memory import memory_content
from tests.support.evidence import Evidence, Signer, signer, trust_files
from tests.support.images import Artifact

T = TypeVar("T")

HOST: Final = "registry.example.test"
NOW: Final = 1_800_000_000
OPERATOR: Final = Principal("os:test", PrincipalKind.OPERATOR, "test")
PROJECT: Final = ProjectName.parse("team")
ALICE: Final = Principal("u:alice", PrincipalKind.USER, "alice")
REPOSITORY: Final = RepositoryName.parse("team/app")
KEY: Final[Signer] = signer("ecdsa-p256", 1)
OTHER_KEY: Final[Signer] = signer("ecdsa-p256", 2)
_CONFIG: Final = parse(
    f"""
    server.public_url = "https://{HOST}"
    policy.seconds = 10.0
    """,
    {},
    directory=Path(),
    name="house",
)


@dataclass
class House:
    """The parts, and the clock that tests move."""

    database: Database
    content: Content
    gate: Gate
    engine: PolicyEngine
    revisions: SqliteRevisions
    active: ActiveRevisions
    standings: SqliteStandings
    projects: SqliteProjects
    members: SqliteMembers
    principals: SqlitePrincipals
    manifests: SqliteManifests
    listings: SqliteListings
    blobs: SqliteBlobs
    store: SqliteAdmissionStore
    audit: SqliteAudit
    worker: Worker
    expiry: Expiry
    now: int = NOW
    people: dict[str, Principal] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    # who

    async def person(self, name: str, *roles: Role, instance: Sequence[InstanceRole] = ()) -> Principal:
        """Create an account with roles in the project `PROJECT`."""
        principal = Principal(f"u:{name}", PrincipalKind.USER, name)
        await self.principals.create_account(principal, "$argon2id$unused", by=OPERATOR, now=self.now)
        for role in roles:
            await self.members.add_member(PROJECT, principal.id, role, by=OPERATOR, now=self.now)
        for wide in instance:
            await self.members.set_instance_role(principal.id, wide, granted=True, by=OPERATOR, now=self.now)
        self.people[name] = principal
        return principal

    async def standing(self, principal: Principal, repository: RepositoryName = REPOSITORY) -> Standing:
        """Return the principal's standing now."""
        found = await self.standings.standing(principal.id, repository, now=self.now)
        assert found is not None
        return found

    async def grant(self, name: str, repository: RepositoryName = REPOSITORY) -> Grant:
        """Return what a token of every action gives to the person called ``name``."""
        standing = await self.standing(self.people[name], repository)
        return Grant(
            principal=standing.principal,
            project=standing.project,
            repository=repository,
            rights=rights(standing),
            scanner=Role.SCANNER in standing.roles,
        )

    # what

    async def upload(
        self, artifact: Artifact, repository: RepositoryName = REPOSITORY, *, but: Sequence[str] = ()
    ) -> None:
        """Store the blobs of an artifact, those in ``but`` (digests) left out."""
        for blob in artifact.blobs:
            if blob.digest not in but:
                await self.blob(blob.content, repository)

    async def blob(self, content: bytes, repository: RepositoryName = REPOSITORY) -> Digest:
        """Store one blob and make it belong to the repository."""
        digest = Digest.of(content)
        await self.content.blobs.put(digest, content)
        by = next(iter(self.people.values()))
        await self.blobs.link(repository, digest, len(content), principal=by, now=self.now)
        return digest

    async def put(
        self,
        who: str,
        artifact: Artifact,
        *tags: str,
        by_digest: bool = False,
        reference: Digest | None = None,
        repository: RepositoryName = REPOSITORY,
        claims: Mapping[str, str] | None = None,
    ) -> Outcome:
        """PUT the manifest of an artifact whose blobs are there; ``reference`` is another of its digests."""
        return await self.gate.push(
            Push(
                grant=await self.grant(who, repository),
                reference=reference or (Digest.parse(artifact.digest) if by_digest or not tags else None),
                tags=tuple(Tag.parse(tag) for tag in tags),
                content_type=artifact.manifest.media_type,
                body=artifact.manifest.content,
                claims=claims or {},
            )
        )

    async def push(self, who: str, artifact: Artifact, *tags: str, repository: RepositoryName = REPOSITORY) -> Outcome:
        """Push an artifact as a client does: children by digest first, blobs before each manifest."""
        for child in artifact.children:
            await self.push(who, child, repository=repository)
        await self.upload(artifact, repository)
        return await self.put(who, artifact, *tags, repository=repository)

    async def attach(self, who: str, evidence: Evidence, repository: RepositoryName = REPOSITORY) -> Outcome:
        """Push evidence as cosign does."""
        for content in evidence.blobs.values():
            await self.blob(content, repository)
        return await self.gate.push(
            Push(
                grant=await self.grant(who, repository),
                reference=Digest.parse(evidence.digest) if evidence.tag is None else None,
                tags=() if evidence.tag is None else (Tag.parse(evidence.tag),),
                content_type=evidence.media_type,
                body=evidence.manifest,
            )
        )

    # what is seen

    async def view(self, digest: str, repository: RepositoryName = REPOSITORY) -> ManifestView | None:
        """Return the manifest row."""
        return await self.manifests.by_digest(repository, Digest.parse(digest), now=self.now, with_body=True)

    async def visible(self, digest: str, repository: RepositoryName = REPOSITORY) -> bool:
        """Return whether whoever may pull sees the manifest."""
        view = await self.view(digest, repository)
        return view is not None and view.visible

    async def tag(self, tag: str, repository: RepositoryName = REPOSITORY) -> TagView | None:
        """Return the tag."""
        return await self.manifests.by_tag(repository, Tag.parse(tag), now=self.now, with_body=False)

    async def target(self, tag: str, repository: RepositoryName = REPOSITORY) -> str | None:
        """Return the digest the tag points at and shows, None where it shows nothing."""
        view = await self.tag(tag, repository)
        return None if view is None or view.target is None or not view.target.visible else str(view.target.digest)

    async def held_bytes(self) -> int:
        """Return what the project counts as held."""
        (project,) = await self.projects.projects()
        return project.held_bytes

    async def events(self) -> list[str]:
        """Return the kinds of all events, oldest first."""
        return [row.kind for row in await self.audit.events(after=0, limit=10_000)]

    # what is active

    async def trust(self, files: Mapping[str, bytes]) -> None:
        """Apply a trust directory."""
        loaded = TrustPolicy.load(files)
        await self.revisions.activate(
            "trust", loaded.digest, loaded.serialise(), reason="test", by=OPERATOR, now=self.now
        )

    async def rules(self, overrides: JsonObject | None = None, *, hides: bool = False) -> None:
        """Activate the shipped rules with other parameters; ``hides``: as `policy activate --revoke`."""
        revision = shipped_revision(overrides)
        await self.revisions.activate(
            "policy", revision.id, revision.to_bytes(), reason="test", by=OPERATOR, now=self.now, hides=hides
        )
        await self.active.activate_policy()

    async def level(self, code: str, level: str, **parameters: Any) -> None:
        """Activate the shipped rules with one rule at another level."""
        await self.rules({"registry": {"config": {"rules": {code: {"level": level, **parameters}}}}})

    async def work(self) -> None:
        """Carry out all that is due."""
        while await self.worker.run_once():
            pass


@contextmanager
def house(folder: Path, *, mode: Mode = Mode.HOLD, engine: PolicyEngine | None = None) -> Iterator[House]:
    """Open a house with the project `PROJECT`, a trust policy for `KEY`, the shipped rules, and a writer ``alice``."""
    database = Database(Path(shutil.copy(_furnished(mode), folder / "catalog.sqlite")))
    pool = ThreadPoolExecutor(1)
    built = build(database, memory_content(), engine or WasmEngine(), pool)
    built.people["alice"] = ALICE
    try:
        run(built.active.activate_policy())
        yield built
    finally:
        run(_close(built))
        pool.shutdown()


@functools.cache
def _furnished(mode: Mode) -> Path:
    """Return the catalog of a house that nothing has happened in yet, made once: each house begins with a copy."""
    path = with_tables(kept_folder("house-") / "catalog.sqlite")
    pool = ThreadPoolExecutor(1)
    built = build(Database(path), memory_content(), WasmEngine(), pool)
    try:
        run(_furnish(built, mode))
    finally:
        run(_close(built))
        pool.shutdown()
    return path


def build(database: Database, content: Content, engine: PolicyEngine, pool: ThreadPoolExecutor) -> House:
    """Put a house together over these stores, as the gateway does; its clock and its decisions' ids are the test's."""
    ids = itertools.count(1)
    clock: list[House] = []
    failures: list[str] = []
    parts = assemble(
        _CONFIG,
        database=database,
        content=content,
        engine=engine,
        pool=pool,
        describing=pool,
        now=lambda: clock[0].now,
        new_id=lambda: f"decision-{next(ids):06}",
    )

    def failed(what: str, error: BaseException) -> None:
        failures.append(f"{what}: {error}")

    built = House(
        database=parts.database,
        content=parts.content,
        gate=parts.gate,
        engine=parts.engine,
        revisions=parts.revisions,
        active=parts.active,
        standings=parts.standings,
        projects=parts.projects,
        members=parts.members,
        principals=parts.principals,
        manifests=parts.manifests,
        listings=parts.listings,
        blobs=parts.blobs,
        store=parts.store,
        audit=parts.audit,
        worker=background(parts, now=lambda: clock[0].now, failed=failed),
        expiry=Expiry(tools=parts.gate.tools, clocks=parts.clocks, failed=failed),
        failures=failures,
    )
    clock.append(built)
    return built


async def _furnish(built: House, mode: Mode) -> None:
    await built.projects.create_project(PROJECT, mode=mode, visibility=Visibility.PRIVATE, by=OPERATOR, now=built.now)
    assert await built.person("alice", Role.WRITER) == ALICE
    await built.trust(trust_files(KEY))
    await built.rules()


async def _close(built: House) -> None:
    await built.engine.close()
    await built.database.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end."""
    return asyncio.run(work)
