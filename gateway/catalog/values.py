"""What the catalog answers with: views of rows, with visibility derived at the moment of the read.

Pure: no I/O, no third-party import.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from gateway.access.values import Condition, Mode, Visibility
from gateway.identity.federation.rule import FederationRule
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag
from gateway.oci.strict_json import JsonObject


class ManifestClass(StrEnum):
    """What a manifest is to the gateway (DESIGN 3): decides who may write it, how it is judged, when it is visible."""

    IMAGE = "image"
    EVIDENCE = "evidence"
    FALLBACK = "fallback"
    CACHE = "cache"


WithBody: TypeAlias = bool | Literal["visible"]
"""Whether a read brings the bytes along; ``"visible"``: only where everybody who may pull sees them."""

VISIBLE: Final = frozenset({Condition.ADMITTED, Condition.CARRIED})
"""The conditions of what everybody who may pull sees."""

METADATA: Final = frozenset({ManifestClass.EVIDENCE, ManifestClass.FALLBACK})
"""What tags name by rule and not by decision: ``sha256-<hex>.sig`` is a form of address of the evidence itself."""


@dataclass(frozen=True, slots=True)
class ManifestView:
    """A manifest row as one caller-independent read sees it.

    ``visible``: to everybody who may pull here. ``condition`` says why or why not. ``body`` only where it was asked for.
    ``digest`` is always sha256; ``alias`` is the digest it was found by, where that is another one.
    """

    id: int
    repository: RepositoryName
    digest: Digest
    alias: Digest | None
    cls: ManifestClass
    condition: Condition
    visible: bool
    media_type: str
    artifact_type: str | None
    size: int
    unverified: bool
    subject: Digest | None
    who: str
    created: int
    expires: int | None
    body: bytes | None = field(default=None, repr=False)

    @property
    def served_as(self) -> Digest:
        """The digest to answer with: the one it was asked by, or that its tag was pushed with."""
        return self.alias or self.digest


@dataclass(frozen=True, slots=True)
class TagView:
    """A tag: where it points, and what waits for it. Either may be None, never both."""

    tag: Tag
    target: ManifestView | None
    pending: ManifestView | None
    requester: str | None
    generation: int


@dataclass(frozen=True, slots=True)
class TagEntry:
    """A tag in a listing. ``visible``: its target is. ``requester`` is of the pending target, None where nothing waits.

    ``cache``: what waits is a build cache. ``metadata``: the condition of a target that is of `METADATA`, None for others.
    """

    tag: Tag
    visible: bool
    pending: bool
    requester: str | None
    cache: bool
    metadata: Condition | None


@dataclass(frozen=True, slots=True)
class BlobView:
    """A blob that belongs to a repository. ``visible``: a visible manifest there names it."""

    digest: Digest
    size: int
    visible: bool


@dataclass(frozen=True, slots=True)
class RepositoryEntry:
    """A repository in the catalog listing. ``visible``: a manifest in it is; ``held``: none is, and it has some."""

    name: RepositoryName
    project: str
    visible: bool
    held: bool


MAX_PATCHES: Final = 10_000
"""DESIGN 4: a closing PUT on another worker re-reads the session once; this bounds what a session costs before."""


@dataclass(frozen=True, slots=True)
class UploadRow:
    """An upload session. ``size`` bytes have been acknowledged; it belongs to one principal and one repository.

    ``patches`` is how often bytes came for it, with or without success.
    """

    id: str
    repository: RepositoryName
    principal_id: str
    size: int
    patches: int
    started: int
    touched: int


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project as administration sees it."""

    id: int
    name: str
    mode: Mode
    visibility: Visibility
    writers_read_held: bool
    held_bytes: int
    cache_bytes: int
    held_bytes_limit: int
    """Of each of both: of what waits, and apart from it of build caches."""
    held_seconds: int
    created: int


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A federation rule as administration sees it.

    ``last_used`` is when a job last opened a session by it, as far as that is still known; ``sessions`` are those at work.
    """

    principal: Principal
    rule: FederationRule
    disabled: bool
    created: int
    last_used: int | None
    sessions: int


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A binding of a principal to a role in a project."""

    project: str
    principal_id: str
    name: str
    kind: str
    role: str
    added: int


@dataclass(frozen=True, slots=True)
class PrincipalRow:
    """A principal as administration sees it. ``expires`` and ``revoked`` of robots only."""

    id: str
    kind: str
    name: str
    disabled: bool
    created: int
    expires: int | None
    revoked: int | None
    project: str | None
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as it was recorded."""

    id: str
    repository: RepositoryName
    digest: Digest
    tag: str | None
    outcome: str
    at: int
    record: JsonObject


@dataclass(frozen=True, slots=True)
class EventRow:
    """An audit event."""

    id: int
    at: int
    kind: str
    principal_id: str
    project: str | None
    repository: str | None
    digest: str | None
    decision_id: str | None
    data: JsonObject


@dataclass(frozen=True, slots=True)
class PullRow:
    """Pulls of one digest by one principal from one address within one minute."""

    principal_id: str
    name: str
    repository: str
    digest: str
    address: str
    outcome: str
    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """A stored revision of policy or trust. ``active_generation`` is None where another one is active."""

    kind: str
    digest: str
    reason: str
    made_by: str
    at: int
    activated: int | None
    active_generation: int | None
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Clock:
    """A manifest that is not admitted, and when it ends (Unix seconds; None: it does not)."""

    id: int
    repository: RepositoryName
    digest: Digest
    expires: int | None
    carried: bool


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Something to do, claimed with a lease."""

    id: int
    kind: str
    key: str
    data: Mapping[str, str]
    attempts: int
