"""Globs over repository names, in time linear in the name.

``*`` is any run of characters without a slash, ``**`` any run at all; a glob covers the whole name. All states are
advanced together as bits of one integer, so no pattern can make the matcher go back.

Pure: no I/O, no third-party import.
Source: sigstore policy-controller, pkg/apis/glob: the meaning of `images[].glob`.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from gateway.evidence.limits import MAX_GLOB_CHARS

_ALPHABET: Final = re.compile(r"[A-Za-z0-9._:/*-]+")
_PARTS: Final = re.compile(r"\*\*|.")


@dataclass(frozen=True, slots=True)
class Glob:
    """A glob that was read. ``text`` is as the operator wrote it."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the glob written as ``text``. Raises `ValueError` with the reason."""
        if not text or len(text) > MAX_GLOB_CHARS:
            raise ValueError(f"a glob has 1 to {MAX_GLOB_CHARS} characters")
        if "@" in text or ":" in text.partition("/")[2] or (":" in text and "/" not in text):
            raise ValueError("a glob names repositories: no tag, no digest")
        if _ALPHABET.fullmatch(text) is None:
            raise ValueError("a glob has only letters, digits and . _ - : / *")
        if "***" in text:
            raise ValueError("three asterisks have no meaning")
        return cls(text)

    def matches(self, name: str) -> bool:
        """Return whether the glob covers all of ``name``."""
        parts, states = self._covered(name)
        return bool(states >> parts & 1)

    def reaches_below(self, path: str) -> bool:
        """Return whether the glob covers a name that begins with ``path`` and a slash."""
        parts, states = self._covered(f"{path}/")
        # A part that is still to come can be covered by some name; with none left, the name would end in the slash.
        return bool(states & (1 << parts) - 1)

    def _covered(self, text: str) -> tuple[int, int]:
        """Return the number of the glob's parts, and as bits how many of them can have covered ``text``."""
        parts = _PARTS.findall(self.text)
        literals: dict[str, int] = {}
        runs = deep_runs = 0
        for place, part in enumerate(parts):
            if part == "**":
                deep_runs |= 1 << place
            elif part == "*":
                runs |= 1 << place
            else:
                literals[part] = literals.get(part, 0) | 1 << place
        wild = runs | deep_runs
        # Bit n: the first n parts have covered the text so far. A wildcard may cover nothing, hence the second shift;
        # two wildcards never follow each other (`***` is refused), so one is enough.
        states = 1 | (1 & wild) << 1
        for character in text:
            stay = states & (deep_runs if character == "/" else wild)
            states = stay | (states & literals.get(character, 0)) << 1
            states |= (states & wild) << 1
        return len(parts), states
