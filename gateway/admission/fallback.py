"""What an index under a referrers tag may be: a list of evidence, and hardly anything besides.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("Evidence"); OCI distribution-spec v1.1.1, "Referrers Tag Schema".
"""

from typing import Final

from gateway.admission.classify import classify
from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest

FALLBACK_ENTRY_BYTES: Final = 4096
"""Of a referrers-tag index, for itself and for each entry: a descriptor with the annotations that clients copy into it."""


def oversized(manifest: Manifest) -> Reason | None:
    """Return why a list is not taken that holds much besides what it lists: it counts for nothing and has no end."""
    entries = len({entry.digest for entry in manifest.manifests})
    limit = FALLBACK_ENTRY_BYTES * (1 + entries)
    if len(manifest.raw) <= limit:
        return None
    message = f"a list of {entries} referrers is at most {limit} bytes, annotations included"
    return Reason("FALLBACK_INVALID", message, "deny")


def subject_of(body: bytes, media_type: str) -> Digest | None:
    """Return the subject that a stored evidence manifest names; it was parsed when it was stored."""
    return classify(Manifest.parse_stored(body, media_type=media_type), ()).subject
