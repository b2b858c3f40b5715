"""What goes into the admission path, and the closed union of what comes out.

Pure: no I/O, no third-party import.
Source: DESIGN 2, "Outcomes".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from gateway.access.values import Grant
from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.names import Tag


class TriggerKind(StrEnum):
    """What caused an evaluation."""

    PUSH = "push"
    EVIDENCE = "evidence"
    MISSING_PART = "missing-part"
    REEVALUATE = "reevaluate"
    TRUST = "trust"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What caused an evaluation, and whose doing it was (a principal's id).

    ``hides``: the generation of a policy activation that says that what it denies is hidden; None of every other cause.
    """

    kind: TriggerKind
    principal: str
    hides: int | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """A manifest that somebody asks to be stored. Nothing in it is believed yet.

    ``reference`` is the digest in the path, None where the path named a tag; ``tags`` are the tag of the path or those of
    the query, in order. ``claims`` are the caller's verified claims, ``session`` is
    the id of the session that he is in, if he is in one.
    """

    grant: Grant
    reference: Digest | None
    tags: tuple[Tag, ...]
    content_type: str
    body: bytes = field(repr=False)
    claims: Mapping[str, str] = field(default_factory=dict)
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What a stored manifest's answer tells: the digest to name it by, and the tags that were asked for.

    ``pending`` are those of ``tags`` that wait. ``subject`` is what the manifest names as its subject.
    """

    digest: Digest
    tags: tuple[Tag, ...]
    pending: tuple[Tag, ...]
    subject: Digest | None
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """Visible, or evidence that was kept. ``warnings`` are findings that did not stop it, or why a tag waits."""

    stored: Stored
    warnings: tuple[Reason, ...] = ()
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Stored and not visible. ``remedy`` is the command that would supply what is missing, or None.

    ``distrusted``: it was admitted once, and what that rested on is gone.
    """

    stored: Stored
    reasons: tuple[Reason, ...]
    remedy: str | None = None
    distrusted: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was stored: a rule's deny, a missing right, malformed or revoked content, or in strict mode missing evidence.

    ``remedy`` is the command that would supply what is missing where that is all that is wrong, or None.
    """

    reasons: tuple[Reason, ...]
    decision_id: str | None
    policy_revision: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyErred:
    """The engine runs the active revision and errs all the same: deterministic, so no retry is invited. Nothing stored."""

    reason: str
    decision_id: str | None
    policy_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The engine was not reached, timed out or runs another revision; or five commits raced. Nothing stored; retry."""

    reason: str


Outcome: TypeAlias = Admitted | Held | Refused | PolicyErred | Unreachable
