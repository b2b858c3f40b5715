"""Catalogs for tests: the same seams on SQLite and in memory, and a few principals."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.access.stores import StandingStore
from gateway.access.values import Mode, Role, Visibility
from gateway.audit.events import EventKind
from gateway.catalog.sqlite.audit import SqliteAudit
from gateway.catalog.sqlite.database import Database
from gateway.catalog.sqlite.directory import SqliteStandings
from gateway.catalog.sqlite.members import SqliteMembers
from gateway.catalog.sqlite.principals import SqlitePrincipals
from gateway.catalog.sqlite.projects import SqliteProjects
from gateway.catalog.sqlite.revisions import SqliteRevisions
from gateway.catalog.sqlite.uploads import SqliteUploads
from gateway.catalog.sqlite.work import SqliteWork
from gateway.catalog.stores import (
    AuditStore,
    MemberAdmin,
    PrincipalAdmin,
    ProjectAdmin,
    RevisionStore,
    WorkStore,
)
from gateway.catalog.values import EventRow
from gateway.identity.stores import AccountStore
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName
from tests.support.catalog_file import database_in
from tests.support.catalog_memory import MemoryAudit, MemoryRevisions, MemoryUploads, MemoryWork
from tests.support.catalog_model import Directory, Log

ROOT: Final = Principal("os:root", PrincipalKind.OPERATOR, "root")
ALICE: Final = Principal("u:alice", PrincipalKind.USER, "alice")
BOB: Final = Principal("u:bob", PrincipalKind.USER, "bob")
CI: Final = Principal("r:ci", PrincipalKind.ROBOT, "robot+acme+ci")
ACME: Final = ProjectName("acme")
OTHER: Final = ProjectName("other")
NOW: Final = 1_800_000_000


@dataclass(frozen=True)
class Catalog:
    """The seams of administration, of one catalog."""

    standings: StandingStore
    accounts: AccountStore
    projects: ProjectAdmin
    members: MemberAdmin
    principals: PrincipalAdmin
    uploads: SqliteUploads | MemoryUploads
    revisions: RevisionStore
    audit: AuditStore
    work: WorkStore

    def events(self) -> list[EventRow]:
        """Return all events so far."""
        return list(asyncio.run(self.audit.events(after=0, limit=100_000)))

    def kinds(self, *, after: int = 0) -> list[EventKind]:
        """Return the kinds of the events after this one."""
        return [EventKind(event.kind) for event in self.events() if event.id > after]

    def last_id(self) -> int:
        """Return the id of the last event, 0 before there is one."""
        return max((event.id for event in self.events()), default=0)

    def project(self, name: ProjectName = ACME, *, mode: Mode = Mode.HOLD, now: int = NOW) -> None:
        """Create a private project."""
        asyncio.run(self.projects.create_project(name, mode=mode, visibility=Visibility.PRIVATE, by=ROOT, now=now))

    def account(self, principal: Principal = ALICE, *, now: int = NOW) -> None:
        """Create a local account."""
        asyncio.run(self.principals.create_account(principal, f"hash of {principal.name}", by=ROOT, now=now))

    def robot(
        self,
        principal: Principal = CI,
        project: ProjectName = ACME,
        *,
        secret: bytes = b"s" * 32,
        expires: int = NOW + 1000,
        role: Role | None = Role.WRITER,
        quarantine_read: bool = True,
        now: int = NOW,
    ) -> None:
        """Create or rotate a robot."""
        asyncio.run(
            self.principals.put_robot(
                principal,
                project,
                secret_sha256=secret,
                expires=expires,
                quarantine_read=quarantine_read,
                role=role,
                by=ALICE,
                now=now,
            )
        )

    def member(self, principal: Principal, role: Role, project: ProjectName = ACME, *, now: int = NOW) -> None:
        """Bind a principal."""
        asyncio.run(self.members.add_member(project, principal.id, role, by=ALICE, now=now))


def on_sqlite(database: Database) -> Catalog:
    """Return the seams on an open database."""
    standings = SqliteStandings(database=database)
    return Catalog(
        standings=standings,
        accounts=standings,
        projects=SqliteProjects(database=database),
        members=SqliteMembers(database=database),
        principals=SqlitePrincipals(database=database),
        uploads=SqliteUploads(database=database),
        revisions=SqliteRevisions(database=database),
        audit=SqliteAudit(database=database),
        work=SqliteWork(database=database),
    )


def in_memory() -> Catalog:
    """Return the fakes, which share one log of events."""
    log = Log()
    directory, work = Directory(log), MemoryWork()
    return Catalog(
        standings=directory,
        accounts=directory,
        projects=directory,
        members=directory,
        principals=directory,
        uploads=MemoryUploads(directory),
        revisions=MemoryRevisions(log, work),
        audit=MemoryAudit(log, directory),
        work=work,
    )


opened: Final = database_in
"""Gives a catalog file with all tables."""


@contextmanager
def _sqlite(folder: Path) -> Iterator[Catalog]:
    with opened(folder / "catalog.db") as database:
        yield on_sqlite(database)


@contextmanager
def _memory(_: Path) -> Iterator[Catalog]:
    yield in_memory()


ADAPTERS: Final[dict[str, Callable[[Path], AbstractContextManager[Catalog]]]] = {"sqlite": _sqlite, "memory": _memory}
"""Every contract suite runs on each."""
