"""Where the CPU time of one manifest PUT goes, stage by stage: the whole gateway in this process, no listener, no TLS.

    python -m bench.profile_put [--puts N] [--clients N] [--repository bench/app|open/app] [--rounds N]

Times are CPU times of the threads that did the work, so a busy machine changes them little. Those of a stage exclude the
stages inside it; *the rest* is everything else: the API, the event loop, hops between threads, what is not named here.
The whole is measured without the probes; the best of the rounds counts.

I/O: a temporary folder.
"""

import argparse
import asyncio
import functools
import itertools
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.material import Blob, Material
from bench.peer import ADMITTING, REPOSITORY
from gateway.access.values import Role
from gateway.admission import evaluator, parts
from gateway.api.asgi import Message
from gateway.catalog.sqlite import admissions, commit, database
from gateway.oci.manifest import Manifest
from gateway.policy import answer, wasm_engine
from tests.support.whole import HOST, Whole, run, whole

_Probe: TypeAlias = tuple[str, ModuleType | type, str]

PROBES: Final[tuple[_Probe, ...]] = (
    ("parse the manifest", Manifest, "parse"),
    ("read the world", admissions, "read_world"),
    ("parse the config, make parts", parts, "parts"),
    ("verify the evidence", evaluator, "verify_all"),
    ("describe it: search secrets, spell", evaluator, "describe"),
    ("put the input together", evaluator, "document"),
    ("check the input", wasm_engine, "check"),
    ("evaluate the rules", wasm_engine.WasmEngine, "_run"),
    ("read the answer", answer, "outcome"),
    ("commit: read the world again", commit, "read_world"),
    ("commit: the effects", commit, "_apply"),
    ("commit: the transaction", database.Database, "_transact"),
)
_MEDIA_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_TRUST: Final = """\
apiVersion: registry-gateway/v1
kind: TrustPolicy
metadata: {name: bench}
project: bench
spec:
  authorities: [{name: bench-key, key: {path: keys/bench.pub}, ctlog: none}]
---
apiVersion: registry-gateway/v1
kind: TrustPolicy
metadata: {name: open}
project: open
spec:
  authorities: [{name: nobody-needs-to-sign, static: {action: pass}}]
"""


class Stages:
    """CPU nanoseconds and calls by stage, each without what is measured inside it."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._inside = threading.local()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, measured."""

        @functools.wraps(function)
        def measured(*args: Any, **named: Any) -> Any:
            outer: int = getattr(self._inside, "spent", 0)
            self._inside.spent = 0
            began = time.thread_time_ns()
            try:
                return function(*args, **named)
            finally:
                whole_time = time.thread_time_ns() - began
                with self._lock:
                    self.spent[stage] += whole_time - self._inside.spent
                    self.calls[stage] += 1
                self._inside.spent = outer + whole_time

        return measured

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Measure every one of `PROBES` while inside."""
        before = [(owner, name, vars(owner)[name]) for _, owner, name in PROBES]
        try:
            for stage, owner, name in PROBES:
                found = vars(owner)[name]
                inner = found.__func__ if isinstance(found, classmethod) else found
                timed = self.timed(stage, inner)
                setattr(owner, name, classmethod(timed) if isinstance(found, classmethod) else timed)
            yield
        finally:
            for owner, name, found in before:
                setattr(owner, name, found)


def main(arguments: Sequence[str]) -> int:
    """Print the table; return 0."""
    asked = _parser().parse_args(arguments)
    material = Material()
    with tempfile.TemporaryDirectory(prefix="profile-") as folder, whole(Path(folder) / "gateway") as built:
        _furnish(built, material)
        puts = functools.partial(_puts, built, material, asked.repository, asked.puts, asked.clients)
        puts()  # instances, statements and caches
        plain = min(puts() for _ in range(asked.rounds))
        stages = min((_staged(puts) for _ in range(asked.rounds)), key=lambda found: sum(found.spent.values()))
    _print(plain, stages, asked.puts)
    return 0


def _staged(puts: Callable[[], float]) -> Stages:
    stages = Stages()
    with stages.probing():
        puts()
    return stages


def _print(plain: float, stages: Stages, puts: int) -> None:
    print(f"{'stage':34} {'calls':>6} {'CPU ms':>8}   of one PUT")
    total = plain * 1000 / puts
    named = 0.0
    for stage in dict.fromkeys(stage for stage, _, _ in PROBES):
        spent = stages.spent[stage] / 1e6 / puts
        named += spent
        print(f"{stage:34} {stages.calls[stage] / puts:6.2f} {spent:8.3f}")
    print(f"{'the rest':34} {'':6} {total - named:8.3f}")
    print(f"{'whole':34} {'':6} {total:8.3f}")


def _puts(built: Whole, material: Material, repository: str, puts: int, clients: int) -> float:
    """Put ``puts`` manifests that nobody has; return the CPU seconds of the process."""
    numbers = itertools.count()
    token = built.token("pusher", f"repository:{repository}:pull,push")
    manifests = iter([material.new_manifest(number) for number in range(puts)])

    async def one(body: bytes) -> None:
        path = f"/v2/{repository}/manifests/t{time.monotonic_ns()}-{next(numbers)}"
        fields = {"host": HOST, "authorization": f"Bearer {token}", "content-type": _MEDIA_TYPE}
        fields["content-length"] = str(len(body))
        scope: Message = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "PUT",
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 5000),
            "extensions": {},
        }
        status = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])

        await built.api(scope, receive, send)
        if status != [201]:
            raise SystemExit(f"a PUT was answered {status}")

    async def client() -> None:
        for body in manifests:
            await one(body)

    async def together() -> None:
        await asyncio.gather(*(client() for _ in range(clients)))

    began = time.process_time()
    run(together())
    return time.process_time() - began


def _furnish(built: Whole, material: Material) -> None:
    public = material.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for project in ("bench", "open"):
        built.project(project)
    built.person("pusher", *((project, Role.WRITER) for project in ("bench", "open")))
    built.trust({"bench.yaml": _TRUST.encode(), "keys/bench.pub": public})
    blobs: tuple[Blob, ...] = (material.config, *material.pushed_layers)
    for repository in (REPOSITORY, ADMITTING):
        for blob in blobs:
            built.upload("pusher", b"".join(blob.pieces), blob.digest, repository=repository)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.profile_put", description=__doc__.partition("\n")[0])
    parser.add_argument("--puts", type=int, default=200, help="manifests in a round")
    parser.add_argument("--clients", type=int, default=16, help="PUTs at a time")
    parser.add_argument("--rounds", type=int, default=3, help="the best one counts")
    parser.add_argument("--repository", default=REPOSITORY, choices=(REPOSITORY, ADMITTING), help="holds, or admits")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
