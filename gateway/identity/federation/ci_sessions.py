"""May this CI token, or a secret that was given for one, work now? It is in a session, opens one, or is refused.

A platform's token lives for minutes and a build longer, so the first use opens a session: one per token, found again by the
token's very bytes, whoever uses them. Then the platform is not asked again, and no signature is checked again: whoever has
the bytes had them when they were good. What is refused is told to the audit log alone, with its reason; a caller would
learn the rules from it.

I/O: through the stores and each issuer's keys; the clock and randomness are passed in.
Source: issue 5, item 3; RFC 8693; reference/auth.md 3, "Rules for us" 3 and 5.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from gateway.errors import FederationInvalid, Unauthorized
from gateway.identity.federation.conditions import check_immutable
from gateway.identity.federation.issuers import TokenIssuer, issuers_named, verify_by
from gateway.identity.federation.matching import Ambiguous, Matched, NoMatch, matching, quoted
from gateway.identity.federation.session import claims_for_policy, session_end
from gateway.identity.federation.stores import NotOpened, Opening, RuleStore, SessionStore, StoredRule
from gateway.identity.names import rule_asked_for, workload_name
from gateway.identity.oidc.verify import TokenClaims
from gateway.identity.secrets import Secret, SecretKind
from gateway.identity.values import Session

SESSION_ID_BYTES: Final = 16
MAX_WHY_CHARS: Final = 1000
_REFUSED: Final = (
    "this CI token gives no access here; the audit log of the registry says why, and so does `registry-gateway federation "
    "test`"
)
_OVER: Final = "the session of this CI job is over: the job must get a new token from its platform"


def looks_like_token(text: str) -> bool:
    """Return whether ``text`` has the shape of a signed token: three segments, of which the first is a JSON object.

    Only then is a password looked at as one. Every JSON object that a platform writes begins with ``{"``, in base64 eyJ.
    """
    return text.startswith("eyJ") and text.count(".") == 2


@dataclass(frozen=True, slots=True)
class CiSessions:
    """Sessions of CI jobs. Times in Unix seconds; ``address`` is the client's."""

    issuers: Sequence[TokenIssuer]
    rules: RuleStore
    sessions: SessionStore
    random_bytes: Callable[[int], bytes]

    async def by_token(self, token: str, *, username: str, address: str, now: int) -> Session:
        """Return the session that ``token`` is in, which its first use opens.

        ``username`` is what docker sent. Where a rule is or was called so, it is that rule or none: whoever types a rule's
        name means it. Any other text says nothing. Raises `Unauthorized`, and `OutboundFailed` where the issuer's keys
        cannot be had.
        """
        rule = await self._asked_for(username)
        found = await self.sessions.session_by_token(_sha256(token))
        if found is None:
            opening = await self._opening(token, rule=rule, secret=None, address=address, now=now)
            found = await self._opened(opening, now=now)
        if rule is not None and found.principal.name != workload_name(rule):
            raise _refusal(f"the token is in a session of {found.principal.name}, and {quoted(rule)} was asked for")
        return await self._used(found, address=address, now=now)

    async def by_secret(self, secret: Secret, *, address: str, now: int) -> Session:
        """Return the session that ``secret`` was given for by `exchange`. Raises `Unauthorized`."""
        found = await self.sessions.session_by_secret(secret.sha256)
        if found is None:
            raise _refusal("no session has this secret")
        return await self._used(found, address=address, now=now)

    async def exchange(self, token: str, *, rule: str | None, address: str, now: int) -> tuple[Secret, Session]:
        """Return a new session for a token that was never used here, and the secret that stands for it. The token is used
        up: it is no password any more. ``rule`` is the one to use, None for the only one. Raises as `by_token` does."""
        secret = Secret.generate(SecretKind.SESSION, self.random_bytes)
        wanted = None if rule is None else rule_asked_for(rule)
        opening = await self._opening(token, rule=wanted, secret=secret, address=address, now=now)
        return secret, await self._opened(opening, now=now)

    async def serving(self, session_id: str, *, address: str, now: int) -> Session | None:
        """Return the session of an access token that a client at ``address`` presents; None where it is over, not for
        that address, or of an issuer that is not configured any more."""
        found = await self.sessions.session(session_id, now=now)
        if found is None or not self._is_known(found) or not found.is_live(now=now):
            return None
        await self._note(found, address=address, now=now)
        return found if found.is_for(address) else None

    async def end(self, credential: str, *, address: str, now: int) -> None:
        """End the session of a secret or token at once; nothing where it has none. Never raises for what it is given."""
        secret = Secret.read(credential)
        if secret is not None:
            found = await self.sessions.session_by_secret(secret.sha256)
        else:
            found = await self.sessions.session_by_token(_sha256(credential))
        if found is not None:
            await self.sessions.end(found.id, by=found.principal, address=address, now=now)

    async def _opening(self, token: str, *, rule: str | None, secret: Secret | None, address: str, now: int) -> Opening:
        issuer, claims = await self._verified(token, now=now)
        found = await self._matched(issuer, claims, rule=rule)
        seconds = found.rule.session_seconds
        return Opening(
            id=self.random_bytes(SESSION_ID_BYTES).hex(),
            principal_id=found.principal.id,
            issuer=issuer.name,
            subject=claims.subject,
            claims=claims_for_policy(claims.claims),
            token_key=_token_key(token, claims),
            token_sha256=_sha256(token),
            secret_sha256=None if secret is None else secret.sha256,
            token_expires=claims.expires_at,
            ends=session_end(expires_at=claims.expires_at, first_used=now, session_seconds=seconds),
            address=address,
            bound=found.rule.bind_address,
        )

    async def _verified(self, token: str, *, now: int) -> tuple[TokenIssuer, TokenClaims]:
        named = issuers_named(token, self.issuers)
        if not named:
            raise _refusal("no [[identity.issuer]] is the token's")
        verified = await verify_by(named, token, now=now)
        # A token opens nothing in the seconds of leeway after its end: they are for clocks, and who holds it is late.
        if verified is None or now >= verified[1].expires_at:
            raise _refusal(
                f"a token of {' or '.join(issuer.name for issuer in named)} that does not verify, or not any more"
            )
        return verified

    async def _matched(self, issuer: TokenIssuer, claims: TokenClaims, *, rule: str | None) -> StoredRule:
        stored = {one.rule.name: one for one in await self.rules.rules(issuer.name) if _is_sound(one, issuer)}
        decision = matching(
            [one.rule for one in stored.values()],
            issuer_name=issuer.name,
            audience=claims.audience,
            claims=claims.claims,
            wanted=rule,
        )
        match decision:
            case Matched(found):
                return stored[found.name]
            case Ambiguous(names):
                why = f"for several rules, and none was asked for: {', '.join(names)}"
            case NoMatch(mismatches):
                told = "; ".join(f"{one.rule}: {one.sentence}" for one in mismatches)
                asked = "" if rule is None else f", asked for {quoted(rule)}"
                why = f"for none of its rules{asked} ({told or 'it has none'})"
            case _:
                assert_never(decision)
        raise _refusal(f"a token of {issuer.name} {why}")

    async def _opened(self, opening: Opening, *, now: int) -> Session:
        opened = await self.sessions.open(opening, now=now)
        if isinstance(opened, NotOpened):
            raise _refusal(f"a token of {opening.issuer}: {opened.why}")
        return opened

    async def _used(self, session: Session, *, address: str, now: int) -> Session:
        await self._note(session, address=address, now=now)
        if not session.is_for(address):
            raise _refusal(f"the session of {session.principal.name} is bound to the address that opened it")
        if not self._is_known(session):
            raise _refusal(f"the session of {session.principal.name} is of {session.issuer}, which is not configured")
        if not session.is_live(now=now):
            raise Unauthorized(_OVER, why=f"a session of {session.principal.name} that is over")
        return session

    async def _note(self, session: Session, *, address: str, now: int) -> None:
        if address != session.address and not session.elsewhere:
            await self.sessions.note_address(session.id, address, now=now)

    def _is_known(self, session: Session) -> bool:
        """Return whether the session's issuer is configured still: whoever takes it away wants its jobs out."""
        return any(issuer.name == session.issuer for issuer in self.issuers)

    async def _asked_for(self, username: str) -> str | None:
        """Return the rule that a docker user name asks for, None where it says nothing."""
        name = rule_asked_for(username)
        return name if name != username or await self.rules.is_rule(name) else None


def _is_sound(stored: StoredRule, issuer: TokenIssuer) -> bool:
    """Return whether the rule still holds an immutable id: what counts as one is configured, and can be taken back."""
    try:
        check_immutable(stored.rule.match, where="", immutable_claims=issuer.immutable_claims)
    except FederationInvalid:
        return False
    return True


def _token_key(token: str, claims: TokenClaims) -> bytes:
    """Return what there is one of for each token that the issuer made: its ``jti``, else everything that was signed.

    Not the text: whoever holds an ECDSA signature can write it in a second way.
    """
    if claims.token_id is not None:
        return hashlib.sha256(b"jti:" + claims.token_id.encode()).digest()
    return hashlib.sha256(b"signed:" + token.rpartition(".")[0].encode()).digest()


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _refusal(why: str) -> Unauthorized:
    return Unauthorized(_REFUSED, why=why[:MAX_WHY_CHARS])
