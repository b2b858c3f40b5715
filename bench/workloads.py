"""What is measured: the table of workloads, and how a registry is filled before.

I/O: through `bench.drive`.
Source: OCI distribution-spec v1.1.1; issue item 10 for the list and what is expected.
"""

import hashlib
import itertools
import multiprocessing
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from bench.drive import Measured, Operation, drive
from bench.material import Blob, Material
from bench.peer import ADMITTING, REPOSITORY, TAG, Peer
from bench.wire import BenchmarkBroken, Request, Response, head

Unit: TypeAlias = Literal["requests/s", "MB/s", "p50 ms", "p99 ms"]

MAX_SECONDS: Final = 120.0
"""For a workload that is bounded by its count."""
WARM_UP: Final = 200
UPLOADERS: Final = 2
_OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of each is done in one round."""

    seconds: float
    large_pulls: int
    uploads: int
    manifests: int


@dataclass(frozen=True, slots=True)
class Bench:
    """A peer with what is needed to put load on it."""

    peer: Peer
    context: ssl.SSLContext
    material: Material
    bounds: Bounds

    def drive(
        self, operations: Iterator[Operation], *, clients: int, seconds: float = MAX_SECONDS, warm_up: int = 0
    ) -> Measured:
        """Drive the peer; ``warm_up`` operations come before the clock."""

        def go(some: Iterator[Operation], seconds: float) -> Measured:
            return drive(
                some,
                port=self.peer.port,
                context=self.context,
                clients=clients,
                max_seconds=seconds,
                peer_cpu=self.peer.cpu_seconds,
            )

        if warm_up:
            go(itertools.islice(operations, warm_up), MAX_SECONDS)
        return go(operations, seconds)

    def pull(self, path: str, *, clients: int, pulls: int | None = None, warm_up: int = 0) -> Measured:
        """Get ``path`` in the repository again and again."""
        request = _Caller.of(self.peer, REPOSITORY, push=False).get(path)
        operations = itertools.repeat(request) if pulls is None else itertools.repeat(request, pulls)
        seconds = self.bounds.seconds if pulls is None else MAX_SECONDS
        return self.drive(map(_once, operations), clients=clients, seconds=seconds, warm_up=warm_up)


@dataclass(frozen=True, slots=True)
class Workload:
    """One row. ``measure`` runs one round of it; ``values`` says which numbers of it are reported.

    ``shared``: the peer does other work meanwhile, so that its CPU time is not that of the operations.
    """

    name: str
    clients: int
    values: tuple[Unit, ...]
    pushes: bool
    expected: float | None
    measure: Callable[[Bench], Measured]
    megabytes: float = 0.0
    shared: bool = False


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who speaks to a peer, about which repository."""

    port: int
    repository: str
    authorization: str | None

    @classmethod
    def of(cls, peer: Peer, repository: str, *, push: bool) -> "_Caller":
        return cls(peer.port, repository, peer.authorization(repository, push=push))

    def head(self, method: str, target: str, *, length: int | None = None, kind: str = "") -> bytes:
        """Return a request head; ``target`` is what follows the repository's name, or a path that a peer gave."""
        path = target if target.startswith("/") else f"/v2/{self.repository}/{target}"
        return head(method, path, port=self.port, authorization=self.authorization, length=length, kind=kind)

    def get(self, target: str) -> Request:
        return Request(self.head("GET", target), 200)

    def upload(self, blob: Blob, *, patch: bool) -> Operation:
        """Push ``blob``: in the PUT that closes the session, or in one PATCH before it, as docker does."""
        response = yield Request(self.head("POST", "blobs/uploads/", length=0), 202)
        target = _local(response.location)
        body = blob.pieces
        if patch:
            start = self.head("PATCH", target.rstrip("?&"), length=blob.size, kind=_OCTETS)
            response = yield Request(start, 202, body)
            target, body = _local(response.location), ()
        length = sum(len(piece) for piece in body)
        end = self.head("PUT", f"{target}digest={blob.digest}", length=length, kind=_OCTETS)
        yield Request(end, 201, body)

    def put(self, manifest: bytes, media_type: str, reference: str) -> Operation:
        """Push ``manifest`` as ``reference``."""
        start = self.head("PUT", f"manifests/{reference}", length=len(manifest), kind=media_type)
        yield Request(start + manifest, 201)


def _once(request: Request) -> Operation:
    yield request


def _local(location: str) -> str:
    """Return a `Location` as a target with a query to add to."""
    target = "/" + location.split("/", 3)[3] if "://" in location else location
    return target + ("&" if "?" in target else "?")


def fill(bench: Bench, *, signed: bool) -> None:
    """Push the image, and its signature where that means something."""
    material = bench.material
    for repository in (REPOSITORY, ADMITTING):
        caller = _Caller.of(bench.peer, repository, push=True)
        bench.drive((caller.upload(blob, patch=False) for blob in material.blobs), clients=1)
    caller = _Caller.of(bench.peer, REPOSITORY, push=True)
    image, signature = material.image, material.signature
    bench.drive(iter([caller.put(image.manifest, image.media_type, TAG)]), clients=1)
    if signed:
        bench.drive((caller.upload(Blob.of(blob), patch=False) for blob in signature.blobs), clients=1)
        put = caller.put(signature.manifest, signature.media_type, str(signature.digest))
        bench.drive(iter([put]), clients=1)


def check(bench: Bench) -> None:
    """Raise `BenchmarkBroken` unless the peer serves the very bytes; the gateway does only if the image is admitted."""
    caller = _Caller.of(bench.peer, REPOSITORY, push=False)
    small = bench.material.small.digest
    wanted = {f"manifests/{TAG}": str(bench.material.manifest_digest), f"blobs/{small}": small}
    for path, digest in wanted.items():
        answers: list[Response] = []
        bench.drive(iter([_noting(caller.get(path), answers)]), clients=1)
        if f"sha256:{hashlib.sha256(answers[0].body).hexdigest()}" != digest:
            raise BenchmarkBroken(f"{bench.peer.name} serves other bytes as {path}")


def _noting(request: Request, answers: list[Response]) -> Operation:
    answers.append((yield request))


def _manifest_pull(clients: int) -> Callable[[Bench], Measured]:
    return lambda bench: bench.pull(f"manifests/{TAG}", clients=clients, warm_up=WARM_UP)


def _small_pull(bench: Bench) -> Measured:
    return bench.pull(f"blobs/{bench.material.small.digest}", clients=64, warm_up=WARM_UP)


def _large_pull(bench: Bench) -> Measured:
    return bench.pull(f"blobs/{bench.material.large.digest}", clients=4, pulls=bench.bounds.large_pulls, warm_up=1)


def _large_upload(*, patch: bool) -> Callable[[Bench], Measured]:
    def measure(bench: Bench) -> Measured:
        blobs = [bench.material.new_large() for _ in range(bench.bounds.uploads)]
        caller = _Caller.of(bench.peer, REPOSITORY, push=True)
        return bench.drive((caller.upload(blob, patch=patch) for blob in blobs), clients=1)

    return measure


def _manifest_put(repository: str) -> Callable[[Bench], Measured]:
    def measure(bench: Bench) -> Measured:
        material = bench.material
        manifests = [material.new_manifest(number) for number in range(bench.bounds.manifests)]
        caller = _Caller.of(bench.peer, repository, push=True)
        tags = (f"t{hashlib.sha256(manifest).hexdigest()[:20]}" for manifest in manifests)
        media_type = material.image.media_type
        puts = (caller.put(manifest, media_type, tag) for manifest, tag in zip(manifests, tags, strict=True))
        return bench.drive(puts, clients=16)

    return measure


def _pull_while_uploading(bench: Bench) -> Measured:
    with _uploading(bench):
        return bench.pull(f"manifests/{TAG}", clients=1, warm_up=WARM_UP // 4)


@contextmanager
def _uploading(bench: Bench) -> Iterator[None]:
    """Have another process push large blobs while inside, on two connections."""
    blobs = [bench.material.new_large() for _ in range(UPLOADERS * 4)]
    caller = _Caller.of(bench.peer, REPOSITORY, push=True)
    process = multiprocessing.get_context("fork").Process(target=_push_on, args=(bench, blobs, caller), daemon=True)
    process.start()
    try:
        yield
        if not process.is_alive():
            raise BenchmarkBroken(f"the uploads to {bench.peer.name} ended with status {process.exitcode}")
    finally:
        process.terminate()
        process.join()


def _push_on(bench: Bench, blobs: list[Blob], caller: _Caller) -> None:
    """Push ``blobs``, the first ones again after the last, until this process is ended."""
    bench.drive((caller.upload(blob, patch=True) for blob in itertools.cycle(blobs)), clients=UPLOADERS)


TABLE: Final = (
    Workload("manifest GET by tag", 1, ("requests/s",), False, None, _manifest_pull(1)),
    Workload("manifest GET by tag", 64, ("requests/s", "p99 ms"), False, 5.0, _manifest_pull(64)),
    Workload("blob GET, 4 KiB", 64, ("requests/s",), False, None, _small_pull),
    Workload("blob GET, 100 MiB", 4, ("MB/s",), False, 1.0, _large_pull, 104.8576),
    Workload("upload 100 MiB, POST and PUT", 1, ("MB/s",), True, 1.0, _large_upload(patch=False), 104.8576),
    Workload("upload 100 MiB, POST, PATCH and PUT", 1, ("MB/s",), True, 1.0, _large_upload(patch=True), 104.8576),
    Workload("manifest PUT, 20 layers, held", 16, ("requests/s",), True, 1.0, _manifest_put(REPOSITORY)),
    Workload("manifest PUT, 20 layers, admitted", 16, ("requests/s",), True, 1.0, _manifest_put(ADMITTING)),
    Workload(
        "manifest GET by tag while two clients upload",
        1,
        ("p50 ms", "p99 ms"),
        True,
        None,
        _pull_while_uploading,
        shared=True,
    ),
)


def value(workload: Workload, measured: Measured, unit: Unit) -> float:
    """Return one number of a round."""
    match unit:
        case "requests/s":
            return measured.rate
        case "MB/s":
            return measured.rate * workload.megabytes
        case "p50 ms":
            return measured.percentile(0.5) * 1000
        case "p99 ms":
            return measured.percentile(0.99) * 1000
