"""Hold each package that decides to its bar: 98% of its lines and 98% of its branches, by its own unit tests.

    python -m tools.coverage_bars REPORT        REPORT is what `coverage json` writes

Lines and branches count separately: together, many plain lines would hide a branch that nothing takes. Prints one line
for each package, and for one below the bar what is missing, by file. Exits 1 where a package is below, or is not there.

I/O: reads the report.
"""

# ruff: noqa: T201  a command prints

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self, TypedDict

BAR_PERCENT: Final = 98

PACKAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "admission": "gateway/admission/",
        "access": "gateway/access/",
        "evidence": "gateway/evidence/",
        "api/guard": "gateway/api/guard.py",
        "oci": "gateway/oci/",
    }
)
"""What is held to the bar -> how the paths of its files begin."""


class Summary(TypedDict):
    """The counts of one file."""

    num_statements: int
    covered_lines: int
    num_branches: int
    covered_branches: int


class File(TypedDict):
    """One file of a report; a branch is (from line, to line), and a negative line is the way out."""

    summary: Summary
    missing_lines: list[int]
    missing_branches: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Covered:
    """How much of a package was run."""

    lines: int
    lines_run: int
    branches: int
    branches_taken: int

    @classmethod
    def of(cls, files: Sequence[File]) -> Self:
        """Return the sums over ``files``."""
        summaries = [file["summary"] for file in files]
        return cls(
            lines=sum(summary["num_statements"] for summary in summaries),
            lines_run=sum(summary["covered_lines"] for summary in summaries),
            branches=sum(summary["num_branches"] for summary in summaries),
            branches_taken=sum(summary["covered_branches"] for summary in summaries),
        )

    @property
    def enough(self) -> bool:
        """Whether there is something, and both shares of it reach the bar: compared exactly, not as rounded."""
        return (
            self.lines > 0
            and 100 * self.lines_run >= BAR_PERCENT * self.lines
            and 100 * self.branches_taken >= BAR_PERCENT * self.branches
        )

    def __str__(self) -> str:
        if not self.lines:
            return "is not measured"
        return (
            f"{_share(self.lines_run, self.lines)} of lines, {_share(self.branches_taken, self.branches)} of branches"
        )


def check(files: Mapping[str, File]) -> Iterator[tuple[str, bool]]:
    """Yield a line to print for each package and each gap, with whether all is well."""
    for name, prefix in PACKAGES.items():
        own = {path: file for path, file in files.items() if path.startswith(prefix)}
        covered = Covered.of(list(own.values()))
        yield f"coverage: {name} {covered}", covered.enough
        if not covered.enough:
            yield from ((f"  {gap}", False) for gap in _gaps(own))


def main() -> int:
    """Check the report that the command line names."""
    report = json.loads(Path(sys.argv[1]).read_bytes())
    results = list(check(report["files"]))
    for line, _ in results:
        print(line)
    enough = all(well for _, well in results)
    print(
        f"coverage: {len(PACKAGES)} packages, {'each' if enough else 'NOT each'} at least {BAR_PERCENT}% of lines "
        "and of branches"
    )
    return 0 if enough else 1


def _gaps(files: Mapping[str, File]) -> Iterator[str]:
    for path, file in sorted(files.items()):
        lines = [str(line) for line in file["missing_lines"]]
        branches = [
            f"{start}->{'exit' if end < 0 else end}"
            for start, end in file["missing_branches"]
            if start not in file["missing_lines"] and end not in file["missing_lines"]
        ]
        if lines or branches:
            yield f"{path}: {', '.join([*lines, *branches])}"


def _share(part: int, whole: int) -> str:
    # Cut off, never rounded up: 97.96% is not 98.0%.
    return f"{(1000 * part // whole) / 10 if whole else 100:.1f}%"


if __name__ == "__main__":
    sys.exit(main())
