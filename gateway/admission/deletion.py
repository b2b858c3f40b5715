"""Deletes and revocations: what hides, and what it takes with it.

I/O: through the store.
Source: DESIGN 3 ("Deletes", "Revoked").
"""

from collections.abc import Sequence
from typing import Final

from gateway.access.values import Grant, InstanceRole, Verb
from gateway.admission.records import event
from gateway.admission.rights import check_revoke, present
from gateway.admission.tools import STALE, Stale, Tools
from gateway.audit.events import EventKind
from gateway.catalog.effects import DeleteManifest, DeleteTag, Effect, Entomb
from gateway.catalog.values import ManifestClass, ManifestView
from gateway.catalog.world import TagFacts, World, WorldKey
from gateway.errors import Denied, ManifestUnknown, NameUnknown, Reason, TagUnknown
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag


class Done:
    """It was committed."""


DONE: Final = Done()


async def delete_tag(tools: Tools, grant: Grant, tag: Tag) -> Done | Stale:
    """Remove pointer and pending tag in one step, whoever pushed it. Raises `TagUnknown`, `Denied`."""
    now = tools.now()
    found = await tools.manifests.by_tag(grant.repository, tag, now=now, with_body=False)
    if found is None:
        raise TagUnknown(tag.text)
    view = found.target or found.pending
    if view is None:
        raise TagUnknown(tag.text)
    key = WorldKey(repository=grant.repository, caller=grant.principal.id, digest=view.digest, tags=(tag,))
    world = await tools.store.read_world(key, now=now)
    if world is None:
        raise TagUnknown(tag.text)
    if not present(grant, world.standing).allows(Verb.DELETE):
        raise _no_right(grant)
    if view.digest not in _named(world.tags):
        return STALE  # it names something else by now, which has not been looked at
    pinned = view.visible or (world.manifest is not None and world.manifest.supports)
    if view.cls is ManifestClass.EVIDENCE and pinned and not _may_delete_evidence(world.standing.instance_roles):
        raise _pinned(str(view.digest))
    effects: tuple[Effect, ...] = (
        DeleteTag(tag),
        event(EventKind.TAG_DELETED, principal=grant.principal.id, digest=view.digest, tag=tag.text),
    )
    committed = await tools.store.commit([(key, world)], effects, repository=grant.repository, now=now)
    return DONE if committed else STALE


async def delete_manifest(tools: Tools, grant: Grant, digest: Digest) -> Done | Stale:
    """Remove a manifest with its aliases and tags, also where an index names it. Raises `ManifestUnknown`, `Denied`."""
    now = tools.now()
    view = await tools.manifests.by_digest(grant.repository, digest, now=now, with_body=False)
    if view is None:
        raise ManifestUnknown(str(digest))
    key = WorldKey(repository=grant.repository, caller=grant.principal.id, digest=view.digest)
    world = await tools.store.read_world(key, now=now)
    if world is None or world.manifest is None:
        return STALE
    if not present(grant, world.standing).allows(Verb.DELETE):
        raise _no_right(grant)
    expected = [(key, world)]
    if view.cls is ManifestClass.EVIDENCE and not _may_delete_evidence(world.standing.instance_roles):
        if world.manifest.supports:
            raise _pinned(str(view.digest))
        pinned = await _rests_on(tools, grant, view, now=now)
        if isinstance(pinned, Stale):
            return pinned
        expected.append(pinned)
    effects: tuple[Effect, ...] = (
        DeleteManifest(view.digest),
        event(
            EventKind.MANIFEST_DELETED,
            principal=grant.principal.id,
            digest=view.digest,
            tags=[facts.tag.text for facts in world.tags],
        ),
    )
    committed = await tools.store.commit(expected, effects, repository=grant.repository, now=now)
    return DONE if committed else STALE


async def _rests_on(tools: Tools, grant: Grant, evidence: ManifestView, *, now: int) -> tuple[WorldKey, World] | Stale:
    """Return the world of the evidence's subject, which must be the same at the commit: nothing visible rests on it.

    Raises `Denied` where something does. Without the subject's world an image could come, be admitted by this evidence,
    and lose it in the next moment.
    """
    if evidence.subject is None:
        return STALE
    key = WorldKey(repository=grant.repository, caller=grant.principal.id, digest=evidence.subject)
    world = await tools.store.read_world(key, now=now)
    if world is None:
        return STALE
    subject = await tools.manifests.by_digest(grant.repository, evidence.subject, now=now, with_body=False)
    again = await tools.manifests.by_digest(grant.repository, evidence.digest, now=now, with_body=False)
    if again is not None and again.visible and subject is not None and subject.visible:
        raise _pinned(str(evidence.digest))
    return key, world


def _named(tags: Sequence[TagFacts]) -> set[Digest]:
    """Return what the tags point at and wait for."""
    return {digest for facts in tags for digest in (facts.target, facts.pending) if digest is not None}


async def revoke(
    tools: Tools, repository: RepositoryName, digest: Digest, *, principal: Principal, reason: str
) -> Done | Stale:
    """Put a tombstone over the bytes for the whole project. Raises `NameUnknown`, `Denied` where the principal may not."""
    now = tools.now()
    key = WorldKey(repository=repository, caller=principal.id, digest=digest)
    world = await tools.store.read_world(key, now=now)
    if world is None:
        raise NameUnknown(f"no project claims {repository}")
    check_revoke(world.standing)
    effects: tuple[Effect, ...] = (
        Entomb(digest, reason, principal.id),
        event(EventKind.MANIFEST_REVOKED, principal=principal.id, digest=digest, reason=reason),
    )
    committed = await tools.store.commit([(key, world)], effects, repository=repository, now=now)
    return DONE if committed else STALE


def _no_right(grant: Grant) -> Denied:
    message = f"{grant.principal.name} may not delete in project {grant.project.name}"
    return Denied(message, reasons=(Reason("RIGHT_MISSING", message, "deny"),))


def _pinned(digest: str) -> Denied:
    message = f"{digest} is evidence that an admission rests on: only an administrator deletes it"
    return Denied(message, reasons=(Reason("EVIDENCE_PINNED", message, "deny", digest),))


def _may_delete_evidence(roles: frozenset[InstanceRole]) -> bool:
    return InstanceRole.ADMINISTRATOR in roles
