"""Which repositories of its project does a rule reach?

Pure: no I/O, no third-party import.
Source: issue 5, item 3; OCI distribution-spec v1.1.1 (the grammar of <name>).
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from gateway.identity.globs import SegmentGlob
from gateway.oci.names import COMPONENT, ProjectName, RepositoryName

_COMPONENT: Final = re.compile(COMPONENT)
_WILD: Final = re.compile(r"[a-z0-9._*-]+")


@dataclass(frozen=True, slots=True, order=True)
class RepositoryGlob:
    """A glob over full repository names, all of them in one project. It narrows; which project a repository is in, and so
    whether a role there counts at all, stays the catalog's answer (a project may lie below another).
    """

    glob: SegmentGlob

    @classmethod
    def parse(cls, text: str, *, project: ProjectName) -> Self:
        """Return the glob written as ``text``. Raises `ValueError` with a clause that can follow the glob."""
        glob = SegmentGlob.parse(text)
        if text != project.text and not text.startswith(f"{project.text}/"):
            raise ValueError(f"is outside the project: write {project.text}/ and then the glob")
        for segment in text.split("/"):
            if (_WILD if "*" in segment else _COMPONENT).fullmatch(segment) is None:
                raise ValueError("covers no repository: write lower-case letters and digits joined by one of . _ __ -")
        return cls(glob)

    @classmethod
    def all_of(cls, project: ProjectName) -> tuple[Self, ...]:
        """Return globs over every repository of ``project``, the one that has its name included."""
        return cls(SegmentGlob(project.text)), cls(SegmentGlob(f"{project.text}/**"))

    def covers(self, repository: RepositoryName) -> bool:
        """Return whether ``repository`` is one of them."""
        return self.glob.matches(repository.text)

    @property
    def text(self) -> str:
        """The glob as it was written."""
        return self.glob.text
