"""`serve` as a service manager runs it: a process, signals, and a client in the middle of a PUT."""

import contextlib
import functools
import json
import os
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.oci.digest import Digest
from tests.support import programs
from tests.support.gateway_process import ASK, PROGRAM, GatewayProcess
from tests.support.programs import Server, run
from tests.support.whole import PASSWORD, with_a_writer
from tests.support.wire import Wire

until = functools.partial(programs.until, seconds=20.0)

CONTENT: Final = os.urandom(1 << 20)
HALF: Final = len(CONTENT) // 2
REPOSITORY: Final = "acme/app"
DRAIN_SECONDS: Final = 2


@dataclass
class Serving:
    """A process that serves, and somebody who may push."""

    made: GatewayProcess
    writer: Wire
    process: Server

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.made.host.rpartition(":")[2])

    def events(self) -> list[str]:
        """The events of the log, in their order."""
        return [line["event"] for line in self.lines()]

    def lines(self) -> list[dict[str, Any]]:
        """All that the process says, on stdout too: each line is a JSON object."""
        return [json.loads(line) for line in self.process.log.read_text(encoding="utf-8").splitlines()]

    def told(self, event: str) -> bool:
        return event in self.events()

    def alive(self) -> bool:
        """Whether the process runs. It is looked at and not collected."""
        ended = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return ended is None

    def signal(self) -> None:
        os.kill(self.process.pid, signal.SIGTERM)

    def ends(self, *, within_seconds: float = 20.0) -> int:
        """Return the exit status, once it has ended without being told again."""
        until(lambda: not self.alive(), seconds=within_seconds)
        return self.process.stop()

    def refuses(self) -> bool:
        """Whether nobody listens any more."""
        try:
            socket.create_connection(self.address, timeout=5).close()
        except ConnectionRefusedError:
            return True
        return False

    @contextlib.contextmanager
    def half_a_put(self) -> Iterator[ssl.SSLSocket]:
        """Give a connection on which the first half of a blob's PUT was sent, once the gateway had asked for it."""
        started = self.writer.send("POST", f"/v2/{REPOSITORY}/blobs/uploads/", repository=REPOSITORY)
        assert started.status == 202, started.body
        place = started.one("location").removeprefix(self.made.url)
        context = ssl.create_default_context(cafile=str(self.made.ca))
        with (
            socket.create_connection(self.address, timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            head = (
                f"PUT {place}{'&' if '?' in place else '?'}digest={Digest.of(CONTENT)} HTTP/1.1",
                f"host: {self.made.host}",
                f"authorization: Bearer {self.writer._token(REPOSITORY)}",
                "content-type: application/octet-stream",
                f"content-length: {len(CONTENT)}",
                "expect: 100-continue",
            )
            secure.sendall("\r\n".join((*head, "", "")).encode())
            assert secure.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            secure.sendall(CONTENT[:HALF])
            yield secure


def answer(connection: ssl.SSLSocket) -> bytes:
    """Return what comes until the other side ends the connection."""
    received = bytearray()
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := connection.recv(65536):
            received += piece
    return bytes(received)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> GatewayProcess:
    """A gateway with a project and a writer in it, which does not run."""
    return with_a_writer(tmp_path_factory.mktemp("drain"))


@pytest.fixture
def start(made: GatewayProcess, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Start it, with variables of the environment; what a test leaves running is ended."""
    with contextlib.ExitStack() as running:

        def start(**variables: str) -> Serving:
            env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **variables}
            config = made.folder / "gateway.toml"
            process = Server(PROGRAM, "--config", config, "serve", env=env, log=tmp_path / "gateway.log")
            running.callback(process.stop)
            asked = (PROGRAM.with_name("python"), "-c", ASK, f"{made.url}/readyz", made.ca)
            process.wait_until(lambda: run(*asked, env=env).status == 0)
            writer = Wire(host=made.host, ca=made.ca, name="writer", password=PASSWORD)
            return Serving(made, writer, process)

        yield start


def test_a_request_in_flight_is_answered_and_nothing_new_is_taken(start: Callable[..., Serving]) -> None:
    serving = start()
    with serving.half_a_put() as put:
        before = serving.lines()
        serving.signal()
        until(lambda: serving.told("draining"))
        until(serving.refuses)
        assert [line["event"] for line in serving.lines()[len(before) :]] == ["draining"], "the PUT has not ended"
        assert serving.alive()
        put.sendall(CONTENT[HALF:])
        assert answer(put).startswith(b"HTTP/1.1 201 ")
    assert serving.ends() == 0
    events = serving.events()
    assert events.count("serving") == events.count("draining") == 1
    told = serving.lines()[events.index("serving")]
    assert told["address"] == serving.made.host.replace("localhost", "127.0.0.1")
    assert told["url"] == serving.made.url
    assert events.index("serving") < events.index("draining") < len(events) - 1
    last = serving.lines()[-1]
    assert (last["event"], last["method"], last["status"]) == ("request", "PUT", 201)
    again = start()
    blob = again.writer.send("HEAD", f"/v2/{REPOSITORY}/blobs/{Digest.of(CONTENT)}", repository=REPOSITORY)
    assert (blob.status, blob.one("content-length")) == (200, str(len(CONTENT)))


def test_a_second_signal_ends_it_without_the_request(start: Callable[..., Serving]) -> None:
    serving = start()
    with serving.half_a_put() as put:
        serving.signal()
        until(lambda: serving.told("draining"))
        assert serving.alive()
        serving.signal()
        assert serving.ends(within_seconds=10) == 0  # far below the 30 s that it may drain
        assert answer(put) == b""
    assert serving.events()[-2:] == ["draining", "request"]


def test_the_end_of_the_time_to_drain_ends_it_without_the_request(start: Callable[..., Serving]) -> None:
    serving = start(REGISTRY_GATEWAY__SERVER__LIMITS__DRAIN_SECONDS=str(DRAIN_SECONDS))
    with serving.half_a_put() as put:
        serving.signal()
        until(lambda: serving.told("draining"))
        told = time.monotonic()
        assert serving.ends(within_seconds=DRAIN_SECONDS + 10) == 0
        assert time.monotonic() - told > DRAIN_SECONDS / 2
        assert answer(put) == b""
    assert serving.events()[-3:] == ["draining", "library", "request"]
    assert "Cancel 1 running task" in serving.lines()[-2]["message"]


def test_an_address_that_is_taken_ends_with_3_and_what_to_do(
    start: Callable[..., Serving], made: GatewayProcess
) -> None:
    serving = start()
    second = made.cli("serve")
    assert second.status == 3
    assert second.out == ""
    listen = f"127.0.0.1:{serving.address[1]}"
    assert second.err == (
        f"registry-gateway: {listen} cannot be listened on (Address already in use): "
        "end what uses it, or set another server.listen\n"
    )
    assert serving.alive()
