"""A place tells no name that somebody chose."""

import pytest

from gateway.policy.places import below


@pytest.mark.parametrize(
    ("place", "name", "number", "told"),
    [
        ("", "container_config", 3, "container_config"),
        ("config", "Healthcheck", 0, "config.Healthcheck"),
        ("config", "hunter2", 4, "config.#4"),
        ("", "", 0, "#0"),
        ("", "healthcheck", 1, "#1"),
    ],
)
def test_only_names_that_formats_give_are_told(place: str, name: str, number: int, told: str) -> None:
    assert below(place, name, number) == told


def test_a_place_is_cut() -> None:
    assert len(below("config" + ".#1" * 500, "x", 1)) == 200
