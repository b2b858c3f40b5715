"""Decision ids are UUIDs of version 7."""

import uuid

from gateway.admission.ids import time_ordered_id


def test_an_id_is_a_uuid_of_version_7_and_shows_its_time() -> None:
    made = uuid.UUID(time_ordered_id(1_800_000_000_123, bytes(range(10))))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 1_800_000_000_123


def test_ids_are_ordered_by_time_and_differ_by_chance() -> None:
    first, second = time_ordered_id(1, b"\xff" * 10), time_ordered_id(2, b"\x00" * 10)
    assert first < second
    assert time_ordered_id(1, b"\x01" * 10) != first
