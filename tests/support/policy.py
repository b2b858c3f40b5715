"""What the tests of policy share: input documents, parameters, revisions, and a real OPA server.

Documents are built anew for each call, so that a test may change what it got.

I/O: none, but for `OpaServer` (a child process and a Unix socket) and `opa_program`.
"""

import asyncio
import copy
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy.engine import PolicyEngine
from gateway.policy.pack import shipped_revision
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import (
    PolicyAllowed,
    PolicyDenied,
    PolicyHeld,
    PolicyOutcome,
)
from tests.support.programs import Server, tools_bin

ROOT: Final = Path(__file__).resolve().parents[2]
POLICIES: Final = ROOT / "policies"

IMAGE_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
BASE_NAME: Final = "org.opencontainers.image.base.name"

RULES: Final = {
    "base_image": "BASE001",
    "immutable_tag": "TAG001",
    "no_root": "CFG001",
    "no_secret": "SEC001",
    "pushed_by": "PUSH001",
    "required_annotations": "ANN001",
    "signed": "SIG001",
    "size_limits": "SIZE001",
}

STRICT: Final[JsonObject] = {
    "registry": {
        "config": {
            "rules": {
                "SIG001": {"minimum_signers": 1, "accept_static_pass": False},
                "TAG001": {"immutable_tags": ["v*"]},
                "BASE001": {"allowed": ["docker.io/library/*"], "undeclared": "deny"},
                "CFG001": {"level": "enforce"},
                "ANN001": {"required": [{"key": "team", "in": "label", "value": "*"}]},
                "PUSH001": {"pushers": [{"claims": {"repository_id": "74", "ref": "refs/heads/*"}}]},
                "SIZE001": {
                    "max_bytes": 1000,
                    "max_layers": 2,
                    "manifest_media_types": ["application/vnd.oci.*"],
                    "layer_media_types": ["application/vnd.oci.*"],
                    "foreign_layers": "deny",
                },
            }
        }
    }
}
"""Parameters under which every rule can fire. `admissible` passes them all."""


def digest(character: str) -> str:
    """Return a digest made of one hexadecimal digit."""
    return "sha256:" + character * 64


def strict_revision(**rules: JsonObject) -> PolicyRevision:
    """Return the shipped rules under `STRICT`, each keyword (a code) replacing some of its rule's parameters."""
    overrides = copy.deepcopy(STRICT)
    parameters = cast(JsonObject, cast(JsonObject, cast(JsonObject, overrides["registry"])["config"])["rules"])
    for code, changes in rules.items():
        parameters[code] = {**cast(JsonObject, parameters.get(code, {})), **changes}
    return shipped_revision(overrides)


def image(**changes: JsonValue) -> JsonObject:
    """Return a subject that is an image and passes every rule."""
    subject: JsonObject = {
        "digest": digest("a"),
        "root": True,
        "media_type": IMAGE_TYPE,
        "kind": "image",
        "artifact_type": None,
        "platform": {"os": "linux", "architecture": "amd64", "variant": None},
        "annotations": {BASE_NAME: "docker.io/library/alpine:3.20"},
        "layers": [{"digest": digest("1"), "size": 900, "media_type": LAYER_TYPE, "foreign": False}],
        "size": 1000,
        "config": {
            "user": "10001",
            "env": ["PATH=/bin"],
            "labels": {"team": "payments"},
            "entrypoint": ["/app"],
            "cmd": [],
            "exposed_ports": ["8080/tcp"],
            "os": "linux",
            "architecture": "amd64",
            "created": None,
        },
        "secret_findings": [],
    }
    return {**subject, **changes}


def index(**changes: JsonValue) -> JsonObject:
    """Return a subject that is an index, the root."""
    bare = image(kind="index", media_type=INDEX_TYPE, platform=None, annotations={}, layers=[], size=0, config=None)
    return {**bare, **changes}


def child(character: str = "b", **changes: JsonValue) -> JsonObject:
    """Return a subject that is a judged child."""
    return image(**{"digest": digest(character), "root": False, **changes})


def admissible(**changes: JsonValue) -> JsonObject:
    """Return a manifest decision's input that every rule passes, also under `STRICT`."""
    document: JsonObject = {
        "api_version": "registry-gateway/admission/v1",
        "decision": "manifest",
        "time": 1790000000,
        "trigger": {"kind": "push", "principal": "u:1"},
        "who": {
            "id": "w:1",
            "kind": "workload",
            "name": "ci+shop",
            "claims": {"ref": "refs/heads/main", "repository_id": "74"},
        },
        "where": {"registry": "localhost:5000", "project": "payments", "repository": "payments/api", "mode": "hold"},
        "tag": None,
        "what": {
            "digest": digest("a"),
            "media_type": IMAGE_TYPE,
            "kind": "image",
            "artifact_type": None,
            "size": 500,
            "subject": None,
        },
        "subjects": [image()],
        "closure": "complete",
        "trust": {
            "satisfied": True,
            "static_pass": False,
            "policies": ["payments"],
            "signers": ["key:1"],
            "codes": [],
        },
        "evidence": {
            "verified": [
                {
                    "evidence": digest("e"),
                    "format": "cosign-bundle",
                    "signer": "key:1",
                    "signer_name": "release",
                    "authority": "release",
                    "policy": "payments",
                    "predicate_type": None,
                    "annotations": {"build": 7},
                    "first_seen": 1790000000,
                }
            ],
            "rejected": [{"evidence": digest("f"), "code": "SIGNATURE_INVALID"}],
        },
        "truncated": [],
    }
    return {**document, **changes}


def tagging(*, target: str | None = None, target_is_this: bool = False, name: str = "v1.0") -> JsonObject:
    """Return a tag decision's input that every rule passes where the tag is new or stays."""
    tag: JsonObject = {"name": name, "target": target, "target_is_this": target_is_this}
    return admissible(decision="tag", tag=tag)


def codes(outcome: PolicyOutcome) -> list[tuple[str, str]]:
    """Return the sorted (code, subject) of everything that is held, denied or warned about in ``outcome``."""
    if not isinstance(outcome, PolicyAllowed | PolicyHeld | PolicyDenied):
        return []
    return sorted((finding.code, finding.subject) for finding in outcome.findings if finding.code is not None)


def decide(
    engine: PolicyEngine, revision: PolicyRevision, *documents: JsonObject, deadline_seconds: float = 30.0
) -> list[PolicyOutcome]:
    """Return what ``engine`` says of each document under ``revision``; closes the engine."""

    async def ask() -> list[PolicyOutcome]:
        try:
            await engine.activate(revision)
            return [await engine.evaluate(document, deadline_seconds=deadline_seconds) for document in documents]
        finally:
            await engine.close()

    return asyncio.run(ask())


def opa_program() -> Path | None:
    """Return the `opa` that the test tools installed, or the one in PATH, or None."""
    installed = tools_bin() / "opa"
    if installed.exists():
        return installed
    found = shutil.which("opa")
    return None if found is None else Path(found)


class OpaServer:
    """A real OPA server on a Unix socket, serving one revision's bundle directory."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        self.socket = folder / "opa.sock"
        self.address = f"unix://{self.socket}"
        self._server: Server | None = None

    @property
    def running(self) -> Server:
        """The process. Raises AssertionError where it is not running."""
        assert self._server is not None
        return self._server

    def start(self, files: dict[str, bytes], *arguments: str) -> None:
        """Serve ``files`` (a bundle directory; ``PolicyRevision.opa_files()``) and return when it answers."""
        bundle = self.folder / "bundle"
        shutil.rmtree(bundle, ignore_errors=True)
        bundle.mkdir()
        for path, content in files.items():
            (bundle / path).parent.mkdir(parents=True, exist_ok=True)
            (bundle / path).write_bytes(content)
        self.socket.unlink(missing_ok=True)
        listen = arguments or ("--addr", self.address, "--unix-socket-perm", "600")
        common = ("--server", "--skip-version-check", "--log-level", "error", "--bundle", bundle)
        self._server = Server(
            self.program, "run", *common, *listen, env={"HOME": str(self.folder)}, log=self.folder / "opa.log"
        )
        self._server.wait_until(self._answers if not arguments else lambda: True)

    def burn(self) -> None:
        """Return when the server has used a second of processor time: when it is evaluating something long."""
        stat = Path(f"/proc/{self.running.pid}/stat")

        def ticks() -> int:
            return int(stat.read_text().rpartition(")")[2].split()[11])

        began = ticks()
        self.running.wait_until(lambda: ticks() - began >= os.sysconf("SC_CLK_TCK"))

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
            probe.sendall(b"GET /health?bundles HTTP/1.0\r\nHost: opa\r\n\r\n")
            return b" 200 " in probe.recv(4096)


@contextmanager
def opa_server(program: Path, folder: Path, revision: PolicyRevision | None) -> Iterator[OpaServer]:
    """Give a server that serves ``revision`` (None: nothing at all), ended afterwards."""
    server = OpaServer(program, folder)
    try:
        server.start({} if revision is None else revision.opa_files())
        yield server
    finally:
        server.stop()
