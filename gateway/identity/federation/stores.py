"""What federation needs to know of rules and sessions; the catalog implements it.

Pure: Protocols and values only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from gateway.identity.federation.rule import FederationRule
from gateway.identity.values import Principal, Session


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule and the principal that it is."""

    principal: Principal
    rule: FederationRule


@dataclass(frozen=True, slots=True)
class Opening:
    """A session that is to be opened: what `Session` says of it, and by what it is found again.

    ``token_key`` (32 bytes) is the one use that ``issuer`` gave the token for, ``token_sha256`` its very bytes;
    ``secret_sha256`` of the secret that stands for the session from now on, None where the token does. ``token_expires``
    is the token's own end. Unix seconds.
    """

    id: str
    principal_id: str
    issuer: str
    subject: str
    claims: Mapping[str, str] = field(repr=False)
    token_key: bytes = field(repr=False)
    token_sha256: bytes = field(repr=False)
    secret_sha256: bytes | None = field(repr=False)
    token_expires: int
    ends: int
    address: str
    bound: bool


@dataclass(frozen=True, slots=True)
class NotOpened:
    """No session, and why: for the audit log."""

    why: str


Opened: TypeAlias = Session | NotOpened


class RuleStore(Protocol):
    """The rules in force."""

    async def rules(self, issuer: str) -> Sequence[StoredRule]:
        """Return the rules of the issuer called ``issuer`` whose principals are active, by name."""
        ...

    async def is_rule(self, name: str) -> bool:
        """Return whether a rule is called ``name``, or was: also one that is disabled or removed."""
        ...


class SessionStore(Protocol):
    """Sessions of CI jobs, ended ones included until their tokens are long over."""

    async def session(self, session_id: str, *, now: int) -> Session | None:
        """Return the session with this id; whether it still serves is the caller's question."""
        ...

    async def session_by_token(self, token_sha256: bytes) -> Session | None:
        """Return the session that this very token stands for (SHA-256 of its text); none that a secret stands for."""
        ...

    async def session_by_secret(self, secret_sha256: bytes) -> Session | None:
        """Return the session that this secret stands for."""
        ...

    async def open(self, opening: Opening, *, now: int) -> Opened:
        """Open the session, with its audit event, in one step that no other use of the token can come between.

        Where the same bytes have opened one that a token stands for, that one is returned, if neither has a secret. Other
        bytes for the same use, a use that was had already, a rule that is in force no more or has too many sessions:
        `NotOpened`.
        """
        ...

    async def note_address(self, session_id: str, address: str, *, now: int) -> None:
        """Take note, with an audit event, of the first client address other than the one that opened the session.

        From then on the session says that it was (``elsewhere``).
        """
        ...

    async def end(self, session_id: str, *, by: Principal, address: str, now: int) -> None:
        """End the session at once and for good, with its audit event; nothing where it was ended."""
        ...
