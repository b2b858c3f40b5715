"""Mounting: a blob of one repository becomes one of another, without being sent again.

Whoever may read the blob at its source may have it here. Everybody else gets an ordinary upload: 202, whether the source,
the blob or the right is missing, so that a digest and a name tell nothing.

I/O: through the catalog and the standings.
Source: OCI distribution-spec v1.1.1, "Mounting a blob from another repository"; DESIGN 3, the table of held objects;
security rows 19, 102.
"""

from dataclasses import dataclass
from typing import Final

from gateway.access.grant import grant, present_grant
from gateway.access.scopes import PULL, PUSH, REPOSITORY, format_scope
from gateway.access.sight import Absent, BlobUse, blob_sight
from gateway.access.stores import StandingStore
from gateway.access.values import Grant, Standing
from gateway.api.call import Access, Call
from gateway.catalog.stores import BlobCatalog
from gateway.catalog.values import BlobView
from gateway.errors import NameInvalid, Unauthorized
from gateway.identity.values import ResourceAccess
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

MAX_SOURCES: Final = 32
"""How many repositories are asked for a mount that names none: each costs two point reads, and 202 is never wrong."""


@dataclass(frozen=True, slots=True)
class Mounts:
    """Decides on mounts; links nothing."""

    blobs: BlobCatalog
    standings: StandingStore

    async def mount(self, digest: Digest, source: str | None, call: Call, access: Access) -> BlobView | None:
        """Return the blob if the caller may mount it, None for an ordinary upload.

        Raises `Unauthorized` with both scopes where the account could have the blob and the token was not made for it:
        only then does asking again help.
        """
        if source is None:
            return await self._from_anywhere(digest, call, access)
        try:
            repository = RepositoryName.parse(source)
        except NameInvalid:
            return None
        standing = await self._standing(repository, call, access)
        if standing is None:
            return None
        view = await self._readable(digest, present_grant(standing, repository), call)
        if view is None:
            return None
        held = grant(standing=standing, claims=access.claims, repository=repository)
        if isinstance(blob_sight(held, visible=view.visible, use=BlobUse.MOUNT), Absent):
            raise Unauthorized(
                f"to mount from {repository} your token must allow pull there",
                scopes=(_scope(access.grant.repository, PUSH), _scope(repository, PULL)),
                error="insufficient_scope",
            )
        return view

    async def _from_anywhere(self, digest: Digest, call: Call, access: Access) -> BlobView | None:
        """Return the blob where any repository has it visible to the account, or held and readable with this token.

        A client that names no source has asked for no scope there, so what everybody reads there who may pull goes by the
        account. What is held is published by naming it: there the token is the bound, as for every other use.
        """
        for repository in await self.blobs.sources(digest, limit=MAX_SOURCES):
            standing = await self._standing(repository, call, access)
            # A token that is older than the source's project knows nothing of it, here too (Harbor 89e1c4b).
            if standing is None or access.claims.issued_at < standing.project.created_at:
                continue
            view = await self._readable(digest, present_grant(standing, repository), call)
            if view is None:
                continue
            held = grant(standing=standing, claims=access.claims, repository=repository)
            if view.visible or not isinstance(blob_sight(held, visible=False, use=BlobUse.MOUNT), Absent):
                return view
        return None

    async def _standing(self, repository: RepositoryName, call: Call, access: Access) -> Standing | None:
        return await self.standings.standing(access.principal.id, repository, now=call.now)

    async def _readable(self, digest: Digest, given: Grant, call: Call) -> BlobView | None:
        view = await self.blobs.blob(given.repository, digest, now=call.now)
        if view is None or isinstance(blob_sight(given, visible=view.visible, use=BlobUse.MOUNT), Absent):
            return None
        return view


def _scope(repository: RepositoryName, action: str) -> str:
    return format_scope(ResourceAccess(REPOSITORY, repository.text, frozenset({action})))
