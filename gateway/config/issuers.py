"""Where do the keys of each configured issuer of CI tokens come from?

I/O: reads the files of pinned keys; what is not pinned is asked for through the `Outbound` that is passed in.
Source: issue 5, item 3; INTERFACE 4 (``[[identity.issuer]]``); reference/auth.md 3, "Rules for us" 6.
"""

from collections.abc import Sequence
from typing import Final

from gateway.config.sections import Config, Issuer
from gateway.errors import ConfigInvalid
from gateway.identity.federation.issuers import TokenIssuer
from gateway.identity.oidc.issuer_keys import Fetch, IssuerKeys, KeySource, PinnedKeys
from gateway.outbound.client import Outbound, Peer

_FETCH_SECONDS: Final = 10.0
_ACCEPT: Final = "application/json, application/jwk-set+json"
"""A key set has a media type of its own (RFC 7517, 8.5.1), and few issuers use it."""


def token_issuers(config: Config, outbound: Outbound) -> Sequence[TokenIssuer]:
    """Return the configured issuers of CI tokens. Raises `ConfigInvalid` for pinned keys that cannot be read."""
    return [
        TokenIssuer(
            name=issuer.name,
            url=issuer.issuer,
            immutable_claims=frozenset(issuer.immutable_claims),
            keys=_keys(issuer, config, outbound),
        )
        for issuer in config.identity.issuer
    ]


def _keys(issuer: Issuer, config: Config, outbound: Outbound) -> KeySource:
    if issuer.jwks_file is None:
        return IssuerKeys(issuer=issuer.issuer, fetch=_fetch_from(issuer, config, outbound))
    path = config.path(issuer.jwks_file)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigInvalid(f"identity.issuer: the keys of {issuer.name}, {path}: {error.strerror}") from None
    return PinnedKeys.parse(content, where=str(path))


def _fetch_from(issuer: Issuer, config: Config, outbound: Outbound) -> Fetch:
    ca = None if issuer.ca is None else config.path(issuer.ca)
    peer = Peer(name=f"the issuer {issuer.name}", ca_file=ca, internal=issuer.internal)

    async def fetch(url: str, *, max_bytes: int) -> bytes:
        return await outbound.get(url, to=peer, accept=_ACCEPT, max_bytes=max_bytes, timeout_seconds=_FETCH_SECONDS)

    return fetch
