"""Heads are counted as they came and as they were parsed, each for itself."""

import pytest

from gateway.api.head import MAX_HEAD_BYTES, MAX_HEAD_FIELDS
from gateway.server.head_count import HeadCount


@pytest.mark.parametrize("pieces", [[MAX_HEAD_BYTES], [1] * 1000, [16_384] * 3])
def test_there_is_room_for_what_has_not_come(pieces: list[int]) -> None:
    count = HeadCount()
    assert count.room == MAX_HEAD_BYTES
    for size in pieces:
        count.came(size, number=count.number)
    assert count.room == MAX_HEAD_BYTES - sum(pieces)
    assert not count.too_large, "what came was not parsed yet"


def test_of_a_head_that_began_inside_a_piece_only_what_was_parsed_counts() -> None:
    count = HeadCount()
    before = count.number
    count.begin()
    count.target(1)
    count.field(b"host", b"x")
    count.came(60_000, number=before)
    assert count.room == MAX_HEAD_BYTES - 1 - len(b"host:x\r\n")
    count.came(10, number=count.number)
    assert count.room == MAX_HEAD_BYTES - 1 - len(b"host:x\r\n") - 10


@pytest.mark.parametrize(
    ("over", "too_large"), [pytest.param(0, False, id="limit"), pytest.param(1, True, id="one-more")]
)
class TestTooLarge:
    def test_by_its_fields_in_bytes(self, over: int, too_large: bool) -> None:
        count = HeadCount()
        count.field(b"x", b"a" * (MAX_HEAD_BYTES - len(b"x:\r\n") + over))
        assert count.too_large is too_large

    def test_by_its_target(self, over: int, too_large: bool) -> None:
        count = HeadCount()
        for size in (MAX_HEAD_BYTES - 7, 7 + over):
            count.target(size)
        assert count.too_large is too_large

    def test_by_the_number_of_its_fields(self, over: int, too_large: bool) -> None:
        count = HeadCount()
        for _ in range(MAX_HEAD_FIELDS + over):
            count.field(b"", b"")
        assert count.too_large is too_large


def test_the_next_head_is_counted_from_nothing() -> None:
    count = HeadCount()
    for _ in range(MAX_HEAD_FIELDS + 1):
        count.field(b"x", b"a" * 1000)
    count.came(MAX_HEAD_BYTES, number=count.number)
    assert count.too_large
    before = count.number
    count.begin()
    assert (count.too_large, count.room) == (False, MAX_HEAD_BYTES)
    assert count.number != before
