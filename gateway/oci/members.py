"""Members of an untrusted JSON object, by their one spelling and their one type.

Go's JSON decoder, which nearly every client is built on, matches member names without regard to case, with Unicode's
folding (``Layers``, ``layerſ``), and lets the last one win. A document that says ``layers`` to us and ``Layers`` to a
client is judged as one image and run as another. So a member that folds to a name we read, and is not that name, is
refused. ``null`` is read as absent, as that decoder and its writers do.

Pure: no I/O, no third-party import.
Source: Go encoding/json, "Unmarshal"; GHSA-qq97-vm5h-rrhg for the class of attack.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from gateway.errors import ManifestInvalid
from gateway.oci.strict_json import JsonObject, JsonValue

MAX_SIZE_BYTES: Final = 2**63 - 1
"""OCI descriptors carry an int64."""


@dataclass(frozen=True, slots=True)
class Names:
    """The member names that a reader knows. Made once, as a constant: a manifest has a thousand descriptors."""

    folded: Mapping[str, str] = field(repr=False, hash=False)
    exact: frozenset[str]

    @classmethod
    def of(cls, *names: str) -> Self:
        """Return these names. Raises `ValueError` where a reader that ignores case takes two of them for one."""
        folded = {name.casefold(): name for name in names}
        if len(folded) != len(names):
            raise ValueError("two names are one to a reader that ignores case")
        return cls(folded, frozenset(names))


def obj(value: JsonValue, *, field: str) -> JsonObject:
    """Return the object that ``value`` is. Raises `ManifestInvalid`."""
    if not isinstance(value, dict):
        raise ManifestInvalid("must be an object", field=field)
    return value


def check_spelling(value: JsonObject, *, known: Names, field: str) -> None:
    """Raise `ManifestInvalid` where a member is one of ``known`` to a reader that ignores case, and not to us."""
    if value.keys() <= known.exact:
        return
    for name in value:
        meant = known.folded.get(name.casefold())
        if meant is not None and meant != name:
            raise ManifestInvalid(f"some clients read {name!r} as {meant!r}", field=path(field, name))


def optional_text(value: JsonObject, name: str, *, field: str) -> str | None:
    """Return the string member ``name``, or None where it is absent. Raises `ManifestInvalid`."""
    member = value.get(name)
    if member is not None and not isinstance(member, str):
        raise ManifestInvalid("must be a string", field=path(field, name))
    return member


def text(value: JsonObject, name: str, *, field: str) -> str:
    """Return the string member ``name``. Raises `ManifestInvalid`, also where it is absent."""
    member = optional_text(value, name, field=field)
    if member is None:
        raise ManifestInvalid("is missing", field=path(field, name))
    return member


def size(value: JsonObject, name: str, *, field: str) -> int:
    """Return the length in bytes that member ``name`` is: an integer from 0 to `MAX_SIZE_BYTES`, never a float."""
    member = value.get(name)
    # bool is an int to Python, and ``true`` is not a length.
    if not isinstance(member, int) or isinstance(member, bool):
        raise ManifestInvalid("must be an integer", field=path(field, name))
    if not 0 <= member <= MAX_SIZE_BYTES:
        raise ManifestInvalid("must be from 0 to 2^63 - 1", field=path(field, name))
    return member


def items(value: JsonObject, name: str, *, field: str) -> list[JsonValue]:
    """Return the list member ``name``, empty where it is absent. Raises `ManifestInvalid`."""
    member = value.get(name)
    if member is None:
        return []
    if not isinstance(member, list):
        raise ManifestInvalid("must be a list", field=path(field, name))
    return member


def texts(value: JsonObject, name: str, *, field: str) -> tuple[str, ...]:
    """Return the list of strings ``name``, empty where it is absent. Raises `ManifestInvalid`."""
    found: list[str] = []
    for number, item in enumerate(items(value, name, field=field)):
        if not isinstance(item, str):
            raise ManifestInvalid("must be a string", field=f"{path(field, name)}[{number}]")
        found.append(item)
    return tuple(found)


def text_map(value: JsonObject, name: str, *, field: str) -> dict[str, str]:
    """Return the string-to-string map ``name``, empty where it is absent. Raises `ManifestInvalid`."""
    member = value.get(name)
    if member is None:
        return {}
    found: dict[str, str] = {}
    for number, (key, item) in enumerate(obj(member, field=path(field, name)).items()):
        if not isinstance(item, str):
            # By its number: the key is what somebody wrote, a secret too, and this goes into records and answers.
            raise ManifestInvalid("must be a string", field=f"{path(field, name)}[{number}]")
        found[key] = item
    return found


def path(field: str, name: str) -> str:
    """Return where a member is, for a person: ``layers[3].digest``; at most 80 characters of what a client named."""
    return f"{field}.{name[:80]}" if field else name[:80]
