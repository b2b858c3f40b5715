"""The whole gateway in this process, without a listener: what `init` writes, `compose` puts together and `serve` serves.

Nothing is replaced but the clock, which tests move, and the cost of a password: the catalog is a file, content is in files,
the rules run in WebAssembly. Requests go in as ASGI, so that thousands of them cost seconds.
"""

import asyncio
import dataclasses
import functools
import os
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway import app
from gateway.access.scopes import parse_scopes
from gateway.access.values import InstanceRole, Mode, Role, Visibility
from gateway.admission.announcing import Decided
from gateway.api.application import Api
from gateway.app import Parts, background
from gateway.cli.initial import initialise
from gateway.config.reading import DEFAULT_FILE, load
from gateway.evidence.trust_policy import TrustPolicy
from gateway.identity.access_token import issue_access_token
from gateway.identity.federation.issuers import TokenIssuer
from gateway.identity.key_files import load_key_ring
from gateway.identity.passwords import Argon2Parameters, PasswordThreads
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName
from gateway.oci.strict_json import JsonObject
from gateway.policy.pack import shipped_revision
from gateway.server.gateway import Keys, dependencies, settings
from gateway.server.metrics import Metrics
from tests.support.api import Client, Reply
from tests.support.catalog_file import kept_folder
from tests.support.evidence import Evidence, Signer, signer, trust_files
from tests.support.gateway_process import GatewayProcess
from tests.support.images import Artifact

T = TypeVar("T")

HOST: Final = "registry.example.test"
"""Of `tests.support.evidence`: what its classic signatures are for."""
PASSWORD: Final = "correct horse battery staple"
METRICS_SECRET: Final = "metrics-secret-of-this-test"
KEY: Final[Signer] = signer("ecdsa-p256", 1)
OTHER_KEY: Final[Signer] = signer("ecdsa-p256", 2)
CHEAP: Final = Argon2Parameters(time_cost=1, memory_kib=64, lanes=1)
OPERATOR: Final = Principal("os:test", PrincipalKind.OPERATOR, "test")
ALL: Final = "pull,push,delete"


@dataclass
class Whole:
    """A running gateway, and everything it said to its operator."""

    parts: Parts
    api: Api
    metrics: Metrics
    passwords: PasswordThreads
    keys: Keys
    clock: list[int]
    records: list[Mapping[str, object]] = field(default_factory=list)
    failures: list[tuple[str, BaseException]] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    decisions: list[Decided] = field(default_factory=list)
    _hash: str = ""
    _tokens: dict[tuple[str, tuple[str, ...], int], str] = field(default_factory=dict)

    @property
    def now(self) -> int:
        """The time, in Unix seconds."""
        return self.clock[0]

    @property
    def client(self) -> Client:
        """A client that speaks ASGI."""
        return Client(self.api)

    @property
    def folder(self) -> Path:
        """The folder that `init` made."""
        return self.parts.config.directory

    # who

    def project(self, name: str, *, mode: Mode = Mode.HOLD, visibility: Visibility = Visibility.PRIVATE) -> ProjectName:
        """Create a project."""
        project = ProjectName.parse(name)
        run(
            self.parts.projects.create_project(
                project, mode=mode, visibility=visibility, by=OPERATOR, now=self.now - 60
            )
        )
        return project

    def person(self, name: str, *roles: tuple[str, Role], instance: Sequence[InstanceRole] = ()) -> str:
        """Create an account with the password `PASSWORD` and roles in projects; return its id."""
        if not self._hash:
            self._hash = run(self.passwords.hash(PASSWORD))
        principal = Principal(f"u:{name}", PrincipalKind.USER, name)
        run(self.parts.principals.create_account(principal, self._hash, by=OPERATOR, now=self.now))
        self.ids[name] = principal.id
        for project, role in roles:
            run(
                self.parts.members.add_member(ProjectName.parse(project), principal.id, role, by=OPERATOR, now=self.now)
            )
        for wide in instance:
            run(self.parts.members.set_instance_role(principal.id, wide, granted=True, by=OPERATOR, now=self.now))
        return principal.id

    def token(self, who: str, *scopes: str, issued: int | None = None) -> str:
        """Return a token signed by the gateway's own key with exactly ``scopes``, held or not."""
        at = self.now if issued is None else issued
        key = (who, scopes, at)
        if key not in self._tokens:
            self._tokens[key] = issue_access_token(
                ring=self.keys.ring,
                issuer=self.parts.config.server.public_url,
                audience=self.parts.config.server.public_host,
                principal_id=self.ids[who],
                access=parse_scopes(scopes),
                now=at,
                lifetime_seconds=300,
                token_id="t1",
            )
        return self._tokens[key]

    # requests

    def send(self, method: str, target: str, *, who: str | None = None, scope: str | None = None, **more: Any) -> Reply:
        """Send a request as ``who``, with a token for every action in the repository ``scope``."""
        repository = scope or target.removeprefix("/v2/").partition("/manifests/")[0].partition("/blobs/")[0]
        token = None if who is None else self.token(who, f"repository:{repository}:{ALL}")
        return self.client.send(method, target, token=token, host=HOST, **more)

    def upload(self, who: str, content: bytes, digest: str, *, repository: str = "team/app") -> Reply:
        """Upload a blob in one request."""
        return self.send("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", who=who, body=content)

    def put(self, who: str, artifact: Artifact, reference: str | None = None, *, repository: str = "team/app") -> Reply:
        """PUT the manifest of an artifact whose blobs are there."""
        return self.send(
            "PUT",
            f"/v2/{repository}/manifests/{reference or artifact.digest}",
            who=who,
            body=artifact.manifest.content,
            headers=[("content-type", artifact.manifest.media_type)],
        )

    def push(self, who: str, artifact: Artifact, tag: str | None = None, *, repository: str = "team/app") -> Reply:
        """Push an artifact as a client does: children by digest first, blobs before each manifest."""
        for child in artifact.children:
            self.push(who, child, repository=repository)
        for blob in artifact.blobs:
            reply = self.upload(who, blob.content, blob.digest, repository=repository)
            assert reply.status == 201, reply.body
        return self.put(who, artifact, tag, repository=repository)

    def attach(self, who: str, evidence: Evidence, *, repository: str = "team/app") -> Reply:
        """Push evidence as cosign does."""
        for digest, content in evidence.blobs.items():
            reply = self.upload(who, content, digest, repository=repository)
            assert reply.status == 201, reply.body
        return self.send(
            "PUT",
            f"/v2/{repository}/manifests/{evidence.tag or evidence.digest}",
            who=who,
            body=evidence.manifest,
            headers=[("content-type", evidence.media_type)],
        )

    # what is active

    def trust(self, files: Mapping[str, bytes]) -> None:
        """Apply a trust directory."""
        loaded = TrustPolicy.load(files)
        run(
            self.parts.revisions.activate(
                "trust", loaded.digest, loaded.serialise(), reason="test", by=OPERATOR, now=self.now
            )
        )

    def rules(self, overrides: JsonObject | None = None) -> None:
        """Activate the shipped rules with other parameters."""
        revision = shipped_revision(overrides)
        run(
            self.parts.revisions.activate(
                "policy", revision.id, revision.to_bytes(), reason="test", by=OPERATOR, now=self.now
            )
        )
        run(self.parts.active.activate_policy())

    def work(self) -> None:
        """Carry out all background work that is due."""
        worker = background(
            self.parts, now=lambda: self.now, failed=lambda what, error: self.failures.append((what, error))
        )

        async def all_of_it() -> None:
            while await worker.run_once():
                pass

        run(all_of_it())

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement through the catalog's writer: for states that no command of this version makes."""

        def change(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.execute(statement, values).fetchall()]

        return run(self.parts.database.write(change))

    def count(self, *tables: str) -> dict[str, int]:
        """Return how many rows the tables have: what "nothing was stored" is measured by."""
        return {table: self.sql(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


@contextmanager
def whole(
    folder: Path,
    *,
    made: bool = False,
    ids: Mapping[str, str] | None = None,
    ahead_seconds: int = 3600,
    adapt: Callable[[Parts], Parts] | None = None,
    issuers: Sequence[TokenIssuer] = (),
) -> Iterator[Whole]:
    """Give a gateway in ``folder``, with an administrator and without a project; ``made``: one that is there already.

    ``ids`` are of the people in it, by name. ``ahead_seconds``: how much later than the machine's the time
    is; later than the token key is old, so that a token that has expired was once good. ``adapt`` may exchange parts before
    the API is made over them. ``issuers`` are those of CI tokens.
    """
    if not made:
        shutil.copytree(_initialised(), folder, dirs_exist_ok=True)
    configured = load(folder / DEFAULT_FILE, {})
    clock = [app.unix_now() + ahead_seconds]
    decisions: list[Decided] = []
    parts = app.compose(configured, now=lambda: clock[0], decided=decisions.append)
    if adapt is not None:
        parts = adapt(parts)
    metrics = Metrics()
    passwords = PasswordThreads(parameters=CHEAP, max_concurrent=2, max_waiting=64, random_bytes=os.urandom)
    keys = Keys(load_key_ring(configured.path(configured.identity.key_directory)))
    records: list[Mapping[str, object]] = []
    failures: list[tuple[str, BaseException]] = []

    def requested(record: Mapping[str, object]) -> None:
        metrics.request(record)
        records.append(record)

    behind = dependencies(
        parts, issuers, passwords, keys, metrics, lambda what, error: failures.append((what, error)), requested
    )
    api = Api(dataclasses.replace(behind, now=lambda: float(clock[0])), settings(configured))
    built = Whole(parts, api, metrics, passwords, keys, clock, records, failures, dict(ids or {}), decisions)
    try:
        run(parts.active.activate_policy())
        yield built
    finally:
        run(parts.close())
        passwords.close()


@functools.cache
def _initialised() -> Path:
    """Return a folder as `init` leaves it, with a secret for the metrics: made once, since it takes a second."""
    folder = kept_folder("whole-") / "state"
    initialise(folder, listen="127.0.0.1:5000", public_url=f"https://{HOST}", tls="self-signed")
    (folder / "metrics.secret").write_text(METRICS_SECRET)
    with (folder / DEFAULT_FILE).open("a") as text:
        text.write('\n[metrics]\ntoken_file = "metrics.secret"\n')
    return folder


def furnished(built: Whole) -> Whole:
    """Return ``built`` with a private project ``team`` that trusts `KEY` and `OTHER_KEY`, and a writer ``pusher`` in it."""
    built.project("team")
    built.person("pusher", ("team", Role.WRITER))
    built.trust(trust_files(KEY, OTHER_KEY))
    return built


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine to its end."""
    return asyncio.run(work)


def with_a_writer(folder: Path) -> GatewayProcess:
    """Return a gateway with the project ``acme`` and ``writer`` in it, which does not run."""
    made = GatewayProcess(folder)
    with whole(made.folder, made=True, ahead_seconds=0) as furnishing:
        furnishing.project("acme")
        furnishing.person("writer", ("acme", Role.WRITER))
    return made
