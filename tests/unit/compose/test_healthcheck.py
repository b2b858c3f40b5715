"""What says in a container whether the gateway is ready: as its image runs it, a program that is given an environment."""

import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.server.tls import issue_self_signed
from tests.support.gateway_process import GatewayProcess
from tests.support.programs import ROOT, Ran, free_port, run

PROGRAM = ROOT / "compose" / "healthcheck.py"
DOWN = b'{"status":"not ready","down":{"catalog":"gone"}}'


def ask(config: Path, **settings: str) -> Ran:
    """Run it with the configuration named as the image does, and with settings as compose does."""
    named = {f"REGISTRY_GATEWAY__{name}": value for name, value in settings.items()}
    return run(sys.executable, PROGRAM, env={"REGISTRY_GATEWAY_CONFIG": str(config), **named}, folder=config.parent)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(tmp_path_factory.mktemp("serving"))
    gateway.start()
    yield gateway
    gateway.stop()


def copied(gateway: GatewayProcess, folder: Path) -> Path:
    """Copy the configuration and its certificate, for a question with another opinion of them; return the file."""
    shutil.copytree(gateway.folder / "keys", folder / "keys")
    shutil.copy(gateway.folder / "gateway.toml", folder)
    return folder / "gateway.toml"


def test_a_gateway_that_serves_is_ready(serving: GatewayProcess) -> None:
    ran = ask(serving.folder / "gateway.toml")
    assert (ran.status, ran.said) == (0, "")


def test_it_is_asked_on_loopback_where_it_listens_everywhere(serving: GatewayProcess) -> None:
    port = serving.host.rpartition(":")[2]
    assert ask(serving.folder / "gateway.toml", SERVER__LISTEN=f"0.0.0.0:{port}").status == 0


def test_a_gateway_that_is_not_there_is_not_ready(serving: GatewayProcess) -> None:
    ran = ask(serving.folder / "gateway.toml", SERVER__LISTEN=f"127.0.0.1:{free_port()}")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("not ready: ")
    assert len(ran.err.splitlines()) == 1


def test_another_that_answers_in_its_place_is_not_believed(serving: GatewayProcess, tmp_path: Path) -> None:
    config = copied(serving, tmp_path)
    issued = issue_self_signed(["localhost"], now=datetime.now(tz=UTC))
    (tmp_path / "keys" / "tls" / "certificate.pem").write_bytes(issued.chain)
    ran = ask(config)
    assert (ran.status, ran.out) == (1, "")
    assert "CERTIFICATE_VERIFY_FAILED" in ran.err


def _answer(listener: socket.socket) -> None:
    """Say once which part is down, to whoever asks as clients ask; 200 to everybody else."""
    connection, _ = listener.accept()
    with connection:
        asked = connection.recv(65536).startswith(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n")
        status = "503 Service Unavailable" if asked else "200 OK"
        connection.sendall(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode() + DOWN)


def test_a_gateway_that_lacks_a_part_is_not_ready_and_the_part_is_said(serving: GatewayProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        thread = threading.Thread(target=_answer, args=(listener,))
        thread.start()
        ran = ask(
            serving.folder / "gateway.toml",
            SERVER__LISTEN=f"127.0.0.1:{listener.getsockname()[1]}",
            SERVER__TLS__MODE="off",
            SERVER__PUBLIC_URL="http://localhost",
        )
        thread.join()
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == f"not ready: 503 {DOWN.decode()}\n"


def test_without_a_configuration_it_is_not_ready(tmp_path: Path) -> None:
    ran = ask(tmp_path / "gateway.toml")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("not ready: ")
    assert "Traceback" not in ran.err
