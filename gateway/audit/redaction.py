"""What must not be in an event: secrets, and text without end.

A member whose name says that it holds a secret is masked whatever it holds; a string that looks like a credential is
masked wherever it stands. This is the second line: callers put no secret into an event, and a mistake of theirs is not
kept for seven years. Never a filter for content that is judged: evidence and decisions are written by `gateway.admission`.

Pure: no I/O, no third-party import.
Source: DESIGN 8; CWE-532.
"""

import re
from typing import Final

from gateway.oci.strict_json import JsonObject, JsonValue

MASK: Final = "[masked]"

MAX_TEXT_CHARS: Final = 8192
"""A reason or a message is a sentence; whoever sends a megabyte of it fills seven years of audit."""

MAX_DEPTH: Final = 16

_SECRET_NAMES: Final = re.compile(
    r"(?:^|[_.-])(?:password|passwd|passphrase|secret|token|authorization|cookie|credentials?|private_?key|api_?key)"
    r"(?:_hash|_sha256)?$",
    re.IGNORECASE,
)
_SECRET_TEXT: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"  # PEM
    r"|\$argon2(?:id|i|d)\$\S+"  # a password hash: it can be guessed against offline
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # JWT
    r"|\b(?:Basic|Bearer)\s+[A-Za-z0-9._~+/=-]{8,}"  # an Authorization value
    r"|\brg[rs]_[0-9A-Za-z]{49}"  # a secret that we generated
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",  # user:password in an address
    re.DOTALL | re.IGNORECASE,
)


def redact(data: JsonObject) -> JsonObject:
    """Return ``data`` with secrets masked and long text cut; ``data`` itself is left as it is."""
    return {name: _member(name, value, depth=1) for name, value in data.items()}


def _member(name: str, value: JsonValue, *, depth: int) -> JsonValue:
    # A flag or a count under such a name ("token": 3) tells nothing; anything that could carry the secret does.
    if _SECRET_NAMES.search(name) is not None and not isinstance(value, bool | None):
        return MASK
    return _value(value, depth=depth)


def _value(value: JsonValue, *, depth: int) -> JsonValue:
    if depth > MAX_DEPTH:
        return MASK
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return [_value(item, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        return {name: _member(name, item, depth=depth + 1) for name, item in value.items()}
    return value


def _text(text: str) -> str:
    cut = text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS] + "[cut]"
    return _SECRET_TEXT.sub(MASK, cut)
