"""The reader of the conformance suite's report: above all, what it must not take for success."""

import pytest

from tests.conformance.report import Report, ReportInvalid

STRICT = "version: dev&#xA;data:&#xA;  sparse: true"
PASSED = '<testcase name="OCI Conformance Test/ping" classname="" status="passed"/>'
LOG = """=====
~~~ REQUEST ~~~
Method: POST
URL: https://localhost:5000/v2/c/r1/blobs/uploads/
~~~ RESPONSE ~~~
Status: 202
~~~ REQUEST ~~~
Method: DELETE
URL: https://localhost:5000/v2/c/r1/blobs/sha256:00
~~~ RESPONSE ~~~
Status: 405
"""


def case(status: str, message: str, log: str = LOG, name: str = "OCI Conformance Test/sha256 blobs/blob-delete") -> str:
    return (
        f'<testcase name="{name}" classname="" status="{status}">'
        f"<system-out>{message}</system-out><system-err>{log}</system-err></testcase>"
    )


def junit(counts: str, *cases: str, config: str = STRICT) -> str:
    return (
        f'<testsuites><testsuite name="OCI Conformance Test" {counts} time="1.0"><properties>'
        f'<property name="Config" value="{config}"></property></properties>{"".join(cases)}</testsuite></testsuites>'
    )


def test_the_bar_is_perfect() -> None:
    report = Report.parse(junit('tests="1032" failures="0" errors="0"', PASSED))
    assert report.perfect
    assert report.closing_line("hold") == "conformance: 1032 passed, 0 failed, 0 skipped (hold)"


@pytest.mark.parametrize(
    ("counts", "cases", "line"),
    [
        pytest.param(
            'tests="1032" failures="1" errors="0"',
            [PASSED, case("failure", "no digest")],
            "1031 passed, 1 failed, 0 skipped",
            id="failure",
        ),
        pytest.param(
            'tests="1032" failures="0" errors="2"',
            [PASSED, case("error", "EOF")],
            "1030 passed, 2 failed, 0 skipped",
            id="error-counts-as-failed",
        ),
        pytest.param(
            'tests="1032" failures="0" errors="0" skipped="25"',
            [PASSED, case("skipped", "registry returned status 405")],
            "1007 passed, 0 failed, 25 skipped",
            id="skipped-with-exit-status-0",
        ),
        pytest.param(
            'tests="1032" failures="0" errors="0" disabled="2"',
            [PASSED, case("skipped", "disabled")],
            "1030 passed, 0 failed, 2 skipped",
            id="disabled-counts-as-skipped",
        ),
        pytest.param(
            'tests="986" failures="0" errors="0"',
            [PASSED],
            "986 passed, 0 failed, 0 skipped",
            id="fewer-tests-all-pass",
        ),
        pytest.param(
            'tests="1032" failures="0" errors="0"',
            [PASSED, '<testcase name="x" classname=""/>'],
            "1032 passed, 0 failed, 0 skipped",
            id="a-case-without-status-is-not-passed",
        ),
    ],
)
def test_short_of_the_bar(counts: str, cases: list[str], line: str) -> None:
    report = Report.parse(junit(counts, *cases))
    assert not report.perfect
    assert report.closing_line("admitting") == f"conformance: {line} (admitting)"


def test_a_lenient_configuration_is_never_perfect() -> None:
    config = "version: 1.1&#xA;data:&#xA;  sparse: false"
    report = Report.parse(junit('tests="1032" failures="0" errors="0"', PASSED, config=config))
    assert report.lenient == ("sparse: false", "version is not dev")
    assert not report.perfect


def test_a_trouble_says_what_was_asked_last_in_one_line() -> None:
    counts = 'tests="2" failures="0" errors="0" skipped="1"'
    (trouble,) = Report.parse(junit(counts, PASSED, case("skipped", "no delete\nno cry"))).troubles
    assert (trouble.name, trouble.status) == ("sha256 blobs/blob-delete", "skipped")
    assert trouble.message == "no delete / no cry"
    assert trouble.exchange == "DELETE /v2/c/r1/blobs/sha256:00 -> 405"
    assert "\n" not in str(trouble)


def test_a_trouble_without_an_answer() -> None:
    log = "Method: GET\nURL: https://localhost:5000/v2/\n"
    counts = 'tests="1" failures="0" errors="1"'
    (trouble,) = Report.parse(junit(counts, case("error", "connection refused", log))).troubles
    assert trouble.exchange == "GET /v2/ -> no answer"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty-file"),
        pytest.param("<testsuites>", id="torn"),
        pytest.param("<testsuites/>", id="no-suite"),
        pytest.param(junit('tests="0" failures="0" errors="0"'), id="nothing-ran"),
        pytest.param(junit('tests="1032" failures="0" errors="0"'), id="counts-without-cases"),
        pytest.param(junit('tests="1032" failures="3" errors="0"', PASSED), id="failures-without-a-failed-case"),
        pytest.param(junit('tests="1" failures="2" errors="0"', case("failure", "x")), id="more-failed-than-run"),
        pytest.param(junit('failures="0" errors="0"', PASSED), id="no-number-of-tests"),
        pytest.param(junit('tests="1032" failures="" errors="0"', PASSED), id="malformed-count"),
        pytest.param(
            junit('tests="1032" failures="0" errors="0"', PASSED).replace("Config", "X"), id="no-configuration"
        ),
        pytest.param(
            junit('tests="1032" failures="0" errors="0"', PASSED).replace("OCI Conformance Test", "Other"),
            id="another-suite",
        ),
    ],
)
def test_refuses_what_is_no_report(text: str) -> None:
    with pytest.raises(ReportInvalid):
        Report.parse(text)
