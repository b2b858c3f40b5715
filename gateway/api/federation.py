"""CI without secrets: a platform's token for a session's secret, once; and the end of a session.

Neither endpoint needs an access token: what is in the form is the credential, and it is good for itself only. A token that
is exchanged is used up. A job that is over ends its session, so that what its log may have told is worth nothing.

I/O: through the sessions.
Source: RFC 8693, section 2 (token exchange); RFC 7009, section 2 (revocation); issue 5, item 3.
"""

from dataclasses import dataclass
from typing import Final

from gateway.api.answer import NOT_KEPT, Answer
from gateway.api.call import Call
from gateway.api.oauth import field, read_form, refusal
from gateway.api.settings import RecordLogin
from gateway.errors import GatewayError, RequestInvalid, Unauthorized, UnsupportedGrant
from gateway.identity.federation.ci_sessions import CiSessions

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
TOKEN_TYPES: Final = frozenset({"urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"})
SESSION_SECRET: Final = "urn:registry-gateway:token-type:session-secret"  # noqa: S105 - the name of a type


@dataclass(frozen=True, slots=True)
class FederationEndpoint:
    """``/federation/token`` and ``/federation/revoke``. ``service`` is the audience that an exchange may name."""

    service: str
    ci: CiSessions
    record_login: RecordLogin

    async def exchange(self, call: Call) -> Answer:
        """Answer POST: the secret of a new session, to be used as docker's password until the session ends."""
        try:
            form = await read_form(call)
            if form.get("grant_type", ("",))[0] != EXCHANGE:
                raise UnsupportedGrant(f"the grant_type must be {EXCHANGE}")
            if field(form, "subject_token_type") not in TOKEN_TYPES:
                raise RequestInvalid(f"the subject_token_type must be one of {', '.join(sorted(TOKEN_TYPES))}")
            if form.get("audience", (self.service,))[0] != self.service:
                raise RequestInvalid("the audience is not this registry")
            return await self._session(call, field(form, "subject_token"), rule=form.get("rule", (None,))[0])
        except GatewayError as error:
            return refusal(error)

    async def revoke(self, call: Call) -> Answer:
        """Answer POST: nothing, whatever the token is, as RFC 7009 says; its session is over."""
        try:
            form = await read_form(call)
            await self.ci.end(field(form, "token"), address=call.request.address, now=call.now)
            return Answer(200, (NOT_KEPT,))
        except GatewayError as error:
            return refusal(error)

    async def _session(self, call: Call, token: str, *, rule: str | None) -> Answer:
        address = call.request.address
        try:
            secret, session = await self.ci.exchange(token, rule=rule, address=address, now=call.now)
        except Unauthorized as refused:
            self.record_login(
                principal_id=None, method="ci", address=address, succeeded=False, now=call.now, why=refused.why
            )
            raise
        call.trace.principal = session.principal.id
        self.record_login(principal_id=session.principal.id, method="ci", address=address, succeeded=True, now=call.now)
        return Answer.of_json(
            200,
            {
                "access_token": secret.text,
                "issued_token_type": SESSION_SECRET,
                "token_type": "N_A",
                "expires_in": session.ends - call.now,
            },
            NOT_KEPT,
        )
