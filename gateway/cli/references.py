"""REF on the command line: ``[HOST/]REPOSITORY[:TAG|@DIGEST]``.

Pure: no I/O.
"""

from dataclasses import dataclass

from gateway.cli.typed import typed
from gateway.errors import UsageInvalid
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag


@dataclass(frozen=True, slots=True)
class ImageReference:
    """What a person typed: a repository, and a tag or a digest in it."""

    repository: RepositoryName
    target: Tag | Digest

    @classmethod
    def parse(cls, text: str, *, host: str) -> "ImageReference":
        """Return the reference written as ``text``; ``host`` in front of it is this gateway's own and may be left out.

        Raises `UsageInvalid`, also where there is neither tag nor digest.
        """
        rest = text.removeprefix(f"{host}/")
        name, at, digest = rest.partition("@")
        if at:
            repository, colon, tag = name.rpartition(":")
            if colon and "/" not in tag:  # name:tag@digest, where the digest is what counts
                typed(Tag.parse, tag)
                name = repository
            return cls(typed(RepositoryName.parse, name), typed(Digest.parse, digest))
        name, colon, tag = rest.rpartition(":")
        if not colon:
            raise UsageInvalid(f"{text}: name a tag or a digest, as in {rest}:latest or {rest}@sha256:...")
        return cls(typed(RepositoryName.parse, name), typed(Tag.parse, tag))

    def __str__(self) -> str:
        return f"{self.repository}{'@' if isinstance(self.target, Digest) else ':'}{self.target}"
