"""The line of a decision, and of a library: what stands in it."""

import contextlib
import io
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.admission.announcing import Decided
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from gateway.server import log


@pytest.mark.parametrize("tag", [None, "v1"])
def test_a_decision_is_one_line_with_its_id(capsys: pytest.CaptureFixture[str], tag: str | None) -> None:
    digest = Digest.of(b"one")
    log.decision(
        Decided(
            "d1",
            "held",
            RepositoryName.parse("team/app"),
            digest,
            None if tag is None else Tag(tag),
            ("A",),
            "u:a",
            "push",
            None,
        )
    )
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "event": "decision",
        "level": "info",
        "decision_id": "d1",
        "outcome": "held",
        "repository": "team/app",
        "digest": str(digest),
        "tag": tag,
        "reasons": ["A"],
        "principal": "u:a",
        "trigger": "push",
        "policy_revision": None,
    }


def test_what_a_library_logs_is_a_line_of_the_same_form() -> None:
    error = ValueError("\x1b[2J")
    told = logging.LogRecord(
        "asyncio", logging.ERROR, __file__, 1, "two\nlines of %s", ("it",), (ValueError, error, None)
    )
    line = log.OfLibraries().format(told)
    assert "\n" not in line
    assert "\x1b" not in line
    record = json.loads(line)
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "event": "library",
        "level": "error",
        "logger": "asyncio",
        "message": "two\nlines of it",
        "exception": "ValueError: \x1b[2J\n",
    }


class Closed(io.StringIO):
    """A stderr that takes nothing."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


class Wordless(Exception):
    """An error, and a value, that cannot be put into words."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda: log.request({"path": "/v2/"}), id="request"),
        pytest.param(lambda: log.notice("draining"), id="notice"),
        pytest.param(lambda: log.failure("step", ValueError("odd")), id="failure"),
    ],
)
def test_a_line_that_cannot_be_written_is_counted_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[], None]
) -> None:
    before = log.unwritten()
    monkeypatch.setattr(sys, "stderr", Closed())
    write()
    assert log.unwritten() == before + 1


def test_what_has_no_words_raises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = log.unwritten()
    log.notice("odd", value=Wordless())
    log.failure("step", Wordless())
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (log.unwritten() - before, [line["error"] for line in lines]) == (1, ["Wordless"])


def test_stderr_that_was_taken_over_fails_nobody_and_writes_whole_lines_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = log.unwritten()
    with (tmp_path / "log").open("wb") as file:
        stderr = log.Unfailing(file.fileno())
        room = [3, -1]

        def write(descriptor: int, data: bytes) -> int:
            if not room:
                return real(descriptor, data)
            size = room.pop(0)
            if size < 0:
                raise OSError(28, "No space left on device")
            return real(descriptor, data[:size])

        real = os.write
        monkeypatch.setattr(os, "write", write)
        print("first line", file=stderr)
        stderr.write("second line\n")
        stderr.flush()
        assert (stderr.fileno(), stderr.isatty()) == (file.fileno(), False)
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[0] == "fir"
    assert lines[-1] == "second line"
    assert log.unwritten() == before + 1


def test_a_pipe_that_is_full_is_not_waited_for() -> None:
    """Its reader is there and does not read: whoever waited for him would serve nobody, and end on no signal."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
        before = log.unwritten()
        stderr = log.Unfailing(writing)
        stderr.write("a line\n" * 3000)
        assert log.unwritten() == before + 1
        held = len(os.read(reading, 1 << 20))
        stderr.write("next\n")
        assert held >= 4096
        assert os.read(reading, 100) == b"next\n"
    finally:
        os.close(reading)
        os.close(writing)


def test_a_line_that_a_full_pipe_has_torn_spoils_itself_alone() -> None:
    reading, writing = os.pipe()
    try:
        stderr = log.Unfailing(writing)
        stderr.write("x" * (1 << 20))
        os.read(reading, 1 << 20)
        stderr.write("next\n")
        assert os.read(reading, 100) == b"\nnext\n"
    finally:
        os.close(reading)
        os.close(writing)
