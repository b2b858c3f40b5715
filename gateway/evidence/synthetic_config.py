"""The config of evidence: ``{}``, or what clients make up where the format of an image wants one.

One verified layer shows the whole manifest, its config too. So a config says nothing of its own: it is known by its digest,
or it lists layers of this very manifest, and the time. Then no config of an image is one, whoever names it.

Pure: no I/O, no third-party import.
Source: go-containerregistry, pkg/v1/mutate (cosign, also in its OCI 1.1 mode); containers/image,
docker/docker_image_dest.go (skopeo, podman); oras-go v2 and sigstore-rs write ``{}``.
"""

import re
from typing import Final

from gateway.evidence import members
from gateway.evidence.limits import MAX_EVIDENCE_CONFIG_BYTES, MAX_LAYERS
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.strict_json import JsonObject

EMPTY: Final = b"{}"
EMPTY_DIGEST: Final = Digest.of(EMPTY)

_MEMBERS: Final = frozenset({"architecture", "os", "config", "created", "history", "rootfs"})
_MAX_TIME_CHARS: Final = 40
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


def check(content: bytes, manifest: Manifest) -> None:
    """Raise `Refused` unless ``content`` is the config of evidence with the layers of ``manifest``."""
    if content == EMPTY:
        return
    config = members.only(
        members.parse(content, what="the config", max_bytes=MAX_EVIDENCE_CONFIG_BYTES), _MEMBERS, what="the config"
    )
    if config.get("architecture", "") != "" or config.get("os", "") != "" or config.get("config", {}) != {}:
        raise members.malformed("the config is one of an image")
    rootfs = members.exactly(config.get("rootfs"), {"type", "diff_ids"}, what="rootfs")
    # Neither all of them nor a type: where one client wrote ``{}``, the next adds its own layer to that.
    layers = {str(layer.digest) for layer in manifest.layers}
    named = members.a_list(rootfs["diff_ids"], what="diff_ids", max_items=MAX_LAYERS)
    if rootfs["type"] not in ("", "layers") or any(not isinstance(one, str) or one not in layers for one in named):
        raise members.malformed("rootfs names something else than layers of the manifest")
    _check_time(config)
    for entry in members.a_list(config.get("history", []), what="history", max_items=MAX_LAYERS):
        _check_time(members.only(entry, {"created"}, what="an entry of history"))


def _check_time(value: JsonObject) -> None:
    text = members.a_text(value.get("created", "0001-01-01T00:00:00Z"), what="created", max_chars=_MAX_TIME_CHARS)
    if _TIME.fullmatch(text) is None:
        raise members.malformed("created is not a time")
