"""Who calls, and may they: answered before any handler runs.

A token is verified (or remembered as verified), then its session and the caller's standing are read afresh, once each.
Nothing here decides by itself: `gateway.access.grant` does. Never reads a body, never looks at a User-Agent.

I/O: through the stores of standings and sessions.
Source: DESIGN 3 ("Answers to a missing right"), 5; issue 5, items 2 and 3; security rows 1, 19, 27, 104, 118.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gateway.access.grant import Action, authorize, authorize_catalog
from gateway.access.rights import NO_RIGHTS, rights
from gateway.access.scopes import CATALOG, PUSH, REPOSITORY, format_scope
from gateway.access.stores import StandingStore
from gateway.access.values import Standing
from gateway.api.call import Access
from gateway.api.head import Request
from gateway.errors import NameUnknown, Unauthorized
from gateway.identity.authenticate import parse_bearer
from gateway.identity.federation.ci_sessions import CiSessions
from gateway.identity.key_ring import KeyRing
from gateway.identity.token_cache import TokenCache
from gateway.identity.values import ANONYMOUS, AccessClaims, Principal, ResourceAccess, Session
from gateway.oci.names import RepositoryName

BODY_GRACE_SECONDS: Final = 120
"""How much longer a token of a live session counts for a request with a body: crane and cosign cannot send one again."""

_WITH_BODIES: Final = frozenset({"POST", "PUT", "PATCH"})

MAX_GRANTED: Final = 4096
"""Grants that are kept, of 8 KiB of token at most: they go all at once when there are more."""

_Asked: TypeAlias = tuple[str, str, tuple[Action, ...]]
"""The Authorization header, the repository, the actions."""


@dataclass(frozen=True, slots=True)
class Guard:
    """The guard of one API. Its parts are fixed; what it remembers changes: ``tokens``, and ``_granted``."""

    tokens: TokenCache
    keys: Callable[[], KeyRing]
    standings: StandingStore
    ci: CiSessions
    _granted: dict[_Asked, Access] = field(default_factory=dict)
    """What was worked out from claims and a standing: counts for *these very values*, which both are frozen."""

    async def anybody(self, request: Request, *, now: int) -> Principal:
        """Return the active principal of the request's token. Raises `Unauthorized`."""
        claims = await self._claims(request, scopes=(), now=now)
        if claims is None:
            raise Unauthorized
        return await self._active(claims, scopes=(), now=now)

    async def catalog(self, request: Request, *, now: int) -> Principal:
        """Return who may list repositories. Raises `Unauthorized`."""
        scopes = (format_scope(CATALOG),)
        claims = await self._claims(request, scopes=scopes, now=now)
        if claims is None:
            raise Unauthorized(scopes=scopes)
        principal = await self._active(claims, scopes=scopes, now=now)
        authorize_catalog(claims=claims, active=True)
        return principal

    async def repository(
        self, request: Request, repository: RepositoryName, actions: Sequence[Action], *, now: int
    ) -> Access:
        """Return what the caller may do in ``repository``, at least ``actions``.

        Raises `Unauthorized` with the scope to ask for. To an account that pushes where it has no right at all, it raises
        `NameUnknown` with the command to type, the same whether a project is there or not: a new token would not help, and
        a 401 would only make the client ask for a password.
        """
        if request.authorization is None:
            raise Unauthorized(scopes=_scopes(repository, actions))
        try:
            claims, session = await self._verified(request, request.authorization, now=now)
        except Unauthorized as refusal:
            raise _again(refusal, _scopes(repository, actions)) from None
        standing = await self.standings.standing(claims.principal_id, repository, now=now)
        asked = (request.authorization, repository.text, tuple(actions))
        known = self._granted.get(asked)
        if known is not None and known.claims is claims and known.standing is standing and known.session is session:
            return known
        access = await self._authorized(claims, session, standing, repository, actions, now=now)
        if len(self._granted) >= MAX_GRANTED:
            self._granted.clear()
        self._granted[asked] = access
        return access

    async def _authorized(
        self,
        claims: AccessClaims,
        session: Session | None,
        standing: Standing | None,
        repository: RepositoryName,
        actions: Sequence[Action],
        *,
        now: int,
    ) -> Access:
        try:
            grant = authorize(standing=standing, claims=claims, repository=repository, required=actions)
        except Unauthorized:
            if claims.principal_id == ANONYMOUS.id:
                raise
            if standing is None or not standing.active:
                await self._active(claims, scopes=_scopes(repository, actions), now=now)
            if PUSH in actions and not _known_here(standing):
                raise NameUnknown(
                    f"no project that you may push to has the name {repository}: `registry-gateway project create "
                    f"{repository.prefixes[0]}` makes one, or its owner adds you as a member"
                ) from None
            raise
        # `authorize` returns a grant only with a standing.
        assert standing is not None
        return Access(grant=grant, standing=standing, claims=claims, session=session)

    async def _claims(self, request: Request, *, scopes: Sequence[str], now: int) -> AccessClaims | None:
        """Return what the token says, None without one. Raises `Unauthorized` that asks for ``scopes``."""
        if request.authorization is None:
            return None
        try:
            return (await self._verified(request, request.authorization, now=now))[0]
        except Unauthorized as refusal:
            raise _again(refusal, scopes) from None

    async def _verified(self, request: Request, authorization: str, *, now: int) -> tuple[AccessClaims, Session | None]:
        """Return what the token says and the live session that it is part of. Raises `Unauthorized`."""
        grace = BODY_GRACE_SECONDS if request.has_body and request.method in _WITH_BODIES else 0
        claims = self.tokens.verify(parse_bearer(authorization), ring=self.keys(), now=now, grace_seconds=grace)
        session = None
        if claims.session_id is not None:
            session = await self.ci.serving(claims.session_id, address=request.address, now=now)
            if session is None or session.principal.id != claims.principal_id:
                raise Unauthorized("the session of this token is over", error="invalid_token")
        elif self.tokens.is_over(claims, now=now):
            raise Unauthorized("the token is not valid here, or no longer", error="invalid_token")
        return claims, session

    async def _active(self, claims: AccessClaims, *, scopes: Sequence[str], now: int) -> Principal:
        """Return the principal of ``claims``. Raises `Unauthorized` where it is disabled, expired or gone."""
        if claims.principal_id == ANONYMOUS.id:
            return ANONYMOUS
        found = await self.standings.principal(claims.principal_id, now=now)
        if found is None or not found[1]:
            raise Unauthorized("the account of this token is not active", scopes=scopes, error="invalid_token")
        return found[0]


def _scopes(repository: RepositoryName, actions: Sequence[Action]) -> tuple[str, ...]:
    """Return the one scope to ask for."""
    return (format_scope(ResourceAccess(REPOSITORY, repository.text, frozenset(actions))),)


def _again(refusal: Unauthorized, scopes: Sequence[str]) -> Unauthorized:
    return Unauthorized(refusal.message, scopes=scopes, error="invalid_token")


def _known_here(standing: Standing | None) -> bool:
    """Return whether the principal has any right in the project, and so knows of it already."""
    return standing is not None and rights(standing) != NO_RIGHTS
