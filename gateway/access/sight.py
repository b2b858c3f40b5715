"""May this caller see this object? Every read route asks here, and nowhere else.

What is visible to everybody who may pull is derived by the catalog (`visible`). All the rest is quarantined: it exists for
the holders of the live right ``quarantine-read``, and for nobody else, whose answer is the same as for what never was.

Pure: no I/O, no third-party import.
Source: DESIGN 3, the table of held objects; one row there is one function here.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from gateway.access.values import Condition, Grant, QuarantineLevel, Rights, Verb

StateHeader: TypeAlias = Literal["held", "distrusted", "revoked"]


@dataclass(frozen=True, slots=True)
class Absent:
    """Not for this caller: the answer of an object that never was."""


@dataclass(frozen=True, slots=True)
class Open:
    """Visible to everybody who may pull."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """For this caller only: the answer says ``Registry-Gateway-State`` and ``Cache-Control: private, no-store``."""

    state_header: StateHeader


Sight: TypeAlias = Absent | Open | Quarantined
"""Consumed by ``match`` and `assert_never`, never by truthiness."""

ABSENT: Final = Absent()
OPEN: Final = Open()


class BlobUse(Enum):
    """What a blob is wanted for: the level ``signing`` tells that it is there and does not give it away."""

    HEAD = "head"
    GET = "get"
    MOUNT = "mount"


_STATE_HEADERS: Final[dict[Condition, StateHeader]] = {
    Condition.DISTRUSTED: "distrusted",
    Condition.REVOKED: "revoked",
}
_NEVER_OPEN: Final = frozenset(_STATE_HEADERS)


def manifest_sight(grant: Grant, *, visible: bool, condition: Condition) -> Sight:
    """Return how the caller sees a manifest, asked for by digest; evidence too.

    ``visible``: derived by the catalog; for evidence, that it is verified and that its subject is visible.
    """
    return _sight(grant.rights, visible=visible, condition=condition, needs=QuarantineLevel.SIGNING)


def tag_sight(
    grant: Grant,
    *,
    pending: bool,
    visible: bool,
    condition: Condition,
    requester_id: str | None,
    view_pending: bool,
    cache: bool,
    metadata: bool,
) -> Sight:
    """Return how the caller sees one target of a tag, asked for by the tag's name.

    A tag has up to two: the one it points to (``pending`` false) and the one that waits (``pending`` true); the second is
    asked about first. ``requester_id``: whose request the pending one is. ``view_pending``: the request has the header
    ``Registry-Gateway-View: pending``. ``cache``: the manifest is a build cache, which waits for nothing and is there for
    every holder of ``quarantine-read``. ``metadata``: it is evidence or a fallback index, which a rule names by its tag and
    no decision: it is seen by that tag as by digest. A signer reads the signatures that are there, adds his and puts them
    back, also while the image waits.

    A pending target is quarantined also where its manifest is visible by digest, because the tag is not decided. A target
    that the tag points to and that was hidden since is not answered by its tag at all: who deploys by tag must not get
    what was revoked because the same account once pushed it. By digest the holders of ``quarantine-read`` read it.
    """
    if not pending:
        sight = manifest_sight(grant, visible=visible, condition=condition)
        return sight if metadata or sight == OPEN else ABSENT
    wanted = cache or view_pending or grant.scanner or grant.principal.id == requester_id
    if not wanted:
        return ABSENT
    return _sight(grant.rights, visible=False, condition=condition, needs=QuarantineLevel.SIGNING)


def tag_list_sight(
    grant: Grant,
    *,
    visible: bool,
    pending: bool,
    requester_id: str | None,
    view_pending: bool,
    cache: bool,
    metadata: Condition | None,
) -> Sight:
    """Return how the caller finds a tag in the list: listed exactly where `tag_sight` of one of its targets answers.

    ``visible``: the target that the tag points to is visible; ``pending``: something waits for the tag; ``metadata``: the
    condition of the target where it is evidence or a fallback index, None where it is not.
    """
    if visible and grant.rights.allows(Verb.PULL):
        return OPEN
    if pending:
        waiting = tag_sight(
            grant,
            pending=True,
            visible=False,
            condition=Condition.HELD,
            requester_id=requester_id,
            view_pending=view_pending,
            cache=cache,
            metadata=False,
        )
        if not isinstance(waiting, Absent):
            return waiting
    if metadata is None:
        return ABSENT
    return tag_sight(
        grant,
        pending=False,
        visible=visible,
        condition=metadata,
        requester_id=None,
        view_pending=view_pending,
        cache=False,
        metadata=True,
    )


def blob_sight(grant: Grant, *, visible: bool, use: BlobUse) -> Sight:
    """Return how the caller sees a blob of this repository; for a mount, ``grant`` is the one in the source.

    ``visible``: a visible manifest of the repository names it. A blob has no state of its own: what is only reachable
    through what is not admitted, or through nothing yet, is held.
    """
    needs = QuarantineLevel.SIGNING if use is BlobUse.HEAD else QuarantineLevel.FULL
    return _sight(grant.rights, visible=visible, condition=Condition.HELD, needs=needs)


def referrer_sight(grant: Grant, *, visible: bool, condition: Condition) -> Sight:
    """Return whether the caller finds a manifest in a list of referrers."""
    return _sight(grant.rights, visible=visible, condition=condition, needs=QuarantineLevel.FULL)


def catalog_sight(rights: Rights, *, visible: bool) -> Sight:
    """Return whether a caller with the present ``rights`` in a repository finds it in the catalog.

    ``visible``: a manifest of it is visible. Otherwise it holds nothing but what is quarantined. Rights and no grant: the
    token of a catalog request names no repository.
    """
    return _sight(rights, visible=visible, condition=Condition.HELD, needs=QuarantineLevel.FULL)


def _sight(rights: Rights, *, visible: bool, condition: Condition, needs: QuarantineLevel) -> Sight:
    # The guard has refused a caller without pull already; that it did is not relied on.
    if not rights.allows(Verb.PULL):
        return ABSENT
    # "Visible" and "distrusted" or "revoked" contradict each other: a tombstone beats every parent. Where a caller of
    # this function brings both, the answer is the safe one.
    if visible and condition not in _NEVER_OPEN:
        return OPEN
    if rights.quarantine >= needs:
        return Quarantined(_STATE_HEADERS.get(condition, "held"))
    return ABSENT
