"""A Containerfile, read as far as the tests ask: its instructions in order, by stage, with arguments filled in.

Pure: no I/O.
Source: docs.docker.com, Dockerfile reference ("Format", "FROM", "ARG").
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its name in upper case, its flags without the dashes, and the rest."""

    name: str
    flags: Mapping[str, str]
    rest: str

    @property
    def words(self) -> list[str]:
        """The rest as words, of the JSON form or of the other."""
        if self.rest.startswith("["):
            return [str(word) for word in json.loads(self.rest)]
        return self.rest.split()


@dataclass(frozen=True, slots=True)
class Stage:
    """What one FROM begins."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def all(self, name: str) -> list[Instruction]:
        """Return the instructions of one name."""
        return [each for each in self.instructions if each.name == name]

    def one(self, name: str) -> Instruction:
        """Return the only instruction of one name."""
        (found,) = self.all(name)
        return found


def stages(text: str) -> list[Stage]:
    """Return the stages of a Containerfile, the one that is the image last."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for each in _instructions(text):
        if each.name == "FROM":
            base, *named = each.words
            for name, value in arguments.items():
                base = base.replace(f"${{{name}}}", value)
            found.append(Stage(named[1] if named else "", base, ()))
        elif not found:
            assert each.name == "ARG", f"{each.name} before any FROM"
            name, _, value = each.rest.partition("=")
            arguments[name] = value
        else:
            last = found.pop()
            found.append(Stage(last.name, last.base, (*last.instructions, each)))
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n", " ", lines).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            flags: dict[str, str] = {}
            while match := re.match(r"\s*--([\w-]+)=(\S+)\s", rest):
                flags[match[1]] = match[2]
                rest = rest[match.end() :]
            yield Instruction(name.upper(), flags, " ".join(rest.split()))
