"""Certificates outside loopback, where Docker verifies them: the self-signed CA of `init` is enough, once it is trusted."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clients import Client
from tests.support.docker_daemon import DockerDaemon
from tests.support.gateway_process import GatewayProcess
from tests.support.images import image, write_docker_archive
from tests.support.network import ADDRESS, NAME, OwnNetwork


@pytest.fixture(scope="module")
def network(scratch: Path) -> Iterator[OwnNetwork]:
    folder = scratch / "network"
    folder.mkdir()
    made = OwnNetwork(folder)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def distant(scratch: Path, network: OwnNetwork) -> Iterator[GatewayProcess]:
    """A gateway on an address that is not loopback."""
    folder = scratch / "distant"
    folder.mkdir()
    made = GatewayProcess(folder, address=ADDRESS, name=NAME, enter=network.enter)
    made.cli("project", "create", "acme").ok()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def engine(scratch: Path, network: OwnNetwork, tools: Path) -> Iterator[DockerDaemon]:
    """An engine beside it, that knows nothing of the gateway's CA."""
    folder = scratch / "engine"
    folder.mkdir()
    made = DockerDaemon(folder, tools=tools, store="graph-driver", enter=network.enter)
    yield made
    made.stop()


def test_docker_verifies_the_certificate_and_takes_the_ca_without_a_restart(
    scratch: Path, tools: Path, network: OwnNetwork, distant: GatewayProcess, engine: DockerDaemon
) -> None:
    password = secrets.token_urlsafe(24)
    distant.user("writer", password)
    distant.cli("member", "add", "acme", "--user", "writer", "--role", "writer").ok()
    home = scratch / "homes" / "distant"
    writer = Client(
        home, host=distant.host, ca=distant.ca, tools=tools, name="writer", password=password, enter=network.enter
    )
    env = {"DOCKER_HOST": engine.socket}
    tag = f"{distant.host}/acme/app:v1"
    archive = write_docker_archive(home / "image.tar", image("distant"), tag)
    writer.run("docker", "load", "--input", archive, env=env).ok()
    login = ("docker", "login", distant.host, "--username", "writer", "--password-stdin")

    unknown = "certificate signed by unknown authority"
    writer.run(*login, stdin=password.encode(), env=env).failed(unknown)
    writer.run("docker", "push", tag, env=env).failed(unknown)

    engine.trust(distant.host, distant.ca)
    writer.run(*login, stdin=password.encode(), env=env).ok().tells("Login Succeeded")
    writer.run("docker", "push", tag, env=env).ok().tells("digest: sha256:")


def test_crane_verifies_the_certificate(
    scratch: Path, tools: Path, network: OwnNetwork, distant: GatewayProcess
) -> None:
    home = scratch / "homes" / "distant-crane"
    client = Client(home, host=distant.host, ca=distant.ca, tools=tools, enter=network.enter)
    without = {"SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": str(home)}
    refused = client.run("crane", "digest", f"{distant.host}/acme/app:v1", env=without)
    refused.failed("certificate signed by unknown authority")
    known = client.run("crane", "digest", f"{distant.host}/acme/app:v1").failed()
    assert "certificate" not in known.said
