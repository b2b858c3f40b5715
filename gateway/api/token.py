"""The token endpoint: who a secret belongs to, and a token for what was asked *and* is held.

GET with Basic or nothing, POST with a form: the Docker token protocol and its OAuth2 form, on the registry's own origin.
Errors are in both shapes in one body, because clients read the one or the other. No refresh token is given or taken: that
grant answers 401, as every wrong secret does.

I/O: through the stores of accounts and standings.
Source: distribution, docs/content/spec/auth/token.md and oauth.md; RFC 6749, sections 4.3, 5.1 and 5.2; RFC 7617.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.access.rights import NO_RIGHTS, rights
from gateway.access.scopes import format_scope, parse_scopes, repositories, token_scope
from gateway.access.stores import StandingStore
from gateway.access.values import Rights
from gateway.api.answer import NOT_KEPT, Answer
from gateway.api.call import Call
from gateway.api.oauth import field, read_form, refusal
from gateway.api.routes import only
from gateway.api.settings import ApiSettings, RecordLogin
from gateway.errors import (
    GatewayError,
    RequestInvalid,
    Unauthorized,
    UnsupportedGrant,
)
from gateway.identity.access_token import issue_access_token
from gateway.identity.authenticate import authenticate, login_method, parse_basic
from gateway.identity.federation.ci_sessions import CiSessions
from gateway.identity.key_ring import KeyRing
from gateway.identity.password_door import Passwords
from gateway.identity.stores import AccountStore
from gateway.identity.values import ANONYMOUS, Basic, Identity, Principal, ResourceAccess
from gateway.oci.names import RepositoryName

MIN_LIFETIME_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """``/token``."""

    settings: ApiSettings
    accounts: AccountStore
    passwords: Passwords
    ci: CiSessions
    standings: StandingStore
    keys: Callable[[], KeyRing]
    record_login: RecordLogin
    random_bytes: Callable[[int], bytes]

    async def get(self, call: Call) -> Answer:
        """Answer a GET: Basic, or anonymous."""
        try:
            self._check_service(only(call.query, "service"))
            authorization = call.request.authorization
            credentials = None if authorization is None else parse_basic(authorization)
            return await self._token(call, credentials, scopes=call.query.get("scope", ()))
        except GatewayError as error:
            return refusal(error)

    async def post(self, call: Call) -> Answer:
        """Answer a POST: a form with ``grant_type=password``."""
        try:
            form = await read_form(call)
            self._check_service(form.get("service", (None,))[0])
            match form.get("grant_type", (None,))[0]:
                case "password":
                    credentials = Basic(username=field(form, "username"), password=field(form, "password"))
                case "refresh_token":
                    raise Unauthorized("refresh tokens are not in use here: log in with a user name and a password")
                case _:
                    raise UnsupportedGrant("the grant_type must be password")
            return await self._token(call, credentials, scopes=form.get("scope", ()))
        except GatewayError as error:
            return refusal(error)

    def _check_service(self, service: str | None) -> None:
        """Raise `RequestInvalid` for another audience than our own: a token for somebody else is not ours to sign."""
        if service is not None and service != self.settings.service:
            raise RequestInvalid("the service is not this registry")

    async def _token(self, call: Call, credentials: Basic | None, *, scopes: Sequence[str]) -> Answer:
        identity = await self._who(call, credentials)
        principal = ANONYMOUS if identity is None else identity.principal
        call.trace.principal = principal.id
        # A wrong secret is 401 even where the scope is public: it must never look like a success. Hence this order.
        asked = parse_scopes(scopes)
        held = await self._held(principal, asked, now=call.now)
        given = token_scope(asked, held, catalog=principal != ANONYMOUS)
        if principal == ANONYMOUS and not asked:
            # A login without a secret. Whoever asks for something without one is given a token for what is everybody's,
            # maybe nothing: docker takes a refusal here for an outage and tries for a minute.
            raise Unauthorized
        lifetime = self._lifetime(identity, now=call.now)
        token = issue_access_token(
            ring=self.keys(),
            issuer=self.settings.public_url,
            audience=self.settings.service,
            principal_id=principal.id,
            access=given,
            now=call.now,
            lifetime_seconds=lifetime,
            token_id=self.random_bytes(16).hex(),
            session_id=None if identity is None else identity.session_id,
        )
        return Answer.of_json(
            200,
            {
                "token": token,
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": lifetime,
                "issued_at": _rfc_3339(call.now),
                "scope": " ".join(format_scope(entry) for entry in given),
            },
            NOT_KEPT,
        )

    def _lifetime(self, identity: Identity | None, *, now: int) -> int:
        """Return for how many seconds a token is given: not longer than its session, but never so short that clients take
        it for something else (under 60, says the token protocol). That a session is over is asked anew at each request."""
        longest = self.settings.token_lifetime_seconds
        ends = None if identity is None else identity.session_ends
        return longest if ends is None else max(MIN_LIFETIME_SECONDS, min(longest, ends - now))

    async def _who(self, call: Call, credentials: Basic | None) -> Identity | None:
        if credentials is None:
            return None
        address = call.request.address
        hasher = self.passwords.presented(username=credentials.username, address=address, now=call.now)
        try:
            identity = await authenticate(
                credentials, accounts=self.accounts, hasher=hasher, ci=self.ci, address=address, now=call.now
            )
        except Unauthorized as refused:
            # Looked for after every refusal, whatever the cause, so that an answer takes the same time.
            named = await self.accounts.id_by_name(credentials.username)
            self.record_login(
                principal_id=named,
                method=login_method(credentials.password),
                address=address,
                succeeded=False,
                now=call.now,
                why=refused.why,
            )
            raise
        self.record_login(
            principal_id=identity.principal.id,
            method=identity.method,
            address=address,
            succeeded=True,
            now=call.now,
        )
        return identity

    async def _held(
        self, principal: Principal, asked: Sequence[ResourceAccess], *, now: int
    ) -> Mapping[RepositoryName, Rights]:
        held = {}
        for repository in repositories(asked):
            standing = await self.standings.standing(principal.id, repository, now=now)
            held[repository] = NO_RIGHTS if standing is None else rights(standing)
        return held


def _rfc_3339(now: int) -> str:
    return datetime.datetime.fromtimestamp(now, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
