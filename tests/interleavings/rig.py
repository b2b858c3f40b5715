"""The admission path over one catalog file, every seam of it under the scheduler; and the files that schedules start from.

The catalog, the content store, the evidence and the gate are the real ones. Only the rules are scripted, so that a
thousand schedules are a matter of seconds, and a mutant may stand where the store stands.

I/O: catalog files in a temporary folder.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, TypeVar

from gateway.access.rights import rights
from gateway.access.values import Grant, Role, Visibility
from gateway.access.values import Mode as ProjectMode
from gateway.admission.evaluator import Evaluator, EvaluatorSettings
from gateway.admission.evidence_reading import EvidenceReader
from gateway.admission.expiry import Expiry
from gateway.admission.gate import Gate
from gateway.admission.revisions import ActiveRevisions
from gateway.admission.tools import AdmissionSettings, Tools
from gateway.admission.values import Outcome, Push
from gateway.admission.worker import MAX_PAUSE_SECONDS, Worker
from gateway.catalog.sqlite.admissions import SqliteAdmissionStore
from gateway.catalog.sqlite.blobs import SqliteBlobs
from gateway.catalog.sqlite.clocks import SqliteClocks
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.directory import SqliteStandings
from gateway.catalog.sqlite.manifests import SqliteManifests
from gateway.catalog.sqlite.members import SqliteMembers
from gateway.catalog.sqlite.principals import SqlitePrincipals
from gateway.catalog.sqlite.projects import SqliteProjects
from gateway.catalog.sqlite.revisions import SqliteRevisions
from gateway.catalog.sqlite.work import SqliteWork
from gateway.catalog.stores import AdmissionStore
from gateway.evidence.trust_policy import TrustPolicy
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag
from gateway.policy.revision import PolicyRevision
from tests.support.content_memory import memory_content
from tests.support.evidence import Evidence
from tests.support.images import Artifact
from tests.support.scheduler import Scheduler
from tests.support.scripted_engine import ScriptedEngine, by_parameters
from tests.support.seams import (
    Seam,
    SeamArrivals,
    SeamBlobCatalog,
    SeamClocks,
    SeamContent,
    SeamEngine,
    SeamManifests,
    SeamRevisions,
    SeamStandings,
    SeamStock,
    SeamStore,
    SeamWork,
)

T = TypeVar("T")

HOST: Final = "registry.example.test"
NOW: Final = 1_800_000_000
PROJECT: Final = ProjectName.parse("team")
REPOSITORY: Final = RepositoryName.parse("team/app")
OPERATOR: Final = Principal("os:test", PrincipalKind.OPERATOR, "test")
WRITER: Final = Principal("u:alice", PrincipalKind.USER, "alice")
MAINTAINER: Final = Principal("u:bob", PrincipalKind.USER, "bob")

Mutant: TypeAlias = Callable[[AdmissionStore], AdmissionStore]

_POOL: Final = ThreadPoolExecutor(1)
_COUNT: Final = itertools.count(1)


def folder() -> Path:
    """Return a new folder for catalog files: in memory where the system has such a place, since nothing here is kept."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="interleavings-", dir=memory if memory.is_dir() else None))


@dataclass
class Rig:
    """An open gateway without a listener, and what its tasks were told."""

    path: Path
    database: Database
    scheduler: Scheduler
    seam: Seam
    engine: SeamEngine
    revisions: SeamRevisions
    active: ActiveRevisions
    blobs: SeamBlobCatalog
    content: SeamContent
    manifests: SqliteManifests
    standings: SqliteStandings
    members: SqliteMembers
    gate: Gate
    worker: Worker
    expiry: Expiry
    clock: list[int]
    failures: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, *, mutant: Mutant | None = None) -> Self:
        """Return the gateway over the catalog at ``path``."""
        database = Database(path)
        scheduler, memory = Scheduler(), memory_content()
        seam = Seam(scheduler)
        plain: AdmissionStore = SqliteAdmissionStore(database=database)
        store = SeamStore(plain if mutant is None else mutant(plain), seam)
        manifests, standings = SqliteManifests(database=database), SqliteStandings(database=database)
        engine = SeamEngine(ScriptedEngine(by_parameters), seam)
        revisions = SeamRevisions(SqliteRevisions(database=database), seam)
        active = ActiveRevisions(revisions=revisions, engine=engine)
        content = SeamContent(memory.blobs, seam)
        evidence = EvidenceReader(blobs=content, max_evidence_bytes=32 << 20)
        ids, run, failures, clock = itertools.count(1), next(_COUNT), list[str](), [NOW]
        gate = Gate(
            Tools(
                store=store,
                manifests=SeamManifests(manifests, seam),
                people=SeamStandings(standings, seam),
                evaluator=Evaluator(
                    blobs=content,
                    evidence=evidence,
                    engine=engine,
                    trust=active,
                    pool=_POOL,
                    describing=_POOL,
                    settings=_evaluator_settings(),
                ),
                evidence=evidence,
                settings=_admission_settings(),
                now=lambda: clock[0],
                new_id=lambda: f"{path.stem}-{os.getpid()}-{run}-{next(ids):04}",
            )
        )
        expiry = Expiry(
            tools=gate.tools,
            clocks=SeamClocks(SqliteClocks(database=database), seam),
            failed=lambda what, error: failures.append(f"{what}: {error!r}"),
        )
        blobs = SqliteBlobs(database=database)
        worker = Worker(
            gate=gate,
            work=SeamWork(SqliteWork(database=database), seam),
            stock=SeamStock(manifests, seam),
            arrivals=SeamArrivals(blobs, seam),
            expiry=expiry,
            now=lambda: clock[0],
            failed=lambda what, error: failures.append(f"{what}: {error!r}"),
        )
        return cls(
            path=path,
            database=database,
            scheduler=scheduler,
            seam=seam,
            engine=engine,
            revisions=revisions,
            active=active,
            blobs=SeamBlobCatalog(blobs, seam),
            content=content,
            manifests=manifests,
            standings=standings,
            members=SqliteMembers(database=database),
            gate=gate,
            worker=worker,
            expiry=expiry,
            clock=clock,
            failures=failures,
        )

    async def grant(self, principal: Principal) -> Grant:
        """Return what a token of every action gives."""
        standing = await self.standings.standing(principal.id, REPOSITORY, now=NOW)
        assert standing is not None
        return Grant(standing.principal, standing.project, REPOSITORY, rights(standing))

    async def put(self, artifact: Artifact, tag: str | None, by: Principal = WRITER) -> Outcome:
        """PUT a manifest whose blobs are there."""
        return await self.gate.push(
            Push(
                grant=await self.grant(by),
                reference=Digest.parse(artifact.digest) if tag is None else None,
                tags=() if tag is None else (Tag.parse(tag),),
                content_type=artifact.manifest.media_type,
                body=artifact.manifest.content,
            )
        )

    async def attach(self, evidence: Evidence, by: Principal = WRITER) -> Outcome:
        """PUT evidence whose blobs are there."""
        return await self.gate.push(
            Push(
                grant=await self.grant(by),
                reference=Digest.parse(evidence.digest) if evidence.tag is None else None,
                tags=() if evidence.tag is None else (Tag.parse(evidence.tag),),
                content_type=evidence.media_type,
                body=evidence.manifest,
            )
        )

    async def upload(self, content: bytes) -> None:
        """Store a blob and make it belong to the repository."""
        await self.content.put(Digest.of(content), content)
        await self.blobs.link(REPOSITORY, Digest.of(content), len(content), principal=WRITER, now=NOW)

    async def trust(self, policy: TrustPolicy) -> None:
        """Apply a trust policy."""
        await self.revisions.activate("trust", policy.digest, policy.serialise(), reason="test", by=OPERATOR, now=NOW)

    async def policy(self, revision: PolicyRevision) -> None:
        """Activate a policy revision, and have the engine follow as a worker does."""
        await self.revisions.activate("policy", revision.id, revision.to_bytes(), reason="test", by=OPERATOR, now=NOW)
        await self.active.activate_policy()

    async def demote(self, principal: Principal) -> None:
        """Take every role in the project away."""
        await self.seam.write(
            "members.remove_member",
            lambda: self.members.remove_member(PROJECT, principal.id, None, by=OPERATOR, now=NOW),
        )

    async def drain(self) -> None:
        """Let the background work end: the engine follows the catalog, and all that is due is done."""
        await self.active.activate_policy()
        for _ in range(200):
            if not await self.worker.run_once():
                if not self.database.read(lambda connection: connection.execute("SELECT 1 FROM work").fetchone()):
                    return
                self.clock[0] += MAX_PAUSE_SECONDS
        self.failures.append("the work never ends")

    async def close(self) -> None:
        """Close the catalog."""
        await self.engine.close()
        await self.database.close()


async def furnish(rig: Rig, trust: TrustPolicy, policy: PolicyRevision) -> None:
    """Make the project, its people and its revisions in an empty catalog."""
    projects, principals = SqliteProjects(database=rig.database), SqlitePrincipals(database=rig.database)
    await projects.create_project(PROJECT, mode=ProjectMode.HOLD, visibility=Visibility.PRIVATE, by=OPERATOR, now=NOW)
    for principal, role in ((WRITER, Role.WRITER), (MAINTAINER, Role.MAINTAINER)):
        await principals.create_account(principal, "$argon2id$unused", by=OPERATOR, now=NOW)
        await rig.members.add_member(PROJECT, principal.id, role, by=OPERATOR, now=NOW)
    await rig.trust(trust)
    await rig.policy(policy)


def copy(prepared: Path) -> Path:
    """Return a copy of a closed catalog file, beside it."""
    target = prepared.with_name(f"run-{next(_COUNT)}.sqlite")
    shutil.copyfile(prepared, target)
    return target


def remove(path: Path) -> None:
    """Remove a catalog file with what belongs to it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end."""
    return asyncio.run(work)


def _evaluator_settings() -> EvaluatorSettings:
    return EvaluatorSettings(
        registry=HOST,
        registry_hosts=frozenset({HOST}),
        policy_seconds=60.0,
        verification_seconds=60.0,
    )


def _admission_settings() -> AdmissionSettings:
    return AdmissionSettings(
        host=HOST,
        max_manifest_bytes=4 << 20,
        max_evidence_manifest_bytes=1 << 20,
        max_unverified_evidence=200,
        max_unverified_evidence_of_one=50,
    )
