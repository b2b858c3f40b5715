"""A registry under load: what the workloads need of it, and how a server of somebody else's is run.

I/O: a child process, `/proc`.
"""

import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final, Protocol

from bench.wire import HOST, client_context
from tests.support.programs import Server

REPOSITORY: Final = "bench/app"
ADMITTING: Final = "open/app"
"""On the gateway, a repository whose trust policy needs no signature; elsewhere, one like the other."""
TAG: Final = "1"

_TICKS: Final = os.sysconf("SC_CLK_TCK")
ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none", "HOME": "/nonexistent"}
"""Of somebody else's server: distribution would look for a collector of traces."""


class Peer(Protocol):
    """A running registry."""

    name: str
    about: str
    port: int
    accepts_pushes: bool

    def authorization(self, repository: str, *, push: bool) -> str | None:
        """Return a header's value that is good for five minutes, None where nothing is checked."""
        ...

    def cpu_seconds(self) -> float:
        """Return the CPU time its processes have used."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


class Program:
    """A server of somebody else's, in a session of its own."""

    accepts_pushes = True

    def __init__(self, command: tuple[str | Path, ...], *, port: int, ca: Path, log: Path) -> None:
        self.port = port
        self._server = Server(*command, env=ENVIRONMENT, log=log)
        context = client_context(ca)

        def ready() -> bool:
            try:
                urllib.request.urlopen(f"https://{HOST}:{port}/v2/", context=context, timeout=5).close()
            except urllib.error.HTTPError:
                return True
            except OSError:
                return False
            return True

        self._server.wait_until(ready)

    def authorization(self, repository: str, *, push: bool) -> str | None:
        """Return None: nobody is asked for anything."""
        return None

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its processes."""
        return session_cpu_seconds(self._server.pid)

    def stop(self) -> None:
        """End it."""
        self._server.stop()


def session_cpu_seconds(session: int) -> float:
    """Return the CPU time, user and system, of the living processes of a session."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS
