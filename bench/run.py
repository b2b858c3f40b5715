"""`make bench`: this gateway, distribution 3, olareg, nginx and perhaps zot on one machine; writes a Markdown report.

    python -m bench.run [--rounds N] [--seconds S] [--quick] [--only WORDS] [--zot PROGRAM] [--output FILE]

They take turns. zot is no pinned tool: it takes part where `--zot` (`make bench ZOT=`) names its binary.

I/O: child processes on loopback, a temporary folder, the report.
Source: issue item 10; INTERFACE 1.
"""

import argparse
import datetime
import os
import platform
import shlex
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench import report
from bench.drive import Measured
from bench.gateway import Gateway
from bench.material import Material
from bench.others import Distribution, Nginx, Olareg, Zot
from bench.peer import Peer
from bench.report import Rounds, row
from bench.wire import client_context
from bench.workloads import TABLE, Bench, Bounds, Workload, check, fill
from tests.support.programs import ROOT, run

LATEST: Final = ROOT / "bench" / "results" / "latest.md"
FULL: Final = Bounds(seconds=5.0, large_pulls=16, uploads=4, manifests=400)
QUICK: Final = Bounds(seconds=0.3, large_pulls=4, uploads=1, manifests=32)


def main(arguments: Sequence[str]) -> int:
    """Run all rounds and write the report; return 0, a broken measurement is a traceback."""
    asked = _parser().parse_args(arguments)
    # Read by now, and for this process only: `make bench` makes it offer what clients written in Go do.
    os.environ.pop("OPENSSL_CONF", None)
    bounds = QUICK if asked.quick else FULL
    if asked.seconds is not None:
        bounds = Bounds(asked.seconds, bounds.large_pulls, bounds.uploads, bounds.manifests)
    table = [workload for workload in TABLE if asked.only in row(workload)]
    started, load = datetime.datetime.now(datetime.UTC), os.getloadavg()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch,
        _benches(Path(scratch), bounds, asked.zot) as benches,
    ):
        measured = _rounds(benches, table, asked.rounds)
        peers = [bench.peer for bench in benches]
    about = _about(peers, measured, asked, bounds, started, load)
    results = {
        row(workload): {
            peer.name: Rounds(workload, tuple(measured[workload, peer.name]))
            for peer in peers
            if (workload, peer.name) in measured
        }
        for workload in table
    }
    text = report.render(results, [peer.name for peer in peers], about)
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    temporary = asked.output.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(asked.output)
    print(text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each peer has its turn at each workload")
    parser.add_argument("--seconds", type=float, help="how long a workload without a count lasts")
    parser.add_argument("--quick", action="store_true", help="hardly anything of each: does it run?")
    parser.add_argument("--only", default="", help="only the workloads with these words in their name")
    parser.add_argument("--zot", type=_program, metavar="PROGRAM", help="the binary of zot, a peer that is not pinned")
    parser.add_argument("--output", type=Path, default=LATEST, help="where the report goes")
    return parser


def _program(text: str) -> Path:
    """Return the program that ``text`` names. A run without it would look like one that was asked for without it."""
    path = Path(text).absolute()
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise argparse.ArgumentTypeError(f"{text} is not a program")
    return path


@contextmanager
def _benches(scratch: Path, bounds: Bounds, zot: Path | None) -> Iterator[list[Bench]]:
    """Start, fill and check every peer; end them."""
    material = Material()
    public = material.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    folders = {name: scratch / name for name in ("gateway", "distribution", "olareg", "zot", "nginx")}
    for folder in folders.values():
        folder.mkdir()
    scratch.chmod(0o711)
    with ExitStack() as stack:
        peers: list[Peer] = []

        def started(peer: Peer) -> None:
            stack.callback(peer.stop)
            peers.append(peer)

        gateway = Gateway(folders["gateway"], public_key=public)
        started(gateway)
        tls = gateway.ca.parent
        started(Distribution(folders["distribution"], tls))
        started(Olareg(folders["olareg"], tls, _version("olareg")))
        if zot is not None:
            started(Zot(folders["zot"], tls, zot))
        started(Nginx(folders["nginx"], tls, material))
        benches = [Bench(peer, client_context(gateway.ca), material, bounds) for peer in peers]
        for bench in benches:
            if bench.peer.accepts_pushes:
                fill(bench, signed=bench.peer is gateway)
            check(bench)
        yield benches


def _rounds(benches: list[Bench], table: Sequence[Workload], rounds: int) -> dict[tuple[Workload, str], list[Measured]]:
    """Measure everything; the peers take turns at each workload, and another one is first in each round."""
    measured: dict[tuple[Workload, str], list[Measured]] = {}
    for number in range(rounds):
        first = number % len(benches)
        for workload in table:
            for bench in benches[first:] + benches[:first]:
                if workload.pushes and not bench.peer.accepts_pushes:
                    continue
                # What an earlier turn left to be written is not this one's to pay for.
                os.sync()
                found = workload.measure(bench)
                measured.setdefault((workload, bench.peer.name), []).append(found)
                _progress(number, rounds, workload, bench.peer.name, found)
    return measured


def _progress(number: int, rounds: int, workload: Workload, peer: str, found: Measured) -> None:
    rate = f"{found.rate:,.1f}/s in {found.elapsed:.1f} s"
    print(f"round {number + 1}/{rounds}: {row(workload)}: {peer}: {rate}", file=sys.stderr, flush=True)


def _about(
    peers: Sequence[Peer],
    measured: dict[tuple[Workload, str], list[Measured]],
    asked: argparse.Namespace,
    bounds: Bounds,
    started: datetime.datetime,
    load: tuple[float, float, float],
) -> list[str]:
    ciphers = {name: found[0].cipher for (_, name), found in measured.items()}
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    # Not where the report goes, nor where zot is: those are paths of this machine.
    words = ["--rounds", str(asked.rounds), *(["--quick"] if asked.quick else [])]
    words += ["--only", asked.only] if asked.only else []
    words += ["--zot", "zot"] if asked.zot else []
    command = shlex.join(["python", "-m", "bench.run", *words])
    return [
        f"- when: {started:%Y-%m-%d %H:%M} UTC, {(datetime.datetime.now(datetime.UTC) - started).seconds} s; "
        f"load average before {load[0]:.1f} {load[1]:.1f} {load[2]:.1f}, after {os.getloadavg()[0]:.1f}",
        f"- machine: {os.cpu_count()} cores, {_cpu()}, Linux {platform.release()}, Python {platform.python_version()}, "
        f"{ssl.OPENSSL_VERSION}",
        f"- command: `{command}`; {bounds.seconds:g} s for each GET of something small, "
        f"{bounds.large_pulls} large GETs, {bounds.uploads} uploads, {bounds.manifests} manifests "
        f"in a round; tree `{commit}`",
        "- load: one process of Python over loopback with TLS on connections that are kept and were made before; another "
        "one for the uploads beside a GET",
        *(f"- **{peer.name}**: {peer.about}; {ciphers.get(peer.name, '-')}" for peer in peers),
        "- the load generator offers ciphers in the order of clients written in Go, AES with 128 bits first. The gateway",
        "  and distribution answer a push when its bytes are durable (fsync of files and folders), olareg calls no fsync.",
        "- the peers written in Go (all but nginx) may use all cores, nginx and the gateway use one each. Only the gateway",
        "  verifies, decides and records: the image that is pulled was admitted by a signature in cosign's format, pulled",
        "  by an account that may read only what is admitted; a *held* PUT was judged and waits for its signature.",
    ]


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(tool: str) -> str:
    listed = run(ROOT / "tests" / "tools" / "install", "--list", env=dict(os.environ)).ok().out
    return next((line.split()[1] for line in listed.splitlines() if line.split()[0] == tool), "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
