"""The log: one JSON line per request, per decision that was committed, per surprise, per warning of a library; on stderr.

Whatever a client sent is a JSON string, so no escape sequence or line break of his reaches a terminal. No secret is given
to this module; what it is given it writes.

**Nothing here raises.** A line that cannot be written (a full disk, a pipe whose reader is gone, a value that has no text)
is counted and forgotten: what it would have told of has happened, and must neither fail nor be lost for want of a line.

I/O: stderr.
Source: security rows 114 to 116.
"""

import contextlib
import datetime
import io
import json
import logging
import os
import select
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from gateway.admission.announcing import Decided

_encode: Final = json.JSONEncoder(ensure_ascii=True, default=repr).encode


class _Lines:
    """Writes lines to stderr, whatever that is at the time, and counts those that it could not write.

    One for the process, as there is one stderr.
    """

    def __init__(self) -> None:
        self.unwritten = 0

    def write(self, make: Callable[[], str]) -> None:
        """Write what ``make`` returns as a line. Whatever fails, in making it too, is one line less."""
        try:
            sys.stderr.write(make() + "\n")
            sys.stderr.flush()
        except Exception:
            self.unwritten += 1

    def error(self, line: str) -> None:
        """As structlog calls it."""
        self.write(lambda: line)


_lines: Final = _Lines()
_log: Final = structlog.wrap_logger(
    _lines,
    processors=[
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=True),
    ],
)


def request(record: Mapping[str, Any]) -> None:
    """Write the line of one request."""
    _line("request", record)


def decision(decided: Decided) -> None:
    """Write the line of one decision that was committed: codes and no messages, which quote what people pushed."""
    _line(
        "decision",
        {
            "decision_id": decided.decision_id,
            "outcome": decided.outcome,
            "repository": decided.repository.text,
            "digest": str(decided.digest),
            "tag": None if decided.tag is None else decided.tag.text,
            "reasons": list(decided.codes),
            "principal": decided.principal,
            "trigger": decided.trigger,
            "policy_revision": decided.policy_revision,
        },
    )


def notice(event: str, **fields: Any) -> None:
    """Write what an operator wants to know: serving, draining, a revision that was activated."""
    _line(event, fields)


def failure(what: str, error: BaseException) -> None:
    """Write a surprise with its traceback: locals are not part of it, so no secret is."""
    try:
        _log.error("failure", what=what, error=type(error).__name__, exc_info=error)
    except Exception:
        # An error that cannot be put into words is told of by its class.
        _line("failure", {"what": what, "error": type(error).__name__}, level="error")


def unwritten() -> int:
    """Return how many lines could not be written since the process began."""
    return _lines.unwritten


class OfLibraries(logging.Formatter):
    """Makes a line of this log of what a library logs: a reader of JSON meets nothing else on stderr."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        said = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info is not None:
            said["exception"] = "".join(traceback.format_exception(record.exc_info[1]))
        return _encoded("library", said, level=record.levelname.lower())


class _ToLines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _lines.write(lambda: self.format(record))


class Unfailing(io.TextIOBase):
    """A stderr whose `write` neither raises nor waits, over a descriptor: what cannot be written is counted.

    Without a buffer. What stays in Python's own is written later, into the middle of another line; and where it cannot be
    written at the end of the process either, a drain that went well would end with status 120.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._torn = False
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, text: str) -> int:
        """Write all of it, or count one line that was not written."""
        left = text.encode("utf-8", "backslashreplace")
        if self._torn:
            # A part of a line stands there since the disk was full. It is to spoil no more than itself.
            left = b"\n" + left
        try:
            while left:
                if not self._poll.poll(0):
                    # A pipe that is full: whoever reads it does not. To wait for him would stop all that is served.
                    raise BlockingIOError
                left = left[os.write(self._descriptor, left[: select.PIPE_BUF]) :]
                self._torn = bool(left)
        except OSError:
            _lines.unwritten += 1
        return len(text)

    def fileno(self) -> int:
        """As of any file."""
        return self._descriptor

    def isatty(self) -> bool:
        """As of any file."""
        return os.isatty(self._descriptor)


def take_over() -> None:
    """Write what libraries log, from warnings on, as lines of this log from now on, and let nothing on stderr raise."""
    handler = _ToLines()
    handler.setFormatter(OfLibraries())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    with contextlib.suppress(
        AttributeError, OSError
    ):  # closed, or no file: there is nothing to write to, or nothing to guard
        sys.stderr = Unfailing(sys.stderr.fileno())


def _line(event: str, record: Mapping[str, Any], *, level: str = "info") -> None:
    """Write one line: as structlog would, in half its time, since every pull pays for it."""
    _lines.write(lambda: _encoded(event, record, level=level))


def _encoded(event: str, record: Mapping[str, Any], *, level: str) -> str:
    stamp = datetime.datetime.now(tz=datetime.UTC).isoformat().replace("+00:00", "Z")
    return _encode({**record, "event": event, "timestamp": stamp, "level": level})
