"""Heads are counted as they came, each for itself."""

import pytest

from gateway.api.head import MAX_HEAD_BYTES, MAX_HEAD_FIELDS
from gateway.server.head_count import HeadCount


@pytest.mark.parametrize("pieces", [[MAX_HEAD_BYTES], [1] * 1000, [16_384] * 3])
def test_there_is_room_for_what_has_not_come(pieces: list[int]) -> None:
    count = HeadCount()
    assert count.room == MAX_HEAD_BYTES
    for size in pieces:
        count.came(size)
    assert count.room == MAX_HEAD_BYTES - sum(pieces)


@pytest.mark.parametrize(
    ("over", "too_many"), [pytest.param(0, False, id="limit"), pytest.param(1, True, id="one-more")]
)
def test_its_fields_are_counted(over: int, too_many: bool) -> None:
    count = HeadCount()
    for _ in range(MAX_HEAD_FIELDS + over):
        count.field()
    assert count.too_many_fields is too_many


def test_the_next_head_is_counted_from_nothing() -> None:
    count = HeadCount()
    for _ in range(MAX_HEAD_FIELDS + 1):
        count.field()
    count.came(MAX_HEAD_BYTES)
    count.begin()
    assert (count.too_many_fields, count.room) == (False, MAX_HEAD_BYTES)
