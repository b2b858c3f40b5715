"""Registry clients as a person or a pipeline runs them: an account, its login on disk, and the commands.

Each `Client` has its own home folder, so no login, cache or setting of another (or of this machine) is seen. Logins are
written the way `docker login` leaves them, which all of these tools read.

I/O: processes, and files in the client's home.
Source: the tools' own documentation; `docker login` for the shape of `config.json`.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.support.images import Artifact, Blob
from tests.support.programs import Ran, run

_PODMAN: Final = """\
[containers]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
conmon_path = ["{tools}/conmon"]
events_logger = "none"
"""

KEY_PASSWORD: Final = "correct horse"
"""Of the signing keys; cosign reads it from the environment."""


class Client:
    """Somebody with an account (or without: ``name`` empty) at one registry, and the tools in ``tools``."""

    def __init__(
        self,
        home: Path,
        *,
        host: str,
        ca: Path,
        tools: Path,
        name: str = "",
        password: str = "",
        enter: tuple[str, ...] = (),
    ) -> None:
        self.home = home
        self.host = host
        self.name = name
        self.password = password
        self._enter = enter
        self.config = home / "docker"
        self.certificates = home / "certificates"
        self.config.mkdir(parents=True)
        self.certificates.mkdir()
        (self.certificates / "ca.crt").write_bytes(ca.read_bytes())
        self.env: dict[str, str] = {
            "PATH": f"{tools}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "DOCKER_CONFIG": str(self.config),
            "REGISTRY_AUTH_FILE": str(self.config / "config.json"),
            "SSL_CERT_FILE": str(self.certificates / "ca.crt"),
            "XDG_RUNTIME_DIR": str(home),
            "COSIGN_PASSWORD": KEY_PASSWORD,
            "LANG": "C.UTF-8",
            "CONTAINERS_CONF": str(home / "containers.conf"),
        }
        (home / "containers.conf").write_text(_PODMAN.format(tools=tools))
        policy = home / ".config" / "containers" / "policy.json"
        policy.parent.mkdir(parents=True)
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.forget()
        if name:
            self.remember()

    def forget(self) -> None:
        """Be nobody: no login on disk."""
        (self.config / "config.json").write_text("{}")

    def remember(self) -> None:
        """Be logged in, as `docker login` would have written it."""
        secret = base64.b64encode(f"{self.name}:{self.password}".encode()).decode()
        (self.config / "config.json").write_text(json.dumps({"auths": {self.host: {"auth": secret}}}))

    def run(self, *command: str | Path, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> Ran:
        """Run a command as this client, in its home folder; ``env`` is added to its environment."""
        return run(*self._enter, *command, env={**self.env, **(env or {})}, stdin=stdin, folder=self.home)

    def digest(self, reference: str) -> Ran:
        """Ask what ``reference`` (``host/repository:tag`` or ``@digest``) is: `crane digest`, the shortest pull."""
        return self.run("crane", "digest", reference)

    def sees(self, reference: str) -> bool:
        """Return whether ``reference`` exists for this client; an AssertionError for any answer but yes or 404."""
        asked = self.digest(reference)
        if asked.status != 0:
            assert "MANIFEST_UNKNOWN" in asked.said or "NAME_UNKNOWN" in asked.said or "404" in asked.said, asked.said
        return asked.status == 0

    def oras(self, *words: str | Path) -> Ran:
        """Run oras, which takes `localhost` for plain HTTP unless it is told otherwise."""
        sides = ("from-", "to-") if words[0] == "cp" else ("",)
        return self.run("oras", *words, *(f"--{side}plain-http=false" for side in sides))

    def skopeo(self, *words: str | Path, newer: bool = False) -> Ran:
        """Run skopeo (of bookworm, or the ``newer`` one)."""
        return self.run("skopeo-new" if newer else "skopeo", *words)

    def podman(self, *words: str | Path) -> Ran:
        """Run podman with storage of its own in the client's home."""
        folders = ("--root", self.home / "podman", "--runroot", self.home / "podman-run", "--tmpdir", self.home / "tmp")
        return self.run("podman", *folders, "--storage-driver", "vfs", *words)

    def push_blob(self, repository: str, blob: Blob) -> Ran:
        """Upload ``blob`` with oras."""
        path = self._file(blob)
        return self.oras("blob", "push", f"{repository}@{blob.digest}", path.name)

    def push_manifest(self, repository: str, reference: str, manifest: Blob) -> Ran:
        """Put ``manifest`` under ``reference`` (a tag, or its digest), byte for byte, with oras."""
        separator = "@" if ":" in reference else ":"
        where = f"{repository}{separator}{reference}"
        return self.oras("manifest", "push", "--media-type", manifest.media_type, where, self._file(manifest).name)

    def push_parts(self, repository: str, artifact: Artifact) -> None:
        """Upload the blobs of ``artifact`` and of its children, and put the children by digest, in their order."""
        for part in artifact.walk():
            for blob in part.blobs:
                self.push_blob(repository, blob).ok()
            if part is not artifact:
                self.push_manifest(repository, part.digest, part.manifest).ok()

    def _file(self, blob: Blob) -> Path:
        path = self.home / blob.digest.removeprefix("sha256:")
        path.write_bytes(blob.content)
        return path


class Signer:
    """A cosign key, and the ways in which cosign 2 and 3 write a signature with it, without any service."""

    def __init__(self, folder: Path, *, tools: Path, name: str) -> None:
        self.folder = folder
        env = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(folder), "COSIGN_PASSWORD": KEY_PASSWORD}
        run("cosign", "generate-key-pair", "--output-key-prefix", name, env=env, folder=folder).ok()
        # No Fulcio, no log, no time-stamping authority: else cosign asks the public ones over the network.
        run("cosign", "signing-config", "create", "--out", "services.json", env=env, folder=folder).ok()
        run("cosign", "trusted-root", "create", "--out", "root.json", env=env, folder=folder).ok()
        self.key = folder / f"{name}.key"
        self.public = folder / f"{name}.pub"

    def sign(self, client: Client, reference: str, way: str = "3-bundle") -> Ran:
        """Sign ``reference`` as ``client``; the ways are the keys of `WAYS`."""
        program, *options = WAYS[way]
        services = {"{services}": str(self.folder / "services.json"), "{root}": str(self.folder / "root.json")}
        options = [services.get(word, word) for word in options]
        return client.run(program, "sign", "--key", self.key, *options, "--yes", reference)


WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "3-bundle": ("cosign", "--signing-config", "{services}", "--trusted-root", "{root}"),
    "3-classic": ("cosign", "--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=false"),
    "2-classic": ("cosign2", "--tlog-upload=false"),
}
"""Generation and format of cosign, to program and options. Version 2.5 cannot yet sign with a bundle."""
