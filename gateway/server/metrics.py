"""Counters and histograms for Prometheus. Every label is one of a closed set: no client makes a new series.

What is counted of decisions carries the id of one of them as its exemplar, which only OpenMetrics' form can say.

Pure, but for its own counts.
Source: security row 95; INTERFACE 5 (`/metrics`) and 6 ("the metric's exemplar"); DESIGN 2 ("an alert metric").
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics_form

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)

POLICY_ERROR: Final = "policy-error"
UNAVAILABLE: Final = "unavailable"
OUTCOMES: Final = ("admitted", "held", "denied", POLICY_ERROR, UNAVAILABLE, "drift")


class Metrics:
    """What one worker counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "registry_gateway_requests",
            "Requests by route, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "registry_gateway_request_seconds",
            "Time to the end of the answer, by route.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._bytes = Counter(
            "registry_gateway_response_bytes", "Bytes of answers, by route.", ("route",), registry=self.registry
        )
        self._decisions = Counter(
            "registry_gateway_decisions",
            "Decisions by outcome; unavailable are pushes that nothing was decided about.",
            ("outcome",),
            registry=self.registry,
        )
        self._policy_errors = Counter(
            "registry_gateway_policy_errors",
            "Decisions that the rules failed to make: alert on any.",
            registry=self.registry,
        )
        self._decision_seconds = Histogram(
            "registry_gateway_decision_seconds",
            "Time from the body of a pushed manifest to its outcome.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        for outcome in OUTCOMES:  # there from the start: an alert on what never was is one that never fires
            self._decisions.labels(outcome)
        self._failures = Counter("registry_gateway_failures", "Surprises that were logged.", registry=self.registry)
        self._unwritten = Gauge(
            "registry_gateway_log_unwritten",
            "Lines of the log that could not be written since the process began: alert where it rises.",
            registry=self.registry,
        )
        self._stock = Gauge(
            "registry_gateway_stock", "What the catalog holds, by kind.", ("kind",), registry=self.registry
        )
        self._connections = Gauge(
            "registry_gateway_connections", "Connections that are open, handshakes included.", registry=self.registry
        )
        self._refused = Counter(
            "registry_gateway_connections_refused",
            "Connections that were closed at once because there were too many: alert where it rises.",
            registry=self.registry,
        )
        self._found: dict[tuple[Any, Any, Any], tuple[Counter, Histogram, Counter]] = {}

    def request(self, record: Mapping[str, Any]) -> None:
        """Count one request by its log record."""
        key = (record.get("route"), record.get("method"), record.get("status"))
        found = self._found.get(key)
        if found is None:
            # To find a series by its labels costs more than to count. As many keys as there are series: a closed set.
            route = str(key[0] or "none")
            requests = self._requests.labels(route, str(key[1]), str(key[2]))
            found = self._found[key] = (requests, self._seconds.labels(route), self._bytes.labels(route))
        found[0].inc()
        found[1].observe(float(record.get("seconds") or 0.0))
        found[2].inc(float(record.get("bytes") or 0))

    def decision(self, outcome: str, *, decision_id: str | None) -> None:
        """Count a decision, or with ``unavailable`` and no id a push that none was made about."""
        exemplar = None if decision_id is None else {"decision_id": decision_id}
        self._decisions.labels(outcome if outcome in OUTCOMES else "other").inc(1, exemplar)
        if outcome == POLICY_ERROR:
            self._policy_errors.inc(1, exemplar)

    def decision_time(self, seconds: float, *, decision_id: str | None) -> None:
        """Count how long a push took to its outcome."""
        self._decision_seconds.observe(seconds, None if decision_id is None else {"decision_id": decision_id})

    def failure(self) -> None:
        """Count a surprise."""
        self._failures.inc()

    def unwritten_lines(self, count: Callable[[], int]) -> None:
        """Ask ``count`` how many lines of the log could not be written, whenever that is told."""
        self._unwritten.set_function(count)

    def connections(self, count: Callable[[], int]) -> None:
        """Ask ``count`` how many connections are open, whenever that is told."""
        self._connections.set_function(count)

    def refused_connection(self) -> None:
        """Count a connection that was one too many."""
        self._refused.inc()

    def stock(self, counts: Mapping[str, int]) -> None:
        """Set what the catalog holds."""
        for kind, count in counts.items():
            self._stock.labels(kind).set(count)

    def render(self, *, openmetrics: bool = False) -> bytes:
        """Return the exposition text, Prometheus' own or OpenMetrics', which has the exemplars."""
        if openmetrics:
            return bytes(openmetrics_form.generate_latest(self.registry))  # type: ignore[no-untyped-call]  # as it is
        return generate_latest(self.registry)
