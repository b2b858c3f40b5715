"""Descriptors: what a document says about the bytes it names.

A descriptor is a claim, never a fact: its size and media type are the writer's words until the bytes are in hand. Its
``urls`` are carried and never fetched (CVE-2020-15157).

Pure: no I/O, no third-party import.
Source: OCI image-spec v1.1, descriptor.md; image-index.md, "platform".
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from gateway.errors import DigestInvalid, ManifestInvalid
from gateway.oci import media_types, members
from gateway.oci.digest import Digest
from gateway.oci.strict_json import JsonObject, JsonValue

_KNOWN: Final = members.Names.of(
    "mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform"
)
_KNOWN_PLATFORM: Final = members.Names.of("os", "architecture", "variant", "os.version", "os.features")


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image runs on, in Go's words (``linux``, ``arm64``, ``v8``). ``unknown`` is what BuildKit writes."""

    os: str
    architecture: str
    variant: str | None
    os_version: str | None

    @classmethod
    def parse(cls, value: JsonValue, *, field: str) -> Self:
        """Return the platform that ``value`` is. Raises `ManifestInvalid`; ``field`` is where it was found."""
        platform = members.obj(value, field=field)
        members.check_spelling(platform, known=_KNOWN_PLATFORM, field=field)
        return cls(
            os=members.text(platform, "os", field=field),
            architecture=members.text(platform, "architecture", field=field),
            variant=members.optional_text(platform, "variant", field=field),
            os_version=members.optional_text(platform, "os.version", field=field),
        )


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The type, name and length of some bytes, and what else its writer says of them.

    ``data`` is the content itself where it is embedded; it has been checked against ``digest`` and ``size``.
    """

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(hash=False)
    artifact_type: str | None
    urls: tuple[str, ...]
    platform: Platform | None
    data: bytes | None

    @classmethod
    def parse(cls, value: JsonValue, *, field: str) -> Self:
        """Return the descriptor that ``value`` is.

        Raises `ManifestInvalid` with the place of what is wrong, which starts with ``field``. Members that the
        specification does not know are ignored here; the document's bytes keep them.
        """
        descriptor = members.obj(value, field=field)
        members.check_spelling(descriptor, known=_KNOWN, field=field)
        digest = _digest(descriptor, field=field)
        size = members.size(descriptor, "size", field=field)
        platform = descriptor.get("platform")
        return cls(
            media_type=media_type(members.text(descriptor, "mediaType", field=field), field=f"{field}.mediaType"),
            digest=digest,
            size=size,
            annotations=members.text_map(descriptor, "annotations", field=field),
            artifact_type=artifact_type(descriptor, field=field),
            urls=members.texts(descriptor, "urls", field=field),
            platform=None if platform is None else Platform.parse(platform, field=f"{field}.platform"),
            data=_data(descriptor, digest=digest, size=size, field=field),
        )

    @property
    def foreign(self) -> bool:
        """Whether the bytes may live elsewhere: a layer of a type that is not to be redistributed."""
        return self.media_type in media_types.FOREIGN_LAYERS


def media_type(text: str, *, field: str) -> str:
    """Return ``text``, a bare media type. Raises `ManifestInvalid`."""
    if not media_types.is_media_type(text):
        raise ManifestInvalid("is not a media type", field=field)
    return text


def artifact_type(value: JsonObject, *, field: str) -> str | None:
    """Return the ``artifactType`` of a descriptor or manifest, None where it is absent. Raises `ManifestInvalid`."""
    text = members.optional_text(value, "artifactType", field=field)
    return None if text is None else media_type(text, field=members.path(field, "artifactType"))


def _digest(value: JsonObject, *, field: str) -> Digest:
    try:
        return Digest.parse(members.text(value, "digest", field=field))
    except DigestInvalid as error:
        raise ManifestInvalid(error.reason, field=f"{field}.digest") from None


def _data(value: JsonObject, *, digest: Digest, size: int, field: str) -> bytes | None:
    text = members.optional_text(value, "data", field=field)
    if text is None:
        return None
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ManifestInvalid("is not base64", field=f"{field}.data") from None
    if len(data) != size:
        raise ManifestInvalid("is not of the descriptor's size", field=f"{field}.data")
    try:
        digest.check(data)
    except DigestInvalid:
        # A client may take ``data`` for the content, unchecked: what is judged must be what it sees.
        raise ManifestInvalid("is not the content that the digest names", field=f"{field}.data") from None
    return data
