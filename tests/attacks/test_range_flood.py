"""Ten thousand ranges: security.md row 87."""

import time

import pytest

from gateway.errors import RangeInvalid
from gateway.oci.ranges import parse_range


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("bytes=" + ",".join(f"{n}-{n}" for n in range(10_000)), id="distinct"),
        pytest.param("bytes=" + "0-," * 10_000, id="overlapping"),
        pytest.param("bytes=" + "," * 60_000, id="separators-only"),
        pytest.param("bytes=" + "9" * 60_000 + "-", id="digits-only"),
        pytest.param("bytes=" + "-" * 60_000, id="dashes-only"),
    ],
)
def test_row_87_a_flood_of_ranges_is_refused_without_work(header: str) -> None:
    started = time.process_time()
    with pytest.raises(RangeInvalid) as caught:
        parse_range(header, size=100 * 1024 * 1024)
    assert caught.value.size_bytes == 100 * 1024 * 1024
    assert time.process_time() - started < 0.05
