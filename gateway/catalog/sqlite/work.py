"""Background work as rows, claimed with a lease by any worker of any process.

Work is asked for again while it is being carried out: a signature arrives while its image is judged. The worker may have
read before that, so the request must not be lost with the row that the worker is about to remove. Asking again takes the
lease away; what the worker then reports (`done`, `retry`) finds no lease of its own and changes nothing.

I/O: reads and writes of the catalog.
Source: DESIGN 2 ("Background work").
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Final

_ENQUEUE: Final = """
INSERT INTO work (kind, key, data, due) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET data = excluded.data, due = min(due, excluded.due), leased_until = NULL
"""


def enqueue_work(connection: sqlite3.Connection, kind: str, key: str, data: Mapping[str, str], *, due: int) -> None:
    """Ask for work in the caller's transaction: one row per (kind, key), due at the earlier of the two times."""
    connection.execute(_ENQUEUE, (kind, key, json.dumps(dict(data), sort_keys=True), due))
