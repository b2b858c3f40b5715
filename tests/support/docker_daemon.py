"""A Docker engine of its own: nothing of it outlives it, and nothing of this machine's engine is touched.

It runs in a mount namespace where `/etc` is a copy and `/run` and `/opt` are empty, because dockerd writes there
besides its data root. It has no network for containers and changes no firewall: pushing and pulling needs neither.
It needs root.

I/O: processes, mounts inside a namespace, files.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Final, Literal, TypeAlias

from tests.support.programs import Ran, Server, run

Store: TypeAlias = Literal["graph-driver", "containerd"]
"""Where images are kept: the classic way, and the one that new installations have."""

_SETTINGS: Final[dict[Store, dict[str, object]]] = {
    "graph-driver": {"storage-driver": "vfs", "features": {"containerd-snapshotter": False}},
    "containerd": {"storage-driver": "native", "features": {"containerd-snapshotter": True}},
}
_OWN_FOLDERS: Final = (
    'mount --make-rprivate / && mount --bind "$1" /etc && mount -t tmpfs none /run && mount -t tmpfs none /opt '
    '&& shift && exec "$@"'
)


class DockerDaemon:
    """A running dockerd in ``folder`` (a short path: its socket is in there).

    ``system_ca`` is one more CA for everything that the engine asks.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tools: Path,
        store: Store,
        system_ca: Path | None = None,
        enter: tuple[str, ...] = (),
    ) -> None:
        assert os.geteuid() == 0, "dockerd needs root: run the client tests as root, in a container or a sandbox"
        self.socket = f"unix://{folder}/sock"
        self._etc = etc = folder / "etc"
        env = {"PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
        # From inside the namespace it will run in: there, `/etc/hosts` may be another one.
        run(*enter, "cp", "--archive", "/etc", etc, env=env).ok()
        shutil.rmtree(etc / "docker", ignore_errors=True)
        if system_ca is not None:
            with (etc / "ssl" / "certs" / "ca-certificates.crt").open("ab") as bundle:
                bundle.write(system_ca.read_bytes())
        settings = folder / "daemon.json"
        settings.write_text(json.dumps(_SETTINGS[store]))
        options = (
            f"--config-file={settings}",
            f"--data-root={folder}/data",
            f"--exec-root={folder}/exec",
            f"--pidfile={folder}/pid",
            f"--host={self.socket}",
            "--iptables=false",
            "--ip6tables=false",
            "--bridge=none",
            "--userland-proxy=false",
        )
        own = ("unshare", "--mount", "sh", "-c", _OWN_FOLDERS, "sh")
        self._server = Server(*enter, *own, etc, "dockerd", *options, env=env, log=folder / "dockerd.log")
        self._env = {**env, "DOCKER_HOST": self.socket}
        self._server.wait_until(lambda: self.docker("version").status == 0)

    def docker(self, *words: str) -> Ran:
        """Run the docker command with nobody's login."""
        return run("docker", *words, env=self._env)

    def trust(self, host: str, ca: Path) -> None:
        """Put ``ca`` into `certs.d` for the registry ``host``, as an operator does on a machine that is running."""
        folder = self._etc / "docker" / "certs.d" / host
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(ca.read_bytes())

    def forget_images(self) -> None:
        """Remove every image, so that the next pull has to ask."""
        images = self.docker("image", "ls", "--all", "--quiet", "--no-trunc").ok().out.split()
        if images:
            self.docker("image", "rm", "--force", *dict.fromkeys(images)).ok()

    def stop(self) -> None:
        """End it by its id."""
        self._server.stop()
