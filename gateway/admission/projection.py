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
"""For all free text of a document together: it stays below 1 MiB (DESIGN 11) whatever an image carries."""


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
        # A character is at most six bytes in JSON; what is not plain is counted so.
        size = sum(len(text) if text.isascii() and text.isprintable() else 6 * len(text) for text in texts)
        if size > self._left:
            return False
        self._left -= size
        return True

    def _note(self, where: str, whole: bool) -> None:
        if not whole and len(self.truncated) < MAX_ITEMS:
            self.truncated.append(where)
