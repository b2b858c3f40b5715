"""What a decision's record says, as two digests: for "has the newest one said this already?".

A record can be long, and is asked about for each tag that waits. So what it says is digested once, when it is written, and
nobody reads the record to compare it.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("Re-judging never hides an admitted manifest"), 8.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from gateway.oci.strict_json import JsonObject, JsonValue

_NOT_COMPARED: Final = frozenset({"trigger", "input"})
"""Who asked, and the document that was asked with: the time is in it. All that it led to is in the rest."""


@dataclass(frozen=True, slots=True)
class Said:
    """A decision as it is compared: its id, its outcome, and the digests of its reasons and of all that it says."""

    id: str
    outcome: str
    reasons: str
    all: str


def reasons_sha256(reasons: JsonValue) -> str:
    """Return the digest of a record's reasons."""
    return _sha256(reasons)


def record_sha256(record: JsonObject) -> str:
    """Return the digest of what a record says: outcome, reasons, findings, grounds, and for whom."""
    return _sha256({member: value for member, value in record.items() if member not in _NOT_COMPARED})


def canonical(value: JsonValue) -> str:
    """Return the text of a record: the same for the same."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _sha256(value: JsonValue) -> str:
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()
