"""One process that serves: what it gives uvicorn."""

import pytest

from gateway.server.run import whole_seconds


@pytest.mark.parametrize(
    ("seconds", "whole"),
    [
        pytest.param(0.0, 0, id="none"),
        pytest.param(0.9, 1, id="a-part-of-a-second-is-not-none"),
        pytest.param(30.0, 30, id="whole"),
        pytest.param(30.1, 31, id="up"),
    ],
)
def test_the_time_to_drain_is_rounded_up(seconds: float, whole: int) -> None:
    assert whole_seconds(seconds) == whole
