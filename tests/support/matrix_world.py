"""One repository with an object in every state, and one caller of every kind: what the matrix of attacks walks.

The states are made as clients make them, but for two that no command of this version makes: a signer that is not believed
any more is a row in the catalog, and a tombstone is what `image revoke` writes.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from gateway.access.values import InstanceRole, Role
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName
from tests.support.api import Reply
from tests.support.evidence import Evidence, signed_bundle, signed_classic, signer
from tests.support.images import Artifact, cache_image, digest_of, image, index
from tests.support.whole import ALL, HOST, KEY, OPERATOR, OTHER_KEY, Whole, furnished, run, whole

REPOSITORY: Final = "team/app"
ELSEWHERE: Final = "other/app"
UNKNOWN_KEY: Final = signer("ecdsa-p256", 9)

CALLERS: Final = (
    "none",
    "bad",
    "expired",
    "disabled",
    "outsider",
    "auditor",
    "reader",
    "blind",
    "scanner",
    "writer",
    "pusher",
    "maintainer",
)
"""``bad``: a forged token. ``outsider``: a writer of another project. ``blind``: a robot without ``quarantine-read``.
``pusher``: the writer who pushed; ``writer``: another one."""


@dataclass
class World:
    """The gateway, and what is in it by the name of its state."""

    whole: Whole
    images: dict[str, Artifact] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def token(self, caller: str, *repositories: str) -> str | None:
        """Return what ``caller`` sends: every action in the repositories, whether held or not."""
        scopes = [f"repository:{name}:{ALL}" for name in repositories or (REPOSITORY,)]
        scopes.append("registry:catalog:*")
        match caller:
            case "none":
                return None
            case "bad":
                head, body, signature = self.whole.token("pusher", *scopes).split(".")
                return f"{head}.{body}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}"
            case "expired":
                return self.whole.token("pusher", *scopes, issued=self.whole.now - 1000)
            case _:
                return self.whole.token(caller, *scopes)

    def ask(
        self,
        caller: str,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        also: str = ELSEWHERE,
    ) -> Reply:
        """Send a request as ``caller``."""
        token = self.token(caller, REPOSITORY, also)
        return self.whole.client.send(
            method, target, token=token, host=HOST, body=body, headers=list((headers or {}).items())
        )

    def manifest(self, state: str) -> tuple[str, bytes, str]:
        """Return digest, bytes and media type of the object in ``state``."""
        if state in self.evidence:
            found = self.evidence[state]
            return found.digest, found.manifest, found.media_type
        artifact = self.images[state]
        return artifact.digest, artifact.manifest.content, artifact.manifest.media_type


@dataclass(frozen=True)
class Made:
    """A world whose gateway is not running: a folder that is copied for each module of tests, since it takes seconds."""

    folder: Path
    world: World

    @contextmanager
    def open(self, folder: Path) -> Iterator[World]:
        """Give a running copy in ``folder``, which must not be there; nothing in it may have failed by surprise."""
        shutil.copytree(self.folder, folder)
        with whole(folder, made=True, ids=self.world.whole.ids) as running:
            yield replace(self.world, whole=running)
            assert running.failures == []


def make(folder: Path) -> Made:
    """Make the world in ``folder``, which must not be there."""
    with whole(folder) as running:
        world = _furnish(running)
        assert running.push("pusher", image("waiting"), "latest", repository="team/waiting").status == 201
        assert running.failures == []
    return Made(folder, world)


def _furnish(whole: Whole) -> World:
    world = World(whole)
    furnished(whole)
    _callers(whole)
    for state in ("admitted", "held", "distrusted", "revoked"):
        artifact = world.images[state] = image(state)
        assert whole.push("pusher", artifact, state).status == 201
        world.blobs[f"of-{state}"] = artifact.blobs[1].content
    _parents(world)
    _waiting(world)
    for state, key in (("admitted", KEY), ("distrusted", OTHER_KEY), ("revoked", KEY)):
        signature = signed_bundle(key, subject=world.images[state].digest)
        _kept(whole.attach("pusher", signature))
        world.evidence[f"signature-of-{state}"] = signature
    for state in ("admitted", "held"):
        junk = signed_bundle(UNKNOWN_KEY, subject=world.images[state].digest)
        _kept(whole.attach("pusher", junk))
        world.evidence[f"junk-of-{state}"] = junk
    classic = signed_classic(KEY, subject=world.images["admitted"].digest)
    _kept(whole.attach("pusher", classic))
    world.evidence["classic-of-admitted"] = classic
    whole.work()
    _hide(world)
    world.images["absent"] = image("absent")
    _loose_blobs(world)
    whole.clock[0] += 1
    return world


def _callers(whole: Whole) -> None:
    whole.project("other")
    for name, role in (
        ("reader", Role.READER),
        ("writer", Role.WRITER),
        ("scanner", Role.SCANNER),
        ("maintainer", Role.MAINTAINER),
        ("disabled", Role.WRITER),
    ):
        whole.person(name, ("team", role))
    whole.person("outsider", ("other", Role.WRITER))
    whole.person("neighbour", ("other", Role.WRITER), ("team", Role.READER))
    whole.person("partner", ("other", Role.WRITER), ("team", Role.WRITER))
    whole.person("auditor", instance=[InstanceRole.AUDITOR])
    run(whole.parts.principals.set_disabled("disabled", disabled=True, by=OPERATOR, now=whole.now))
    blind = Principal("r:blind", PrincipalKind.ROBOT, "robot+team+blind")
    run(
        whole.parts.principals.put_robot(
            blind,
            ProjectName.parse("team"),
            secret_sha256=bytes(32),
            expires=whole.now + 10**6,
            quarantine_read=False,
            role=Role.WRITER,
            by=OPERATOR,
            now=whole.now,
        )
    )
    whole.ids["blind"] = blind.id


def _parents(world: World) -> None:
    """A child that is held by itself and carried by an admitted index."""
    child, whole = image("carried"), world.whole
    assert whole.push("pusher", child, "carried").status == 201
    parent = index(child)
    assert whole.put("pusher", parent, "parent").status == 201
    _kept(whole.attach("pusher", signed_bundle(KEY, subject=parent.digest)))
    world.images |= {"carried": child, "parent": parent}
    world.blobs["of-carried"] = child.blobs[1].content


def _waiting(world: World) -> None:
    """A tag that points to what is admitted, with something held that waits for it; and a build cache."""
    whole = world.whole
    first, second, cache = image("first"), image("second"), cache_image("cache")
    assert whole.push("pusher", first, "moved").status == 201
    _kept(whole.attach("pusher", signed_bundle(KEY, subject=first.digest)))
    assert whole.push("pusher", second, "moved").status == 201
    assert whole.push("pusher", cache, "cache").status == 201
    world.images |= {"first": first, "second": second, "cache": cache}


def _hide(world: World) -> None:
    whole = world.whole
    whole.sql(
        "INSERT INTO distrust (signer_id, since, revoked_by, at) SELECT id, 0, 'os:test', ? FROM signer WHERE identity = ?",
        whole.now,
        OTHER_KEY.id,
    )
    run(
        whole.parts.gate.revoke(
            RepositoryName.parse(REPOSITORY),
            Digest.parse(world.images["revoked"].digest),
            principal=OPERATOR,
            reason="test",
        )
    )


def _loose_blobs(world: World) -> None:
    whole = world.whole
    world.blobs |= {"orphan": b"named by nothing yet", "elsewhere": b"of another project", "absent": b"never sent"}
    assert whole.upload("pusher", world.blobs["orphan"], digest_of(world.blobs["orphan"])).status == 201
    other = world.blobs["elsewhere"]
    assert whole.upload("outsider", other, digest_of(other), repository=ELSEWHERE).status == 201
    # In an admitted image and in a held one: visible where any visible manifest names it.
    world.blobs["shared"] = world.images["admitted"].blobs[0].content


def _kept(reply: Reply) -> None:
    assert reply.status == 201, reply.body
