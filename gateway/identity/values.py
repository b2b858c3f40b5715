"""Who can call: principals, and what a verified secret or token says of one.

Never a right: what a principal may do is `gateway.access`'s question, asked anew at each request.

Pure: no I/O, no third-party import.
Source: DESIGN 5 (Identity and tokens).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias


class PrincipalKind(StrEnum):
    """What kind of somebody a principal is."""

    USER = "user"
    ROBOT = "robot"
    WORKLOAD = "workload"
    """The jobs that one federation rule is for: the rule is the principal, its jobs are sessions."""
    ANONYMOUS = "anonymous"
    OPERATOR = "operator"
    """A person at the machine's own shell, known by the operating system's user name only."""
    SYSTEM = "system"
    """The gateway itself: re-judging, expiry."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who can call. ``id`` is stable and never re-used; ``name`` is for people to read and may change.

    Ids: ``u:<uuid>`` local account, ``r:<uuid>`` robot, ``w:<uuid>`` workload, ``anonymous``, ``os:<login>``, ``system``.
    """

    id: str
    kind: PrincipalKind
    name: str


MACHINES: Final = frozenset({PrincipalKind.ROBOT, PrincipalKind.WORKLOAD})
"""Of one project each, and of nothing besides."""

_KINDS: Final = {
    "u": PrincipalKind.USER,
    "r": PrincipalKind.ROBOT,
    "w": PrincipalKind.WORKLOAD,
    "os": PrincipalKind.OPERATOR,
}


def kind_of(principal_id: str) -> PrincipalKind:
    """Return what kind of somebody had the id ``principal_id``, also where nothing else is known of it any more."""
    return _KINDS.get(principal_id.partition(":")[0], PrincipalKind.USER)


ANONYMOUS: Final = Principal(id="anonymous", kind=PrincipalKind.ANONYMOUS, name="anonymous")
SYSTEM: Final = Principal(id="system", kind=PrincipalKind.SYSTEM, name="system")


LoginMethod: TypeAlias = Literal["password", "robot", "ci"]
"""What kind of secret was presented: a person's password, a robot's secret, a CI platform's token or what came of one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A principal, and how it proved to be itself.

    ``method`` is by which kind of secret it was at the token endpoint. ``session_id`` and ``session_ends`` (Unix seconds)
    are of the session that it is part of; local accounts and robots have none.
    """

    principal: Principal
    method: LoginMethod
    session_id: str | None = None
    session_ends: int | None = None


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """Text that claims to be an access token. Nothing in it is believed before `verify_access_token`; never shown."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password as a client sent them: believed by nobody before `authenticate`, and never shown."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """A local account as the catalog holds it. ``password_hash`` is argon2id's encoded form."""

    principal: Principal
    password_hash: str = field(repr=False)
    disabled: bool


@dataclass(frozen=True, slots=True)
class Robot:
    """A robot as the catalog holds it; its secret is kept as SHA-256 only (256 random bits need no slow hash).

    ``expires_at`` is in Unix seconds; ``name`` of the principal is ``robot+PROJECT+NAME``.
    """

    principal: Principal
    project: str
    expires_at: int
    revoked: bool


@dataclass(frozen=True, slots=True)
class ResourceAccess:
    """One entry of a token's ``access`` claim: an upper bound on what its bearer may do to one resource.

    ``type`` is ``repository`` or ``registry``; ``actions`` are token actions (``pull``, ``push``, ``delete``, ``*``).
    """

    type: str
    name: str
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """The verified content of one of our own access tokens: an upper bound, never a right by itself. Unix seconds."""

    principal_id: str
    access: tuple[ResourceAccess, ...]
    issued_at: int
    expires_at: int
    token_id: str
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What the first use of a CI token opened: its job is at work as ``principal``, from ``started`` until ``ends``.

    ``id`` is random, stands in our access tokens, and is no secret. ``issuer`` is the configured issuer's name, ``subject``
    and ``claims`` are what its token said of the job. ``ended``: when it was ended before its time, None where it was not.
    ``active``: its rule is in force and not disabled. ``bound``: nobody but the client at ``address`` may use it.
    ``elsewhere``: that another address has used it is noted already. Unix seconds.
    """

    id: str
    principal: Principal
    issuer: str
    subject: str
    claims: Mapping[str, str] = field(repr=False)
    started: int
    ends: int
    ended: int | None
    active: bool
    address: str
    bound: bool
    elsewhere: bool

    def is_live(self, *, now: int) -> bool:
        """Return whether it is at work at ``now``."""
        return self.active and self.ended is None and now < self.ends

    def is_for(self, address: str) -> bool:
        """Return whether a client at ``address`` may use it."""
        return not self.bound or address == self.address
