"""The composition root: names the concrete adapters and puts them together, once.

`Parts` is everything but the listener; the command line works on it too. `Running` is what happens besides requests:
work is carried out, pulls are written down, revisions are followed, what is left of broken uploads is cleared.

I/O: opens the stores.
Source: STYLE 12.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.admission.evaluator import Evaluator, EvaluatorSettings
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
from gateway.catalog.sqlite.clocks import SqliteClocks
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.directory import SqliteStandings
from gateway.catalog.sqlite.listings import SqliteListings
from gateway.catalog.sqlite.manifests import SqliteManifests
from gateway.catalog.sqlite.members import SqliteMembers
from gateway.catalog.sqlite.principals import SqlitePrincipals
from gateway.catalog.sqlite.projects import SqliteProjects
from gateway.catalog.sqlite.revisions import SqliteRevisions
from gateway.catalog.sqlite.stats import SqliteStats
from gateway.catalog.sqlite.uploads import SqliteUploads
from gateway.catalog.sqlite.work import SqliteWork
from gateway.config import Config
from gateway.content.filesystem import open_content
from gateway.content.store import Content
from gateway.errors import ConfigInvalid, GatewayError
from gateway.policy.engine import PolicyEngine
from gateway.policy.opa_engine import OpaEngine
from gateway.policy.wasm_engine import WasmEngine

CATALOG_FILE: Final = "catalog.sqlite"
CONTENT_DIRECTORY: Final = "content"
TICK_SECONDS: Final = 0.25
FLUSH_SECONDS: Final = 2.0
REAP_SECONDS: Final = 300.0
REAP_BATCH: Final = 1000
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
    manifests: SqliteManifests
    listings: SqliteListings
    blobs: SqliteBlobs
    uploads: SqliteUploads
    store: SqliteAdmissionStore
    audit: SqliteAudit
    work: SqliteWork
    stats: SqliteStats
    clocks: SqliteClocks
    gate: Gate
    pulls: PullCounter
    logins: LoginCounter
    pool: ThreadPoolExecutor

    async def close(self) -> None:
        """Release everything, in the order of dependence."""
        await self.engine.close()
        self.pool.shutdown(wait=False, cancel_futures=True)
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


def compose(config: Config, *, now: Callable[[], int] = unix_now) -> Parts:
    """Open the stores and put the parts together. Raises `ConfigInvalid`, `Unavailable`, `StorageFailed`."""
    require_head(catalog_path(config))
    database = Database(catalog_path(config))
    content = open_content(content_path(config))
    engine = _engine(config)
    revisions = SqliteRevisions(database=database)
    active = ActiveRevisions(revisions=revisions, engine=engine)
    pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="verify")
    limits = config.server.limits
    standings, manifests = SqliteStandings(database=database), SqliteManifests(database=database)
    store = SqliteAdmissionStore(database=database)
    evaluator = Evaluator(
        blobs=content.blobs,
        engine=engine,
        trust=active,
        pool=pool,
        settings=EvaluatorSettings(
            registry=config.server.public_host,
            registry_hosts=frozenset({config.server.public_host, *config.server.hosts}),
            policy_seconds=config.policy.seconds,
            verification_seconds=limits.verification_seconds,
            max_evidence_bytes=limits.evidence_bytes,
        ),
    )
    tools = Tools(
        store=store,
        manifests=manifests,
        people=standings,
        evaluator=evaluator,
        settings=AdmissionSettings(
            host=config.server.public_host,
            max_manifest_bytes=limits.manifest_bytes,
            max_evidence_manifest_bytes=limits.evidence_manifest_bytes,
            max_unverified_evidence=MAX_UNVERIFIED_EVIDENCE,
            max_unverified_evidence_of_one=MAX_UNVERIFIED_EVIDENCE_OF_ONE,
        ),
        now=now,
        new_id=lambda: time_ordered_id(time.time_ns() // 1_000_000, os.urandom(10)),
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
        manifests=manifests,
        listings=SqliteListings(database=database),
        blobs=SqliteBlobs(database=database),
        uploads=SqliteUploads(database=database),
        store=store,
        audit=SqliteAudit(database=database),
        work=SqliteWork(database=database),
        stats=SqliteStats(database=database),
        clocks=SqliteClocks(database=database),
        gate=Gate(tools),
        pulls=PullCounter(),
        logins=LoginCounter(),
        pool=pool,
    )


def _engine(config: Config) -> PolicyEngine:
    policy = config.policy
    if policy.engine == "wasm":
        return WasmEngine(max_evaluation_seconds=policy.seconds)
    token = None if policy.token_file is None else _secret(config.path(policy.token_file))
    ca = None if policy.ca is None else config.path(policy.ca)
    return OpaEngine(address=policy.address, ca=ca, token=token)


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read ({error.strerror})") from None


class Running:
    """What happens besides requests, until it is stopped."""

    def __init__(self, parts: Parts, *, failed: Callable[[str, BaseException], None]) -> None:
        self._parts = parts
        self._failed = failed
        self._worker = Worker(
            gate=parts.gate,
            work=parts.work,
            stock=parts.manifests,
            arrivals=parts.blobs,
            expiry=Expiry(tools=parts.gate.tools, clocks=parts.clocks, failed=failed),
            now=unix_now,
            failed=failed,
        )
        self._version: int | None = None
        self.policy: str | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run the loops while inside; write down what was counted before leaving, and close the parts."""
        await self._follow()
        loops = [
            asyncio.create_task(self._every(TICK_SECONDS, self._tick)),
            asyncio.create_task(self._every(FLUSH_SECONDS, self._flush)),
            asyncio.create_task(self._every(REAP_SECONDS, self._look)),
            asyncio.create_task(self._every(REAP_SECONDS, self._reap)),
        ]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            try:
                await self._flush(everything=True)
            finally:
                await self._parts.close()

    async def _every(self, seconds: float, step: Callable[[], object]) -> None:
        while True:
            try:
                await step()  # type: ignore[misc]
            except Exception as error:
                self._failed(getattr(step, "__name__", "step"), error)
            await asyncio.sleep(seconds)

    async def _tick(self) -> None:
        """Follow the active revision, then carry out what is due; nothing but one pragma where nothing changed."""
        version = self._parts.database.data_version()
        if version != self._version:
            self._version = version
            await self._follow()
        while await self._worker.run_once():
            pass

    async def _follow(self) -> None:
        try:
            self.policy = await self._parts.active.activate_policy()
        except GatewayError as error:
            self._failed("policy revision", error)

    async def _flush(self, *, everything: bool = False) -> None:
        """Write down what was counted; what cannot be written is counted again. ``everything``: there is no later."""
        try:
            await self._flush_pulls()
        finally:
            await self._flush_logins(everything=everything)

    async def _flush_logins(self, *, everything: bool) -> None:
        counted = self._parts.logins.take(now=unix_now(), everything=everything)
        if not counted:
            return
        try:
            await self._parts.audit.record_logins(counted)
        except GatewayError:
            self._parts.logins.put_back(counted)
            raise

    async def _flush_pulls(self) -> None:
        counted = self._parts.pulls.take()
        if not counted:
            return
        try:
            await self._parts.audit.record_pulls(counted)
        except GatewayError:
            self._parts.pulls.put_back(counted)
            raise

    async def _look(self) -> None:
        await self._worker.keep_looking()

    async def _reap(self) -> None:
        """Forget uploads that nobody touched for the configured time, and bytes that were left by broken ones."""
        idle = unix_now() - self._parts.config.server.limits.upload_idle_seconds
        for session in await self._parts.uploads.idle(before=idle, limit=REAP_BATCH):
            await self._parts.uploads.end(session)
            await self._parts.content.uploads.discard(session)
        for file in await self._parts.content.uploads.sessions():
            if file.touched < idle:
                await self._parts.content.uploads.discard(file.session)
