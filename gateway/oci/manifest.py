"""Manifests: the documents that make an image, an index or an artifact.

`Manifest.parse` gives a document one reading or none. ``raw`` is the truth: it is what is hashed, signed, stored and
sent; the other fields are a projection of it, and members that this module does not know stay in ``raw``, untouched.

Pure: no I/O, no third-party import.
Source: OCI image-spec v1.1, manifest.md and image-index.md; Docker "Image Manifest Version 2, Schema 2"; CVE-2021-41190
(one digest, two readings) for the refusals of ambiguous documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Self

from gateway.errors import ManifestInvalid, ManifestTooLarge
from gateway.oci import media_types, members, strict_json
from gateway.oci.descriptor import Descriptor, artifact_type
from gateway.oci.digest import Digest
from gateway.oci.strict_json import JsonObject

MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024
"""DESIGN 11; the least that the distribution-spec lets a registry support."""

MAX_INDEX_ENTRIES: Final = 1000
"""DESIGN 11: each entry is looked up and judged (quay 5387702, huge manifest lists)."""

MAX_LAYERS: Final = 1000
"""Each is looked up, recorded and shown to the rules. Container runtimes stop at 127 or 128 (overlayfs' mount options)."""

_KNOWN: Final = members.Names.of(
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "subject",
    "annotations",
    "blobs",  # of OCI's withdrawn artifact manifest
    "fsLayers",  # of Docker schema 1
)
_SCHEMA_1_HELP: Final = (
    "Docker schema 1 manifests are not accepted: push with Docker 1.10 or later, or convert with "
    "`skopeo copy --format v2s2`"
)
_ARTIFACT_HELP: Final = (
    "OCI artifact manifests were withdrawn from the specification: push an OCI image manifest with an artifactType "
    "(oras 1.1 or later does)"
)


class ManifestKind(Enum):
    """What a manifest is made of: an image (or artifact) of a config and layers, an index of manifests."""

    IMAGE = "image"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One manifest, of one reading.

    ``digest`` is the SHA-256 of ``raw``. An image has a ``config`` and may have ``layers``; an index may have
    ``manifests``. ``subject`` is what the manifest is attached to; it need not exist.
    """

    raw: bytes = field(repr=False)
    digest: Digest
    media_type: str
    kind: ManifestKind
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    artifact_type: str | None
    annotations: Mapping[str, str] = field(hash=False)
    referenced_blobs: tuple[Descriptor, ...] = field(init=False, repr=False, compare=False)
    """The blobs that must be here for the manifest to be whole: config and layers, once each, no foreign layers.

    A foreign layer's bytes may be here all the same (a client can be told to push them); ``layers`` names it.
    """

    def __post_init__(self) -> None:
        # Asked for ten times by one PUT; it follows from two fields that never change.
        object.__setattr__(self, "referenced_blobs", _referenced_blobs(self.config, self.layers))

    @classmethod
    def parse_stored(cls, raw: bytes, *, media_type: str) -> Self:
        """Return the manifest that was stored as ``raw``, under the type that it was accepted with.

        Its size was judged when it was pushed: a limit that was lowered since is no reason not to read what is there.
        Raises as `parse` does.
        """
        return cls.parse(raw, content_type=media_type, max_bytes=len(raw))

    @classmethod
    def parse(cls, raw: bytes, *, content_type: str | None, max_bytes: int = MAX_MANIFEST_BYTES) -> Self:
        """Return the manifest that ``raw`` is, sent as ``content_type`` (the header's exact value).

        Raises `ManifestTooLarge`, `DocumentInvalid` for bytes that are not one JSON document with one reading, and
        `ManifestInvalid` for a document that is not what its type says.
        """
        if len(raw) > max_bytes:
            raise ManifestTooLarge(max_bytes)
        document = strict_json.parse_object(raw, max_bytes=max_bytes)
        media_type = _media_type(document, content_type=content_type)
        kind = ManifestKind.INDEX if media_type in media_types.INDEXES else ManifestKind.IMAGE
        _check_unambiguous(document, kind=kind)
        version = document.get("schemaVersion")
        if not isinstance(version, int) or isinstance(version, bool) or version != 2:
            raise ManifestInvalid("must be the number 2", field="schemaVersion")
        # `subject` and `artifactType` are OCI's. A Docker document that has them has members of no meaning.
        oci = media_type in (media_types.OCI_MANIFEST, media_types.OCI_INDEX)
        subject = document.get("subject") if oci else None
        manifest = cls(
            raw=raw,
            digest=Digest.of(raw),
            media_type=media_type,
            kind=kind,
            config=Descriptor.parse(document["config"], field="config") if kind is ManifestKind.IMAGE else None,
            layers=_descriptors(document, "layers", most=MAX_LAYERS),
            manifests=_descriptors(document, "manifests", most=MAX_INDEX_ENTRIES),
            subject=None if subject is None else Descriptor.parse(subject, field="subject"),
            artifact_type=artifact_type(document, field="") if oci else None,
            annotations=members.text_map(document, "annotations", field=""),
        )
        _check_one_size(manifest)
        return manifest

    @property
    def declared_type(self) -> str | None:
        """What the manifest says it is: the rule by which the referrers API fills and filters ``artifactType``.

        An index without an artifactType declares nothing. An absent artifactType beside an empty config is a fault
        of the writer that readers are told to tolerate: the declared type is then the empty type.
        """
        if self.artifact_type is not None:
            return self.artifact_type
        return None if self.config is None else self.config.media_type


def _referenced_blobs(config: Descriptor | None, layers: tuple[Descriptor, ...]) -> tuple[Descriptor, ...]:
    if config is None:
        return ()
    found = {config.digest: config}
    for layer in layers:
        if not layer.foreign:
            found.setdefault(layer.digest, layer)
    return tuple(found.values())


def _media_type(document: JsonObject, *, content_type: str | None) -> str:
    """Return the one type of the document. Raises `ManifestInvalid` unless header and body agree on one we read."""
    members.check_spelling(document, known=_KNOWN, field="")
    declared = members.optional_text(document, "mediaType", field="")
    if not content_type:
        raise ManifestInvalid("a manifest is pushed with its media type in the header", field="Content-Type")
    if content_type in media_types.DOCKER_SCHEMA_1 or document.get("schemaVersion") == 1 or "fsLayers" in document:
        raise ManifestInvalid(_SCHEMA_1_HELP, field="Content-Type")
    if media_types.OCI_ARTIFACT_MANIFEST in (content_type, declared):
        raise ManifestInvalid(_ARTIFACT_HELP, field="Content-Type")
    if content_type not in media_types.MANIFESTS:
        raise ManifestInvalid("is not the media type of a manifest, exact and without parameters", field="Content-Type")
    if declared is None:
        # OCI lets a document leave it out; Docker does not, and without it the bytes would be either's.
        if content_type not in (media_types.OCI_MANIFEST, media_types.OCI_INDEX):
            raise ManifestInvalid("is missing", field="mediaType")
    elif declared != content_type:
        raise ManifestInvalid("is not the Content-Type that the manifest was sent with", field="mediaType")
    return content_type


def _check_unambiguous(document: JsonObject, *, kind: ManifestKind) -> None:
    """Raise `ManifestInvalid` for a document that another reader could take for the other kind (CVE-2021-41190).

    Presence counts, whatever the value: ``"manifests": null`` in an image is somebody's index.
    """
    strange = ("config", "layers", "blobs") if kind is ManifestKind.INDEX else ("manifests", "blobs")
    for name in strange:
        if name in document:
            raise ManifestInvalid(f"does not belong in an {kind.value}: the document has two readings", field=name)
    required = ("manifests",) if kind is ManifestKind.INDEX else ("config", "layers")
    for name in required:
        if name not in document:
            raise ManifestInvalid("is missing", field=name)


def _descriptors(document: JsonObject, name: str, *, most: int) -> tuple[Descriptor, ...]:
    listed = members.items(document, name, field="")
    if len(listed) > most:
        raise ManifestInvalid(f"has more than {most} entries", field=name)
    return tuple(Descriptor.parse(item, field=f"{name}[{number}]") for number, item in enumerate(listed))


def _check_one_size(manifest: Manifest) -> None:
    """Raise `ManifestInvalid` where one digest is given two lengths: at most one of them is true."""
    sizes: dict[Digest, int] = {}
    parts = (*manifest.layers, *manifest.manifests)
    for part in parts if manifest.config is None else (manifest.config, *parts):
        if sizes.setdefault(part.digest, part.size) != part.size:
            raise ManifestInvalid(f"{part.digest} is given two sizes", field="size")
