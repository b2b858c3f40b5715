"""The README's commands, typed as they stand there: a registry of one's own, and the first image in it.

What a person would put in by hand is put in: a free port, the image, the digest that was printed, passwords that are asked
for. The lines that install are left out: this tree is installed already (`make wheel` has a test of its own).
"""

import re
import sys
from pathlib import Path

import pytest

from tests.support.clients import KEY_PASSWORD
from tests.support.docker_daemon import DockerDaemon
from tests.support.documentation import ROOT, code_blocks
from tests.support.gateway_process import ASK
from tests.support.images import image, write_docker_archive
from tests.support.programs import Ran, Server, free_port, run


def blocks() -> tuple[str, str]:
    """Return the block that makes the registry and the one that uses it."""
    found = code_blocks((ROOT / "README.md").read_text(encoding="utf-8"), "sh")
    (make,) = (block for block in found if "registry-gateway init" in block)
    (use,) = (block for block in found if "docker push" in block)
    return make, use


@pytest.mark.parametrize("daemon", ["graph-driver"], indirect=True)
def test_the_commands_of_the_readme(tools: Path, scratch: Path, daemon: DockerDaemon) -> None:
    home = scratch / "readme"
    home.mkdir()
    port = free_port()
    env = {
        "PATH": f"{ROOT / '.venv' / 'bin'}:{tools}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(home),
        "COSIGN_PASSWORD": KEY_PASSWORD,
        "DOCKER_HOST": daemon.socket,
        "LANG": "C.UTF-8",
    }

    def typed(text: str) -> Ran:
        return run("bash", "-euc", text.replace(":5000", f":{port}"), env=env, folder=home)

    make, use = blocks()
    daemon.forget_images()
    artifact = image("readme")
    run("docker", "load", "--input", write_docker_archive(home / "image.tar", artifact, "mine:1"), env=env).ok()
    assert make.endswith("registry-gateway serve\n")
    made = typed(make.removesuffix("registry-gateway serve\n")).ok()
    password = next(line for line in made.out.splitlines() if re.fullmatch("[0-9a-f]{24}", line))
    registry = home / "registry"
    server = Server(
        ROOT / ".venv" / "bin" / "registry-gateway",
        "--config",
        registry / "gateway.toml",
        "serve",
        env=env,
        log=home / "serve.log",
    )
    try:
        ca = registry / "keys" / "tls" / "ca.pem"
        asked = (sys.executable, "-c", ASK, f"https://localhost:{port}/readyz", ca)
        server.wait_until(lambda: run(*asked, env=env).status == 0)
        before, sign, after = re.split(
            r"^(export SSL_CERT_FILE.*?@sha256:\.\.\..*?$)", use, flags=re.DOTALL | re.MULTILINE
        )
        before = before.replace("docker login", f"printf %s {password} | docker login --password-stdin")
        pushed = typed(before.replace("IMAGE", "mine:1")).ok()
        pushed.tells("Login Succeeded", "SIGNATURE_MISSING", "cosign sign")
        digest = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed.said)
        assert digest is not None, pushed.said
        typed(sign.replace("sha256:...", digest[1])).ok()
        daemon.forget_images()
        typed(after).ok().tells(digest[1])
    finally:
        server.stop()
