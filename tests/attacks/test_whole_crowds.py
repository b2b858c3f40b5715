"""A real process whose every descriptor somebody wants: connections that say nothing, and pushes all the while.

Rows 90 and 91. Whoever may open connections is anybody; what he takes must be neither the catalog's nor the process.
"""

import contextlib
import functools
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from gateway.server.descriptors import max_connections
from tests.support import programs
from tests.support.api import Reply
from tests.support.gateway_process import PROGRAM, GatewayProcess
from tests.support.images import image
from tests.support.programs import Server
from tests.support.whole import PASSWORD, with_a_writer
from tests.support.wire import Wire

until = functools.partial(programs.until, seconds=30.0)

DESCRIPTORS: Final = 320
MOST: Final = max_connections(DESCRIPTORS)
SECRET: Final = "s3cret"
REPOSITORY: Final = "acme/app"
HEAD_SECONDS: Final = 5
"""Longer than it takes to fill it: then only whoever is refused is."""


@dataclass
class Site:
    """A gateway that may open few files, and somebody who may push."""

    made: GatewayProcess
    process: Server
    writer: Wire

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.made.host.rpartition(":")[2])

    def get(self, path: str) -> Reply | None:
        """Ask, on a connection of its own; None where there is no room for it."""
        try:
            return self.writer.request("GET", path, headers={"authorization": f"Bearer {SECRET}"})
        except (ConnectionError, ssl.SSLError):
            return None

    def answers(self, path: str, status: int) -> bool:
        reply = self.get(path)
        return reply is not None and reply.status == status

    def metric(self, name: str) -> float:
        reply = self.get("/metrics")
        assert reply is not None
        (line,) = [line for line in reply.body.decode().splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    def alive(self) -> bool:
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def log(self) -> str:
        return self.process.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> GatewayProcess:
    """A gateway with a project and a writer in it, which does not run."""
    return with_a_writer(tmp_path_factory.mktemp("crowds"))


@pytest.fixture
def site(gateway: GatewayProcess, tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "secret").write_text(SECRET, encoding="ascii")
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "REGISTRY_GATEWAY__METRICS__TOKEN_FILE": str(tmp_path / "secret"),
        "REGISTRY_GATEWAY__SERVER__LIMITS__HEAD_SECONDS": str(HEAD_SECONDS),
    }
    config = gateway.folder / "gateway.toml"
    limit = ("prlimit", f"--nofile=100:{DESCRIPTORS}")
    process = Server(*limit, PROGRAM, "--config", config, "serve", env=env, log=tmp_path / "gateway.log")
    writer = Wire(host=gateway.host, ca=gateway.ca, name="writer", password=PASSWORD)
    made = Site(gateway, process, writer)
    try:
        process.wait_until(lambda: _listens(made) and made.answers("/readyz", 200))
        yield made
    finally:
        process.stop()


def _listens(site: Site) -> bool:
    try:
        socket.create_connection(site.address, timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@contextlib.contextmanager
def crowd(site: Site, count: int, *, over_tls: bool) -> Iterator[None]:
    """Open connections over which nothing is said, the handshake done or not even begun."""
    context = ssl.create_default_context(cafile=str(site.made.ca))
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            client = opened.enter_context(socket.create_connection(site.address, timeout=10))
            if over_tls:
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    opened.enter_context(context.wrap_socket(client, server_hostname="localhost"))
        yield


@pytest.mark.parametrize("over_tls", [pytest.param(True, id="idle-tls"), pytest.param(False, id="no-handshake")])
def test_row_090_more_connections_than_descriptors_end_nothing(site: Site, over_tls: bool) -> None:
    with crowd(site, DESCRIPTORS * 2, over_tls=over_tls):
        until(lambda: '"event": "crowded"' in site.log())
    until(lambda: site.answers("/livez", 200))
    assert site.answers("/readyz", 200)
    assert site.metric("registry_gateway_connections_refused_total") > 0
    until(lambda: site.metric("registry_gateway_connections") == 1)  # the one that asks
    assert site.writer.push(image("after"), "after", repository=REPOSITORY).status == 201
    assert site.alive()
    assert site.process.stop() == 0
    assert '"event": "failure"' not in site.log()


def test_row_090_pushes_go_on_beside_as_many_as_there_may_be(site: Site) -> None:
    with crowd(site, MOST - 8, over_tls=True):
        assert site.writer.push(image("beside"), "beside", repository=REPOSITORY).status == 201
        assert site.metric("registry_gateway_connections") > MOST / 2
        assert site.answers("/readyz", 200)
    assert site.metric("registry_gateway_connections_refused_total") == 0


def test_row_091_who_says_nothing_makes_room_in_time(site: Site) -> None:
    with crowd(site, MOST * 2, over_tls=False):
        # Nobody closed one of them.
        until(lambda: site.answers("/livez", 200), seconds=HEAD_SECONDS * 4)


@contextlib.contextmanager
def taken(site: Site, suffix: str, change: str) -> Iterator[None]:
    """Remove a file of the catalog, or put a copy of it in its place; give it back in the end."""
    catalog = site.made.folder / "data" / "catalog.sqlite"
    kept = {name: catalog.with_name(catalog.name + name) for name in ("", "-wal", "-shm")}
    file = kept[suffix]
    moved = file.rename(file.with_name("moved"))
    try:
        if change == "replaced":
            file.write_bytes(moved.read_bytes())
        yield
    finally:
        if suffix:
            moved.unlink()  # when it ended it folded its log into the file, and what is left is nobody's
            file.unlink(missing_ok=True)
        else:
            moved.replace(file)


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        # Each file once and each change: `tests/unit/catalog/test_presence.py` has all pairs, and each is a process here.
        pytest.param("", "removed", id="removed-catalog"),
        pytest.param("-wal", "replaced", id="replaced-log"),
        pytest.param("-shm", "removed", id="removed-index-of-the-log"),
    ],
)
def test_a_catalog_that_is_not_there_any_more_ends_the_process(site: Site, suffix: str, change: str) -> None:
    """SQLite would go on with the file that it has open, and acknowledge what nobody finds again."""
    with taken(site, suffix, change):
        assert not site.answers("/readyz", 200)
        until(lambda: not site.alive())
        assert site.process.stop() == 3


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"], ids=["catalog", "log", "index-of-the-log"])
@pytest.mark.parametrize("change", ["removed", "replaced"])
def test_nothing_is_acknowledged_by_a_catalog_that_is_not_there_any_more(site: Site, suffix: str, change: str) -> None:
    """Also in the second or two before anybody has looked."""
    known = image(f"lost{suffix} {change}")
    assert site.writer.push(known, "before", repository=REPOSITORY).status == 201
    with taken(site, suffix, change):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            assert site.writer.put(known, "after", repository=REPOSITORY).status >= 500
        until(lambda: not site.alive())
        assert site.process.stop() == 3


def test_a_process_that_is_asked_to_end_does(site: Site) -> None:
    with crowd(site, MOST, over_tls=False):
        os.kill(site.process.pid, signal.SIGTERM)
        until(lambda: not site.alive(), seconds=10)
    assert site.process.stop() == 0
