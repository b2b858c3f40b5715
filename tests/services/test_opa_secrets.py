"""A canary in an image, and every byte that goes to an OPA server: a secret is masked before anybody is asked about it.

The gateway is a process and the server the real one; between them is a relay that keeps what the gateway says. Needs
`tests/tools/install opa`.
"""

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.policy.opa_client import DECISION_PATH
from tests.attacks.test_whole_secrets import CANARY, FORMS, TOKEN, with_secret
from tests.support.gateway_process import GatewayProcess
from tests.support.images import image
from tests.support.policy import OpaServer, opa_program
from tests.support.wire import Wire

REPOSITORY = "acme/app"
PASSWORD = "correct horse battery staple"
SECRETS = tuple(form for text in (CANARY, TOKEN) for form in (text.encode(), base64.b64encode(text.encode())))


@dataclass
class Relay:
    """Passes connections on from one Unix socket to another, and keeps what came in at the first."""

    entrance: Path
    exit: Path
    _pieces: list[bytes] = field(default_factory=list)
    _open: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def heard(self) -> bytes:
        """Everything that was asked, heads and bodies."""
        return b"".join(self._pieces)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take connections until the block ends."""
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(self.entrance))
            listening.listen()
            self._start(self._take, listening)
            try:
                yield
            finally:
                for one in (listening, *self._open):
                    with suppress(OSError):
                        one.shutdown(socket.SHUT_RDWR)
                for thread in self._threads:
                    thread.join()
                for one in self._open:
                    one.close()

    def _take(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                asking = listening.accept()[0]
                answering = socket.socket(socket.AF_UNIX)
                self._open += [asking, answering]
                answering.connect(str(self.exit))
                self._start(self._pass_on, asking, answering, self._pieces)
                self._start(self._pass_on, answering, asking, [])

    def _pass_on(self, source: socket.socket, target: socket.socket, kept: list[bytes]) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                # Kept before it is passed on: what was answered was heard.
                kept.append(piece)
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


@dataclass
class Site:
    """A gateway, what it has said to its OPA server, and somebody who pushes."""

    relay: Relay
    gateway: GatewayProcess
    writer: Wire


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    program = opa_program()
    assert program is not None, "opa is missing: tests/tools/install opa"
    folder = tmp_path_factory.mktemp("site")
    gateway = GatewayProcess(folder)
    gateway.cli("project", "create", "acme").ok()
    gateway.user("writer", PASSWORD)
    gateway.cli("member", "add", "acme", "--user", "writer", "--role", "writer").ok()
    gateway.cli("policy", "bundle", folder / "written").ok()
    files = {
        str(path.relative_to(folder / "written")): path.read_bytes()
        for path in (folder / "written").rglob("*")
        if path.is_file()
    }
    opa = OpaServer(program, folder)
    relay = Relay(folder / "relay.sock", opa.socket)
    config = gateway.folder / "gateway.toml"
    engine = f'engine = "opa"\naddress = "unix://{relay.entrance}"'
    config.write_text(config.read_text().replace('engine = "wasm"', engine))
    try:
        opa.start(files)
        with relay.running():
            gateway.start()
            yield Site(relay, gateway, Wire(host=gateway.host, ca=gateway.ca, name="writer", password=PASSWORD))
            assert gateway.stop() == 0
    finally:
        opa.stop()


def test_what_is_no_secret_is_heard(site: Site) -> None:
    """Or the tests below would look in the wrong place."""
    artifact = image("heard")
    assert site.writer.push(artifact, "heard", repository=REPOSITORY).status == 201
    assert f"POST {DECISION_PATH}?".encode() in site.relay.heard
    for part in (artifact.digest, "PATH=", "org.opencontainers.image.title"):
        assert part.encode() in site.relay.heard


@pytest.mark.parametrize("form", FORMS)
def test_row_114_a_secret_in_an_image_is_not_told_to_the_policy_server(
    site: Site, form: dict[str, object], request: pytest.FixtureRequest
) -> None:
    artifact = with_secret(request.node.callspec.id, form)
    reply = site.writer.push(artifact, "secret", repository=REPOSITORY)
    assert (reply.status, reply.code) == (403, "DENIED"), reply.body
    assert "SEC001" in {reason["code"] for reason in reply.json()["errors"][0]["detail"]["reasons"]}
    # The server was asked about this very image: it saw the mark that is there in place of the secret.
    assert artifact.digest.encode() in site.relay.heard
    for secret in (*SECRETS, PASSWORD.encode()):
        assert secret not in site.relay.heard
        assert secret.decode() not in site.gateway.log()
