"""Media types: what a document says it is.

Only the types whose documents this registry reads are named. Any other well-formed type is carried as it is and means
nothing here: a registry that refused unknown types would refuse tomorrow's artifacts.

Pure: no I/O, no third-party import.
Source: OCI image-spec v1.1, media-types.md; Docker "Image Manifest Version 2, Schema 2"; RFC 6838, section 4.2.
"""

import re
from typing import Final

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_MANIFEST_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"

DOCKER_SCHEMA_1: Final = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)
"""Withdrawn: its digest leaves out its own signature, so the bytes that are named are not the bytes that are sent."""

OCI_ARTIFACT_MANIFEST: Final = "application/vnd.oci.artifact.manifest.v1+json"
"""Removed from OCI 1.1 before its release; some clients of that time still write it."""

IMAGE_MANIFESTS: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES: Final = frozenset({OCI_INDEX, DOCKER_MANIFEST_LIST})
MANIFESTS: Final = IMAGE_MANIFESTS | INDEXES

OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
IMAGE_CONFIGS: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})

BUILDKIT_CACHE_CONFIG: Final = "application/vnd.buildkit.cacheconfig.v0"
IN_TOTO: Final = "application/vnd.in-toto+json"
EMPTY: Final = "application/vnd.oci.empty.v1+json"
"""Of the descriptor of ``{}``: where a field must be and has nothing to say."""

FOREIGN_LAYERS: Final = frozenset(
    {
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    }
)
"""Layers whose bytes live elsewhere and may not be redistributed; their ``urls`` are never fetched (CVE-2020-15157)."""

DEFAULTED_CONFIGS: Final = frozenset({"application/octet-stream", "application/json", "text/html"})
"""What servers once answered for want of a type: Docker still runs what has such a config, whatever its layers are called
(moby, distribution/registry.go, ``defaultImageTypes``; docker/distribution issue 1621)."""

ROOTFS_LAYERS: Final = (
    "application/vnd.oci.image.layer.",
    "application/vnd.docker.image.rootfs.",
    "application/vnd.erofs.layer.",
)
"""How the types of root file system layers begin. Beginnings and no list, as containerd has it (core/images,
``IsLayerType``): what is compressed or encrypted in a way that is new to us is unpacked there all the same."""

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE: Final = re.compile(rf"{_NAME}/{_NAME}")


def is_rootfs_layer(media_type: str) -> bool:
    """Return whether some client unpacks a layer of this type. Types are compared without regard to case (RFC 6838)."""
    return media_type.lower().startswith(ROOTFS_LAYERS)


def is_media_type(text: str) -> bool:
    """Return whether ``text`` is one bare media type: no parameters, no blanks, at most 127 characters a side."""
    return _MEDIA_TYPE.fullmatch(text) is not None
