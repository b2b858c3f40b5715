"""Lists: the tags of a repository, the repositories there are. Filtered entry by entry, for each caller anew.

I/O: through the catalog and the standings.
Source: OCI distribution-spec v1.1.1, "Listing Tags"; distribution, "Listing Repositories"; DESIGN 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.access.rights import NO_RIGHTS, rights
from gateway.access.sight import ABSENT, Sight, catalog_sight, tag_list_sight
from gateway.access.stores import StandingStore
from gateway.access.values import QuarantineLevel, Rights
from gateway.api.answer import NOT_KEPT, Answer
from gateway.api.call import Access, Call
from gateway.api.paging import Page, Walk, next_link, parse_count
from gateway.api.routes import only
from gateway.catalog.stores import ListingReads
from gateway.catalog.values import RepositoryEntry, TagEntry
from gateway.errors import NameUnknown
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.strict_json import JsonObject

MAX_TAGS: Final = 10_000
"""Of one answer; also without ``n``, since most clients follow no link."""
DEFAULT_REPOSITORIES: Final = 100
MAX_REPOSITORIES: Final = 1000


@dataclass(frozen=True, slots=True)
class Lists:
    """The handlers of lists."""

    reads: ListingReads
    standings: StandingStore

    async def tags(self, call: Call, access: Access) -> Answer:
        """Answer ``tags/list``. Where the caller sees nothing at all, there is nothing: held and absent are one answer."""
        count = parse_count(only(call.query, "n"), default=MAX_TAGS, most=MAX_TAGS)
        repository = access.grant.repository
        last = only(call.query, "last")

        async def fetch(after: str | None, limit: int) -> Sequence[TagEntry]:
            return await self.reads.tags(repository, last=after, limit=limit, now=call.now)

        async def sight(entry: TagEntry) -> Sight:
            return tag_list_sight(
                access.grant,
                visible=entry.visible,
                pending=entry.pending,
                requester_id=entry.requester,
                view_pending=call.request.view_pending,
                cache=entry.cache,
                metadata=entry.metadata,
            )

        walk = Walk(fetch, lambda entry: entry.tag.text, sight)
        page = await walk.page(last=last, count=count)
        if not page.names and not await self._is_there(access, walk):
            raise NameUnknown(f"repository {repository} is not known here")
        return _answer(
            f"/v2/{repository}/tags/list", {"name": repository.text, "tags": [*page.names]}, page, count=count
        )

    async def _is_there(self, access: Access, walk: Walk[TagEntry]) -> bool:
        """Return whether the repository exists for the caller, whose page was empty."""
        if access.grant.rights.quarantine >= QuarantineLevel.FULL:
            return await self.reads.repository_exists(access.grant.repository)
        first = await walk.page(last=None, count=1)
        return bool(first.names)

    async def catalog(self, call: Call, principal: Principal) -> Answer:
        """Answer ``_catalog``: the repositories in which the caller sees a manifest."""
        count = parse_count(only(call.query, "n"), default=DEFAULT_REPOSITORIES, most=MAX_REPOSITORIES)
        # A project's repositories are alike to all but a workload: its rule reaches some of them.
        by_place: dict[str, Rights] = {}
        per_repository = principal.kind is PrincipalKind.WORKLOAD

        async def fetch(after: str | None, limit: int) -> Sequence[RepositoryEntry]:
            return await self.reads.repositories(last=after, limit=limit, now=call.now)

        async def sight(entry: RepositoryEntry) -> Sight:
            if not (entry.visible or entry.held):
                return ABSENT
            place = entry.name.text if per_repository else entry.project
            held = by_place.get(place)
            if held is None:
                standing = await self.standings.standing(principal.id, entry.name, now=call.now)
                held = NO_RIGHTS if standing is None else rights(standing)
                by_place[place] = held
            return catalog_sight(held, visible=entry.visible)

        walk = Walk(fetch, lambda entry: entry.name.text, sight)
        page = await walk.page(last=only(call.query, "last"), count=count)
        return _answer("/v2/_catalog", {"repositories": [*page.names]}, page, count=count)


def _answer(path: str, document: JsonObject, page: Page, *, count: int) -> Answer:
    answer = Answer.of_json(200, document, *next_link(path, page, count=count))
    return answer.adding(NOT_KEPT) if page.quarantined else answer
