"""What does a token say under this name? One reading of claim names and values, for conditions and for the policy.

A name is a top-level claim first (``https://example.org/team`` is one), and otherwise a path of nested members separated
by ``/`` (``kubernetes.io/serviceaccount/uid``).

Pure: no I/O, no third-party import.
Source: issue 5, item 3; reference/auth.md 3, "Rules for us" 2 (numbers as text after strict typing, missing is no match).
"""

from gateway.oci.strict_json import JsonObject, JsonValue


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

    Empty where the claim is missing, or of a kind that no condition matches.
    """
    found = find_claim(claims, name)
    if found is None:
        return ()
    if isinstance(found[0], list):
        texts = tuple(entry for entry in found[0] if isinstance(entry, str))
        return texts if len(texts) == len(found[0]) else ()
    text = scalar_text(found[0])
    return () if text is None else (text,)
