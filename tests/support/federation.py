"""Federation in memory: the fakes of its two stores, and sessions over them with no issuer, for what is not about it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.identity.federation.ci_sessions import CiSessions
from gateway.identity.federation.stores import NotOpened, Opened, Opening, StoredRule
from gateway.identity.values import Principal, Session


@dataclass
class MemoryRules:
    """`RuleStore` of rules that a test puts here."""

    stored: list[StoredRule] = field(default_factory=list)

    async def rules(self, issuer: str) -> Sequence[StoredRule]:
        return sorted((one for one in self.stored if one.rule.issuer == issuer), key=lambda one: one.principal.name)

    async def is_rule(self, name: str) -> bool:
        return any(one.rule.name == name for one in self.stored)


@dataclass
class MemorySessions:
    """`SessionStore` in a list. ``in_force`` are the rules whose sessions may be opened; ``events`` are told in order."""

    in_force: dict[str, Principal] = field(default_factory=dict)
    rows: list[tuple[Opening, Session]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)

    async def session(self, session_id: str, *, now: int) -> Session | None:
        return next((session for _, session in self.rows if session.id == session_id), None)

    async def session_by_token(self, token_sha256: bytes) -> Session | None:
        for opening, session in self.rows:
            if opening.token_sha256 == token_sha256 and opening.secret_sha256 is None:
                return session
        return None

    async def session_by_secret(self, secret_sha256: bytes) -> Session | None:
        return next((session for opening, session in self.rows if opening.secret_sha256 == secret_sha256), None)

    async def open(self, opening: Opening, *, now: int) -> Opened:
        for known, session in self.rows:
            if (known.issuer, known.token_key) == (opening.issuer, opening.token_key):
                same = known.token_sha256 == opening.token_sha256
                if same and known.secret_sha256 is None and opening.secret_sha256 is None:
                    return session
                return NotOpened("used before")
        principal = self.in_force.get(opening.principal_id)
        if principal is None:
            return NotOpened("no such rule")
        session = Session(
            id=opening.id,
            principal=principal,
            issuer=opening.issuer,
            subject=opening.subject,
            claims=dict(opening.claims),
            started=now,
            ends=opening.ends,
            ended=None,
            active=True,
            address=opening.address,
            bound=opening.bound,
            elsewhere=False,
        )
        self.rows.append((opening, session))
        self.events.append(("session.opened", session.id))
        return session

    async def note_address(self, session_id: str, address: str, *, now: int) -> None:
        for place, (opening, session) in enumerate(self.rows):
            if session.id == session_id and session.address != address and not session.elsewhere:
                self.rows[place] = (opening, replace(session, elsewhere=True))
                self.events.append(("session.address", session_id))

    async def end(self, session_id: str, *, by: Principal, address: str, now: int) -> None:
        for place, (opening, session) in enumerate(self.rows):
            if session.id == session_id and session.ended is None and now < session.ends:
                self.rows[place] = (opening, replace(session, ended=now))
                self.events.append(("session.ended", session_id))


def no_federation() -> CiSessions:
    """Sessions of no issuer: every CI token is refused."""
    numbers = itertools.count(1)
    return CiSessions(
        issuers=(),
        rules=MemoryRules(),
        sessions=MemorySessions(),
        random_bytes=lambda count: next(numbers).to_bytes(count, "big"),
    )
