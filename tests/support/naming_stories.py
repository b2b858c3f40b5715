"""What stories about naming are told with: robots that see nothing held, indexes of indexes, and who brings what."""

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from gateway.access.values import Role
from gateway.admission.values import Outcome
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.digest import Algorithm, Digest
from tests.support.admission import KEY, OPERATOR, PROJECT, REPOSITORY, House, house, run
from tests.support.admission_stories import administrator
from tests.support.evidence import signed_bundle
from tests.support.images import OCI_INDEX, Artifact, Blob, Json, canonical

ROBOT: Final = Principal("r:ci", PrincipalKind.ROBOT, "robot+team+ci")
OTHER_ROBOT: Final = Principal("r:ci2", PrincipalKind.ROBOT, "robot+team+ci2")
FOREIGN: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


def tell(folder: Path, story: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    """Run a story in a new house in which ``alice`` reads what is held, and the robots ``ci`` and ``ci2`` do not."""

    async def with_robots(home: House) -> None:
        await robot(home)
        await robot(home, OTHER_ROBOT)
        await story(home)

    with house(folder) as home:
        run(with_robots(home))


async def robot(home: House, who: Principal = ROBOT) -> Principal:
    """Make a robot that pushes and sees nothing held; among the people by the last part of its name."""
    name = who.name.rpartition("+")[2]
    await home.principals.put_robot(
        who,
        PROJECT,
        secret_sha256=name.encode().ljust(32),
        expires=home.now + 10**7,
        quarantine_read=False,
        role=Role.WRITER,
        by=OPERATOR,
        now=home.now,
    )
    home.people[name] = who
    return who


async def push(home: House, artifact: Artifact, tag: str | None = None) -> Outcome:
    """Push a manifest as the robot; its blobs are somebody else's matter."""
    return await home.put("ci", artifact, *([] if tag is None else [tag]))


def naming(*blobs: Blob, sizes: dict[str, int] | None = None) -> Artifact:
    """Return an artifact whose layers are ``blobs``."""
    layers = [blob.descriptor() for blob in blobs]
    for layer in layers:
        layer["size"] = (sizes or {}).get(str(layer["digest"]), layer["size"])
    empty = Blob("application/vnd.oci.empty.v1+json", b"{}")
    document: dict[str, Json] = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.example.thing",
        "config": empty.descriptor(),
        "layers": layers,
    }
    return Artifact(Blob("application/vnd.oci.image.manifest.v1+json", canonical(document)), (empty,))


async def bring(home: House, content: bytes, by: Principal, *, algorithm: Algorithm = "sha256") -> None:
    """Store a blob and link it as ``by``."""
    digest = Digest.of(content, algorithm=algorithm)
    await home.content.blobs.put(digest, content)
    await home.blobs.link(REPOSITORY, digest, len(content), principal=by, now=home.now)


async def bring_all(home: House, artifact: Artifact, by: Principal) -> None:
    """Store the blobs of an artifact and link them as ``by``."""
    for blob in artifact.blobs:
        await bring(home, blob.content, by)


async def delete(home: House, artifact: Artifact) -> None:
    """Delete a manifest by its digest, as an administrator."""
    await home.gate.delete_manifest(await administrator(home), Digest.parse(artifact.digest))


def wrap(*inner: Artifact) -> Artifact:
    """Return an index that names these and nothing else."""
    return _index([one.manifest.descriptor() for one in inner], inner)


def by_sha512(inner: Artifact, **more: Json) -> Artifact:
    """Return an index that names this by its sha512, with the members ``more``."""
    long = str(Digest.of(inner.manifest.content, algorithm="sha512"))
    return _index([inner.manifest.descriptor() | {"digest": long} | more], (inner,))


def _index(entries: Json, inner: tuple[Artifact, ...]) -> Artifact:
    document: Json = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    return Artifact(Blob(OCI_INDEX, canonical(document)), children=inner)


def with_foreign(base: Artifact, *foreign: Blob) -> Artifact:
    """Return an image with these foreign layers besides."""
    document = json.loads(base.manifest.content)
    document["layers"].extend(blob.descriptor() for blob in foreign)
    return Artifact(Blob(base.manifest.media_type, canonical(document)), base.blobs)


async def put_as_sha512(home: House, who: str, artifact: Artifact) -> Outcome:
    """PUT a manifest by its sha512."""
    reference = Digest.of(artifact.manifest.content, algorithm="sha512")
    return await home.put(who, artifact, reference=reference)


async def is_hidden(home: House, theirs: Artifact) -> bool:
    """Return whether neither the image nor its layer is visible."""
    return not await blob_visible(home, theirs.blobs[-1]) and not await home.visible(theirs.digest)


async def blob_visible(home: House, blob: Blob) -> bool:
    """Return whether whoever may pull reads the blob."""
    view = await home.blobs.blob(REPOSITORY, Digest.parse(blob.digest), now=home.now)
    assert view is not None
    return bool(view.visible)


async def sign(home: House, artifact: Artifact) -> None:
    """Sign as the project trusts it, and let the gateway do what comes of it."""
    await home.attach("alice", signed_bundle(KEY, subject=artifact.digest))
    await home.work()
