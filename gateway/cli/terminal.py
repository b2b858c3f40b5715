"""How commands speak: tables or JSON on stdout, one sentence on stderr, an exit status that scripts can read.

What is shown was often written by somebody else: an annotation, a rule's message, a reason. No escape sequence of theirs
reaches the terminal, and nothing of theirs is read as markup.

Exit status: 0 done; 1 refused or a check failed; 2 usage or configuration; 3 something it needs is unavailable.

I/O: stdout and stderr; stdin, where it is a terminal.
Source: INTERFACE 3.
"""

import datetime
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.errors import (
    ConfigInvalid,
    GatewayError,
    Internal,
    StorageFailed,
    StorageFull,
    Unavailable,
    UsageInvalid,
)

REFUSED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3

_PIPE_COLUMNS: Final = 10_000
"""Into a file or a pipe no cell is folded: `grep` looks for whole digests."""


class Output(StrEnum):
    """What stdout holds."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Options:
    """The global options, as they were typed."""

    config: Path | None
    output: Output


class Terminal:
    """Where a command writes."""

    def __init__(self, output: Output) -> None:
        self.output = output
        width = None if sys.stdout.isatty() else _PIPE_COLUMNS
        self._console = Console(file=sys.stdout, highlight=False, width=width)

    def rows(self, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """Write a list: a table, or a JSON array of objects with ``columns`` as members."""
        if self.output is Output.JSON:
            self._json([{column: row[column] for column in columns} for row in rows])
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.upper().replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*(Text(_cell(row[column])) for column in columns))
        self._console.print(table)

    def limited(self, rows: Sequence[object], *, limit: int) -> None:
        """Say on stderr that a list ends at ``limit``, where it does."""
        if len(rows) >= limit:
            self.note(f"only the first {limit} are listed: there may be more")

    def record(self, record: Mapping[str, object]) -> None:
        """Write one thing: a list of names and values, or a JSON object. A section's names follow its own: ``a.b``."""
        if self.output is Output.JSON:
            self._json(dict(record))
        else:
            for line in _listed(record):
                print(line, file=sys.stdout)  # noqa: T201

    def done(self, sentence: str, record: Mapping[str, object]) -> None:
        """Say what was done: one sentence, or a JSON object."""
        self.text(sentence, record)

    def text(self, text: str, record: Mapping[str, object]) -> None:
        """Write a text for people, or its JSON."""
        if self.output is Output.JSON:
            self._json(dict(record))
        else:
            print(printable(text), file=sys.stdout)  # noqa: T201

    def secret(self, member: str, secret: str, *, record: Mapping[str, object]) -> None:
        """Write a secret, once: alone on stdout, with ``record`` on stderr; or as ``member`` of the JSON object."""
        if self.output is Output.JSON:
            self._json({**record, member: secret})
            return
        for line in _listed(record):
            self.note(line)
        self.note(f"this is the {member}, shown once:")
        print(secret, file=sys.stdout, flush=True)  # noqa: T201

    def note(self, sentence: str) -> None:
        """Say something that is not the answer."""
        print(printable(sentence), file=sys.stderr)  # noqa: T201

    def agreed(self, question: str) -> bool:
        """Return whether a person at the terminal says yes; True where none is there: a script has said all it will say.

        Asks on stderr: stdout is the answer's, and a program may read it while a person types here.
        """
        # A process can be without standard input, and Python without `sys.stdin` then.
        if sys.stdin is None or not sys.stdin.isatty():
            return True
        print(f"{printable(question)} [y/N]: ", end="", file=sys.stderr, flush=True)  # noqa: T201
        answer = sys.stdin.readline()
        if not answer:
            self.note("")  # Ctrl-D leaves the cursor in the question's line
        return answer.strip().lower() in {"y", "yes"}

    def step(self, sentence: str) -> None:
        """Say what long work does now: a line on stderr at once; nothing where a program reads JSON."""
        if self.output is Output.TABLE:
            print(f"{printable(sentence)} ...", file=sys.stderr, flush=True)  # noqa: T201

    def _json(self, value: object) -> None:
        # ASCII, and DEL, which JSON has no need to escape: a terminal is where somebody reads it before a program does.
        text = json.dumps(value, indent=2, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")
        print(text, file=sys.stdout)  # noqa: T201


def exit_status(error: GatewayError) -> int:
    """Return the status that a refusal ends a command with."""
    if isinstance(error, ConfigInvalid | UsageInvalid):
        return USAGE
    if isinstance(error, Unavailable | StorageFailed | StorageFull | Internal):
        return UNAVAILABLE
    return REFUSED


def when(seconds: int | None) -> str:
    """Return a Unix time as people and scripts read it."""
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def printable(text: str) -> str:
    """Return ``text`` with what moves a cursor, rings or turns the direction written as an escape; lines stay lines."""
    return "".join(char if char.isprintable() or char == "\n" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def _listed(record: Mapping[str, object]) -> list[str]:
    """Return a line for each value, the names in a column."""
    flat = list(_flat(record, ""))
    width = max((len(name) for name, _ in flat), default=0)
    return [f"{name:<{width}}  {_cell(value)}" for name, value in flat]


def _flat(record: Mapping[str, object], before: str) -> Iterator[tuple[str, object]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            # A name inside a section is a key of a file, and is written as there.
            yield (f"{before}{name}" if before else name.replace("_", " ")), value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _members(value)
    if isinstance(value, list | tuple):
        between = "; " if any(isinstance(item, Mapping) for item in value) else ", "
        return between.join(_cell(item) for item in value)
    return printable(str(value)).replace("\n", "\\n")


def _members(value: Mapping[object, object]) -> str:
    """Return an object in one line: a reason as people read it, anything else as names and values."""
    if {"code", "message"} <= value.keys():
        return f"{_cell(value['code'])}: {_cell(value['message'])}"
    shown = ((_cell(name), _cell(item)) for name, item in value.items())
    return " ".join(f"{name}={f'({text})' if ' ' in text else text}" for name, text in shown if text)
