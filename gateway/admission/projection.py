"""How much of what an image says of itself enters an input: texts up to limits, and the names of what was left out.

Pure: no I/O, no third-party import.
Source: DESIGN 11 (Limits: policy input 1 MiB after projection).
"""

import heapq
from collections.abc import Mapping, Sequence
from typing import Final

from gateway.oci.strict_json import JsonObject, JsonValue

MAX_ITEMS: Final = 256
MAX_TEXT_CHARS: Final = 4096
TEXT_BUDGET_BYTES: Final = 512 * 1024
"""For all free text of an image together: a document stays below 1 MiB (DESIGN 11) whatever an image carries."""

EVIDENCE_BUDGET_BYTES: Final = 256 * 1024
"""And for what is proven of it: neither takes the other's, and signers' documents cannot make the whole too large."""

EVIDENCE_NOTES_BYTES: Final = 12 * 1024
"""What is left out of evidence: one note for each statement that is told, and two."""


def first_texts(values: Mapping[str, str]) -> dict[str, str]:
    """Return of ``values`` what `Projection.texts` says the same of as of all: one more than it takes, in its order."""
    return {name: values[name] for name in heapq.nsmallest(MAX_ITEMS + 1, values)}


def first_items(values: Sequence[str]) -> tuple[str, ...]:
    """Return of ``values`` what `Projection.items` says the same of as of all."""
    return tuple(values[: MAX_ITEMS + 1])


class Projection:
    """What has been taken in, and the names of what was left out."""

    def __init__(self) -> None:
        self.truncated: list[str] = []
        self._left = TEXT_BUDGET_BYTES

    def for_evidence(self, *, room_bytes: int) -> "Projection":
        """Return the projection of what is proven: a budget of its own within ``room_bytes``, and the same list.

        The list is whole already: its notes of evidence are within `EVIDENCE_NOTES_BYTES`, which the room is without.
        """
        other = Projection()
        other.truncated, other._left = self.truncated, min(EVIDENCE_BUDGET_BYTES, room_bytes)
        return other

    def take(self, *texts: str) -> bool:
        """Count what is one text each beside those of `texts` and `items`; return whether it fits."""
        return self._take(*texts)

    def note(self, where: str) -> None:
        """Say that something was left out at ``where``."""
        self._note(where, whole=False)

    def texts(self, values: Mapping[str, str], where: str, *, whole: bool = True) -> JsonObject:
        """Return as many of ``values`` as fit, in the order of their names. Not ``whole``: others were left out before."""
        kept: JsonObject = {}
        for name in sorted(values):
            text = values[name][:MAX_TEXT_CHARS]
            if len(kept) >= MAX_ITEMS or not self._take(name, text):
                break
            kept[name] = text
        whole = whole and len(kept) == len(values) and all(len(text) <= MAX_TEXT_CHARS for text in values.values())
        self._note(where, whole)
        return kept

    def items(self, values: Sequence[str], where: str) -> list[JsonValue]:
        """Return as many of ``values`` as fit, in their order."""
        kept: list[JsonValue] = []
        for value in values:
            text = value[:MAX_TEXT_CHARS]
            if len(kept) >= MAX_ITEMS or not self._take(text):
                break
            kept.append(text)
        self._note(where, len(kept) == len(values) and not any(len(text) > MAX_TEXT_CHARS for text in values))
        return kept

    def _take(self, *texts: str) -> bool:
        size = sum(map(_length, texts))
        if size > self._left:
            return False
        self._left -= size
        return True

    def _note(self, where: str, whole: bool) -> None:
        if not whole and where not in self.truncated and len(self.truncated) < MAX_ITEMS:
            self.truncated.append(where)


def _length(text: str) -> int:
    """Return how many bytes of JSON ``text`` is at most, with its quotation marks and what stands behind it.

    A character is at most six bytes; what is not plain is counted so.
    """
    if not text.isascii() or not text.isprintable():
        return 6 * len(text) + 3
    return len(text) + text.count('"') + text.count("\\") + 3
