"""The API in process: a client that speaks ASGI, and a registry in memory behind it.

`Registry` holds manifests, tags and blobs with whatever state a test gives them; what the API does with a state is what is
under test, never how a state comes to be. The directory of people and projects and the upload sessions are the fakes of
the catalog's contract suites.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.access.scopes import parse_scopes
from gateway.access.values import Condition, Grant, InstanceRole, Mode, Role, Visibility
from gateway.admission.values import Admitted, Held, Outcome, Push, Stored
from gateway.api.application import Api
from gateway.api.asgi import SENDFILE, Message
from gateway.api.settings import ApiDependencies, ApiSettings
from gateway.catalog.values import (
    METADATA,
    BlobView,
    ManifestClass,
    ManifestView,
    RepositoryEntry,
    TagEntry,
    TagView,
    WithBody,
)
from gateway.content.filesystem import open_content
from gateway.content.store import Content
from gateway.errors import BlobReferenced, BlobUnknown, ManifestUnknown, Reason, TagUnknown
from gateway.identity.access_token import issue_access_token
from gateway.identity.key_ring import KeyRing
from gateway.identity.values import SYSTEM, Principal, PrincipalKind
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import ProjectName, RepositoryName, Tag
from tests.support.catalog_memory import MemoryUploads
from tests.support.catalog_model import Directory, Log
from tests.support.content_memory import memory_content
from tests.support.federation import no_federation
from tests.support.identity import AUDIENCE, ISSUER, NOW, RING, CountingHasher

HOST = "registry.example:5000"
PASSWORD = "correct horse battery"
METRICS_SECRET = "metrics-secret-metrics-secret"
APP = RepositoryName("team/app")
MISSING = Reason("SIGNATURE_MISSING", "no signature by a trusted signer", "hold")
VISIBLE = frozenset({Condition.ADMITTED, Condition.CARRIED})


@dataclass(frozen=True)
class Reply:
    """An answer: headers in order, lower case; ``sent_file`` is the message of the server's own extension."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sent_file: Mapping[str, Any] | None = None

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str:
        (value,) = self.every(name)
        return value

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The OCI code of the first error."""
        return str(self.json()["errors"][0]["code"])

    @property
    def message(self) -> str:
        return str(self.json()["errors"][0]["message"])


class Disconnect:
    """In place of a piece of a body: the client goes away."""


class Client:
    """Sends requests to an application, and keeps the protocol: every answer is checked to be one that can be sent."""

    def __init__(self, application: Any, *, sendfile: bool = False, address: str = "192.0.2.7") -> None:
        self.application = application
        self.address = address
        self.extensions: dict[str, object] = {SENDFILE: {}} if sendfile else {}
        self.received = 0

    def send(
        self,
        method: str,
        target: str,
        *,
        body: bytes | Sequence[bytes | Disconnect] = b"",
        headers: Iterable[tuple[str, str]] = (),
        token: str | None = None,
        host: str | None = HOST,
        chunked: bool = False,
    ) -> Reply:
        """Return the answer. ``target`` is the path and the query as they are on the wire."""
        pieces = [body] if isinstance(body, bytes) else list(body)
        fields = [] if host is None else [("host", host)]
        if token is not None:
            fields.append(("authorization", f"Bearer {token}"))
        fields.extend(headers)
        named = {name for name, _ in fields}
        if chunked:
            fields.append(("transfer-encoding", "chunked"))
        elif "content-length" not in named and (body or method in ("POST", "PUT", "PATCH")):
            fields.append(("content-length", str(sum(len(piece) for piece in pieces if isinstance(piece, bytes)))))
        return self.raw(method, target.encode("latin-1"), fields, pieces)

    def raw(
        self,
        method: str,
        target: bytes,
        headers: Iterable[tuple[str, str]],
        pieces: Sequence[bytes | Disconnect] = (),
        *,
        http_version: str = "1.1",
    ) -> Reply:
        """Return the answer to a head that is exactly this."""
        path, _, query = target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": http_version,
            "method": method,
            "scheme": "https",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": (self.address, 40000),
            "server": ("192.0.2.1", 5000),
            "extensions": self.extensions,
        }
        return asyncio.run(self._exchange(scope, list(pieces) or [b""]))

    async def _exchange(self, scope: Message, pieces: list[bytes | Disconnect]) -> Reply:
        sent: list[Message] = []
        self.received = 0

        async def receive() -> Message:
            self.received += 1
            if not pieces or isinstance(pieces[0], Disconnect):
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        if not sent:
            return Reply(0, (), b"")
        return _reply(sent, head=scope["method"] == "HEAD")


def _reply(sent: list[Message], *, head: bool) -> Reply:
    start, *rest = sent
    assert start["type"] == "http.response.start"
    headers = tuple((name.decode("ascii"), value.decode("ascii")) for name, value in start["headers"])
    assert all(name == name.lower() for name, _ in headers)
    files = [message for message in rest if message["type"] == SENDFILE]
    body = b"".join(message.get("body", b"") for message in rest)
    ends = [message for message in rest if message["type"] == SENDFILE or not message.get("more_body", False)]
    assert len(ends) == 1, "an answer ends once"
    assert ends[0] is rest[-1]
    reply = Reply(start["status"], headers, body, files[0] if files else None)
    lengths = reply.every("content-length")
    if start["status"] in (204, 304):
        assert not lengths
        assert not body
    elif head:
        assert not body
        assert not files
        assert len(lengths) == 1
    else:
        assert lengths == [str(files[0]["count"] if files else len(body))]
    return reply


def basic(username: str, password: str = PASSWORD) -> tuple[str, str]:
    """Return the header of these credentials."""
    return ("authorization", "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode())


class Registry:
    """`ManifestReads`, `ListingReads`, `BlobCatalog` and `ManifestAdmission` in memory, over states that are set."""

    def __init__(self) -> None:
        self.manifest_rows: dict[tuple[str, Digest], ManifestView] = {}
        self.tag_rows: dict[tuple[str, str], TagView] = {}
        self.blob_rows: dict[tuple[str, Digest], BlobView] = {}
        self.pushes: list[Push] = []
        self.outcome: Callable[[Push, Stored], Outcome] = lambda push, stored: Admitted(stored)
        self.error: BaseException | None = None
        self.walked = 0
        self.bodies_read: list[int] = []
        self._ids = 0

    # -- setting up

    def put(
        self,
        body: bytes,
        *,
        repository: RepositoryName = APP,
        condition: Condition = Condition.ADMITTED,
        cls: ManifestClass = ManifestClass.IMAGE,
        tag: str | None = None,
        pending: bool = False,
        requester: str | None = None,
        unverified: bool = False,
    ) -> ManifestView:
        """Store a manifest in this condition, and let ``tag`` point to it or wait for it."""
        kind = json.loads(body)["mediaType"]
        manifest = Manifest.parse(body, content_type=kind)
        self._ids += 1
        view = ManifestView(
            id=self._ids,
            repository=repository,
            digest=manifest.digest,
            alias=None,
            cls=cls,
            condition=condition,
            visible=condition in VISIBLE,
            media_type=manifest.media_type,
            artifact_type=manifest.declared_type,
            size=len(body),
            unverified=unverified,
            subject=None if manifest.subject is None else manifest.subject.digest,
            who="u:writer",
            created=NOW,
            expires=None,
            body=body,
        )
        self.manifest_rows[repository.text, view.digest] = view
        if tag is not None:
            old = self.tag_rows.get((repository.text, tag)) or TagView(Tag(tag), None, None, None, 1)
            new = replace(old, pending=view, requester=requester) if pending else replace(old, target=view)
            self.tag_rows[repository.text, tag] = new
        return view

    def blob_put(self, digest: Digest, size: int, *, repository: RepositoryName = APP, visible: bool = True) -> None:
        """Let a blob belong to a repository."""
        self.blob_rows[repository.text, digest] = BlobView(digest, size, visible)

    # -- ManifestReads

    async def by_tag(self, repository: RepositoryName, tag: Tag, *, now: int, with_body: WithBody) -> TagView | None:
        self._fail()
        row = self.tag_rows.get((repository.text, tag.text))
        if row is None or with_body is True:
            return row
        return replace(row, target=_bare(row.target, with_body), pending=_bare(row.pending))

    async def by_digest(
        self, repository: RepositoryName, digest: Digest, *, now: int, with_body: WithBody
    ) -> ManifestView | None:
        self._fail()
        view = self.manifest_rows.get((repository.text, digest))
        if view is None and digest.algorithm == "sha512":
            for (name, _), row in self.manifest_rows.items():
                if name == repository.text and row.body and Digest.of(row.body, algorithm="sha512") == digest:
                    view = replace(row, alias=digest)
        return _bare(view, with_body)

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
        found = sorted(
            (
                view
                for (name, _), view in self.manifest_rows.items()
                if name == repository.text
                and view.subject == subject
                and artifact_type in (None, view.artifact_type)
                and (after is None or (view.artifact_type or "", view.id) > after)
            ),
            key=lambda view: (view.artifact_type or "", view.id),
        )
        self.walked += len(found[:limit])
        return [replace(view, body=None) for view in found[:limit]]

    async def bodies(self, ids: Sequence[int]) -> Mapping[int, bytes]:
        self.bodies_read.extend(ids)
        return {view.id: view.body for view in self.manifest_rows.values() if view.id in ids and view.body is not None}

    # -- ListingReads

    async def tags(self, repository: RepositoryName, *, last: str | None, limit: int, now: int) -> Sequence[TagEntry]:
        names = sorted(tag for name, tag in self.tag_rows if name == repository.text and tag > (last or ""))
        rows = [self.tag_rows[repository.text, name] for name in names[:limit]]
        return [
            TagEntry(
                row.tag,
                visible=row.target is not None and row.target.visible,
                pending=row.pending is not None,
                requester=row.requester,
                cache=row.pending is not None and row.pending.cls is ManifestClass.CACHE,
                metadata=row.target.condition if row.target is not None and row.target.cls in METADATA else None,
            )
            for row in rows
        ]

    async def repositories(self, *, last: str | None, limit: int, now: int) -> Sequence[RepositoryEntry]:
        names = sorted({name for name, _ in self.manifest_rows if name > (last or "")})
        entries = []
        for name in names[:limit]:
            seen = [view.visible for (where, _), view in self.manifest_rows.items() if where == name]
            entries.append(RepositoryEntry(RepositoryName(name), name.split("/")[0], any(seen), not any(seen)))
        return entries

    async def repository_exists(self, repository: RepositoryName) -> bool:
        return any(name == repository.text for name, _ in (*self.manifest_rows, *self.blob_rows))

    # -- BlobCatalog

    async def blob(self, repository: RepositoryName, digest: Digest, *, now: int) -> BlobView | None:
        self._fail()
        return self.blob_rows.get((repository.text, digest))

    async def sources(self, digest: Digest, *, limit: int) -> Sequence[RepositoryName]:
        return [RepositoryName(name) for name, known in self.blob_rows if known == digest][:limit]

    async def link(
        self,
        repository: RepositoryName,
        digest: Digest,
        size: int,
        *,
        principal: Principal,
        now: int,
        mounted: bool = False,
    ) -> None:
        self._fail()
        self.blob_rows.setdefault((repository.text, digest), BlobView(digest, size, visible=False))

    async def unlink(self, repository: RepositoryName, digest: Digest, *, principal: Principal, now: int) -> None:
        if (repository.text, digest) not in self.blob_rows:
            raise BlobUnknown(str(digest))
        for (name, _), view in self.manifest_rows.items():
            if name == repository.text and view.body and str(digest).encode() in view.body:
                raise BlobReferenced(str(digest))
        del self.blob_rows[repository.text, digest]

    # -- ManifestAdmission

    async def push(self, push: Push) -> Outcome:
        self._fail()
        self.pushes.append(push)
        manifest = Manifest.parse(push.body, content_type=push.content_type)
        if push.reference is not None:
            push.reference.check(push.body)
        stored = Stored(
            digest=push.reference or manifest.digest,
            tags=push.tags,
            pending=(),
            subject=None if manifest.subject is None else manifest.subject.digest,
            decision_id="decision-1",
        )
        outcome = self.outcome(push, stored)
        if isinstance(outcome, Admitted | Held):
            held = isinstance(outcome, Held)
            for tag in push.tags or (None,):
                self.put(
                    push.body,
                    repository=push.grant.repository,
                    condition=Condition.HELD if held else Condition.ADMITTED,
                    tag=None if tag is None else tag.text,
                    pending=held and tag is not None,
                    requester=push.grant.principal.id if held else None,
                )
        return outcome

    async def delete_tag(self, grant: Grant, tag: Tag) -> None:
        if self.tag_rows.pop((grant.repository.text, tag.text), None) is None:
            raise TagUnknown(tag.text)

    async def delete_manifest(self, grant: Grant, digest: Digest) -> None:
        if self.manifest_rows.pop((grant.repository.text, digest), None) is None:
            raise ManifestUnknown(str(digest))

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


def _bare(view: ManifestView | None, with_body: WithBody = False) -> ManifestView | None:
    if view is None or with_body is True or (with_body == "visible" and view.visible):
        return view
    return replace(view, body=None)


def held(push: Push, stored: Stored) -> Outcome:
    """An outcome for `Registry.outcome`: everything is held for want of a signature."""
    remedy = f"cosign sign --key cosign.key {HOST}/{push.grant.repository}@{stored.digest}"
    return Held(replace(stored, pending=stored.tags), (MISSING,), remedy)


ROLES = (Role.READER, Role.WRITER, Role.SCANNER, Role.MAINTAINER, Role.OWNER)
PEOPLE = ("outsider", "disabled", "auditor", "admin", *(role.value for role in ROLES))


@dataclass
class House:
    """A registry with people in it: the account of each role in ``team`` is called like the role.

    ``outsider`` owns ``other`` and nothing else, ``auditor`` and ``admin`` have instance roles only, ``disabled`` was a
    writer. ``team`` and ``other`` are private, ``open`` is public.
    """

    registry: Registry
    directory: Directory
    uploads: MemoryUploads
    content: Content
    api: Api
    clock: list[float]
    records: list[Mapping[str, object]]
    failures: list[tuple[str, BaseException]] = field(default_factory=list)
    pulls: list[Mapping[str, Any]] = field(default_factory=list)
    logins: list[Mapping[str, Any]] = field(default_factory=list)
    down: dict[str, str] = field(default_factory=dict)
    sendfile: bool = False
    ring: KeyRing = RING

    @property
    def client(self) -> Client:
        return Client(self.api)

    def token(self, who: str, *scopes: str, issued: int | None = None) -> str:
        """Return a token of ours that was given exactly ``scopes``, held or not: the guard is what is under test."""
        return issue_access_token(
            ring=self.ring,
            issuer=ISSUER,
            audience=AUDIENCE,
            principal_id="anonymous" if who == "anonymous" else f"u:{who}",
            access=parse_scopes(scopes),
            now=int(self.clock[0]) if issued is None else issued,
            lifetime_seconds=300,
            token_id="t1",
        )

    def all_of(self, who: str, repository: str = "team/app") -> str:
        """Return a token with every action in ``repository``."""
        return self.token(who, f"repository:{repository}:pull,push,delete")

    def add_blob(
        self, content: bytes, *, repository: RepositoryName = APP, visible: bool = True, algorithm: Any = "sha256"
    ) -> Digest:
        """Keep bytes, and let them belong to a repository."""
        digest = Digest.of(content, algorithm=algorithm)
        asyncio.run(self.content.blobs.put(digest, content))
        self.registry.blob_put(digest, len(content), repository=repository, visible=visible)
        return digest


def house(*, folder: Path | None = None, max_blob_bytes: int = 1 << 20, metrics: bool = True) -> House:
    """Return a house; ``folder`` for blobs in files, None for blobs in memory."""
    directory = Directory(Log())
    registry = Registry()
    clock = [float(NOW)]
    random = iter(range(1 << 30))
    content = memory_content() if folder is None else open_content(folder)
    uploads = MemoryUploads(directory)
    made: list[House] = []
    records: list[Mapping[str, object]] = []

    async def ready() -> Mapping[str, str]:
        return dict(made[0].down)

    async def metrics_text(*, openmetrics: bool) -> bytes:
        return b"# EOF\n" if openmetrics else b"registry_gateway_requests_total 1.0\n"

    api = Api(
        ApiDependencies(
            manifests=registry,
            listings=registry,
            blobs=registry,
            uploads=uploads,
            content=content,
            admission=registry,
            standings=directory,
            accounts=directory,
            passwords=CountingHasher(),
            ci=no_federation(),
            keys=lambda: made[0].ring,
            record_pull=lambda **entry: made[0].pulls.append(entry),
            record_login=lambda **entry: made[0].logins.append(entry),
            ready=ready,
            metrics=metrics_text,
            log_request=records.append,
            failed=lambda what, error: made[0].failures.append((what, error)),
            now=lambda: clock[0],
            monotonic=lambda: clock[0],
            random_bytes=lambda count: next(random).to_bytes(count, "big"),
        ),
        ApiSettings(
            public_url=ISSUER,
            service=AUDIENCE,
            hosts=frozenset({HOST}),
            token_lifetime_seconds=300,
            max_manifest_bytes=4 * 1024 * 1024,
            max_blob_bytes=max_blob_bytes,
            metrics_secret=METRICS_SECRET if metrics else None,
        ),
    )
    made.append(House(registry, directory, uploads, content, api, clock, records))
    asyncio.run(_furnish(directory))
    return made[0]


async def _furnish(directory: Directory) -> None:
    for name, visibility in (
        ("team", Visibility.PRIVATE),
        ("other", Visibility.PRIVATE),
        ("open", Visibility.PUBLIC),
    ):
        await directory.create_project(
            ProjectName(name), mode=Mode.HOLD, visibility=visibility, by=SYSTEM, now=NOW - 100
        )
    for name in PEOPLE:
        principal = Principal(f"u:{name}", PrincipalKind.USER, name)
        await directory.create_account(principal, f"hash of {PASSWORD}", by=SYSTEM, now=NOW - 100)
    for role in ROLES:
        await directory.add_member(ProjectName("team"), f"u:{role.value}", role, by=SYSTEM, now=NOW - 100)
    await directory.add_member(ProjectName("team"), "u:disabled", Role.WRITER, by=SYSTEM, now=NOW - 100)
    await directory.set_disabled("disabled", disabled=True, by=SYSTEM, now=NOW - 100)
    await directory.add_member(ProjectName("other"), "u:outsider", Role.OWNER, by=SYSTEM, now=NOW - 100)
    for name, instance in (("auditor", InstanceRole.AUDITOR), ("admin", InstanceRole.ADMINISTRATOR)):
        await directory.set_instance_role(f"u:{name}", instance, granted=True, by=SYSTEM, now=NOW - 100)
