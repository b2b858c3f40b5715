"""What a decision does, as values: the closed list of writes that `AdmissionStore.commit` knows.

Only `gateway.admission` builds them (an import contract says so). A commit applies its effects in order, in one
transaction, or none of them.

Pure: no I/O, no third-party import.
Source: DESIGN 2 and 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.catalog.values import ManifestClass
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import Tag
from gateway.oci.strict_json import JsonObject


@dataclass(frozen=True, slots=True)
class PutManifest:
    """Store the manifest as held (or, for evidence and the like, in its class), or refresh the row that is there.

    Creates the repository, the row, its body, aliases, entries, blob links, referrer row and ``missing`` rows; deletes the
    ``missing`` rows that wait for *this* manifest, where it waits for nothing itself, and enqueues ``reevaluate`` work for
    their parents (of many, the first few; ``arrival`` work completes the others); counts held bytes.
    For evidence with a subject: +1 on the subject's generation when the row is new. An existing row keeps its state and
    first-seen time. A row stored as an image that is held, and that no admitted index judged, may become evidence or a
    fallback index; nothing else changes class. A row that is put as something else than it is keeps its count and its end
    as well. An empty fallback index that is put for two subjects is about none.
    ``judged``: there is a decision about this request; only then does ``who`` become its caller. Whoever puts once more
    what stands, and so is asked about nothing, takes it from nobody: later decisions are about whose it is.
    ``reads``: the request's token lets its caller read here. Without it his ``quarantine-read`` counts for nothing, now or
    in any later decision about this row.
    """

    manifest: Manifest
    cls: ManifestClass
    subject: Digest | None
    evidence_format: str | None
    aliases: tuple[Digest, ...]
    missing: tuple[Digest, ...]
    who: Principal
    who_claims: Mapping[str, str]
    reads: bool
    judged: bool
    held_bytes: int
    expires: int | None


@dataclass(frozen=True, slots=True)
class Support:
    """A signer that carries one requirement, and the evidence it did so by."""

    signer: str
    signer_name: str
    evidence: Digest
    seen: int


@dataclass(frozen=True, slots=True)
class JudgedEdge:
    """From the admitted root to a judged descendant; ``path`` holds the digests between, each of them judged too."""

    child: Digest
    path: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Admit:
    """Make the manifest admitted: ``requirements[slot]`` are the supports of one requirement (AND), any of which carries
    it (OR). None at all: ``static: pass``. Raises what the repository shows, fills witnesses, ends its expiry."""

    digest: Digest
    requirements: tuple[tuple[Support, ...], ...]
    edges: tuple[JudgedEdge, ...]
    until: int | None = None
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signer signed in an evidence manifest: the SHA-256 of the very bytes, whatever they are wrapped in.

    ``seen``: when it was first here, in Unix seconds.
    """

    signed: Digest
    signer: str
    signer_name: str
    seen: int


@dataclass(frozen=True, slots=True)
class RecordVerified:
    """The evidence manifest carries these signatures, and counts for ``held_bytes`` from now on.

    ``subject`` is what they are about: it is what the evidence is kept for, or nothing is written.
    """

    evidence: Digest
    subject: Digest
    signed: tuple[Signature, ...]
    held_bytes: int


@dataclass(frozen=True, slots=True)
class MoveTag:
    """Point the tag at the manifest; +1 on its generation, what was pending for it is superseded."""

    tag: Tag
    digest: Digest
    alias: Digest | None


@dataclass(frozen=True, slots=True)
class PromoteTag:
    """Point the tag at the manifest that was pending for it; the generation stays."""

    tag: Tag
    digest: Digest
    alias: Digest | None


@dataclass(frozen=True, slots=True)
class PendTag:
    """Let the tag wait for the manifest; +1 on its generation, the target stays.

    ``claims`` are what was verified of the requester with this request: the tag is decided with them when it is promoted.
    """

    tag: Tag
    digest: Digest
    alias: Digest | None
    requester: str
    claims: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DropPending:
    """Forget what waits for the tag; a tag that pointed nowhere is gone."""

    tag: Tag


@dataclass(frozen=True, slots=True)
class DeleteTag:
    """Remove pointer and pending tag; the generation lives on in case the name comes back."""

    tag: Tag


@dataclass(frozen=True, slots=True)
class DeleteManifest:
    """Remove the row with its aliases, tags and pending tags, links and supports; its blobs stay linked."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class AnnounceExpiry:
    """Note that the end was announced, and that it is at ``expires`` (Unix seconds)."""

    digest: Digest
    expires: int


@dataclass(frozen=True, slots=True)
class Recount:
    """Let clock and count follow what is so: a whole new period for what waits and has no clock, none for what is carried
    or is verified evidence of a subject that is here."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class Entomb:
    """Revoke the bytes for the whole project, or for this repository only."""

    digest: Digest
    reason: str
    by: str
    only_here: bool = False


@dataclass(frozen=True, slots=True)
class RecordDecision:
    """The decision record; ``input_document`` is canonical JSON, stored under its SHA-256.

    ``again``: it leaves everything as it is, so that its input proves no more than that of the one before it.
    """

    id: str
    digest: Digest
    tag: Tag | None
    outcome: str
    record: JsonObject
    input_document: bytes | None = field(default=None, repr=False)
    again: bool = False


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """An audit event, in the transaction that it describes."""

    kind: str
    principal_id: str
    digest: Digest | None
    decision_id: str | None
    data: JsonObject


@dataclass(frozen=True, slots=True)
class EnqueueWork:
    """Something to do later; one row per (kind, key)."""

    kind: str
    key: str
    data: Mapping[str, str]
    due: int


Effect: TypeAlias = (
    PutManifest
    | Admit
    | RecordVerified
    | MoveTag
    | PromoteTag
    | PendTag
    | DropPending
    | DeleteTag
    | DeleteManifest
    | AnnounceExpiry
    | Recount
    | Entomb
    | RecordDecision
    | RecordEvent
    | EnqueueWork
)
