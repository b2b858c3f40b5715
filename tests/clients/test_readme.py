"""The README's commands, typed as they stand there: a registry of one's own, and the first image in it.

What a person would put in by hand is put in: a free port, the image, the digest that was printed, passwords that are asked
for. The lines that install are left out, for which `tests/tools/try-wheel` is: where they would install, this tree stands.
A terminal knows what was exported in it, and finds nothing of the gateway that the README does not make it find.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.clients import KEY_PASSWORD
from tests.support.docker_daemon import DockerDaemon
from tests.support.documentation import ROOT, code_blocks
from tests.support.gateway_process import ASK, PROGRAM
from tests.support.images import image, write_docker_archive
from tests.support.programs import Ran, Server, free_port, run


def blocks() -> tuple[str, str, str]:
    """Return the blocks of "Your own": the one that installs, the one that makes the registry, the one that uses it."""
    found = code_blocks((ROOT / "README.md").read_text(encoding="utf-8"), "sh")
    (install,) = (block for block in found if "pip install" in block)
    (make,) = (block for block in found if "registry-gateway init" in block)
    (use,) = (block for block in found if "docker push" in block)
    return install, make, use


class Terminal:
    """A shell of somebody: what is exported in one block, the next one has."""

    def __init__(self, *, env: Mapping[str, str], home: Path, port: int) -> None:
        self.env = env
        self._home = home
        self._port = port
        self._exported = ""

    def script(self, text: str) -> str:
        """Return ``text`` behind what was exported, on the port that is free; what it exports itself is remembered."""
        script = self._exported + text.replace(":5000", f":{self._port}")
        self._exported += "".join(f"{line}\n" for line in text.splitlines() if line.startswith("export "))
        return script

    def typed(self, text: str) -> Ran:
        """Type ``text``, which ends where a command of it fails."""
        return run("bash", "-euc", self.script(text), env=self.env, folder=self._home)


@pytest.mark.parametrize("daemon", ["graph-driver"], indirect=True)
def test_the_commands_of_the_readme(tools: Path, scratch: Path, daemon: DockerDaemon) -> None:
    home = scratch / "readme"
    home.mkdir()
    port = free_port()
    env = {
        "PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "COSIGN_PASSWORD": KEY_PASSWORD,
        "DOCKER_HOST": daemon.socket,
        "LANG": "C.UTF-8",
    }

    (home / "registry-gateway" / "bin").mkdir(parents=True)
    (home / "registry-gateway" / "bin" / "registry-gateway").symlink_to(PROGRAM)
    install, make, use = blocks()
    first, another = (Terminal(env=env, home=home, port=port) for _ in range(2))
    first.script(install)
    daemon.forget_images()
    artifact = image("readme")
    run("docker", "load", "--input", write_docker_archive(home / "image.tar", artifact, "mine:1"), env=env).ok()
    assert make.endswith("registry-gateway serve\n")
    made = first.typed(make.removesuffix("registry-gateway serve\n")).ok()
    password = next(line for line in made.out.splitlines() if re.fullmatch("[0-9a-f]{24}", line))
    registry = home / "registry"
    served = first.script("cd ~/registry\nexec registry-gateway serve\n")
    server = Server("bash", "-euc", served, env=env, log=home / "serve.log")
    try:
        ca = registry / "keys" / "tls" / "ca.pem"
        asked = (sys.executable, "-c", ASK, f"https://localhost:{port}/readyz", ca)
        server.wait_until(lambda: run(*asked, env=env).status == 0)
        before, sign, after = re.split(
            r"^(export SSL_CERT_FILE.*?@sha256:\.\.\..*?$)", use, flags=re.DOTALL | re.MULTILINE
        )
        before = before.replace("docker login", f"printf %s {password} | docker login --password-stdin")
        pushed = another.typed(before.replace("IMAGE", "mine:1")).ok()
        pushed.tells("Login Succeeded", "SIGNATURE_MISSING", "cosign sign")
        digest = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed.said)
        assert digest is not None, pushed.said
        another.typed(sign.replace("sha256:...", digest[1])).ok()
        daemon.forget_images()
        another.typed(after).ok().tells(digest[1])
    finally:
        server.stop()
