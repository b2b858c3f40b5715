"""The one place that writes audit events: in the transaction of the change that they describe, or not at all.

I/O: one insert on the caller's connection.
Source: DESIGN 8.
"""

import json
import sqlite3

from gateway.audit.events import EventKind
from gateway.audit.redaction import redact
from gateway.errors import Internal
from gateway.oci.strict_json import JsonObject

_INSERT = """
INSERT INTO event (at, kind, principal_id, project, repository, digest, decision_id, data)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def insert_event(
    connection: sqlite3.Connection,
    kind: str,
    *,
    principal_id: str,
    now: int,
    project: str | None = None,
    repository: str | None = None,
    digest: str | None = None,
    decision_id: str | None = None,
    data: JsonObject | None = None,
) -> None:
    """Write one event; secrets in ``data`` are masked. ``now`` in Unix seconds, ``digest`` as ``sha256:<hex>``.

    Raises `Internal` for a kind outside `EventKind`, which ends the transaction: an event nobody can find is no audit.
    """
    try:
        known = EventKind(kind)
    except ValueError:
        raise Internal(f"{kind!r} is not a kind of audit event") from None
    text = json.dumps(redact(data or {}), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    connection.execute(_INSERT, (now, known.value, principal_id, project, repository, digest, decision_id, text))
