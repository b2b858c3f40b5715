"""Surprises are counted; a failed store ends the process, once."""

import contextlib

import pytest

from gateway.errors import Internal, StorageFailed
from gateway.server import log
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
    assert surprises.down() == {"storage": "a store failed, and this process is ending"}


def test_a_failed_store_stops_the_process_also_where_it_cannot_be_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(what: str, error: BaseException) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log, "failure", full)
    stops: list[str] = []
    surprises = Surprises(metrics=Metrics(), stop=lambda: stops.append("stop"))
    with contextlib.suppress(OSError):
        surprises("an upload", StorageFailed("fsync: EIO"))
    assert isinstance(surprises.broken, StorageFailed)
    assert stops == ["stop"]


def test_background_work_that_has_ended_stops_the_process() -> None:
    stops: list[str] = []
    surprises = Surprises(metrics=Metrics(), stop=lambda: stops.append("stop"))
    assert surprises.down() == {}
    surprises.ended("tick", None)
    surprises.ended("flush", MemoryError())
    assert stops == ["stop"]
    assert surprises.down() == {"background": "background work has ended: tick, and this process is ending"}
    with pytest.raises(Internal):
        surprises.check()
