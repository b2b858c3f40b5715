"""Rights, and the facts they are computed from.

Pure: no I/O, no third-party import.
Source: INTERFACE 3 (the table of roles); DESIGN 3 and 5.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gateway.identity.values import Principal
from gateway.oci.names import RepositoryName


class Verb(StrEnum):
    """What can be done to a repository. `quarantine-read` has levels and stands apart: see `QuarantineLevel`."""

    PULL = "pull"
    PUSH = "push"
    OVERWRITE = "overwrite"
    DELETE = "delete"
    SIGN = "sign"


class QuarantineLevel(IntEnum):
    """How much of what is held a caller sees (DESIGN 3, the table's last two columns)."""

    NONE = 0
    SIGNING = 1
    FULL = 2


class Role(StrEnum):
    """A role on one project."""

    READER = "reader"
    WRITER = "writer"
    SCANNER = "scanner"
    MAINTAINER = "maintainer"
    OWNER = "owner"


class InstanceRole(StrEnum):
    """A role on the whole instance; of persons only."""

    AUDITOR = "auditor"
    POLICY_EDITOR = "policy-editor"
    SECURITY_OFFICER = "security-officer"
    ADMINISTRATOR = "administrator"


class Visibility(StrEnum):
    """Whether a project's admitted content needs a login."""

    PRIVATE = "private"
    PUBLIC = "public"


class Mode(StrEnum):
    """What a project does with what is not proven (DESIGN 3, "Modes")."""

    HOLD = "hold"
    STRICT = "strict"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project as a decision needs it. ``created_at`` in Unix seconds: a token issued before it gives nothing here.

    ``trust_revision``, ``policy_revision`` and ``waiver_revision`` count changes: a decision is only committed if they
    are still what it was made under. ``held_seconds``: for how long something waits here.
    """

    id: int
    name: str
    mode: Mode
    visibility: Visibility
    created_at: int
    writers_read_held: bool
    trust_revision: int
    policy_revision: int
    waiver_revision: int
    held_seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything the catalog knows *now* about one principal in one project; rights are computed from it, never stored.

    ``active`` is false for a principal that is disabled, revoked, expired or gone. ``quarantine_read`` is false for a
    robot made with ``--no-quarantine-read``.
    """

    principal: Principal
    active: bool
    project: ProjectFacts
    roles: frozenset[Role]
    instance_roles: frozenset[InstanceRole]
    quarantine_read: bool


@dataclass(frozen=True, slots=True)
class Rights:
    """What a principal may do in a project at this moment."""

    verbs: frozenset[Verb]
    quarantine: QuarantineLevel

    def allows(self, verb: Verb) -> bool:
        """Return whether ``verb`` is among the rights."""
        return verb in self.verbs


@dataclass(frozen=True, slots=True)
class Grant:
    """The rights of one request in one repository: the caller's present rights, within what its token was given.

    ``scanner``: the caller is a member with the role scanner, to whom a pending tag answers (DESIGN 3).
    """

    principal: Principal
    project: ProjectFacts
    repository: RepositoryName
    rights: Rights
    scanner: bool = False

    @property
    def reads(self) -> bool:
        """Whether the token lets its caller read: without it ``quarantine-read`` counts for nothing, to name things too."""
        return self.rights.allows(Verb.PULL)


class Condition(StrEnum):
    """What a manifest is at this moment, derived from its row and everything that could hide or carry it (DESIGN 3)."""

    ADMITTED = "admitted"
    CARRIED = "carried"
    """Held by itself, and visible through a visible parent that judged it."""
    HELD = "held"
    DISTRUSTED = "distrusted"
    """Admitted once; some requirement of its admission has no signer left."""
    REVOKED = "revoked"
