"""Whose token is this? The configured issuers of CI tokens, and the one of them whose key has signed it.

Several may call themselves by one address (clusters do); then all of them have pinned keys, and the key alone tells.

I/O: through each issuer's `KeySource`; the clock is passed in.
Source: issue 5, item 3; reference/auth.md 3, "Rules for us" 7 (an unverified ``iss`` only chooses the verifier).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import Unauthorized
from gateway.identity.federation.session import MAX_TOKEN_LIFE_SECONDS
from gateway.identity.oidc.issuer_keys import KeySource
from gateway.identity.oidc.verify import TokenClaims, peek_issuer, peek_kid, verify_token


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """A configured issuer. ``url`` is its ``iss``; ``immutable_claims`` are its ids that are never given again."""

    name: str
    url: str
    immutable_claims: frozenset[str]
    keys: KeySource


def issuers_named(text: str, issuers: Sequence[TokenIssuer]) -> Sequence[TokenIssuer]:
    """Return those of ``issuers`` that the token claims to be of. Not verified: only for choosing the verifier."""
    url = peek_issuer(text)
    return [issuer for issuer in issuers if issuer.url == url]


async def verify_by(issuers: Sequence[TokenIssuer], text: str, *, now: int) -> tuple[TokenIssuer, TokenClaims] | None:
    """Return the one of ``issuers`` that signed the token, and what it says; None where it does not verify by any.

    Its audience and its times but for a leeway of some seconds are the caller's. Raises `OutboundFailed` where an issuer's
    keys cannot be had now.
    """
    for issuer in issuers:
        trusted = await issuer.keys.keys(peek_kid(text), now=now)
        try:
            claims = verify_token(
                text,
                trusted.keys,
                issuer=issuer.url,
                algorithms=trusted.algorithms,
                now=now,
                max_life_seconds=MAX_TOKEN_LIFE_SECONDS,
            )
        except Unauthorized:
            continue
        return issuer, claims
    return None
