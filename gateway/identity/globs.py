"""Globs over texts of segments between slashes, in time linear in the text.

``*`` is any run of characters inside one segment; ``**`` is a whole segment and stands for any number of them, at the end
for at least one. Nothing else is a wildcard, and a glob covers the whole text. All states are advanced together as bits
of one integer: no glob can make the matcher go back (translated to `re`, eight stars took 54 s over 60 characters).

Pure: no I/O, no third-party import.
Source: reference/auth.md 6.3; issue 5, item 3 ("segment glob").
"""

import itertools
import re
from dataclasses import dataclass
from typing import Final, Self

MAX_GLOB_CHARS: Final = 512

_PARTS: Final = re.compile(r"\*\*/|\*\*|.")


@dataclass(frozen=True, slots=True, order=True)
class SegmentGlob:
    """A glob that was read. ``text`` is as it was written; without an asterisk it covers that text alone."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the glob written as ``text``. Raises `ValueError` with a clause that can follow the glob."""
        if not text or len(text) > MAX_GLOB_CHARS:
            raise ValueError(f"must have 1 to {MAX_GLOB_CHARS} characters")
        if not text.isprintable():
            raise ValueError("must have printable characters only")
        segments = text.split("/")
        if any("**" in segment and segment != "**" for segment in segments):
            raise ValueError("must have ** as a whole segment only: inside a segment write *")
        if any(pair == ("**", "**") for pair in itertools.pairwise(segments)):
            raise ValueError("must not have two ** in a row: one says the same")
        return cls(text)

    @property
    def is_exact(self) -> bool:
        """Whether it covers one text only."""
        return "*" not in self.text

    def matches(self, text: str) -> bool:
        """Return whether the glob covers all of ``text``."""
        if self.is_exact:
            return text == self.text
        literals: dict[str, int] = {}
        runs = entries = inside = tail = 0
        place = 0
        for part in _PARTS.findall(self.text):
            if part == "**/":
                # Two states: at the first nothing is covered yet, in the second a segment has begun and must end.
                entries |= 1 << place
                inside |= 2 << place
                place += 1
            elif part == "**":
                tail |= 1 << place
            elif part == "*":
                runs |= 1 << place
            else:
                literals[part] = literals.get(part, 0) | 1 << place
            place += 1
        nothing = runs | tail  # what may cover nothing, and so be left at once
        states = 1
        for character in ("", *text):
            # The first round, of no character, only opens what may cover nothing.
            if character:
                stay = inside | tail | (0 if character == "/" else runs)
                move = literals.get(character, 0) | (inside if character == "/" else 0)
                states = states & stay | (states & move) << 1
            # A `*` can follow a `**/`, and none of the two follows itself: one pass in this order is enough.
            entered = states & entries
            states |= entered << 1 | entered << 2
            states |= (states & nothing) << 1
        return bool(states >> place & 1)
