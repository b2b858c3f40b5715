"""Tokens that were verified a moment ago: a pull pays for a signature once in five minutes, not once per request.

An entry is found by the token's exact text (one token has one text here, see `base64url`), counts under the ring of keys
it was verified with and no other, and its times are compared with the clock at every use. Failures are not kept: they
cost an attacker's token its verification each time, and nobody can fill the cache without a valid token.

Pure: state in memory, no I/O; not shared between threads.
Source: DESIGN 10; CVE-2026-27775 (an answer is only re-used for exactly the question that it was given to).
"""

from collections import OrderedDict
from typing import Final

from gateway.errors import Unauthorized
from gateway.identity.access_token import LEEWAY_SECONDS, check_times, verify_access_token
from gateway.identity.key_ring import KeyRing
from gateway.identity.values import AccessClaims, UnverifiedToken

MAX_ENTRIES: Final = 4096
"""At most 8 KiB of text each: 32 MiB if every client filled its token to the brim."""


class TokenCache:
    """`verify_access_token` for one issuer and audience, with a memory of at most ``max_entries`` verified tokens."""

    def __init__(
        self, *, issuer: str, audience: str, max_entries: int = MAX_ENTRIES, leeway_seconds: int = LEEWAY_SECONDS
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._max_entries = max_entries
        self._leeway_seconds = leeway_seconds
        self._ring: KeyRing | None = None
        self._entries: OrderedDict[str, tuple[AccessClaims, int | None]] = OrderedDict()

    def is_over(self, claims: AccessClaims, *, now: int) -> bool:
        """Return whether a token that counts by its grace alone is at its end otherwise."""
        return now >= claims.expires_at + self._leeway_seconds

    def __len__(self) -> int:
        return len(self._entries)

    def verify(self, token: UnverifiedToken, *, ring: KeyRing, now: int, grace_seconds: int = 0) -> AccessClaims:
        """Return what the token says. Raises `Unauthorized` with ``invalid_token``, exactly where verifying it would."""
        if ring is not self._ring:
            # A key may have been dropped: nothing that was verified with the old ring counts.
            self._entries.clear()
            self._ring = ring
        entry = self._entries.get(token.text)
        if entry is None:
            return self._verify_anew(token, ring=ring, now=now, grace_seconds=grace_seconds)
        claims, retire_after = entry
        try:
            check_times(claims, now=now, leeway_seconds=self._leeway_seconds, grace_seconds=grace_seconds)
            if retire_after is not None and now >= retire_after:
                raise ValueError("the key has retired")
        except ValueError:
            del self._entries[token.text]
            raise Unauthorized("the token is not valid here, or no longer", error="invalid_token") from None
        return claims

    def _verify_anew(self, token: UnverifiedToken, *, ring: KeyRing, now: int, grace_seconds: int) -> AccessClaims:
        claims, key = verify_access_token(
            token,
            ring=ring,
            issuer=self._issuer,
            audience=self._audience,
            now=now,
            leeway_seconds=self._leeway_seconds,
            grace_seconds=grace_seconds,
        )
        # The oldest goes first. Tokens live for minutes, so the order of arrival is close to the order of expiry, and
        # a look-up need not write.
        while len(self._entries) >= self._max_entries:
            self._entries.popitem(last=False)
        self._entries[token.text] = (claims, key.retire_after)
        return claims
