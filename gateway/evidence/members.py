"""Reading the members of a JSON object that a signer, or somebody who poses as one, wrote.

Pure: no I/O, no third-party import.
"""

from collections.abc import Set as AbstractSet

from gateway.errors import DocumentInvalid
from gateway.evidence.values import Refused, RejectionCode
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonObject, JsonValue


def malformed(message: str) -> Refused:
    """Return the refusal of something that does not read as what it should be."""
    return Refused(RejectionCode.PAYLOAD_MALFORMED, message)


def parse(document: bytes, *, what: str, max_bytes: int, max_nodes: int = strict_json.MAX_NODES) -> JsonObject:
    """Return the one JSON object, of at most ``max_nodes`` values, that ``document`` is. Raises `Refused`."""
    if len(document) > max_bytes:
        raise Refused(RejectionCode.LIMIT_EXCEEDED, f"{what} is larger than {max_bytes} bytes")
    try:
        return strict_json.parse_object(document, max_bytes=max_bytes, max_nodes=max_nodes)
    except DocumentInvalid as invalid:
        raise malformed(f"{what}: {invalid.reason}") from None


def exactly(value: JsonValue, names: AbstractSet[str], *, what: str) -> JsonObject:
    """Return ``value``, an object with exactly the members ``names``."""
    members = an_object(value, what=what)
    if members.keys() != names:
        raise malformed(f"{what} has other members than {', '.join(sorted(names))}")
    return members


def only(value: JsonValue, names: AbstractSet[str], *, what: str) -> JsonObject:
    """Return ``value``, an object with no member outside ``names``."""
    members = an_object(value, what=what)
    if not members.keys() <= names:
        raise malformed(f"{what} has other members than {', '.join(sorted(names))}")
    return members


def no_other_spelling(members: JsonObject, names: AbstractSet[str], *, what: str) -> None:
    """Raise `Refused` where a member is one of ``names`` in other letters.

    In-toto lets unknown members pass, but Go's decoder takes ``Subject`` for ``subject``: two readers, two readings.
    """
    folded = {name.casefold() for name in names}
    for member in members:
        if member not in names and member.casefold() in folded:
            raise malformed(f"{what} has the member {member[:40]!r}, another spelling of a known one")


def an_object(value: JsonValue, *, what: str) -> JsonObject:
    """Return ``value``, an object."""
    if not isinstance(value, dict):
        raise malformed(f"{what} is not an object")
    return value


def a_list(value: JsonValue, *, what: str, max_items: int) -> list[JsonValue]:
    """Return ``value``, an array of at most ``max_items``."""
    if not isinstance(value, list):
        raise malformed(f"{what} is not an array")
    if len(value) > max_items:
        raise Refused(RejectionCode.LIMIT_EXCEEDED, f"{what} has more than {max_items} entries")
    return value


def a_text(value: JsonValue, *, what: str, max_chars: int) -> str:
    """Return ``value``, a string of at most ``max_chars``."""
    if not isinstance(value, str):
        raise malformed(f"{what} is not a string")
    if len(value) > max_chars:
        raise Refused(RejectionCode.LIMIT_EXCEEDED, f"{what} is longer than {max_chars} characters")
    return value
