"""Small images to push: the same bytes on every run, made without a network and without the code under test.

Values first (`image`, `index`, `attestation_child`, `cache_index`, `cache_image`, `chart`), then the two shapes in which
clients take them from disk (`write_layout`, `write_docker_archive`). Layers are in gzip's format but stored, so that a
digest does not depend on the version of a compressor. Nothing here imports `gateway`: what it makes is an independent
reading of the specifications.

Pure, but for the two writers.
Source: OCI image-spec v1.1.1, manifest.md, image-index.md, config.md, image-layout.md; BuildKit,
docs/attestations/attestation-storage.md; Helm, "OCI-based registries"; Docker image specification v1.2, "save".
"""

import gzip
import hashlib
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | bool | None"

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY: Final = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
IN_TOTO: Final = "application/vnd.in-toto+json"
BUILDKIT_CACHE_CONFIG: Final = "application/vnd.buildkit.cacheconfig.v0"
HELM_CONFIG: Final = "application/vnd.cncf.helm.config.v1+json"
HELM_CHART: Final = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

CREATED: Final = "2026-01-02T03:04:05Z"
LABELS: Final[Mapping[str, str]] = {
    "org.opencontainers.image.title": "example",
    "org.opencontainers.image.source": "https://git.example.test/acme/app",
    "org.opencontainers.image.revision": "0123456789abcdef0123456789abcdef01234567",
    "org.opencontainers.image.version": "1.0.0",
    "org.opencontainers.image.vendor": "Acme",
    "org.opencontainers.image.licenses": "Apache-2.0",
    "org.opencontainers.image.created": CREATED,
}


def digest_of(content: bytes) -> str:
    """Return the digest of ``content``, as ``sha256:<hex>``."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with a media type."""

    media_type: str
    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """The digest, as ``sha256:<hex>``."""
        return digest_of(self.content)

    def descriptor(self, **more: Json) -> dict[str, Json]:
        """Return the OCI descriptor of these bytes with the members ``more``."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content), **more}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A manifest or index, the blobs it names, and the manifests it names, in the order in which they are pushed."""

    manifest: Blob
    blobs: tuple[Blob, ...] = ()
    children: "tuple[Artifact, ...]" = ()

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return self.manifest.digest

    def walk(self) -> "Iterator[Artifact]":
        """Yield the children, transitively, and then this."""
        for child in self.children:
            yield from child.walk()
        yield self


def canonical(document: Json) -> bytes:
    """Return ``document`` as JSON: one spelling, members in the order given."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def tar(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of ``files`` (path to content) with every date, owner and mode fixed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def stored(content: bytes) -> bytes:
    """Return ``content`` as a gzip stream of stored blocks: what every gzip reader takes, and no compressor chose."""
    largest = 65535
    stream = bytearray(bytes.fromhex("1f8b08000000000000ff"))
    for start in range(0, max(len(content), 1), largest):
        block = content[start : start + largest]
        last = start + largest >= len(content)
        stream += struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block
    return bytes(stream + struct.pack("<II", zlib.crc32(content), len(content)))


def image(
    seed: str,
    *,
    architecture: str = "amd64",
    user: str = "65532:65532",
    labels: Mapping[str, str] = LABELS,
    env: Sequence[str] = ("PATH=/usr/bin",),
    annotations: Mapping[str, str] | None = None,
    docker: bool = False,
    layer_bytes: int = 0,
) -> Artifact:
    """Return an image whose only layer says ``seed``; another seed, another digest, and nothing else.

    The defaults are those of a well-kept image: no root, the usual labels, no secret. ``docker`` makes it a Docker
    schema 2 manifest; ``layer_bytes`` adds a file of that size, not of zeros.
    """
    files = {"etc/motd": f"{seed}\n".encode()}
    if layer_bytes:
        files["data"] = hashlib.shake_256(seed.encode()).digest(layer_bytes)
    archive = tar(files)
    layer = Blob(DOCKER_LAYER if docker else OCI_LAYER, stored(archive))
    config = Blob(
        DOCKER_CONFIG if docker else OCI_CONFIG,
        canonical(
            {
                "created": CREATED,
                "architecture": architecture,
                "os": "linux",
                "config": {"User": user, "Env": list(env), "Entrypoint": ["/bin/app"], "Labels": dict(labels)},
                "rootfs": {"type": "layers", "diff_ids": [digest_of(archive)]},
                "history": [{"created": CREATED, "created_by": "COPY motd /etc/motd"}],
            }
        ),
    )
    return _manifest(
        DOCKER_MANIFEST if docker else OCI_MANIFEST, config, (layer,), None if docker else (annotations or dict(labels))
    )


def _manifest(
    media_type: str,
    config: Blob,
    layers: Sequence[Blob],
    annotations: Mapping[str, str] | None = None,
    layer_annotations: Mapping[str, str] | None = None,
) -> Artifact:
    more: dict[str, Json] = {"annotations": layer_annotations} if layer_annotations else {}
    document: dict[str, Json] = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor(),
        "layers": [layer.descriptor(**more) for layer in layers],
    }
    if annotations:
        document["annotations"] = annotations
    return Artifact(Blob(media_type, canonical(document)), (config, *layers))


def attestation_child(subject: Artifact, *, predicate_type: str = "https://slsa.dev/provenance/v1") -> Artifact:
    """Return what BuildKit puts beside ``subject`` in its index: an unsigned in-toto statement made to look like an
    image, known by its content alone (config without a platform, every layer in-toto)."""
    statement = Blob(
        IN_TOTO,
        canonical(
            {
                "_type": "https://in-toto.io/Statement/v0.1",
                "predicateType": predicate_type,
                "subject": [{"name": "_", "digest": {"sha256": subject.digest.removeprefix("sha256:")}}],
                "predicate": {"buildDefinition": {"buildType": "https://build.example.test/1"}},
            }
        ),
    )
    config = Blob(
        OCI_CONFIG,
        canonical(
            {
                "architecture": "unknown",
                "os": "unknown",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [statement.digest]},
            }
        ),
    )
    return _manifest(
        OCI_MANIFEST, config, (statement,), layer_annotations={"in-toto.io/predicate-type": predicate_type}
    )


def index(*images: Artifact, attested: bool = False, annotations: Mapping[str, str] | None = None) -> Artifact:
    """Return an index over ``images``; ``attested`` adds BuildKit's ``unknown/unknown`` child for each of them."""
    entries: list[Json] = []
    for child in images:
        config = json.loads(child.blobs[0].content)
        platform: dict[str, Json] = {"architecture": config["architecture"], "os": config["os"]}
        entries.append(child.manifest.descriptor(platform=platform))
    children = list(images)
    for child in images if attested else ():
        statement = attestation_child(child)
        about = {"vnd.docker.reference.digest": child.digest, "vnd.docker.reference.type": "attestation-manifest"}
        nowhere = {"architecture": "unknown", "os": "unknown"}
        entries.append(statement.manifest.descriptor(annotations=about, platform=nowhere))
        children.append(statement)
    document: dict[str, Json] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    if annotations:
        document["annotations"] = annotations
    return Artifact(Blob(OCI_INDEX, canonical(document)), children=tuple(children))


def _cache(seed: str) -> tuple[Blob, Blob]:
    layer = Blob(OCI_LAYER, stored(tar({"cache": f"{seed}\n".encode()})))
    config = canonical({"layers": [{"blob": layer.digest, "parent": -1}], "records": [{"digest": layer.digest}]})
    return Blob(BUILDKIT_CACHE_CONFIG, config), layer


def cache_index(seed: str) -> Artifact:
    """Return a BuildKit cache as ``mode=max`` first wrote it: an *index* whose entries are layers and a config."""
    config, layer = _cache(seed)
    document: Json = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [layer.descriptor(), config.descriptor()],
    }
    return Artifact(Blob(OCI_INDEX, canonical(document)), (layer, config))


def cache_image(seed: str) -> Artifact:
    """Return a BuildKit cache with ``image-manifest=true``: a manifest with BuildKit's cache config."""
    config, layer = _cache(seed)
    return _manifest(OCI_MANIFEST, config, (layer,))


def chart(name: str, version: str = "1.0.0") -> Artifact:
    """Return an artefact of the shape that `helm push` writes."""
    about = {"name": name, "version": version, "apiVersion": "v2", "type": "application"}
    content = Blob(HELM_CHART, stored(tar({f"{name}/Chart.yaml": canonical(about)})))
    return _manifest(OCI_MANIFEST, Blob(HELM_CONFIG, canonical(about)), (content,), dict(LABELS))


def write_layout(folder: Path, artifacts: Mapping[str, Artifact]) -> Path:
    """Write an OCI image layout with a tag per entry of ``artifacts`` and return ``folder``."""
    entries: list[Json] = []
    for tag, artifact in artifacts.items():
        for part in artifact.walk():
            for blob in (*part.blobs, part.manifest):
                path = folder / "blobs" / blob.digest.replace(":", "/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(blob.content)
        entries.append(artifact.manifest.descriptor(annotations={"org.opencontainers.image.ref.name": tag}))
    (folder / "oci-layout").write_bytes(canonical({"imageLayoutVersion": "1.0.0"}))
    (folder / "index.json").write_bytes(canonical({"schemaVersion": 2, "manifests": entries}))
    return folder


def write_docker_archive(path: Path, artifact: Artifact, *names: str) -> Path:
    """Write what `docker load` reads: the image ``artifact`` under ``names`` (``host/repository:tag``)."""
    config, *layers = artifact.blobs
    # As `docker save` writes them: layers as they are on disk, which is what the config's `diff_ids` name.
    parts = {f"{digest_of(content)[7:]}.tar": content for content in (gzip.decompress(each.content) for each in layers)}
    name = f"{config.digest[7:]}.json"
    listing = {"Config": name, "RepoTags": list(names), "Layers": list(parts)}
    path.write_bytes(tar({name: config.content, **parts, "manifest.json": canonical([listing])}))
    return path
