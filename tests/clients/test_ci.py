"""A CI job with its platform's token and no secret: real clients log in, push for longer than it lives, sign, and leave."""

import json
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.clients.conftest import CI_ISSUER, People
from tests.clients.test_docker import docker, push
from tests.support.clients import Client, Signer
from tests.support.docker_daemon import DockerDaemon
from tests.support.gateway_process import GatewayProcess
from tests.support.images import image, write_layout
from tests.support.issuer import good_claims, sign

TOKEN_SECONDS: Final = 6
"""How long a job's token lives here: less than the job works."""

RULE: Final = """
name = "release"
issuer = "ci"
audience = "{url}"
project = "acme"
repositories = ["acme/*"]
role = "writer"
session = "10m"
[match]
repository_id = "74"
ref_type = "branch"
ref = "refs/heads/main"
"""


@dataclass(frozen=True)
class Platform:
    """The platform: it gives each job a token of its own."""

    gateway: GatewayProcess

    def token(self, **changes: object) -> str:
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + TOKEN_SECONDS, "jti": f"{time.monotonic_ns()}"}
        claims = {"iss": CI_ISSUER, "aud": self.gateway.url, "ref": "refs/heads/main", "ref_type": "branch"}
        return sign(good_claims(**{**times, **claims, **changes}))

    def post(self, path: str, **fields: str) -> bytes:
        """POST a form, as the last lines of a pipeline's script do."""
        request = urllib.request.Request(
            f"{self.gateway.url}/federation/{path}", data=urllib.parse.urlencode(fields).encode()
        )
        context = ssl.create_default_context(cafile=str(self.gateway.ca))
        with urllib.request.urlopen(request, context=context, timeout=10) as reply:
            return bytes(reply.read())


@pytest.fixture(scope="session")
def platform(gateway: GatewayProcess, scratch: Path) -> Platform:
    """The platform, with one rule for its jobs in force."""
    rule = scratch / "release.toml"
    rule.write_text(RULE.format(url=gateway.url))
    gateway.cli("federation", "add", rule).ok()
    return Platform(gateway)


def outlive(token_made_at: float) -> None:
    """Wait until a token that was made then is over, and the leeway is no help: it opens nothing any more."""
    time.sleep(max(0.0, token_made_at + TOKEN_SECONDS + 1 - time.time()))


def test_docker_pushes_for_longer_than_the_token_lives(
    platform: Platform,
    client: Callable[[str, str], Client],
    people: People,
    daemon: DockerDaemon,
    signer: Signer,
    repository: str,
) -> None:
    daemon.forget_images()
    made_at, token = time.time(), platform.token()
    job = client(f"ci-{token[-8:]}".lower(), token)
    login = ("login", platform.gateway.host, "--username", "ci", "--password-stdin")
    docker(job, daemon, *login, stdin=token).ok().tells("Login Succeeded")
    push(job, daemon, f"{repository}:v1", "ci one")
    outlive(made_at)
    digest = push(job, daemon, f"{repository}:v2", "ci two")
    docker(people.reader, daemon, "pull", f"{repository}:v2").failed("not found")
    signer.sign(job, f"{repository}@{digest}").ok()
    docker(people.reader, daemon, "pull", f"{repository}:v2").ok()
    platform.post("revoke", token=token)
    docker(job, daemon, "push", f"{repository}:v2").failed("the session of this CI job is over")


@pytest.mark.parametrize("tool", ["crane", "skopeo", "oras"])
def test_other_clients_take_the_secret_of_an_exchange(
    platform: Platform, client: Callable[[str, str], Client], people: People, signer: Signer, repository: str, tool: str
) -> None:
    made_at, token = time.time(), platform.token()
    answer = json.loads(
        platform.post(
            "token",
            grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token_type="urn:ietf:params:oauth:token-type:id_token",
            subject_token=token,
        )
    )
    job = client(f"job-{tool}", answer["access_token"])
    artifact = image(f"ci {tool}")
    folder = write_layout(job.home / "layout", {"v1": artifact})
    outlive(made_at)
    match tool:
        case "crane":
            job.run("crane", "push", folder, f"{repository}:v1").ok()
        case "skopeo":
            where = ("--dest-cert-dir", job.certificates, "--preserve-digests")
            job.skopeo("copy", *where, f"oci:{folder}:v1", f"docker://{repository}:v1").ok()
        case _:
            job.oras("cp", "--from-oci-layout", f"{folder}:v1", f"{repository}:v1").ok()
    assert not people.reader.sees(f"{repository}:v1")
    signer.sign(job, f"{repository}@{artifact.digest}").ok()
    assert people.reader.sees(f"{repository}:v1")
    platform.post("revoke", token=answer["access_token"])
    job.digest(f"{repository}:v1").failed("UNAUTHORIZED")
    client(f"again-{tool}", token).digest(f"{repository}:v1").failed("UNAUTHORIZED")


def test_a_job_of_another_branch_is_told_nothing_of_the_rules(
    platform: Platform, client: Callable[[str, str], Client], repository: str
) -> None:
    other = client("ci-branch", platform.token(ref="refs/heads/other"))
    said = other.digest(f"{repository}:v1").failed("this CI token gives no access here")
    assert "release" not in said.said
