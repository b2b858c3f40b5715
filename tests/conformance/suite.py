"""`make conformance`: a gateway from nothing, and the suite against it twice.

Once in a project whose trust policy says ``static: pass`` and whose rules admit what the suite pushes, once in hold mode
with a key that signs none of it, where all of it stays held. TLS, tokens, evidence and policy are on in both.

I/O: a gateway as a child process, the suite.
"""

import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.support.evidence import signer
from tests.support.gateway_process import GatewayProcess

ACCOUNT: Final = "conformance"

_TRUST: Final = """\
apiVersion: registry-gateway/v1
kind: TrustPolicy
metadata: {name: admitting}
spec:
  images: [{glob: "admitting/**"}]
  authorities: [{name: nobody-needs-to-sign, static: {action: pass}}]
---
apiVersion: registry-gateway/v1
kind: TrustPolicy
metadata: {name: holding}
spec:
  images: [{glob: "holding/**"}]
  authorities: [{name: a-key-that-signs-nothing, key: {path: keys/unused.pub}, ctlog: none}]
"""


def main() -> int:
    """Run both; return 0 only where both reached the bar."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        gateway = GatewayProcess(Path(scratch))
        password = secrets.token_urlsafe(24)
        gateway.user(ACCOUNT, password)
        for project in ("admitting", "holding"):
            gateway.cli("project", "create", project, "--mode", "hold").ok()
            gateway.cli("member", "add", project, "--user", ACCOUNT, "--role", "maintainer").ok()
        trust = gateway.folder / "trust"
        (trust / "keys" / "unused.pub").write_text(signer("ecdsa-p256", 7).pem, encoding="ascii")
        (trust / "conformance.yaml").write_text(_TRUST, encoding="utf-8")
        gateway.cli("trust", "apply", trust, "--reason", "conformance").ok()
        gateway.start()
        try:
            results = [
                _suite(gateway, password, project="admitting", label="admitting", scratch=Path(scratch)),
                _suite(gateway, password, project="holding", label="hold", scratch=Path(scratch)),
            ]
        finally:
            gateway.stop()
        if any(results):
            sys.stderr.write(gateway.log()[-4000:])
        return max(results)


def _suite(gateway: GatewayProcess, password: str, *, project: str, label: str, scratch: Path) -> int:
    secret = scratch / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    command = [
        sys.executable,
        str(Path(__file__).with_name("run")),
        *("--url", gateway.url, "--ca", str(gateway.ca)),
        *("--username", ACCOUNT, "--password-file", str(secret)),
        *("--repo1", f"{project}/repo1", "--repo2", f"{project}/repo2", "--label", label),
    ]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
