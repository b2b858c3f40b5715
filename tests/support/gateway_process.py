"""A gateway as its operator runs it: `init`, `serve` as a child process, and the other commands beside it.

Only what INTERFACE promises is used: the console script beside the interpreter, its commands, `gateway.toml`, `/readyz`.

I/O: processes, the file system, and one loopback port.
"""

import os
import sys
from pathlib import Path
from typing import Final

from tests.support.programs import Ran, Server, free_port, run

PROGRAM: Final = Path(sys.executable).parent / "registry-gateway"

ASK: Final = """
import ssl, sys, urllib.request
urllib.request.urlopen(sys.argv[1], context=ssl.create_default_context(cafile=sys.argv[2]), timeout=5)
"""


class GatewayProcess:
    """A gateway in a folder of its own, empty and with no project until it is given one.

    ``address`` and ``name`` differ from the loopback's only inside a network namespace, which ``enter`` is the command
    prefix for.
    """

    def __init__(
        self, folder: Path, *, address: str = "127.0.0.1", name: str = "localhost", enter: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder / "state"
        self.host = f"{name}:{free_port()}"
        self.url = f"https://{self.host}"
        self._log = folder / "gateway.log"
        self._enter = enter
        self._server: Server | None = None
        port = self.host.rpartition(":")[2]
        self._run("init", self.folder, "--listen", f"{address}:{port}", "--public-url", self.url).ok()
        (self.ca,) = self.folder.rglob("ca.pem")

    def start(self, *, log: Path | None = None) -> None:
        """Serve, and return when `/readyz` says so. ``log``: where its output goes instead of into a file of its own."""
        config = self.folder / "gateway.toml"
        log = self._log if log is None else log
        self._server = Server(*self._enter, PROGRAM, "--config", config, "serve", env=_environment(), log=log)
        self._server.wait_until(self._ready)

    def stop(self) -> int:
        """End the process, return its exit status."""
        assert self._server is not None
        return self._server.stop()

    def log(self) -> str:
        """Return all that the process has logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def cli(self, *words: str | Path, stdin: str | None = None) -> Ran:
        """Run one command of `registry-gateway` on this gateway's folder."""
        return self._run("--config", self.folder / "gateway.toml", *words, stdin=stdin)

    def user(self, name: str, password: str) -> None:
        """Create a local account."""
        self.cli("user", "create", name, "--password-stdin", stdin=f"{password}\n").ok()

    def robot(self, project: str, name: str, role: str) -> tuple[str, str]:
        """Create a robot; return the name it logs in with and its secret, which is alone on standard output."""
        secret = self.cli("robot", "create", project, name, "--role", role).ok().out.strip()
        assert secret, "the secret of a robot is printed once"
        assert len(secret.split()) == 1, "the secret of a robot is alone on standard output"
        return f"robot+{project}+{name}", secret

    def _run(self, *words: str | Path, stdin: str | None = None) -> Ran:
        return run(PROGRAM, *words, env=_environment(), stdin=None if stdin is None else stdin.encode())

    def _ready(self) -> bool:
        # By another interpreter, since the question may have to be asked from inside another network.
        return (
            run(*self._enter, sys.executable, "-c", ASK, f"{self.url}/readyz", self.ca, env=_environment()).status == 0
        )


def _environment() -> dict[str, str]:
    """What a service manager would give it; nothing of the person who runs the tests."""
    kept = ("HOME", "LANG", "TMPDIR", "COVERAGE_PROCESS_START")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **found}
