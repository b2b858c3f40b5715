"""A network of its own with an address that is not loopback, and a name for it. It reaches nothing else.

On loopback, Docker verifies no certificate: what it does elsewhere can only be seen elsewhere. Needs root.

I/O: a process that holds the network and mount namespaces.
Source: RFC 5737 (192.0.2.0/24 is for documentation and belongs to nobody).
"""

import os
from pathlib import Path
from typing import Final

from tests.support.programs import Server

ADDRESS: Final = "192.0.2.10"
NAME: Final = "registry.test"

_HOLD: Final = (
    "mount --make-rprivate / && ip link set lo up && ip address add " + ADDRESS + "/32 dev lo "
    '&& mount --bind "$1/hosts" /etc/hosts && touch "$1/ready" && exec sleep infinity'
)


class OwnNetwork:
    """A running namespace; ``enter`` is the prefix of a command that shall run inside."""

    def __init__(self, folder: Path) -> None:
        assert os.geteuid() == 0, "a network namespace needs root: run the client tests as root, in a sandbox"
        (folder / "hosts").write_text(f"127.0.0.1 localhost\n{ADDRESS} {NAME}\n")
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        command = ("unshare", "--net", "--mount", "sh", "-c", _HOLD, "sh", folder)
        self._holder = Server(*command, env=env, log=folder / "network.log")
        self._holder.wait_until((folder / "ready").exists)
        self.enter = ("nsenter", "--target", str(self._holder.pid), "--net", "--mount")

    def stop(self) -> None:
        """End it; what still runs inside loses its network."""
        self._holder.stop()
