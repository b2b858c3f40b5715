"""What looks drawn at random rather than written by somebody.

Pure: no I/O, no third-party import.
"""

import math
import re
from collections import Counter
from typing import Final

_MIN_RANDOM_CHARACTERS: Final = 16
_MIN_BITS_PER_CHARACTER: Final = 3.0
"""Sixteen random hexadecimal digits have about 3.2 on average, English words joined by ``_`` about 3.3 but in lower case
with separators: those are ruled out by `is_random`."""

_PIECE: Final = re.compile(r"[/\\._-]")
_MIN_PIECE_CHARACTERS: Final = 24
"""Of a piece of a path: dates, versions, domains and the numbers of projects are in paths too, and are shorter."""


def is_random(value: str) -> bool:
    """Return whether ``value`` is long and looks drawn."""
    text = value.strip()
    if len(text) < _MIN_RANDOM_CHARACTERS or len(text.split(maxsplit=1)) > 1:
        return False
    counts = Counter(text)
    bits = -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())
    if bits < _MIN_BITS_PER_CHARACTER:
        return False
    has_both_cases = text.lower() != text and text.upper() != text
    return has_both_cases or any(character.isdigit() for character in text)


def has_drawn_piece(path: str) -> bool:
    """Return whether something between two separators of ``path`` is long, of letters and digits both, and looks drawn."""
    return any(
        len(piece) >= _MIN_PIECE_CHARACTERS
        and is_random(piece)
        and any(map(str.isdigit, piece))
        and any(map(str.isalpha, piece))
        for piece in _PIECE.split(path)
    )
