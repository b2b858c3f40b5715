"""One request on its way through the API, and what is noted of it.

Pure: definitions only.
"""

from dataclasses import dataclass, field

from gateway.access.grant import present_grant
from gateway.access.values import Grant, Standing
from gateway.api.body import Body
from gateway.api.head import Request
from gateway.api.routes import Query, Target
from gateway.identity.values import AccessClaims, Principal, Session


@dataclass(slots=True)
class Trace:
    """What the log will say of a request, filled in on its way. Never a secret."""

    request_id: str
    started: float
    route: str | None = None
    method: str = "other"
    path: str = ""
    address: str = ""
    principal: str | None = None
    decision_id: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose row was found and whose caller may make it. ``now`` in Unix seconds, the same for all of it."""

    request: Request
    target: Target
    query: Query
    body: Body
    trace: Trace
    now: int


@dataclass(frozen=True, slots=True)
class Access:
    """What the guard found out about the caller of a repository's endpoint.

    ``grant`` is what the request may do. ``present`` is what the account may do, whatever this token was asked for: for
    the questions whose answer must not depend on how a client words its scopes (does this object exist for the caller).
    """

    grant: Grant
    standing: Standing
    claims: AccessClaims = field(repr=False)
    session: Session | None = None
    """The session that the token is part of: what is known of the job, besides its principal."""

    @property
    def present(self) -> Grant:
        """What the account may do here now."""
        return present_grant(self.standing, self.grant.repository)

    @property
    def principal(self) -> Principal:
        """Who calls."""
        return self.grant.principal
