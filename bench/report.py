"""The report: ratios first, then the figures they come from, then what each expectation became.

Pure.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.drive import Measured
from bench.workloads import Unit, Workload, value

OURS: Final = "gateway"
REFERENCE: Final = "distribution"
SATURATED: Final = 0.85
"""Of one core: a generator that works this hard may be what was measured."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """All rounds of one workload on one peer."""

    workload: Workload
    measured: tuple[Measured, ...]

    def values(self, unit: Unit) -> list[float]:
        """Return the number of each round."""
        return [value(self.workload, round_, unit) for round_ in self.measured]

    def median(self, unit: Unit) -> float:
        """Return the median of the rounds."""
        return statistics.median(self.values(unit))

    @property
    def cpu_ms(self) -> float:
        """CPU time of the peer for one operation, in milliseconds."""
        return statistics.median(m.peer_cpu / len(m.latencies) for m in self.measured) * 1000

    @property
    def peer_share(self) -> float:
        """Cores that the peer kept busy."""
        return statistics.median(m.peer_cpu / m.elapsed for m in self.measured)

    @property
    def own_share(self) -> float:
        """Cores that the load generator kept busy."""
        return statistics.median(m.own_cpu / m.elapsed for m in self.measured)


Results = Mapping[str, Mapping[str, Rounds]]
"""By `row` of the workload, then by name of the peer."""


def row(workload: Workload) -> str:
    """Return the name of a workload's row."""
    return f"{workload.name}, {workload.clients} client{'s' if workload.clients > 1 else ''}"


def render(results: Results, peers: Sequence[str], about: Sequence[str]) -> str:
    """Return the report in Markdown; ``about`` is what it says of machine, versions and commands."""
    others = [peer for peer in peers if peer != OURS]
    parts = [
        "# Side by side\n",
        "Written by `make bench`. Figures are medians of the rounds; the peers take turns on one machine, so compare the",
        "ratios, and these only within one report.\n",
        *about,
        "",
        "## Ratios\n",
        "How many times as fast the gateway is: rates ours / theirs, latencies theirs / ours. Above 1 it is ahead.",
        f"*Expected* is said of {REFERENCE}; *CPU* is its CPU time for one operation / ours, which other work on the",
        "machine moves too, but less than it moves rates.\n",
        *_table(["workload", *others, "expected", "so", "CPU"], _ratio_rows(results, others)),
        "",
        "## Figures\n",
        "Median, in brackets the lowest and the highest round. *CPU*: time of the peer's processes for one operation.",
        "*cores*: how many the peer / the load generator kept busy.\n",
        *_table(["workload", "peer", "result", "CPU ms", "cores"], _figure_rows(results, peers)),
        "",
        "## Reading\n",
        *_reading(results),
        "",
    ]
    return "\n".join(parts)


def ratio(results: Mapping[str, Rounds], other: str, unit: Unit) -> float | None:
    """Return how many times as fast the gateway is as ``other``, None where one of them was not measured."""
    if OURS not in results or other not in results:
        return None
    ours, theirs = results[OURS].median(unit), results[other].median(unit)
    return theirs / ours if unit.endswith("ms") else ours / theirs


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


def _workload(rounds: Mapping[str, Rounds]) -> Workload:
    return next(iter(rounds.values())).workload


def _ratio_rows(results: Results, others: Sequence[str]) -> list[list[str]]:
    rows = []
    for name, rounds in results.items():
        workload = _workload(rounds)
        for number, unit in enumerate(workload.values):
            ratios = {other: ratio(rounds, other, unit) for other in others}
            cells = ["-" if found is None else f"{found:.2f}" for found in ratios.values()]
            expected, reached, cpu = "", "", ""
            if number == 0 and not workload.shared and OURS in rounds and REFERENCE in rounds:
                cpu = f"{rounds[REFERENCE].cpu_ms / rounds[OURS].cpu_ms:.2f}"
            if number == 0 and workload.expected is not None:
                expected = f"{workload.expected:g}"
                reached = _verdict(ratios.get(REFERENCE), workload.expected)
            rows.append([f"{name}: {unit}", *cells, expected, reached, cpu])
    return rows


def _verdict(found: float | None, expected: float) -> str:
    if found is None:
        return "not measured"
    return "reached" if found >= expected else "missed"


def _figure_rows(results: Results, peers: Sequence[str]) -> list[list[str]]:
    rows = []
    for name, rounds in results.items():
        for peer in peers:
            found = rounds.get(peer)
            if found is None:
                continue
            shown = "; ".join(_spread(found.values(unit), unit) for unit in found.workload.values)
            busy = f"{found.peer_share:.2f} / {found.own_share:.2f}"
            cpu = "-" if found.workload.shared else f"{found.cpu_ms:.3f}"
            rows.append([name, peer, shown, cpu, busy])
    return rows


def _spread(values: list[float], unit: Unit) -> str:
    return f"{_figure(statistics.median(values))} {unit} ({_figure(min(values))} to {_figure(max(values))})"


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def _reading(results: Results) -> list[str]:
    """Return a sentence for each expectation: what became of it, and what set the pace."""
    sentences = []
    for name, rounds in results.items():
        workload = _workload(rounds)
        found = ratio(rounds, REFERENCE, workload.values[0])
        if workload.expected is None or found is None:
            continue
        ours, theirs = rounds[OURS], rounds[REFERENCE]
        verdict = _verdict(found, workload.expected)
        sentences.append(
            f"- **{name}**: {workload.expected:g} expected, {found:.2f} measured, {verdict}. CPU for one operation: "
            f"{ours.cpu_ms:.3f} ms against {theirs.cpu_ms:.3f} ms ({theirs.cpu_ms / ours.cpu_ms:.2f} times ours). "
            f"{_pace(ours)}"
        )
    return sentences


def _pace(ours: Rounds) -> str:
    if ours.peer_share >= SATURATED:
        return "The gateway's one worker had a core to itself and set the pace."
    if ours.own_share >= SATURATED:
        return "The load generator, not the gateway, set the pace: the ratio is a lower bound."
    return "Neither had a core to itself: the disk, or others on the machine, set the pace."
