"""The other ways in which one text can be read: with its characters in their plain form, and with its escapes undone.

A reader of a document does not see how it is spelt. ``password\\uff1d``, ``pass\\u200bword`` and the ``\\"password\\"`` of
JSON in JSON say what ``password=`` says. Only a detector reads these: what is stored and sent is what was written, or a
mask.

Pure: no I/O, no third-party import. In time linear in the text, character by character: the normal form of a whole text
sorts what combines, and takes quadratic time for that.
Source: Unicode Standard Annex 15 (NFKC), general category Cf; RFC 8259, section 7.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_ESCAPED: Final = re.compile(r"(?<!\\)\\++(?:u([0-9A-Fa-f]{4})|([\"'/]))")
"""Whatever number of backslashes: each JSON in JSON doubles them."""


class _Plain(dict[int, str | None]):
    """Character -> its compatibility form, or None where it is not seen; found when it is first asked for."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        # Some characters stand for a sentence of eighteen.
        plain = None if unicodedata.category(character) == "Cf" else unicodedata.normalize("NFKC", character)[:4]
        self[code] = plain
        return plain


def plain(text: str) -> str:
    """Return ``text`` with each character in its compatibility form, and without those that are not seen."""
    return text if text.isascii() else text.translate(_Plain())


def undone(text: str) -> str:
    """Return ``text`` without the backslashes of JSON's and a shell's escapes."""
    return text if "\\" not in text else _ESCAPED.sub(_character, text)


def readings(*parts: str) -> Iterator[tuple[str, ...]]:
    """Yield ``parts``, texts that belong together, and again in each other reading that is not the same."""
    yield parts
    if all(part.isascii() and "\\" not in part for part in parts):
        return
    shown = tuple(plain(part) for part in parts)
    if shown != parts:
        yield shown
    free = tuple(plain(undone(part)) for part in shown)
    if free != shown:
        yield free


def _character(match: re.Match[str]) -> str:
    digits, mark = match.groups()
    if digits is None:
        return str(mark)
    code = int(digits, 16)
    # Half of a pair is nothing that a detector could read.
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)
