"""The composition root: names the concrete adapters and puts them together, once.

`Parts` is everything but the listener; the command line works on it too.

I/O: opens the stores.
Source: STYLE 12.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.admission.announcing import Announcing, Decided
from gateway.admission.evaluator import Evaluator, EvaluatorSettings
from gateway.admission.evidence_reading import EvidenceReader
from gateway.admission.expiry import Expiry
from gateway.admission.gate import Gate
from gateway.admission.ids import time_ordered_id
from gateway.admission.revisions import ActiveRevisions
from gateway.admission.tools import AdmissionSettings, Tools
from gateway.admission.worker import Worker
from gateway.audit.logins import LoginCounter
from gateway.audit.pulls import PullCounter
from gateway.catalog.schema_revision import require_head
from gateway.catalog.sqlite.admissions import SqliteAdmissionStore
from gateway.catalog.sqlite.audit import SqliteAudit
from gateway.catalog.sqlite.blobs import SqliteBlobs
from gateway.catalog.sqlite.ci_sessions import SqliteCiSessions
from gateway.catalog.sqlite.clocks import SqliteClocks
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.decisions import SqliteDecisions
from gateway.catalog.sqlite.directory import SqliteStandings
from gateway.catalog.sqlite.federation import SqliteFederation
from gateway.catalog.sqlite.listings import SqliteListings
from gateway.catalog.sqlite.manifests import SqliteManifests
from gateway.catalog.sqlite.members import SqliteMembers
from gateway.catalog.sqlite.principals import SqlitePrincipals
from gateway.catalog.sqlite.projects import SqliteProjects
from gateway.catalog.sqlite.revisions import SqliteRevisions
from gateway.catalog.sqlite.stats import SqliteStats
from gateway.catalog.sqlite.uploads import SqliteUploads
from gateway.catalog.sqlite.work import SqliteWork
from gateway.config.reading import read_secret
from gateway.config.sections import Config
from gateway.content.filesystem import open_content
from gateway.content.store import Content
from gateway.policy.engine import PolicyEngine
from gateway.policy.opa_engine import OpaEngine
from gateway.policy.wasm_engine import WasmEngine

CATALOG_FILE: Final = "catalog.sqlite"
CONTENT_DIRECTORY: Final = "content"
MAX_UNVERIFIED_EVIDENCE: Final = 200
MAX_UNVERIFIED_EVIDENCE_OF_ONE: Final = 50
"""DESIGN 3, of one subject; and of one subject and principal."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The gateway without its listener."""

    config: Config
    database: Database
    content: Content
    engine: PolicyEngine
    revisions: SqliteRevisions
    active: ActiveRevisions
    standings: SqliteStandings
    projects: SqliteProjects
    members: SqliteMembers
    principals: SqlitePrincipals
    federation: SqliteFederation
    sessions: SqliteCiSessions
    manifests: SqliteManifests
    listings: SqliteListings
    blobs: SqliteBlobs
    uploads: SqliteUploads
    store: SqliteAdmissionStore
    decisions: SqliteDecisions
    audit: SqliteAudit
    work: SqliteWork
    stats: SqliteStats
    clocks: SqliteClocks
    gate: Gate
    pulls: PullCounter
    logins: LoginCounter
    pool: ThreadPoolExecutor
    describing: ThreadPoolExecutor

    async def close(self) -> None:
        """Release everything, in the order of dependence."""
        await self.engine.close()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.describing.shutdown(wait=False, cancel_futures=True)
        await self.database.close()


def catalog_path(config: Config) -> Path:
    """Return the file of the embedded catalog."""
    return config.path(config.storage.path) / CATALOG_FILE


def content_path(config: Config) -> Path:
    """Return the folder of the content store."""
    return config.path(config.storage.path) / CONTENT_DIRECTORY


def unix_now() -> int:
    """Return the time in Unix seconds."""
    return int(time.time())


def untold(decided: Decided) -> None:
    """Tell nobody of a decision: of a command's there is the audit event."""


def compose(config: Config, *, now: Callable[[], int] = unix_now, decided: Callable[[Decided], None] = untold) -> Parts:
    """Open the stores and put the parts together. Raises `ConfigInvalid`, `Unavailable`, `StorageFailed`.

    ``decided`` is told of each decision once it is durable.
    """
    require_head(catalog_path(config))
    return assemble(
        config,
        database=Database(catalog_path(config)),
        content=open_content(content_path(config)),
        engine=_engine(config),
        pool=ThreadPoolExecutor(max_workers=2, thread_name_prefix="verify"),
        describing=ThreadPoolExecutor(max_workers=2, thread_name_prefix="describe"),
        now=now,
        new_id=lambda: time_ordered_id(time.time_ns() // 1_000_000, os.urandom(10)),
        decided=decided,
    )


def assemble(
    config: Config,
    *,
    database: Database,
    content: Content,
    engine: PolicyEngine,
    pool: ThreadPoolExecutor,
    describing: ThreadPoolExecutor,
    now: Callable[[], int],
    new_id: Callable[[], str],
    decided: Callable[[Decided], None] = untold,
) -> Parts:
    """Put the parts together over what is open already.

    ``pool`` verifies and ``describing`` reads what is judged: neither waits for the other. ``new_id`` names decisions.
    """
    revisions = SqliteRevisions(database=database)
    active = ActiveRevisions(revisions=revisions, engine=engine)
    limits = config.server.limits
    standings, manifests = SqliteStandings(database=database), SqliteManifests(database=database)
    store = SqliteAdmissionStore(database=database)
    evidence = EvidenceReader(blobs=content.blobs, max_evidence_bytes=limits.evidence_bytes)
    evaluator = Evaluator(
        blobs=content.blobs,
        evidence=evidence,
        engine=engine,
        trust=active,
        pool=pool,
        describing=describing,
        settings=EvaluatorSettings(
            registry=config.server.public_host,
            registry_hosts=frozenset({config.server.public_host, *config.server.hosts}),
            policy_seconds=config.policy.seconds,
            verification_seconds=limits.verification_seconds,
        ),
    )
    tools = Tools(
        store=Announcing(store, decided=decided),
        manifests=manifests,
        people=standings,
        evaluator=evaluator,
        evidence=evidence,
        settings=AdmissionSettings(
            host=config.server.public_host,
            max_manifest_bytes=limits.manifest_bytes,
            max_evidence_manifest_bytes=limits.evidence_manifest_bytes,
            max_unverified_evidence=MAX_UNVERIFIED_EVIDENCE,
            max_unverified_evidence_of_one=MAX_UNVERIFIED_EVIDENCE_OF_ONE,
        ),
        now=now,
        new_id=new_id,
    )
    return Parts(
        config=config,
        database=database,
        content=content,
        engine=engine,
        revisions=revisions,
        active=active,
        standings=standings,
        projects=SqliteProjects(database=database, held_seconds=limits.held_seconds),
        members=SqliteMembers(database=database),
        principals=SqlitePrincipals(database=database),
        federation=SqliteFederation(database=database),
        sessions=SqliteCiSessions(database=database),
        manifests=manifests,
        listings=SqliteListings(database=database),
        blobs=SqliteBlobs(database=database),
        uploads=SqliteUploads(database=database),
        store=store,
        decisions=SqliteDecisions(database=database),
        audit=SqliteAudit(database=database),
        work=SqliteWork(database=database),
        stats=SqliteStats(database=database),
        clocks=SqliteClocks(database=database),
        gate=Gate(tools),
        pulls=PullCounter(),
        logins=LoginCounter(),
        pool=pool,
        describing=describing,
    )


def _engine(config: Config) -> PolicyEngine:
    policy = config.policy
    if policy.engine == "wasm":
        return WasmEngine(max_evaluation_seconds=policy.seconds)
    token = None if policy.token_file is None else read_secret(config.path(policy.token_file), key="policy.token_file")
    ca = None if policy.ca is None else config.path(policy.ca)
    return OpaEngine(address=policy.address, ca=ca, token=token)


def background(parts: Parts, *, now: Callable[[], int], failed: Callable[[str, BaseException], None]) -> Worker:
    """Return the worker that carries out what the parts have left to do. ``failed`` is told of surprises."""
    return Worker(
        gate=parts.gate,
        work=parts.work,
        stock=parts.manifests,
        arrivals=parts.blobs,
        expiry=Expiry(tools=parts.gate.tools, clocks=parts.clocks, failed=failed),
        now=now,
        failed=failed,
    )
