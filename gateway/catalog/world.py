"""The world of a decision: everything it was made from, as one value.

`read_world` reads it before evidence is verified and rules are asked; `commit` reads it again inside the transaction and
compares. If anything a decision rests on has changed meanwhile, the values differ, nothing is written, and the caller
decides again. So the list of what a commit re-reads is the list of this module's fields: a fact that is not here was not
an input, and a new input is added in one place.

Bodies are immutable under their digest, so they do not take part in the comparison.

Pure: no I/O, no third-party import.
Source: DESIGN 2, "What commit re-reads".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.access.values import Standing
from gateway.catalog.values import ManifestClass
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag


@dataclass(frozen=True, slots=True)
class WorldKey:
    """What to read the world of: one manifest in one repository, on behalf of one caller.

    ``blobs`` and ``children`` are what the manifest's bytes name (foreign layers excepted); ``tags`` are asked for.
    ``sizes`` are the lengths in bytes that the manifest gives to ``blobs`` and then to ``children``, in their order.
    ``pushing``: the caller puts these bytes now, so what is there *for him* counts. Otherwise the manifest is judged
    as it was stored: what its writer did not have when he put it, and nobody brought since, is missing still.
    """

    repository: RepositoryName
    caller: str
    digest: Digest
    blobs: tuple[Digest, ...] = ()
    children: tuple[Digest, ...] = ()
    tags: tuple[Tag, ...] = ()
    sizes: tuple[int, ...] = ()
    pushing: bool = False
    reads: bool = False
    """Pushing with a token that lets the caller read here: only then what he may read is there for him (`Grant.reads`)."""
    session: str | None = None
    """The session that the request is part of: where it is over, whose request it is has no rights any more."""
    clock: bool = False
    """Read when it ends as well. Only expiry decides on that, and no push shall be decided again for it."""


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """The row of the manifest, if there is one. ``admitted``: its state; ``grounded``: no requirement lost its signers,
    and no waiver ended. Admitted and not grounded is *distrusted*. ``judged``: an index was admitted that judged it as one
    of its parts, so that it may be carried."""

    id: int
    cls: ManifestClass
    admitted: bool
    grounded: bool
    unverified: bool
    judged: bool
    verified: bool
    """Somebody trusted has signed in it, where it is evidence."""
    supports: bool
    """An admission rests on it, of an image that may be hidden at this moment."""
    waits: bool
    """It lacks parts."""
    subject: Digest | None
    who: str
    who_claims: Mapping[str, str]
    narrow: bool
    """Put with a token that lets nobody read: what its writer may read has never been there for it."""
    first_seen: int


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """When the manifest ends (Unix seconds; None: it does not), and all that decides on it beside `ManifestFacts`."""

    expires: int | None
    announced: bool
    carried: bool
    """A visible root carries it now."""
    verified: bool
    """Somebody trusted has signed in it, where it is evidence."""
    subject_here: bool
    tags: tuple[str, ...]
    """What would go with it, in order: tags that point at it or wait for it."""


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """A descendant of an index, by the path of digests from the root to it (both excluded). Depth 3 at most.

    ``present`` false: the repository has no such manifest, and the fields after it say nothing. ``children`` are what it
    names itself, where it is an index. ``missing_blobs``: the first of what it lacks, blob or manifest.
    """

    digest: Digest
    path: tuple[Digest, ...]
    present: bool
    cls: ManifestClass | None
    admitted: bool
    missing_blobs: tuple[Digest, ...]
    children: tuple[Digest, ...]
    body: bytes = field(compare=False, repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """An evidence manifest whose subject is the manifest. ``missing_blobs``: its layers that are not here yet."""

    id: int
    digest: Digest
    format: str
    first_seen: int
    who: str
    """Principal id of the first PUT of it that was stored: whom it counts for where it proves nothing new."""
    missing_blobs: tuple[Digest, ...]
    signed: tuple[tuple[Digest, str], ...]
    """What is verified in it already, sorted: the digest of the signed bytes, and the identity of who signed them."""
    body: bytes = field(compare=False, repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class TagFacts:
    """A tag that was asked for, or that waits for this manifest. ``requester`` is the pending target's.

    ``generation`` 0: there is no such tag yet. ``requester_claims`` are the requester's as they were verified when he
    asked; none where nothing waits.
    """

    tag: Tag
    generation: int
    target: Digest | None
    target_admitted: bool
    pending: Digest | None
    pending_alias: Digest | None
    pending_generation: int | None
    requester: str | None
    requester_claims: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ActiveRevision:
    """The active revision of policy or trust; ``generation`` +1 by each activation."""

    digest: str
    generation: int


@dataclass(frozen=True, slots=True)
class World:
    """All that a decision about one manifest rests on."""

    standing: Standing
    """Of the caller, now."""
    repository_exists: bool
    over_quota: bool
    over_cache_quota: bool
    """The same of build caches, which count apart."""
    manifest: ManifestFacts | None
    clock: ClockFacts | None
    """Where the key asks for it and there is a manifest."""
    missing_blobs: tuple[Digest, ...]
    """Of the key's ``blobs``, in its order: not here, or not for the caller, whose answer is the same."""
    wrong_sizes: tuple[Digest, ...]
    """What is here and is not as long as the manifest says."""
    children: tuple[ChildFacts, ...]
    """Every descendant, breadth first."""
    revoked: tuple[Digest, ...]
    """Which of the manifest and its descendants have a tombstone in this project, sorted."""
    generation: int
    """Of the evidence of this subject."""
    evidence: tuple[EvidenceFacts, ...]
    """At most 10,000 verified and 200 unverified; oldest first."""
    tags: tuple[TagFacts, ...]
    """Those asked for and those pending on this manifest, by name."""
    requesters: tuple[Standing, ...]
    """Of the pending tags on this manifest, by principal id."""
    policy: ActiveRevision | None
    trust: ActiveRevision | None
    too_many: str | None = None
    """Why ``children`` are not told: a stored index has come to lead to more than can be judged."""
