"""One spelling of a JSON value, so that equal values have equal digests.

Members sorted by name, no white space, UTF-8, integers only. Not RFC 8785: that orders by UTF-16 and spells doubles as
JavaScript does, and nothing that is digested here has a fraction.

Pure: no I/O, no third-party import.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject, JsonValue

_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(value: JsonValue) -> bytes:
    """Return the one spelling of ``value``. Raises `PolicyInvalid` for a fraction or a lone surrogate in it."""
    _check(value)
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        raise PolicyInvalid("a text holds a lone surrogate") from None


def members(value: JsonObject) -> dict[str, bytes]:
    """Return each member of ``value`` in its one spelling, name and all: parts of objects that differ in few members."""
    return {name: encode({name: item})[1:-1] for name, item in value.items()}


def joined(spelt: Mapping[str, bytes]) -> bytes:
    """Return the one spelling of the object with these members, as `members` gives them: none is spelt twice."""
    return b"{" + b",".join(spelt[name] for name in sorted(spelt)) + b"}"


def digest(content: bytes) -> str:
    """Return the SHA-256 of ``content``, spelt as a digest."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _check(value: JsonValue) -> None:
    # A loop over a list that grows, and no recursion: an input has thousands of values.
    found = [value]
    for item in found:
        if isinstance(item, str):
            continue
        if isinstance(item, float):
            raise PolicyInvalid(f"{item!r} is not an integer: policy data has integers only")
        if isinstance(item, dict):
            found.extend(item.values())
        elif isinstance(item, list):
            found.extend(item)
