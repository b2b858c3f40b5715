"""This project's gateway, as its operator runs it, with one project that holds and one that admits.

I/O: a child process and its folder.
"""

import base64
import json
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Final

from bench.peer import session_cpu_seconds
from bench.wire import client_context
from tests.support.gateway_process import GatewayProcess

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


class Gateway(GatewayProcess):
    """This project, one worker: a project in hold mode with a key, and one that admits without a signature."""

    name = "gateway"
    about = "this tree: TLS 1.3, a token per request, SQLite with synchronous=FULL, one worker"
    accepts_pushes = True

    def __init__(self, folder: Path, *, public_key: str) -> None:
        super().__init__(folder)
        self.port = int(self.host.rpartition(":")[2])
        for project in ("bench", "open"):
            self.cli("project", "create", project, "--mode", "hold").ok()
        trust = self.folder / "trust"
        (trust / "keys").mkdir(parents=True, exist_ok=True)
        (trust / "keys" / "bench.pub").write_text(public_key, encoding="ascii")
        (trust / "bench.yaml").write_text(_TRUST, encoding="utf-8")
        self.cli("trust", "apply", trust, "--reason", "bench").ok()
        self._robots = {
            (project, role): self.robot(project, role, role)
            for project in ("bench", "open")
            for role in ("reader", "writer")
        }
        self._context = client_context(self.ca)
        self.start()

    def authorization(self, repository: str, *, push: bool) -> str | None:
        """Log in as a robot of the project: a reader, so that a pull is proof of admission, or a writer."""
        name, secret = self._robots[repository.partition("/")[0], "writer" if push else "reader"]
        query = urllib.parse.urlencode({"scope": f"repository:{repository}:{'pull,push' if push else 'pull'}"})
        asked = urllib.request.Request(f"{self.url}/token?{query}")
        asked.add_header("Authorization", "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode())
        with urllib.request.urlopen(asked, context=self._context, timeout=10) as answer:
            return f"Bearer {json.load(answer)['token']}"

    def cpu_seconds(self) -> float:
        """Return the CPU time of the serving process."""
        assert self._server is not None
        return session_cpu_seconds(self._server.pid)

    def stop(self) -> None:  # type: ignore[override]  # the exit status is of no interest here
        """End it."""
        super().stop()
