"""The parts of an image that are looked at: the root, its judged children, and their configs, as values.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("Indexes", attestation child), 7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.catalog.world import World
from gateway.errors import DigestInvalid, ManifestInvalid
from gateway.oci import media_types
from gateway.oci.config import ImageConfig, is_attestation_child
from gateway.oci.descriptor import Platform
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest, ManifestKind

HELM_CONFIG: Final = "application/vnd.cncf.helm.config.v1+json"

MAX_CONFIGS_BYTES: Final = 16 * 1024 * 1024
"""Of one description: read, 4 MiB of JSON are 19 MB of values. An index of a thousand platforms has 10 MiB of them."""

_EMPTY: Final = b"{}"


class TooMuch(Exception):
    """An image says more than is looked at for one decision. It is refused for that, whatever the levels of the rules.

    Inside this package: the evaluator makes a verdict of it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Part:
    """One subject of the decision. ``config`` is None where the manifest's config is not an image's.

    ``platform`` is what the index says of it, else what its config says.
    """

    manifest: Manifest
    root: bool
    config: ImageConfig | None
    platform: Platform | None

    @property
    def kind(self) -> str:
        """What it is for the rules: ``image``, ``index``, ``artifact``, ``attestation`` or ``chart``."""
        if self.manifest.kind is ManifestKind.INDEX:
            return "index"
        config = self.manifest.config
        if config is not None and config.media_type == HELM_CONFIG:
            return "chart"
        if self.config is None:
            return "artifact"
        return "attestation" if is_attestation_child(self.manifest, self.config) else "image"


def manifests_of(root: Manifest, world: World) -> tuple[Manifest, ...]:
    """Return the root and its descendants that are here, once each, breadth first."""
    found = {root.digest: root}
    for child in world.children:
        if child.present and child.digest not in found:
            found[child.digest] = Manifest.parse_stored(child.body, media_type=child.media_type)
    return tuple(found.values())


def config_digests(manifests: Sequence[Manifest]) -> tuple[tuple[Digest, int], ...]:
    """Return digest and declared size of each image config among them."""
    return tuple(
        dict.fromkeys(
            (manifest.config.digest, manifest.config.size)
            for manifest in manifests
            if manifest.config is not None and manifest.config.media_type in media_types.IMAGE_CONFIGS
        )
    )


def check_configs(configs: Sequence[tuple[Digest, int]]) -> None:
    """Raise `TooMuch` where these configs, as long as they are declared, are more than are read for one description."""
    if sum(size for _, size in configs) > MAX_CONFIGS_BYTES:
        raise TooMuch(f"its image configs are more than {MAX_CONFIGS_BYTES} bytes together")


def parts(manifests: Sequence[Manifest], configs: Mapping[Digest, bytes]) -> tuple[Part, ...]:
    """Return the subjects of the decision, the root first.

    Raises `ManifestInvalid` for a config that is none, and for an image whose config says that it is something else.
    """
    platforms = {entry.digest: entry.platform for manifest in manifests for entry in manifest.manifests}
    read: dict[Digest, ImageConfig] = {}
    found = []
    for number, manifest in enumerate(manifests):
        _check_not_disguised(manifest)
        config = None
        if manifest.config is not None and manifest.config.media_type in media_types.IMAGE_CONFIGS:
            digest = manifest.config.digest
            if digest not in read:
                read[digest] = ImageConfig.parse(configs[digest])
            config = read[digest]
        found.append(Part(manifest, number == 0, config, platforms.get(manifest.digest)))
    return tuple(found)


def _check_not_disguised(manifest: Manifest) -> None:
    """Raise `ManifestInvalid` where a client could run what the rules for images would not look at.

    Those rules go by the config's type, and some clients do not: containerd goes by the layers', Docker takes a config of
    no particular type for an image's. The one other config beside such layers is ``{}``, known by its digest: nothing can
    be run by it, and `oras push` puts it beside files that it calls ``...image.layer.v1.tar`` where it is told no type.
    """
    config = manifest.config
    if config is None or config.media_type in media_types.IMAGE_CONFIGS:
        return
    defaulted = config.media_type.lower() in media_types.DEFAULTED_CONFIGS
    if not defaulted and not any(media_types.is_rootfs_layer(layer.media_type) for layer in manifest.layers):
        return
    try:
        config.digest.check(_EMPTY)
    except DigestInvalid:
        raise ManifestInvalid(
            "is not the type of an image config, and some clients run this as an image: an artifact's config and layers "
            "have types of their own",
            field="config.mediaType",
        ) from None
