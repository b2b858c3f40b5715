"""What the client has already."""

from dataclasses import replace

import pytest

from gateway.api.conditions import entity_tag, has_already, range_counts
from gateway.api.head import parse_head
from gateway.oci.digest import Digest

DIGEST = Digest.of(b"{}")
OTHER = Digest.of(b"other")
BARE = parse_head(
    {
        "http_version": "1.1",
        "method": "GET",
        "raw_path": b"/v2/",
        "query_string": b"",
        "headers": [(b"host", b"r")],
    },
    hosts={"r"},
)


@pytest.mark.parametrize(
    ("header", "has"),
    [
        pytest.param(None, False, id="no-header"),
        pytest.param(f'"{DIGEST}"', True, id="tag"),
        pytest.param(f'W/"{DIGEST}"', True, id="weak"),
        pytest.param(f'"{OTHER}", "{DIGEST}"', True, id="list"),
        pytest.param(str(DIGEST), True, id="bare-digest"),
        pytest.param(f'"{OTHER}"', False, id="other"),
        pytest.param("*", False, id="anything"),
        pytest.param("", False, id="empty"),
    ],
)
def test_has_already(header: str | None, has: bool) -> None:
    assert has_already(replace(BARE, if_none_match=header), DIGEST) is has


@pytest.mark.parametrize(
    ("header", "counts"),
    [
        pytest.param(None, True, id="no-header"),
        pytest.param(entity_tag(DIGEST), True, id="same"),
        pytest.param(entity_tag(OTHER), False, id="other"),
        pytest.param(f"W/{entity_tag(DIGEST)}", False, id="weak"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", False, id="date"),
    ],
)
def test_range_counts(header: str | None, counts: bool) -> None:
    assert range_counts(replace(BARE, if_range=header), DIGEST) is counts
