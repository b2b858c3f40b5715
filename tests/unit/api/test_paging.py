"""Pages of a list of which a caller sees only some."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.sight import ABSENT, OPEN, Quarantined, Sight
from gateway.api import paging
from gateway.api.paging import Page, Walk, next_link, parse_count
from gateway.errors import RequestInvalid
from tests.support.oci import PROPERTY


class Source:
    """A list of names; upper-case ones are invisible, those with a digit are quarantined."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = sorted(names)
        self.walked = 0

    async def fetch(self, last: str | None, limit: int) -> Sequence[str]:
        found = [name for name in self.names if last is None or name > last][:limit]
        self.walked += len(found)
        return found

    async def sight(self, name: str) -> Sight:
        if name.isupper():
            return ABSENT
        return Quarantined("held") if any(letter.isdigit() for letter in name) else OPEN

    def page(self, last: str | None, count: int) -> Page:
        walk: Walk[str] = Walk(self.fetch, lambda name: name, self.sight)
        return asyncio.run(walk.page(last=last, count=count))


@pytest.mark.parametrize(
    ("last", "count", "page"),
    [
        pytest.param(None, 2, Page(("a", "b1"), more=True, quarantined=True), id="first"),
        pytest.param("b1", 2, Page(("c", "d"), more=False, quarantined=False), id="last-page"),
        pytest.param(None, 4, Page(("a", "b1", "c", "d"), more=False, quarantined=True), id="exactly-all"),
        pytest.param(None, 1, Page(("a",), more=True, quarantined=False), id="the-one-after-counts-for-more-only"),
        pytest.param(None, 0, Page((), more=True, quarantined=False), id="none-asked"),
        pytest.param("z", 5, Page((), more=False, quarantined=False), id="past-the-end"),
    ],
)
def test_page(last: str | None, count: int, page: Page) -> None:
    assert Source(["A", "a", "B", "b1", "C", "c", "d", "D"]).page(last, count) == page


def test_a_long_walk_ends_with_a_short_page_that_names_only_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_WALK", 250)
    # Lower case sorts after upper case in ASCII: what is invisible stands first but for one.
    source = Source(["0a", *("A" * number for number in range(1, 1001)), "z"])
    page = source.page(None, 10)
    assert page == Page(("0a",), more=True, quarantined=True)
    assert source.walked <= 400
    # It goes on until it has something, however long that takes, and only then ends early.
    assert source.page("0a", 10) == Page(("z",), more=True, quarantined=False)
    assert source.page("z", 10) == Page((), more=False, quarantined=False)


@PROPERTY
@given(st.sets(st.text("aAbB1", min_size=1, max_size=4), max_size=30), st.integers(1, 5))
def test_pages_put_together_are_the_list(names: set[str], count: int) -> None:
    source = Source(sorted(names))
    collected: list[str] = []
    last = None
    while True:
        page = source.page(last, count)
        collected.extend(page.names)
        if not page.more:
            break
        last = page.names[-1]
    assert collected == [name for name in sorted(names) if not name.isupper()]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param(None, 7, id="default"),
        pytest.param("0", 0, id="zero"),
        pytest.param("3", 3, id="three"),
        pytest.param("999999999", 10, id="cut"),
    ],
)
def test_parse_count(text: str | None, count: int) -> None:
    assert parse_count(text, default=7, most=10) == count


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", " 1", "1000000000", "²"])
def test_parse_count_refuses(text: str) -> None:
    with pytest.raises(RequestInvalid):
        parse_count(text, default=7, most=10)


def test_next_link() -> None:
    page = Page(("a", "team/b"), more=True, quarantined=False)
    assert next_link("/v2/_catalog", page, count=2) == (("link", '</v2/_catalog?n=2&last=team%2Fb>; rel="next"'),)
    assert next_link("/x", Page((), more=True, quarantined=False), count=0) == ()
    assert next_link("/x", Page(("a",), more=False, quarantined=False), count=1) == ()
