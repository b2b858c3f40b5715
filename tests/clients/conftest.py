"""One gateway, one Docker engine per image store, and the people who use them, for all tests of real clients.

Each test gets a repository of its own, so that they share nothing but the processes. What is missing fails: there is no
skip in this folder.
"""

import re
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import pytest

from tests.support.clients import Client, Signer
from tests.support.docker_daemon import DockerDaemon, Store
from tests.support.gateway_process import GatewayProcess
from tests.support.issuer import EC_KEY, jwk, key_set
from tests.support.programs import ROOT, run, tools_bin

PROJECTS: Final = {"acme": "hold", "strict": "strict", "landing": "hold", "gate": "strict"}
"""Name and mode. A classic signature names the repository it was made in: `landing` and `gate` take over from `acme`."""

CI_ISSUER: Final = "https://ci.example"
"""A CI platform that nobody is asked about: its key is pinned."""

OLDEST_DOCKER: Final = 28
"""The major version of the engine that the promises are made for."""

_TRUST: Final = """\
apiVersion: registry-gateway/v1
kind: TrustPolicy
metadata: {name: PROJECT}
project: PROJECT
spec:
  authorities:
    - name: release
      key: {path: release.pub}
      ctlog: none
"""
_TAKES_OVER: Final = "      signedIdentity: {type: remapIdentity, prefix: PROJECT, signedPrefix: acme}\n"


def trust_policy() -> str:
    """Return the trust policy of all projects: one key signs for each."""
    documents = [_TRUST + (_TAKES_OVER if name in ("landing", "gate") else "") for name in PROJECTS]
    return "---\n".join(text.replace("PROJECT", name) for text, name in zip(documents, PROJECTS, strict=True))


@dataclass(frozen=True, slots=True)
class People:
    """Who uses the gateway. `writer` and `reader` are members of every project, `outsider` of none."""

    writer: Client
    reader: Client
    outsider: Client
    robot: Client
    scanner: Client
    nobody: Client


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of the real programs, all of them there."""
    listed = run(
        ROOT / "tests" / "tools" / "install", "--list", env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    )
    folder = tools_bin()
    needed = {line.split()[0] for line in (ROOT / "tests/tools/pins").read_text().splitlines() if " clients " in line}
    missing = sorted(name for name in needed if not (folder / name).exists())
    assert not missing, f"not installed: {', '.join(missing)}. Run tests/tools/install clients.\n{listed.said}"
    return folder


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder with a short path (sockets have to fit), gone at the end."""
    with tempfile.TemporaryDirectory(prefix="rg-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def signer(tools: Path, scratch: Path) -> Signer:
    """The key that every project's trust policy names."""
    folder = scratch / "release"
    folder.mkdir()
    return Signer(folder, tools=tools, name="release")


@pytest.fixture(scope="session")
def impostor(tools: Path, scratch: Path) -> Signer:
    """A key that nobody trusts."""
    folder = scratch / "impostor"
    folder.mkdir()
    return Signer(folder, tools=tools, name="impostor")


@pytest.fixture(scope="session")
def gateway(scratch: Path, signer: Signer) -> Iterator[GatewayProcess]:
    """A gateway on loopback with `PROJECTS`, and the trust policy applied before it starts."""
    folder = scratch / "gateway"
    folder.mkdir()
    made = GatewayProcess(folder)
    (made.folder / "ci.json").write_bytes(key_set(jwk(EC_KEY, kid="k1")))
    with (made.folder / "gateway.toml").open("a") as config:
        config.write(f'\n[[identity.issuer]]\nname = "ci"\nissuer = "{CI_ISSUER}"\njwks_file = "ci.json"\n')
    for project, mode in PROJECTS.items():
        made.cli("project", "create", project, "--mode", mode).ok()
    trust = scratch / "trust"
    trust.mkdir()
    (trust / "release.pub").write_bytes(signer.public.read_bytes())
    (trust / "clients.yaml").write_text(trust_policy())
    made.cli("trust", "apply", trust).ok()
    made.start()
    yield made
    # It drains and then ends of itself; a drain that hangs is killed, and a defect.
    assert made.stop() == 0, made.log()[-4000:]


@pytest.fixture(scope="session")
def client(gateway: GatewayProcess, tools: Path, scratch: Path) -> Callable[[str, str], Client]:
    """Make a client of an account: its name and its password."""

    def make(name: str, password: str) -> Client:
        home = scratch / "homes" / (re.sub(r"[^a-z0-9]", "-", name) or "nobody")
        return Client(home, host=gateway.host, ca=gateway.ca, tools=tools, name=name, password=password)

    return make


@pytest.fixture(scope="session")
def people(gateway: GatewayProcess, client: Callable[[str, str], Client]) -> People:
    """The accounts, made with the command line while the gateway runs."""
    made: dict[str, Client] = {}
    for name, role in (("writer", "writer"), ("reader", "reader"), ("outsider", "")):
        password = secrets.token_urlsafe(24)
        gateway.user(name, password)
        for project in PROJECTS if role else ():
            gateway.cli("member", "add", project, "--user", name, "--role", role).ok()
        made[name] = client(name, password)
    for name, role in (("ci", "writer"), ("scan", "scanner")):
        made[name] = client(*gateway.robot("acme", name, role))
    return People(
        writer=made["writer"],
        reader=made["reader"],
        outsider=made["outsider"],
        robot=made["ci"],
        scanner=made["scan"],
        nobody=client("", ""),
    )


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A repository's last component, the test's own."""
    node = cast(pytest.Function, request.node)
    return re.sub(r"[^a-z0-9]+", "-", node.name.lower()).strip("-")[:100]


@pytest.fixture
def repository(gateway: GatewayProcess, name: str) -> str:
    """``host/acme/NAME``, the test's own."""
    return f"{gateway.host}/acme/{name}"


@pytest.fixture(scope="session", params=["graph-driver", "containerd"])
def daemon(
    request: pytest.FixtureRequest, scratch: Path, tools: Path, gateway: GatewayProcess
) -> Iterator[DockerDaemon]:
    """A Docker engine, one of each kind of image store.

    On loopback the classic one needs no set-up, since it does not verify certificates there. The containerd one does not
    either, but for the token endpoint, where it asks the system's authorities and not even `certs.d`: so the CA is one.
    """
    store = cast(Store, request.param)
    folder = scratch / store
    folder.mkdir()
    made = DockerDaemon(folder, tools=tools, store=store, system_ca=gateway.ca if store == "containerd" else None)
    try:
        version = made.docker("version", "--format", "{{.Server.Version}}").ok().out.strip()
        assert int(version.partition(".")[0]) >= OLDEST_DOCKER, f"the engine is {version}"
        yield made
    finally:
        made.stop()
