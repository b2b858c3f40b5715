"""What a run of the conformance suite showed, read from its `junit.xml` and never from its exit status.

The suite's exit status is 0 with skipped tests, with disabled tests, and when it could not read its configuration and
ran nothing. Its counts are not the number of its test cases either: one case counts for every API and every kind of
data that it touches. So the counts are the suite's own, and the cases must agree with them.

Pure: text in, values out.
Source: opencontainers/distribution-spec, conformance, commit 97274622c111: junit.go, results.go, run.go.
"""

import re
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

TESTS_TO_PASS: Final = 1032
"""All of them, in the strictest configuration: version `dev` with sparse manifests."""

_SUITE: Final = "OCI Conformance Test"
_METHOD: Final = re.compile(r"^Method: (\S+)$", re.MULTILINE)
_URL: Final = re.compile(r"^URL: https?://[^/\s]+(\S*)$", re.MULTILINE)
_STATUS: Final = re.compile(r"^Status: (\d{3})$", re.MULTILINE)


class ReportInvalid(Exception):
    """The file is not the report of a run: nothing may be concluded from it, least of all success."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A test case that did not pass: its name, its status in the suite's words, its message, its last exchange."""

    name: str
    status: str
    message: str
    exchange: str

    def __str__(self) -> str:
        where = f" [{self.exchange}]" if self.exchange else ""
        return f"{self.status}: {self.name}: {self.message}{where}"


@dataclass(frozen=True, slots=True)
class Report:
    """The suite's counts and every case that did not pass. ``lenient`` are the settings short of the strictest."""

    passed: int
    failed: int
    skipped: int
    lenient: tuple[str, ...]
    troubles: tuple[Trouble, ...]

    @property
    def perfect(self) -> bool:
        """True only for the whole bar: every test of the strictest configuration, and nothing but passes."""
        return (self.passed, self.failed, self.skipped) == (TESTS_TO_PASS, 0, 0) and not (self.lenient or self.troubles)

    def closing_line(self, label: str) -> str:
        """Return the line that ends a run of the suite against the project ``label``."""
        return f"conformance: {self.passed} passed, {self.failed} failed, {self.skipped} skipped ({label})"

    @classmethod
    def parse(cls, text: str) -> "Report":
        """Return what the `junit.xml` ``text`` says.

        Errors count as failed and disabled tests as skipped: both are tests that did not pass. Raises `ReportInvalid`
        for anything that is not one run's report, for an empty run, and where counts and cases contradict each other.
        """
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            raise ReportInvalid(f"not XML: {error}") from error
        suites = root.findall("testsuite")
        if root.tag != "testsuites" or len(suites) != 1 or suites[0].get("name") != _SUITE:
            raise ReportInvalid("not the report of exactly one run of the suite")
        suite = suites[0]
        tests, failures, errors = _count(suite, "tests"), _count(suite, "failures"), _count(suite, "errors")
        skips, disabled = _count(suite, "skipped", absent=0), _count(suite, "disabled", absent=0)
        cases = suite.findall("testcase")
        if tests == 0 or not cases:
            raise ReportInvalid("nothing ran")
        passed = tests - failures - errors - skips - disabled
        troubles = tuple(_trouble(case) for case in cases if case.get("status") != "passed")
        if passed < 0 or (not troubles and passed != tests):
            raise ReportInvalid("the counts and the test cases contradict each other")
        return cls(passed, failures + errors, skips + disabled, _lenient(suite), troubles)


def _count(suite: ElementTree.Element, name: str, *, absent: int | None = None) -> int:
    """Return the attribute ``name``; the suite leaves out what is zero for two of them, and for no other."""
    text = suite.get(name)
    if text is None and absent is not None:
        return absent
    if text is None or not re.fullmatch(r"[0-9]{1,9}", text):
        raise ReportInvalid(f"{name} is not a count")
    return int(text)


def _trouble(case: ElementTree.Element) -> Trouble:
    message = " / ".join((case.findtext("system-out") or "no message").split("\n"))
    log = case.findtext("system-err") or ""
    methods, urls, answers = _METHOD.findall(log), _URL.findall(log), _STATUS.findall(log)
    exchange = f"{methods[-1]} {urls[-1]} -> {answers[-1] if answers else 'no answer'}" if methods and urls else ""
    name = (case.get("name") or "?").removeprefix(f"{_SUITE}/")
    return Trouble(name, case.get("status") or "no status", message, exchange)


def _lenient(suite: ElementTree.Element) -> tuple[str, ...]:
    """Return the lines of the effective configuration that ask for less than everything."""
    configs = [found.get("value") or "" for found in suite.iter("property") if found.get("name") == "Config"]
    if len(configs) != 1:
        raise ReportInvalid("the effective configuration is not in the report")
    lines = [line.strip() for line in configs[0].splitlines()]
    less = [line for line in lines if line.endswith(": false")]
    return tuple(less if "version: dev" in lines else [*less, "version is not dev"])
