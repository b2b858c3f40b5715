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
from gateway.api.answer import NOT_KEPT, Answer, Header
from gateway.api.call import Call
from gateway.api.forms import Fields, parse_form
from gateway.api.refusals import error_entry, rule
from gateway.api.routes import REPEATABLE, only
from gateway.api.settings import ApiSettings, RecordLogin
from gateway.errors import (
    GatewayError,
    RequestInvalid,
    SizeInvalid,
    TooManyRequests,
    Unauthorized,
    UnsupportedGrant,
)
from gateway.identity.access_token import issue_access_token
from gateway.identity.authenticate import authenticate, parse_basic
from gateway.identity.key_ring import KeyRing
from gateway.identity.passwords import PasswordVerifier
from gateway.identity.secrets import looks_like_secret
from gateway.identity.stores import AccountStore
from gateway.identity.values import ANONYMOUS, Basic, Principal, ResourceAccess
from gateway.oci.names import RepositoryName

MAX_FORM_BYTES: Final = 64 * 1024
MAX_FORM_FIELDS: Final = 64
FORM: Final = "application/x-www-form-urlencoded"

_BASIC: Final = ("www-authenticate", 'Basic realm="registry-gateway", charset="UTF-8"')


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """``/token``."""

    settings: ApiSettings
    accounts: AccountStore
    passwords: PasswordVerifier
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
            form = await _form(call)
            self._check_service(form.get("service", (None,))[0])
            match form.get("grant_type", (None,))[0]:
                case "password":
                    credentials = Basic(username=_field(form, "username"), password=_field(form, "password"))
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
        principal = await self._who(call, credentials)
        call.trace.principal = principal.id
        # A wrong secret is 401 even where the scope is public: it must never look like a success. Hence this order.
        asked = parse_scopes(scopes)
        held = await self._held(principal, asked, now=call.now)
        given = token_scope(asked, held, catalog=principal != ANONYMOUS)
        if principal == ANONYMOUS and not asked:
            # A login without a secret. Whoever asks for something without one is given a token for what is everybody's,
            # maybe nothing: docker takes a refusal here for an outage and tries for a minute.
            raise Unauthorized
        token = issue_access_token(
            ring=self.keys(),
            issuer=self.settings.public_url,
            audience=self.settings.service,
            principal_id=principal.id,
            access=given,
            now=call.now,
            lifetime_seconds=self.settings.token_lifetime_seconds,
            token_id=self.random_bytes(16).hex(),
        )
        return Answer.of_json(
            200,
            {
                "token": token,
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": self.settings.token_lifetime_seconds,
                "issued_at": _rfc_3339(call.now),
                "scope": " ".join(format_scope(entry) for entry in given),
            },
            NOT_KEPT,
        )

    async def _who(self, call: Call, credentials: Basic | None) -> Principal:
        if credentials is None:
            return ANONYMOUS
        address = call.request.address
        try:
            identity = await authenticate(credentials, accounts=self.accounts, hasher=self.passwords, now=call.now)
        except Unauthorized:
            # Looked for after every refusal, whatever the cause, so that an answer takes the same time.
            named = await self.accounts.id_by_name(credentials.username)
            method = "robot" if looks_like_secret(credentials.password) else "password"
            self.record_login(principal_id=named, method=method, address=address, succeeded=False, now=call.now)
            raise
        self.record_login(
            principal_id=identity.principal.id,
            method=identity.method,
            address=address,
            succeeded=True,
            now=call.now,
        )
        return identity.principal

    async def _held(
        self, principal: Principal, asked: Sequence[ResourceAccess], *, now: int
    ) -> Mapping[RepositoryName, Rights]:
        held = {}
        for repository in repositories(asked):
            standing = await self.standings.standing(principal.id, repository, now=now)
            held[repository] = NO_RIGHTS if standing is None else rights(standing)
        return held


def refusal(error: GatewayError) -> Answer:
    """Return ``error`` in both shapes, OCI's and OAuth's. A fault of ours goes on to the one table."""
    found = rule(error)
    if found.ours:
        raise error
    headers: list[Header] = [NOT_KEPT]
    match error:
        case Unauthorized():
            code = "invalid_grant"
            headers.append(_BASIC)
        case TooManyRequests():
            code = "temporarily_unavailable"
            headers.append(("retry-after", str(error.retry_after_seconds)))
        case UnsupportedGrant():
            code = "unsupported_grant_type"
        case _:
            code = "invalid_request"
    entry = error_entry(error.code, error.message, None)
    return Answer.of_json(
        found.status,
        # `details` is what docker 28 reads; without it, a loopback registry is asked once more in plain HTTP, and the
        # person reads about that instead of the wrong password.
        {"errors": [entry], "error": code, "error_description": entry["message"], "details": entry["message"]},
        *headers,
    )


async def _form(call: Call) -> Mapping[str, tuple[str, ...]]:
    """Return the fields of the form. Raises `RequestInvalid`, `SizeInvalid`."""
    request = call.request
    if request.authorization is not None:
        raise RequestInvalid("a form and an Authorization header are two callers")
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise RequestInvalid(f"the body must be {FORM}")
    too_large = SizeInvalid(f"the form is larger than {MAX_FORM_BYTES} bytes")
    if request.content_length is not None and request.content_length > MAX_FORM_BYTES:
        raise too_large
    body = await call.body.read(max_bytes=MAX_FORM_BYTES, too_large=too_large)
    return _collect(parse_form(body, max_bytes=MAX_FORM_BYTES, max_fields=MAX_FORM_FIELDS))


def _collect(fields: Fields) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in fields:
        if name in found and name not in REPEATABLE:
            # RFC 6749, 3.2: parameters must not be included more than once. containers/image repeats ``scope``.
            raise RequestInvalid("a field of the form is given twice")
        found[name] = (*found.get(name, ()), value)
    return found


def _field(form: Mapping[str, tuple[str, ...]], name: str) -> str:
    values = form.get(name)
    if values is None:
        raise RequestInvalid(f"the field {name} is missing")
    return values[0]


def _rfc_3339(now: int) -> str:
    return datetime.datetime.fromtimestamp(now, tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
