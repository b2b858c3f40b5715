"""How many connections there may be: derived from the limit of descriptors, which is raised and never lowered."""

import resource
import subprocess
import sys

import pytest

from gateway.errors import ConfigInvalid
from gateway.server.descriptors import (
    DESCRIPTORS_OF_A_CONNECTION,
    MAX_CONNECTIONS,
    RESERVED_DESCRIPTORS,
    WANTED_DESCRIPTORS,
    max_connections,
)


@pytest.mark.parametrize("descriptors", [288, 1_024, 4_096, WANTED_DESCRIPTORS, 1 << 20])
def test_the_catalog_s_descriptors_are_nobody_s_connections(descriptors: int) -> None:
    found = max_connections(descriptors)
    assert 0 < found <= MAX_CONNECTIONS
    assert found * DESCRIPTORS_OF_A_CONNECTION + RESERVED_DESCRIPTORS <= descriptors


def test_what_is_wanted_is_enough_for_the_most() -> None:
    assert max_connections(WANTED_DESCRIPTORS) == MAX_CONNECTIONS


def test_a_process_that_may_open_next_to_nothing_does_not_serve() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        max_connections(287)
    assert caught.value.message == "this process may open 287 files: give it at least 288 (ulimit -Hn)"


_RAISING = """
import resource, sys
from gateway.server.descriptors import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        pytest.param(300, 700, 700, id="to-the-hard-one"),
        pytest.param(300, 300, 300, id="none-left"),
        pytest.param(300, WANTED_DESCRIPTORS + 1, WANTED_DESCRIPTORS, id="not-further-than-it-needs"),
        pytest.param(WANTED_DESCRIPTORS + 1, WANTED_DESCRIPTORS + 2, WANTED_DESCRIPTORS + 1, id="never-lowered"),
    ],
)
def test_the_soft_limit_is_raised(soft: int, hard: int, raised: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < hard:
        pytest.skip(f"this process may have {most} descriptors")
    command = [sys.executable, "-c", _RAISING, str(soft), str(hard)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [int(word) for word in ran.stdout.split()] == [raised, raised, hard]
