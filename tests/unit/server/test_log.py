"""The line of a decision, and of a library: what stands in it."""

import json
import logging

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
