"""Is everything here that the manifest names?

A manifest whose parts are not all in this repository is stored and held, never admitted: what cannot be looked at cannot
be judged. Foreign layers are exempt (their bytes live elsewhere, and are never fetched).

Pure: no I/O, no third-party import.
Source: DESIGN 2 ("closure") and 3 ("Missing parts", "Indexes").
"""

from dataclasses import dataclass
from typing import Final

from gateway.catalog.effects import JudgedEdge
from gateway.catalog.values import ManifestClass
from gateway.catalog.world import World, WorldKey
from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag

MAX_DEPTH: Final = 3
"""Nesting of indexes (DESIGN 3): a root, two levels of indexes, and leaves."""


@dataclass(frozen=True, slots=True)
class Closure:
    """What is missing, and what is judged with the root.

    ``missing`` in the order the manifest names them; of what is not whole further down, the child that leads to it;
    ``edges`` from the root to every descendant.
    """

    missing: tuple[Digest, ...]
    edges: tuple[JudgedEdge, ...]
    refusals: tuple[Reason, ...]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why an incomplete manifest waits: one reason, that names the first missing part and counts the others."""
        if not self.missing:
            return ()
        first, others = self.missing[0], len(self.missing) - 1
        more = f" and {others} more" if others else ""
        message = (
            f"{first}{more} named by it is not in this repository, has another length than it says, lacks parts itself, or "
            "came while the project held more than it may: push what is missing"
        )
        return (Reason("CLOSURE_INCOMPLETE", message, "hold"),)


def world_key(
    manifest: Manifest,
    *,
    repository: RepositoryName,
    caller: str,
    tags: tuple[Tag, ...],
    pushing: bool = False,
    reads: bool = False,
    session: str | None = None,
) -> WorldKey:
    """Return what to read for a decision about ``manifest``; ``pushing`` where the caller puts it now, ``reads`` where he
    does so with a token that lets him read here, ``session`` where that token is part of one."""
    children = {child.digest: child.size for child in manifest.manifests}
    return WorldKey(
        repository=repository,
        caller=caller,
        digest=manifest.digest,
        blobs=tuple(blob.digest for blob in manifest.referenced_blobs),
        children=tuple(children),
        tags=tags,
        sizes=(*(blob.size for blob in manifest.referenced_blobs), *children.values()),
        pushing=pushing,
        reads=reads,
        session=session,
    )


def closure(world: World) -> Closure:
    """Return what is missing of the manifest whose world this is, and its judged descendants."""
    missing = list(world.missing_blobs)
    edges: list[JudgedEdge] = []
    absent = {*world.missing_blobs, *(child.digest for child in world.children if not child.present)}
    refusals = [
        Reason("SIZE_MISMATCH", f"{digest} is not as long as the manifest says", "deny", str(digest))
        for digest in world.wrong_sizes
        if digest not in absent
    ]
    if world.too_many is not None:
        refusals.append(Reason("CONTENT_MALFORMED", world.too_many, "deny"))
    for child in world.children:
        if not child.present or child.missing_blobs:
            # It waits for what it names itself, whatever that leads to: a row for each, not for each of their parts.
            missing.append(child.path[0] if child.path else child.digest)
        if not child.present:
            continue
        edges.append(JudgedEdge(child.digest, child.path))
        if len(child.path) + 1 >= MAX_DEPTH and child.children:
            message = f"{child.digest} is an index nested deeper than {MAX_DEPTH}"
            refusals.append(Reason("INDEX_TOO_DEEP", message, "deny", str(child.digest)))
        if child.cls is ManifestClass.CACHE:
            message = f"{child.digest} is a build cache: it is never part of an image"
            refusals.append(Reason("CACHE_IN_INDEX", message, "deny", str(child.digest)))
    return Closure(tuple(dict.fromkeys(missing)), tuple(edges), tuple(refusals))


def revoked(world: World) -> tuple[Reason, ...]:
    """Return a reason for each digest of the manifest and its descendants that was revoked in this project."""
    return tuple(
        Reason("REVOKED", f"{digest} was revoked in this project; only `image unrevoke` ends that", "deny", str(digest))
        for digest in world.revoked
    )
