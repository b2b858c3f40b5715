"""Refused connections: all are counted, and a flood of them is not one of lines."""

import json

import pytest

from gateway.server.crowding import TOLD_SECONDS, Crowding
from gateway.server.metrics import Metrics


def test_each_is_counted_and_the_log_says_so_once_in_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, TOLD_SECONDS - 0.1, TOLD_SECONDS, TOLD_SECONDS + 1])
    metrics = Metrics()
    crowding = Crowding(metrics=metrics, max_connections=7, monotonic=lambda: next(times))
    for _ in range(5):
        crowding()
    assert metrics.registry.get_sample_value("registry_gateway_connections_refused_total") == 5
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["connections"]) for line in lines] == [("crowded", 7), ("crowded", 7)]


def test_connections_are_counted_when_they_are_asked_for() -> None:
    metrics = Metrics()
    assert metrics.registry.get_sample_value("registry_gateway_connections") == 0
    open_now = [3]
    metrics.connections(lambda: open_now[0])
    open_now[0] = 5
    assert metrics.registry.get_sample_value("registry_gateway_connections") == 5
