"""`demo`: a gateway from nothing, and the story of one image told by a client of it.

    push an unsigned image -> held, an anonymous pull gets 404 -> sign it -> promoted, the pull succeeds ->
    push an image that breaks a rule -> 403 with the rule's code and message -> `image why`

I/O: a folder, a child process that serves, HTTP to it.
Source: INTERFACE 2.
"""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import app
from gateway.access.values import Mode, Role, Visibility
from gateway.cli import demo_images
from gateway.cli.context import context_of, operator
from gateway.cli.demo_client import Answer, RegistryClient
from gateway.cli.directories import trust_files
from gateway.cli.initial import Made, initialise
from gateway.cli.secrets import new_password, password_hash
from gateway.cli.terminal import Terminal
from gateway.cli.why import explain
from gateway.config.reading import load
from gateway.errors import Conflict, StoryBroken, Unavailable
from gateway.evidence.cosign_key import encrypted_private_key
from gateway.evidence.trust_policy import TrustPolicy
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName

ACCOUNT: Final = "demo"
REPOSITORY: Final = "demo/hello"
MARKER: Final = "this-is-a-demo"
START_SECONDS: Final = 30.0
SECRET: Final = "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105  # AWS's own example
"""A value that a rule must find: not a secret of anybody."""

_TRUST: Final = """\
apiVersion: registry-gateway/v1
kind: TrustPolicy
metadata: {name: demo}
spec:
  images: [{glob: "demo/**"}]
  authorities: [{name: demo-key, key: {path: keys/cosign.pub}, ctlog: none}]
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story is played."""

    folder: Path
    made: Made
    ca_file: Path
    password: str
    key: ec.EllipticCurvePrivateKey


def demo(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="On a free port, then exit: 0 if all went as told.")] = False,
    listen: Annotated[str, typer.Option(help="HOST:PORT to serve on.")] = "127.0.0.1:5000",
    directory: Annotated[Path, typer.Option(help="The folder to keep the demo in; made anew.")] = Path(".state/demo"),
) -> None:
    """Make a gateway from nothing, play the story of one image, and keep serving."""
    terminal = context_of(context).terminal
    if check:
        with tempfile.TemporaryDirectory(prefix="registry-gateway-demo-") as place:
            _play(Path(place) / "demo", f"127.0.0.1:{_free_port()}", terminal, stay=False)
        return
    _check_free(listen)
    _play(directory.absolute(), listen, terminal, stay=True)


def _play(folder: Path, listen: str, terminal: Terminal, *, stay: bool) -> None:
    stage = _prepare(folder, listen)
    _tick(terminal, f"a gateway in {folder}, on {stage.made.public_url}, with a certificate authority of its own")
    with _serving(stage) as server:
        _story(stage, terminal)
        if stay:
            _farewell(stage, terminal)
            with contextlib.suppress(KeyboardInterrupt):
                server.wait()


def _prepare(folder: Path, listen: str) -> Stage:
    """Make the folder anew. Raises `Conflict` for a folder that no demo made."""
    if folder.exists():
        if not (folder / MARKER).is_file():
            raise Conflict(f"{folder} is not a demo's folder: name another one with --directory")
        shutil.rmtree(folder)
    made = initialise(folder, listen=listen, public_url=None, tls="self-signed")
    (folder / MARKER).touch()
    key, password = ec.generate_private_key(ec.SECP256R1()), new_password()
    trust = folder / "trust"
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (trust / "keys" / "cosign.pub").write_bytes(public)
    (trust / "demo.yaml").write_text(_TRUST, encoding="utf-8")
    cosign_key = folder / "cosign.key"
    cosign_key.touch(mode=0o600)
    cosign_key.write_bytes(encrypted_private_key(key, password=password))
    asyncio.run(_people(made.config_file, trust, password))
    if made.ca_file is None:
        raise StoryBroken("init made no certificate authority")
    return Stage(folder, made, made.ca_file, password, key)


async def _people(config_file: Path, trust: Path, password: str) -> None:
    """Create the project, the account and the trust policy, as `project`, `user`, `member` and `trust` do."""
    parts = app.compose(load(config_file, {}))
    by, now = operator(), app.unix_now()
    try:
        project = ProjectName.parse("demo")
        await parts.projects.create_project(project, mode=Mode.HOLD, visibility=Visibility.PUBLIC, by=by, now=now)
        principal = Principal(f"u:{uuid.uuid4()}", PrincipalKind.USER, ACCOUNT)
        await parts.principals.create_account(principal, await password_hash(password), by=by, now=now)
        await parts.members.add_member(project, principal.id, Role.MAINTAINER, by=by, now=now)
        loaded = TrustPolicy.load(trust_files(trust))
        await parts.revisions.activate(
            "trust", loaded.digest, loaded.serialise(), reason="the demo's key", by=by, now=now
        )
    finally:
        await parts.close()


def _story(stage: Stage, terminal: Terminal) -> None:
    url, ca = stage.made.public_url, stage.ca_file
    hello = demo_images.image("hello, and who let this in?\n")
    layer = Digest.of(hello.blobs[0])
    leaky = demo_images.image("hello\n", env=(SECRET,))
    with (
        RegistryClient(url=url, ca_file=ca, account=(ACCOUNT, stage.password)) as pusher,
        RegistryClient(url=url, ca_file=ca, account=None) as anybody,
    ):
        for blob in hello.blobs:
            _expect(pusher.push_blob(REPOSITORY, blob), 201, "push a blob")
        held = _expect(pusher.push_manifest(REPOSITORY, "1", hello.manifest, hello.media_type), 201, "push an image")
        if held.headers.get("registry-gateway-state") != "held" or "warning" not in held.headers:
            raise StoryBroken("an unsigned image was pushed and the answer does not say that it is held")
        _tick(terminal, f"push {REPOSITORY}:1 without a signature: 201, held")
        _expect(anybody.pull_manifest(REPOSITORY, "1"), 404, "pull a held image by tag")
        _expect(anybody.pull_manifest(REPOSITORY, str(hello.digest)), 404, "pull a held image by digest")
        _expect(anybody.pull_blob(REPOSITORY, layer), 404, "pull a layer of a held image")
        _tick(terminal, "an anonymous pull, by tag, by digest and of its layer: 404")
        signed = demo_images.signature(hello, stage.key)
        for blob in signed.blobs:
            _expect(pusher.push_blob(REPOSITORY, blob), 201, "push a signature's blob")
        pushed = pusher.push_manifest(REPOSITORY, str(signed.digest), signed.manifest, signed.media_type)
        _expect(pushed, 201, "push a signature")
        _tick(terminal, "sign it with the trusted key, in cosign's format: 201")
        pulled = _expect(anybody.pull_manifest(REPOSITORY, "1"), 200, "pull a signed image")
        if pulled.content != hello.manifest:
            raise StoryBroken("the pulled manifest is not the pushed one")
        _expect(anybody.pull_blob(REPOSITORY, layer), 200, "pull a layer of a signed image")
        _tick(terminal, "it is promoted: the anonymous pull succeeds, bytes and digest unchanged")
        for blob in leaky.blobs:
            _expect(pusher.push_blob(REPOSITORY, blob), 201, "push a blob")
        denied = pusher.push_manifest(REPOSITORY, "2", leaky.manifest, leaky.media_type)
        _expect(denied, 403, "push an image that breaks a rule")
        if "SEC001" not in denied.message:
            raise StoryBroken(f"the refusal does not name the rule SEC001: {denied.message}")
        _tick(terminal, f"push {REPOSITORY}:2 with a secret in its environment: 403, {denied.message}")
    why = asyncio.run(_why(stage, hello))
    _tick(terminal, f"registry-gateway image why {REPOSITORY}:1")
    terminal.note("\n".join(f"      {line}" for line in why.splitlines()))


async def _why(stage: Stage, made: demo_images.Made) -> str:
    settings = load(stage.made.config_file, {})
    parts = app.compose(settings)
    try:
        repository = RepositoryName.parse(REPOSITORY)
        view = await parts.manifests.by_digest(repository, made.digest, now=app.unix_now(), with_body=False)
        decisions = await parts.store.decisions(repository, made.digest, limit=20)
        if view is None or not view.visible:
            raise StoryBroken("the signed image is not visible")
        return explain(view, decisions, host=settings.server.public_host)
    finally:
        await parts.close()


@contextlib.contextmanager
def _serving(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """Serve in a child process while inside, and end it."""
    log = (stage.folder / "serve.log").open("wb")
    command = [sys.executable, "-m", "gateway.cli.main", "--config", str(stage.made.config_file), "serve"]
    server = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)  # noqa: S603  # our own program
    try:
        _await_ready(stage, server)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def _await_ready(stage: Stage, server: subprocess.Popen[bytes]) -> None:
    with RegistryClient(url=stage.made.public_url, ca_file=stage.ca_file, account=None) as client:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if server.poll() is not None:
                raise Unavailable(f"the gateway did not start: see {stage.folder / 'serve.log'}")
            if client.ready():
                return
            time.sleep(0.05)
    raise Unavailable(f"the gateway was not ready within {START_SECONDS:.0f} s: see {stage.folder / 'serve.log'}")


def _farewell(stage: Stage, terminal: Terminal) -> None:
    host = stage.made.public_url.partition("://")[2]
    terminal.note("")
    terminal.record(
        {
            "address": stage.made.public_url,
            "account": ACCOUNT,
            "password": stage.password,
            "administrator": stage.made.account,
            "administrator_password": stage.made.password,
            "ca": str(stage.ca_file),
        }
    )
    terminal.note("")
    terminal.note("Try next:")
    terminal.note(f"  docker login {host} --username {ACCOUNT}")
    terminal.note(f"  docker tag IMAGE {host}/{REPOSITORY}:3 && docker push {host}/{REPOSITORY}:3")
    terminal.note(
        f"  COSIGN_PASSWORD={stage.password} SSL_CERT_FILE={stage.ca_file} cosign sign --key {stage.folder}/cosign.key "
        f"--use-signing-config=false --tlog-upload=false --yes {host}/{REPOSITORY}:3"
    )
    terminal.note("")
    terminal.note("Serving until Ctrl-C.")


def _expect(answer: Answer, status: int, step: str) -> Answer:
    if answer.status != status:
        raise StoryBroken(f"{step}: expected {status}, got {answer.status} {answer.message}")
    return answer


def _tick(terminal: Terminal, sentence: str) -> None:
    terminal.note(f"  ✓ {sentence}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_free(listen: str) -> None:
    """Raise `Conflict` where somebody listens there already."""
    host, _, port = listen.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise Conflict(f"{listen} cannot be listened on ({error.strerror}): name another with --listen") from None
