"""A log that cannot be written takes nothing with it: no promotion, no answer, no readiness, no clean end.

A real process whose output goes to a disk that is full, or into a pipe that nobody reads any more.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.access.values import Role
from tests.support.evidence import signed_bundle, trust_files
from tests.support.gateway_process import GatewayProcess
from tests.support.images import image
from tests.support.programs import until
from tests.support.whole import KEY, METRICS_SECRET, PASSWORD, whole
from tests.support.wire import Wire

REPOSITORY = "acme/app"


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """A file on a disk that is full."""
    yield Path("/dev/full")


@contextlib.contextmanager
def pipe(folder: Path) -> Iterator[Path]:
    """A pipe; its reader leaves when this is left."""
    path = folder / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield path
    finally:
        os.close(reader)


@pytest.mark.parametrize("output", [full_disk, pipe])
def test_a_log_that_cannot_be_written_takes_nothing_with_it(
    tmp_path: Path, output: Callable[[Path], contextlib.AbstractContextManager[Path]]
) -> None:
    gateway = GatewayProcess(tmp_path)
    with whole(gateway.folder, made=True, ahead_seconds=0) as furnishing:
        furnishing.project("acme")
        furnishing.person("writer", ("acme", Role.WRITER))
        furnishing.person("reader", ("acme", Role.READER))
    (gateway.folder / "metrics.secret").write_text(METRICS_SECRET)
    with (gateway.folder / "gateway.toml").open("a") as text:
        text.write('\n[metrics]\ntoken_file = "metrics.secret"\n')
    with output(tmp_path) as path:
        gateway.start(log=path)
    try:
        writer, reader = (
            Wire(host=gateway.host, ca=gateway.ca, name=name, password=PASSWORD) for name in ("writer", "reader")
        )
        pushed = image("one")
        assert writer.push(pushed, "v1", repository=REPOSITORY).status == 201
        assert writer.attach(signed_bundle(KEY, subject=pushed.digest), repository=REPOSITORY).status == 201
        assert reader.pull(pushed, "v1", repository=REPOSITORY) == {404}
        # The background loops have had something to say by now; that they could not must not have ended them.
        with whole(gateway.folder, made=True, ahead_seconds=0) as beside:
            beside.trust(trust_files(KEY))
        until(lambda: reader.pull(pushed, "v1", repository=REPOSITORY) == {200}, seconds=30)
        assert writer.request("GET", "/readyz").status == 200
        told = writer.request("GET", "/metrics", headers={"authorization": f"Bearer {METRICS_SECRET}"})
        assert told.status == 200
        (lost,) = [
            line for line in told.body.decode().splitlines() if line.startswith("registry_gateway_log_unwritten")
        ]
        assert float(lost.split()[1]) > 0
    finally:
        status = gateway.stop()
    assert status == 0
