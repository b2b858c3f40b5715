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
from gateway.oci.names import MAX_NAME_CHARS

_ALPHABET: Final = re.compile(r"[A-Za-z0-9._:/*-]+")
_PARTS: Final = re.compile(r"\*\*|.")
_HOST: Final = re.compile(r"[a-z0-9]+(?:(?:\.|[_-]+)[a-z0-9]+)*(?::[1-9][0-9]{0,4})?")

_BEGIN, _INSIDE = "begin", "inside"
_NEXT: Final[dict[str, dict[str, str]]] = {
    _BEGIN: {"a": _INSIDE},
    _INSIDE: {"a": _INSIDE, ".": ".", "_": "_", "-": "-", "/": _BEGIN},
    ".": {"a": _INSIDE},
    "_": {"a": _INSIDE, "_": "__"},
    "__": {"a": _INSIDE},
    "-": {"a": _INSIDE, "-": "-"},
}
"""The grammar of `RepositoryName` as an automaton: what may come after what, any letter or digit told as ``a``."""


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

    @property
    def host(self) -> str | None:
        """The first component if it can only be meant for a host, as Docker tells one: a dot, a colon, or ``localhost``."""
        first, slash, _ = self.text.partition("/")
        is_host = bool(slash) and "*" not in first and ("." in first or ":" in first or first == "localhost")
        return first if is_host else None

    def check_possible(self) -> None:
        """Raise `ValueError` where no repository can have a name that the glob covers, behind a host or not."""
        first, slash, rest = self.text.partition("/")
        if ":" in first and "*" in first:
            raise ValueError("covers no repository: a host and its port are written out, without an asterisk")
        if self.text.lower() != self.text:
            raise ValueError("covers no repository: names and hosts are in lower case")
        named = bool(slash) and "*" not in first and _HOST.fullmatch(first) is not None
        if not (_covers_a_name(self.text) or (named and _covers_a_name(rest))):
            raise ValueError("covers no repository: no name has this form")

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


def _covers_a_name(glob: str) -> bool:
    """Return whether some repository's name is covered by ``glob``: a search through both automata at once."""
    parts = _PARTS.findall(glob)
    reached = _without_wildcards({(0, _BEGIN)}, parts)
    seen = set(reached)
    for _ in range(MAX_NAME_CHARS):
        ahead = set()
        for place, state in reached:
            part = parts[place] if place < len(parts) else ""
            for sort, after in _NEXT[state].items():
                if part == "**" or (part == "*" and sort != "/"):
                    ahead.add((place, after))
                elif sort == part or (sort == "a" and len(part) == 1 and part.isalnum()):
                    ahead.add((place + 1, after))
        reached = _without_wildcards(ahead, parts) - seen
        seen |= reached
        if (len(parts), _INSIDE) in seen:
            return True
    return False


def _without_wildcards(reached: set[tuple[int, str]], parts: list[str]) -> set[tuple[int, str]]:
    """Return also where one comes from ``reached`` by wildcards that cover nothing; two never follow each other."""
    return reached | {(at + 1, state) for at, state in reached if at < len(parts) and parts[at] in ("*", "**")}
