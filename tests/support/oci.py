"""Documents for tests: manifests, indexes and descriptors as clients write them."""

import json
from typing import Any, Final

from hypothesis import HealthCheck, settings

from gateway.oci import media_types
from gateway.oci.digest import Digest

Json = dict[str, Any]

PROPERTY: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Of every property test: a busy machine is not a failure."""

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def descriptor(content: bytes = b"{}", *, media_type: str = media_types.EMPTY, **more: Any) -> Json:
    """Return the descriptor of ``content`` as a JSON object."""
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content), **more}


def image(**more: Any) -> Json:
    """Return an OCI image manifest with one layer, ``more`` added or put in place."""
    return {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": descriptor(media_type=media_types.OCI_CONFIG),
        "layers": [descriptor(b"layer", media_type=LAYER_TYPE)],
        **more,
    }


def index(*entries: Json, **more: Any) -> Json:
    """Return an OCI index of ``entries``, ``more`` added or put in place."""
    return {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": list(entries), **more}


def encode(document: Any) -> bytes:
    """Return the bytes of ``document``."""
    return json.dumps(document).encode()
