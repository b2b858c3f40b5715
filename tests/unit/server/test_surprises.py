"""Surprises are counted; a failed store ends the process, once."""

import pytest

from gateway.errors import Internal, StorageFailed
from gateway.server.metrics import Metrics
from gateway.server.surprises import Surprises


def test_a_failed_store_stops_the_process_once_and_is_raised_at_its_end() -> None:
    stops: list[str] = []
    surprises = Surprises(metrics=Metrics(), stop=lambda: stops.append("stop"))
    surprises("a request", Internal("odd"))
    surprises.check()
    assert (stops, surprises.broken) == ([], None)
    first = StorageFailed("fsync: EIO")
    surprises("an upload", first)
    surprises("another upload", StorageFailed("fsync: EIO"))
    assert stops == ["stop"]
    with pytest.raises(StorageFailed) as caught:
        surprises.check()
    assert caught.value is first
