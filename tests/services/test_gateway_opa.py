"""A real gateway whose rules a real OPA server evaluates: nothing is admitted while that server does not answer as it must.

Both are child processes, on a Unix socket and on TCP. Pulls go on all the while. Needs `tests/tools/install opa`.
"""

import http.client
import os
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from gateway.policy.pack import shipped_revision
from tests.support.api import Reply
from tests.support.evidence import signed_bundle, signer, trust_files
from tests.support.gateway_process import GatewayProcess
from tests.support.images import Artifact, image
from tests.support.policy import OpaServer, opa_program
from tests.support.programs import free_port
from tests.support.wire import Wire, deaf, pulling

REPOSITORY = "acme/app"
PASSWORD = "correct horse battery staple"
KEY = signer("ecdsa-p256", 1)
POLICY_SECONDS = 10
LOOP = (
    b"package registry.rules.no_root\n\n"
    b"findings contains 1 if {\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n"
    b"\ta * b == -1\n}\n"
)


@dataclass
class Site:
    """A gateway, its OPA server, and two people; ``pulled`` was admitted when all was well."""

    gateway: GatewayProcess
    opa: OpaServer
    listen: tuple[str, ...]
    files: dict[str, bytes]
    writer: Wire
    reader: Wire
    pulled: Artifact

    def up(self, files: dict[str, bytes] | None = None) -> None:
        """Let the server run with these files, the right ones if none are given."""
        self.opa.stop()
        self.opa.start(self.files if files is None else files, *self.listen)
        if self.listen:
            self.opa.running.wait_until(lambda: _listens(self.listen[1]))

    def kill(self) -> None:
        """End the server as a crash does."""
        os.kill(self.opa.running.pid, signal.SIGKILL)
        self.opa.stop()

    def rows(self) -> dict[str, int]:
        """Return how much the catalog holds of what a push stores."""
        with sqlite3.connect(f"file:{self.gateway.folder}/data/catalog.sqlite?mode=ro", uri=True) as catalog:
            tables = ("manifest", "tag", "referrer", "decision", "support", "verified")
            found = {table: catalog.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
        catalog.close()
        return found

    def push(self, seed: str) -> Reply:
        """Push an image of its own; return the answer to its manifest."""
        return self.writer.push(image(seed), seed, repository=REPOSITORY)

    def refuses(self, seed: str) -> None:
        """Assert that a push gets 503 and stores nothing, while pulls go on."""
        before = self.rows()
        with pulling(self.reader, self.pulled, "pulled", repository=REPOSITORY):
            reply = self.push(seed)
            assert (reply.status, reply.code) == (503, "UNAVAILABLE"), reply.body
            assert int(reply.one("retry-after")) > 0
            assert self.rows() == before
            tag = self.writer.send("HEAD", f"/v2/{REPOSITORY}/manifests/{seed}", repository=REPOSITORY)
            assert tag.status == 404

    def admits(self, seed: str) -> None:
        """Assert that an image is held, signed, promoted and pulled."""
        artifact = image(seed)
        reply = self.writer.push(artifact, seed, repository=REPOSITORY)
        assert (reply.status, reply.one("registry-gateway-state")) == (201, "held")
        assert self.reader.pull(artifact, seed, repository=REPOSITORY) == {404}
        signed = self.writer.attach(signed_bundle(KEY, subject=artifact.digest), repository=REPOSITORY)
        assert signed.status == 201
        assert self.reader.pull(artifact, seed, repository=REPOSITORY) == {200}


def _listens(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/health?bundles")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="module", params=["unix", "tcp"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    program = opa_program()
    assert program is not None, "opa is missing: tests/tools/install opa"
    folder = tmp_path_factory.mktemp("site")
    gateway = GatewayProcess(folder)
    gateway.cli("project", "create", "acme").ok()
    for name, role in (("writer", "writer"), ("reader", "reader")):
        gateway.user(name, PASSWORD)
        gateway.cli("member", "add", "acme", "--user", name, "--role", role).ok()
    for name, content in trust_files(KEY).items():
        (gateway.folder / "trust" / name).write_bytes(content)
    gateway.cli("trust", "apply", gateway.folder / "trust", "--reason", "test").ok()
    # What an operator does: the files out of the gateway, an OPA server over them, its address into the configuration.
    gateway.cli("policy", "bundle", folder / "written").ok()
    files = {
        str(path.relative_to(folder / "written")): path.read_bytes()
        for path in (folder / "written").rglob("*")
        if path.is_file()
    }
    opa = OpaServer(program, folder)
    listen: tuple[str, ...] = ()
    address = opa.address
    if request.param == "tcp":
        port = free_port()
        listen, address = ("--addr", f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}"
    config = gateway.folder / "gateway.toml"
    text = config.read_text()
    assert 'engine = "wasm"' in text
    engine = f'engine = "opa"\naddress = "{address}"\nseconds = {POLICY_SECONDS}.0'
    config.write_text(text.replace('engine = "wasm"', engine))

    def person(name: str) -> Wire:
        return Wire(host=gateway.host, ca=gateway.ca, name=name, password=PASSWORD)

    made = Site(gateway, opa, listen, files, person("writer"), person("reader"), image("pulled"))
    try:
        made.up()
        gateway.start()
        made.admits("pulled")
        yield made
        assert gateway.stop() == 0
    finally:
        opa.stop()


def test_an_image_is_held_signed_and_promoted(site: Site) -> None:
    site.admits("well")


def test_nothing_is_admitted_while_the_server_is_down(site: Site) -> None:
    held = image("held before")
    assert site.writer.push(held, "held-before", repository=REPOSITORY).status == 201
    site.kill()
    site.refuses("down")
    # The signature that would admit it is not kept either, or it would lie there and never be judged.
    before = site.rows()
    signature = signed_bundle(KEY, subject=held.digest)
    reply = site.writer.attach(signature, repository=REPOSITORY)
    assert (reply.status, reply.code) == (503, "UNAVAILABLE")
    assert site.rows() == before
    assert site.reader.pull(held, "held-before", repository=REPOSITORY) == {404}
    # On what is admitted, a signature needs no rule.
    more = signed_bundle(KEY, subject=site.pulled.digest, annotations={"again": "yes"})
    assert site.writer.attach(more, repository=REPOSITORY).status == 201
    site.up()
    assert site.writer.attach(signature, repository=REPOSITORY).status == 201
    assert site.reader.pull(held, "held-before", repository=REPOSITORY) == {200}
    site.admits("down")


def test_a_server_that_is_killed_in_mid_push(site: Site) -> None:
    site.up({**site.files, "registry/rules/no_root.rego": LOOP})
    artifact = image("killed")
    before = site.rows()
    with (
        pulling(site.reader, site.pulled, "pulled", repository=REPOSITORY),
        ThreadPoolExecutor(1) as pool,
    ):
        pushing = pool.submit(site.writer.push, artifact, "killed", repository=REPOSITORY)
        # The rule cannot end by itself, so the question is open when the server dies.
        site.opa.burn()
        site.kill()
        reply = pushing.result()
        assert (reply.status, reply.code) == (503, "UNAVAILABLE")
        assert site.rows() == before
    site.up()
    site.admits("killed")


@pytest.mark.parametrize("what", ["other-data", "nothing"])
def test_a_server_with_another_revision(site: Site, what: str) -> None:
    other = shipped_revision({"registry": {"config": {"rules": {"SIG001": {"level": "off"}}}}}).opa_files()
    site.up({} if what == "nothing" else other)
    site.refuses(what)
    site.up()
    site.admits(what)


def test_a_server_that_is_too_slow(site: Site) -> None:
    site.kill()
    with deaf(int(site.listen[1].rpartition(":")[2]) if site.listen else site.opa.socket):
        site.refuses("slow")
    site.up()
    site.admits("slow")


def test_the_gateway_stays_ready_and_keeps_passwords_to_itself(site: Site) -> None:
    assert site.reader.request("GET", "/readyz").status == 200
    assert PASSWORD not in site.gateway.log()
