"""What does a token say under this name? One reading of claim names and values, for conditions and for the policy.

A name is a top-level claim first (``https://example.org/team`` is one), and otherwise a path of nested members separated
by ``/`` (``kubernetes.io/serviceaccount/uid``).

Pure: no I/O, no third-party import.
Source: issue 5, item 3; reference/auth.md 3, "Rules for us" 2 (numbers as text after strict typing, missing is no match).
"""

from typing import Final

from gateway.oci.strict_json import JsonObject, JsonValue

MAX_LISTED: Final = 64
"""Texts of one claim."""
MAX_TEXT_CHARS: Final = 1024
"""Of one text: twice the longest glob."""


def find_claim(claims: JsonObject, name: str) -> tuple[JsonValue] | None:
    """Return the claim called ``name``, in a tuple because null is a value too; None where there is none."""
    if name in claims:
        return (claims[name],)
    found: JsonValue = claims
    for member in name.split("/"):
        if not isinstance(found, dict) or member not in found:
            return None
        found = found[member]
    return (found,)


def scalar_text(value: JsonValue) -> str | None:
    """Return a text as it is, a whole number or a Boolean as its JSON text; None for anything else.

    A number with a fraction has more than one spelling, so none of them is compared.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | str():
            return str(value)
        case _:
            return None


def claim_texts(claims: JsonObject, name: str) -> tuple[str, ...]:
    """Return the texts to compare of the claim called ``name``: one, or the elements of a list of texts.

    Empty where the claim is missing, of a kind that no condition matches, or larger than any platform's: the time that
    comparing takes must not be whoever's who can get a token at all.
    """
    found = find_claim(claims, name)
    if found is None:
        return ()
    values = found[0] if isinstance(found[0], list) else [found[0]]
    if len(values) > MAX_LISTED:
        return ()
    texts = tuple(entry for entry in map(_compared, values) if entry is not None)
    if isinstance(found[0], list) and not all(isinstance(entry, str) for entry in values):
        return ()
    return texts if len(texts) == len(values) else ()


def _compared(value: JsonValue) -> str | None:
    text = scalar_text(value)
    return text if text is not None and len(text) <= MAX_TEXT_CHARS else None
