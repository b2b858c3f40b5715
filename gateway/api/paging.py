"""Pages of a list of which a caller sees only some entries.

The catalog is walked in its own order and seeks, so a page costs what it walks and not what there is. A cursor is always
an entry that the caller was given: the name of one that it must not see would be in the next link.

Pure, but for the pages that are fetched by what is passed in.
Source: OCI distribution-spec v1.1.1, "Listing Tags"; RFC 8288 (Link); DESIGN 10, rule 6.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import quote

from gateway.access.sight import Absent, Quarantined, Sight
from gateway.api.answer import Header
from gateway.errors import RequestInvalid

FETCH: Final = 100
"""Entries per step: what the catalog reads inline."""
MAX_FETCH: Final = 1000
MAX_WALK: Final = 20_000
"""Entries after which a page that has something is ended, short."""

_COUNT: Final = re.compile(r"[0-9]{1,9}")

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Page:
    """Names the caller sees. ``more``: there may be others. ``quarantined``: some are for this caller only."""

    names: tuple[str, ...]
    more: bool
    quarantined: bool


@dataclass(frozen=True, slots=True)
class Walk(Generic[Entry]):
    """How a list is walked: ``fetch(last, limit)``, an entry's name, and how the caller sees it."""

    fetch: Callable[[str | None, int], Awaitable[Sequence[Entry]]]
    name: Callable[[Entry], str]
    sight: Callable[[Entry], Awaitable[Sight]]

    async def page(self, *, last: str | None, count: int) -> Page:
        """Return the next ``count`` entries after ``last`` that the caller sees."""
        names: list[str] = []
        quarantined = False
        walked = 0
        while len(names) <= count:
            limit = min(max(count + 1 - len(names), FETCH), MAX_FETCH)
            entries = await self.fetch(last, limit)
            if not entries:
                break
            for entry in entries:
                last = self.name(entry)
                sight = await self.sight(entry)
                if isinstance(sight, Absent):
                    continue
                names.append(last)
                if len(names) > count:
                    break
                quarantined = quarantined or isinstance(sight, Quarantined)
            walked += len(entries)
            if walked >= MAX_WALK and 0 < len(names) <= count:
                return Page(tuple(names), more=True, quarantined=quarantined)
            # A long walk gives way to whoever waits.
            await asyncio.sleep(0)
        return Page(tuple(names[:count]), more=len(names) > count, quarantined=quarantined)


def parse_count(text: str | None, *, default: int, most: int) -> int:
    """Return ``n``, cut to ``most``. Raises `RequestInvalid`."""
    if text is None:
        return default
    if _COUNT.fullmatch(text) is None:
        raise RequestInvalid("n is the number of entries of a page")
    return min(int(text), most)


def next_link(path: str, page: Page, *, count: int) -> tuple[Header, ...]:
    """Return the Link to the next page, if there is one. Relative: it means the same behind any name of ours."""
    if not page.more or not page.names:
        return ()
    return (("link", f'<{path}?n={count}&last={quote(page.names[-1], safe="")}>; rel="next"'),)
