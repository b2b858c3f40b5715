"""Counters and histograms for Prometheus. Every label is one of a closed set: no client makes a new series.

Pure, but for its own counts.
Source: security row 95; INTERFACE 5 (`/metrics`).
"""

from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


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
        self._failures = Counter("registry_gateway_failures", "Surprises that were logged.", registry=self.registry)
        self._stock = Gauge(
            "registry_gateway_stock", "What the catalog holds, by kind.", ("kind",), registry=self.registry
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

    def failure(self) -> None:
        """Count a surprise."""
        self._failures.inc()

    def stock(self, counts: Mapping[str, int]) -> None:
        """Set what the catalog holds."""
        for kind, count in counts.items():
            self._stock.labels(kind).set(count)

    def render(self) -> bytes:
        """Return the exposition text."""
        return generate_latest(self.registry)
