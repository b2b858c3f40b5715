"""Which keys does an issuer sign with now? Fetched by discovery and kept for a while, or pinned by the operator.

Whoever sends tokens cannot make the gateway fetch: an unknown ``kid`` causes one fetch a minute at most, and none of
them replaces a good key set by nothing. A key that the issuer has taken back is gone here when the kept set ends.

I/O: through the `Fetch` that is passed in; the clock is passed in.
Source: OpenID Connect Discovery 1.0, section 4; OpenID Connect Core 1.0, section 10.1.1 (rotation); DESIGN 5.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from gateway.errors import ConfigInvalid, OutboundFailed
from gateway.identity.oidc.key_set import ALGORITHMS, MAX_KEY_SET_BYTES, KeySet, parse_key_set
from gateway.identity.oidc.metadata import MAX_METADATA_BYTES, discovery_url, parse_metadata

FRESH_SECONDS: Final = 15 * 60
"""How long a key set is used without asking again: as long lives a key that the issuer has taken back."""
MIN_INTERVAL_SECONDS: Final = 60
MAX_STALE_SECONDS: Final = 4 * 3600
"""How long a key set is used while the issuer does not answer."""


class Fetch(Protocol):
    """Gets a document over the network, with its own limits on time, addresses and redirects."""

    async def __call__(self, url: str, *, max_bytes: int) -> bytes:
        """Return the body of ``url``, at most ``max_bytes`` of it. Raises `OutboundFailed` for everything else."""
        ...


@dataclass(frozen=True, slots=True)
class Trusted:
    """The keys of one issuer, and the algorithms that it signs with."""

    keys: KeySet
    algorithms: frozenset[str]


class KeySource(Protocol):
    """Where the keys of one issuer come from."""

    async def keys(self, kid: str | None, *, now: int) -> Trusted:
        """Return what to verify a token with that names ``kid``. Raises `OutboundFailed` where nothing can be had."""
        ...


@dataclass(frozen=True, slots=True)
class PinnedKeys:
    """Keys that the operator gave in a file: nothing is fetched, and nobody else can change them."""

    trusted: Trusted

    @classmethod
    def parse(cls, content: bytes, *, where: str) -> Self:
        """Return the keys of the JWK Set ``content``. Raises `ConfigInvalid`, which names the file ``where``."""
        try:
            return cls(Trusted(parse_key_set(content), ALGORITHMS))
        except OutboundFailed as invalid:
            raise ConfigInvalid(f"{where}: {invalid.message}") from None

    async def keys(self, kid: str | None, *, now: int) -> Trusted:
        """Return the pinned keys, whatever is asked for."""
        return self.trusted


@dataclass(frozen=True, slots=True)
class _Kept:
    trusted: Trusted = field(repr=False)
    fetched_at: int


class IssuerKeys:
    """The keys of one issuer that has discovery.

    ``now`` is in Unix seconds everywhere. Belongs to one event loop.
    """

    def __init__(self, *, issuer: str, fetch: Fetch) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._kept: _Kept | None = None
        self._tried_at: int | None = None
        self._failure: OutboundFailed | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def keys(self, kid: str | None, *, now: int) -> Trusted:
        """Return the issuer's keys and algorithms: the kept ones, or new ones where those are old or lack ``kid``.

        Raises `OutboundFailed` where there is no set, or only one older than `MAX_STALE_SECONDS`. Where ``kid`` is not
        in what is returned, the issuer was asked within `MIN_INTERVAL_SECONDS`, and its answer is no.
        """
        kept = self._kept
        if (
            kept is not None
            and _within(FRESH_SECONDS, kept.fetched_at, now)
            and (kid is None or kid in kept.trusted.keys)
        ):
            return kept.trusted
        refreshing = self._refreshing
        if refreshing is None or refreshing.done():
            if _within(MIN_INTERVAL_SECONDS, self._tried_at, now):
                return self._usable(now)
            # Both are set before anything is awaited: who comes next sees them.
            self._tried_at = now
            refreshing = self._refreshing = asyncio.create_task(self._refresh(now))
        # A client that hangs up does not end the fetch that others wait for, and makes no room for another one.
        await asyncio.shield(refreshing)
        return self._usable(now)

    async def _refresh(self, now: int) -> None:
        """Replace the kept set by the issuer's present one; whatever fails, it stays as it is."""
        try:
            metadata = parse_metadata(
                await self._fetch(discovery_url(self._issuer), max_bytes=MAX_METADATA_BYTES), issuer=self._issuer
            )
            keys = parse_key_set(await self._fetch(metadata.jwks_uri, max_bytes=MAX_KEY_SET_BYTES))
        except OutboundFailed as failure:
            self._failure = failure.with_traceback(None)
        else:
            self._kept = _Kept(Trusted(keys, metadata.algorithms), fetched_at=now)
            self._failure = None

    def _usable(self, now: int) -> Trusted:
        if self._kept is None or not _within(MAX_STALE_SECONDS, self._kept.fetched_at, now):
            raise OutboundFailed(f"the keys of the issuer {self._issuer} cannot be had now") from self._failure
        return self._kept.trusted


def _within(seconds: int, then: int | None, now: int) -> bool:
    """Return whether ``then`` and ``now`` are less than ``seconds`` apart.

    In both directions: requests that waited bring a slightly older ``now``, and a clock that is set back by an hour must
    not keep a key set for an hour longer.
    """
    return then is not None and abs(now - then) < seconds
