"""The bars: 98% of lines and 98% of branches, each package by itself."""

import json
import sys
from pathlib import Path

import pytest

from tools.coverage_bars import PACKAGES, Covered, File, check, main


def file(lines: int = 100, lines_run: int = 100, branches: int = 50, branches_taken: int = 50) -> File:
    return File(
        summary={
            "num_statements": lines,
            "covered_lines": lines_run,
            "num_branches": branches,
            "covered_branches": branches_taken,
        },
        missing_lines=[7] if lines_run < lines else [],
        missing_branches=[(9, 12), (9, -3), (5, 7)] if branches_taken < branches else [],
    )


def everything(**instead: File) -> dict[str, File]:
    """Return a report in which all is well, but for ``instead``, by package."""
    paths = {name: f"{prefix}x.py" if prefix.endswith("/") else prefix for name, prefix in PACKAGES.items()}
    return {path: instead.get(name, file()) for name, path in paths.items()}


def below(files: dict[str, File]) -> list[str]:
    return [line for line, well in check(files) if not well]


def test_a_package_is_what_its_files_are_together() -> None:
    assert Covered.of([file(100, 96), file(100, 100)]) == Covered(200, 196, 100, 100)
    assert below({**everything(access=file(100, 96)), "gateway/access/y.py": file()}) == []


@pytest.mark.parametrize(
    ("package", "told"),
    [
        pytest.param(file(100, 97), "97.0% of lines, 100.0% of branches", id="lines"),
        pytest.param(file(1000, 1000, 50, 48), "100.0% of lines, 96.0% of branches", id="branches-behind-many-lines"),
        pytest.param(file(10000, 9799), "97.9% of lines, 100.0% of branches", id="never-rounded-up"),
    ],
)
def test_below_the_bar_in_either_is_below(package: File, told: str) -> None:
    assert below(everything(oci=package))[0] == f"coverage: oci {told}"


def test_at_the_bar_is_enough() -> None:
    assert below(everything(oci=file(100, 98, 50, 49))) == []
    assert below(everything(oci=file(100, 100, 0, 0))) == []


def test_a_package_that_is_not_measured_is_below() -> None:
    files = everything()
    del files["gateway/api/guard.py"]
    assert below(files) == ["coverage: api/guard is not measured"]


def test_what_is_missing_is_named_once() -> None:
    assert below(everything(evidence=file(100, 90, 50, 40)))[1] == "  gateway/evidence/x.py: 7, 9->12, 9->exit"


@pytest.mark.parametrize(
    ("files", "status", "last"),
    [
        pytest.param(everything(), 0, "coverage: 5 packages, each at least 98% of lines and of branches", id="enough"),
        pytest.param(
            everything(access=file(100, 9)),
            1,
            "coverage: 5 packages, NOT each at least 98% of lines and of branches",
            id="below",
        ),
    ],
)
def test_the_command(
    files: dict[str, File],
    status: int,
    last: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"files": files}))
    monkeypatch.setattr(sys, "argv", ["coverage_bars", str(report)])
    assert main() == status
    assert capsys.readouterr().out.splitlines()[-1] == last
