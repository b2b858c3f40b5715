"""How commands speak: tables or JSON on stdout, one sentence on stderr, an exit status that scripts can read.

Exit status: 0 done; 1 refused or a check failed; 2 usage or configuration; 3 something it needs is unavailable.

I/O: stdout and stderr.
Source: INTERFACE 3.
"""

import datetime
import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from rich.console import Console
from rich.table import Table

from gateway.errors import (
    ConfigInvalid,
    GatewayError,
    Internal,
    StorageFailed,
    StorageFull,
    Unavailable,
)

REFUSED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3


class Output(StrEnum):
    """What stdout holds."""

    TABLE = "table"
    JSON = "json"


class Terminal:
    """Where a command writes."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def rows(self, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Write a list: a table, or a JSON array of objects with ``columns`` as members."""
        if self.output is Output.JSON:
            self._json([{column: row[column] for column in columns} for row in rows])
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.upper().replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*(_cell(row[column]) for column in columns))
        self._console.print(table)

    def record(self, record: Mapping[str, object]) -> None:
        """Write one thing: a list of names and values, or a JSON object."""
        if self.output is Output.JSON:
            self._json(dict(record))
            return
        width = max(map(len, record), default=0)
        for name, value in record.items():
            print(f"{name.replace('_', ' '):<{width}}  {_cell(value)}", file=sys.stdout)  # noqa: T201

    def text(self, text: str, record: Mapping[str, object]) -> None:
        """Write a text for people, or its JSON."""
        if self.output is Output.JSON:
            self._json(dict(record))
        else:
            print(text, file=sys.stdout)  # noqa: T201

    def secret(self, secret: str) -> None:
        """Write a secret alone on stdout, once."""
        print(secret, file=sys.stdout)  # noqa: T201

    def note(self, sentence: str) -> None:
        """Say something that is not the answer."""
        print(sentence, file=sys.stderr)  # noqa: T201

    def _json(self, value: object) -> None:
        print(json.dumps(value, indent=2, ensure_ascii=False, default=str), file=sys.stdout)  # noqa: T201


def exit_status(error: GatewayError) -> int:
    """Return the status that a refusal ends a command with."""
    if isinstance(error, ConfigInvalid):
        return USAGE
    if isinstance(error, Unavailable | StorageFailed | StorageFull | Internal):
        return UNAVAILABLE
    return REFUSED


def when(seconds: int | None) -> str:
    """Return a Unix time as people and scripts read it."""
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    return str(value)
