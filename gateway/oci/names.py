"""Names: of repositories, of projects, of tags.

Pure: no I/O, no third-party import.
Source: OCI distribution-spec v1.1.1, "Pulling manifests": the grammars of <name> and <reference>.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from gateway.errors import NameInvalid, TagInvalid
from gateway.oci.digest import Digest

MAX_NAME_CHARS: Final = 255
"""Clients prefix the host and a colon; 255 for all of it is the distribution-spec's own advice for <name>."""

COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
"""One part of a name, as a pattern: what a scope names is held to the same."""
_NAME: Final = re.compile(rf"{COMPONENT}(?:/{COMPONENT})*")
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True, order=True)
class RepositoryName:
    """The ``<name>`` of a repository: slash-separated components, the first of which name its project."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the name written as ``text``. Raises `NameInvalid`; nothing is folded or trimmed."""
        if len(text) > MAX_NAME_CHARS:
            raise NameInvalid(text[:80], f"longer than {MAX_NAME_CHARS} characters")
        if _NAME.fullmatch(text) is None:
            raise NameInvalid(text[:80], "components are lower-case letters and digits joined by one of . _ __ -")
        return cls(text)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Every leading path of the name, shortest first, the name itself included: where its project can be."""
        parts = self.text.split("/")
        return tuple("/".join(parts[: count + 1]) for count in range(len(parts)))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class ProjectName:
    """The name of a project: one or more leading path components of its repositories' names."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the project name written as ``text``. Raises `NameInvalid`."""
        return cls(RepositoryName.parse(text).text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """A tag: a mutable name inside one repository."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the tag written as ``text``. Raises `TagInvalid`."""
        if _TAG.fullmatch(text) is None:
            raise TagInvalid(text[:140], "a tag is 1 to 128 of A-Z a-z 0-9 _ . - and starts with none of . -")
        return cls(text)

    def __str__(self) -> str:
        return self.text


def parse_reference(text: str) -> Digest | Tag:
    """Return what ``text`` names: a digest if it has a colon (no tag has one), else a tag.

    Raises `DigestInvalid` or `TagInvalid`.
    """
    return Digest.parse(text) if ":" in text else Tag.parse(text)
