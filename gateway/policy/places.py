"""Where in a config something was found, told without telling what somebody wrote there.

A place is stored, sent and answered. A member's name is whatever its writer made it, a secret too, so below a config only
names that the formats give are told; any other is its number in the object.

Pure: no I/O, no third-party import.
Source: OCI image-spec v1.1, config.md; Docker "Image Specification v1.2"; the members that builders and daemons write.
"""

from typing import Final

ROOT: Final = "config"
"""What is searched itself, where nothing more is to be said."""

_MAX_CHARACTERS: Final = 200

_KNOWN: Final = frozenset({
    "architecture", "author", "config", "container", "container_config", "created", "docker_version", "history",
    "id", "os", "os.features", "os.version", "parent", "rootfs", "variant", "moby.buildkit.buildinfo.v1",
    "moby.buildkit.cache.v0", "comment", "created_by", "empty_layer", "ArgsEscaped", "AttachStderr", "AttachStdin",
    "AttachStdout", "Cmd", "Domainname", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Hostname", "Image",
    "Labels", "MacAddress", "Memory", "MemorySwap", "CpuShares", "NetworkDisabled", "OnBuild", "OpenStdin", "Shell",
    "StdinOnce", "StopSignal", "StopTimeout", "Tty", "User", "Volumes", "WorkingDir", "Test", "Interval", "Timeout",
    "StartPeriod", "StartInterval", "Retries", "diff_ids", "type",
})  # fmt: skip


def below(place: str, name: str, number: int) -> str:
    """Return the place of the member ``name``, which is the ``number``th of its object; ``place`` is empty at the root."""
    step = name if name in _KNOWN else f"#{number}"
    return cut(f"{place}.{step}" if place else step)


def cut(place: str) -> str:
    """Return ``place``, cut: names in it are as long, and it is as deep, as somebody likes."""
    return place[:_MAX_CHARACTERS]
