"""What was typed, parsed: what cannot be meant is a mistake of usage, whoever's grammar refuses it.

Pure: no I/O.
Source: INTERFACE 3 ("Exit status: ... 2 usage or configuration").
"""

from collections.abc import Callable
from typing import TypeVar

from gateway.errors import DigestInvalid, NameInvalid, RequestInvalid, TagInvalid, UsageInvalid

T = TypeVar("T")


def typed(parse: Callable[[str], T], text: str) -> T:
    """Return ``parse(text)``. Raises `UsageInvalid` where that is refused as a name, a tag, a digest or a password."""
    try:
        return parse(text)
    except (NameInvalid, TagInvalid, DigestInvalid, RequestInvalid) as error:
        raise UsageInvalid(error.message) from error
