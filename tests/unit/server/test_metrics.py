"""What is counted of decisions, and the exemplars that lead from a count to one of them."""

import pytest

from gateway.server.metrics import OUTCOMES, Metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_has_a_series_from_the_start_and_is_counted(outcome: str) -> None:
    metrics = Metrics()
    assert value(metrics, "registry_gateway_decisions_total", outcome=outcome) == 0
    metrics.decision(outcome, decision_id="d1")
    assert value(metrics, "registry_gateway_decisions_total", outcome=outcome) == 1
    assert value(metrics, "registry_gateway_policy_errors_total") == (1 if outcome == "policy-error" else 0)


def test_an_outcome_that_nobody_knows_makes_no_series_of_its_own() -> None:
    metrics = Metrics()
    metrics.decision("new", decision_id="d1")
    assert value(metrics, "registry_gateway_decisions_total", outcome="new") is None
    assert value(metrics, "registry_gateway_decisions_total", outcome="other") == 1


def test_an_exemplar_names_the_decision_where_the_form_has_exemplars() -> None:
    metrics = Metrics()
    metrics.decision("held", decision_id="d1")
    metrics.decision_time(0.2, decision_id="d2")
    told = metrics.render(openmetrics=True).decode()
    assert 'registry_gateway_decisions_total{outcome="held"} 1.0 # {decision_id="d1"}' in told
    assert 'registry_gateway_decision_seconds_bucket{le="0.25"} 1.0 # {decision_id="d2"} 0.2' in told
    assert told.endswith("# EOF\n")
    assert "decision_id" not in metrics.render().decode()


def test_without_a_decision_there_is_no_exemplar() -> None:
    metrics = Metrics()
    metrics.decision("unavailable", decision_id=None)
    metrics.decision_time(0.2, decision_id=None)
    assert "decision_id" not in metrics.render(openmetrics=True).decode()
