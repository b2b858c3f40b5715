"""What is the session that a CI token opens: its end, and what it tells of the job?

A platform's token lives five minutes and a build twenty, so the session outlives its token, but not for long.

Pure: no I/O, no third-party import; times are passed in, in Unix seconds.
Source: issue 5, item 3 ("ID token as the docker password"); reference/auth.md 3, "Rules for us" 5.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from gateway.identity.federation.claims import find_claim, scalar_text
from gateway.oci.strict_json import JsonObject, JsonValue

MAX_TOKEN_LIFE_SECONDS: Final = 24 * 60 * 60
"""Of a platform's token, from its issue to its end."""
MAX_SESSION_SECONDS: Final = 6 * 60 * 60
DEFAULT_SESSION_SECONDS: Final = 60 * 60
MIN_SESSION_SECONDS: Final = 60

MAX_POLICY_CLAIMS: Final = 64
MAX_POLICY_CLAIM_CHARS: Final = 256

_NEVER_TOLD: Final = ("token", "secret")


def session_end(*, expires_at: int, first_used: int, session_seconds: int) -> int:
    """Return when a session ends that began at ``first_used`` with a token that ends at ``expires_at``.

    The later of the token's end and ``session_seconds`` after the first use, of which `MAX_SESSION_SECONDS` count.
    """
    return max(expires_at, first_used + min(session_seconds, MAX_SESSION_SECONDS))


def claims_for_policy(claims: JsonObject) -> Mapping[str, str]:
    """Return what the policy input and the audit log may see of a token's ``claims``: scalars as text, sorted by name.

    At most `MAX_POLICY_CLAIMS`, the first by name; names and values over `MAX_POLICY_CLAIM_CHARS` are left out, never cut:
    half a value would be another one. So are ``jti`` and whatever is called token or secret.
    """
    told: dict[str, str] = {}
    for name, value in _named(claims):
        text = scalar_text(value)
        if text is not None and len(text) <= MAX_POLICY_CLAIM_CHARS and _may_be_told(name):
            told[name] = text
    return {name: told[name] for name in sorted(told)[:MAX_POLICY_CLAIMS]}


def _named(claims: JsonObject) -> Iterator[tuple[str, JsonValue]]:
    """Yield every claim that is no object under the name that `find_claim` finds it by.

    What no name finds (a nested member with a slash in its own name, or one that a top-level claim hides) is not yielded:
    the policy reads a name as conditions do.
    """
    waiting: list[tuple[str, JsonValue]] = list(claims.items())
    while waiting:
        name, value = waiting.pop()
        if len(name) > MAX_POLICY_CLAIM_CHARS:
            continue
        if isinstance(value, dict):
            waiting.extend((f"{name}/{member}", inner) for member, inner in value.items())
            continue
        found = find_claim(claims, name)
        if found is not None and found[0] is value:
            yield name, value


def _may_be_told(name: str) -> bool:
    folded = name.lower()
    return "jti" not in folded.split("/") and not any(word in folded for word in _NEVER_TOLD)
