"""What is pushed and pulled: one image of 20 layers with its signature, manifests like it, and large blobs, each new.

Layers are random bytes, as compressed ones look. All of it is made, and every digest computed, before a clock starts.

Pure, but for randomness.
Source: OCI image-spec v1.1.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from gateway.cli import demo_images
from gateway.oci import media_types
from gateway.oci.digest import Digest

KIB: Final = 1024
MIB: Final = 1024 * KIB
LAYERS: Final = 20
SMALL_BYTES: Final = 4 * KIB
LARGE_BYTES: Final = 100 * MIB
MARK_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes in pieces, and their digest: large blobs share all but their first bytes, and are no copies."""

    pieces: tuple[memoryview, ...] = field(repr=False)
    digest: str
    size: int

    @classmethod
    def of(cls, *pieces: bytes | memoryview) -> "Blob":
        """Return the blob of these pieces, one after the other."""
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        views = tuple(memoryview(piece) for piece in pieces)
        return cls(views, f"sha256:{digest.hexdigest()}", sum(len(view) for view in views))


class Material:
    """Everything that one run pushes and pulls."""

    def __init__(self) -> None:
        self._large = memoryview(os.urandom(LARGE_BYTES))
        self.large = self.new_large()
        self.small = Blob.of(os.urandom(SMALL_BYTES))
        self.layers = tuple(Blob.of(os.urandom(SMALL_BYTES)) for _ in range(LAYERS - 2))
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.config = Blob.of(_config())
        pulled = (self.large, self.small, *self.layers)
        manifest = _manifest(self.config, pulled, note="pulled")
        self.image = demo_images.Made(manifest, media_types.OCI_MANIFEST, ())
        self.signature = demo_images.signature(self.image, self.key)
        self.pushed_layers = (self.small, Blob.of(os.urandom(SMALL_BYTES)), *self.layers)

    @property
    def blobs(self) -> Iterator[Blob]:
        """Every blob that a manifest of this run names, but for the signature's."""
        yield self.config
        yield self.large
        yield from self.pushed_layers

    @property
    def manifest_digest(self) -> Digest:
        """The digest of the image that is pulled."""
        return self.image.digest

    def new_large(self) -> Blob:
        """Return a blob of `LARGE_BYTES` that no registry has."""
        return Blob.of(os.urandom(MARK_BYTES), self._large[MARK_BYTES:])

    def new_manifest(self, number: int) -> bytes:
        """Return a manifest of 20 layers that no registry has, though it has all the layers."""
        return _manifest(self.config, self.pushed_layers, note=f"{number} {os.urandom(8).hex()}")


def _config() -> bytes:
    diff_ids = [f"sha256:{hashlib.sha256(bytes([number])).hexdigest()}" for number in range(LAYERS)]
    return _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": "65534:65534", "Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/app"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )


def _manifest(config: Blob, layers: tuple[Blob, ...], *, note: str) -> bytes:
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": _descriptor(media_types.OCI_CONFIG, config),
            "layers": [_descriptor(demo_images.LAYER, layer) for layer in layers],
            "annotations": {"org.opencontainers.image.title": note},
        }
    )


def _descriptor(media_type: str, blob: Blob) -> dict[str, object]:
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size}


def _json(document: dict[str, object]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("utf-8")
