"""How many connections there may be: derived from the limit of descriptors, which is raised and never lowered."""

import inspect
import subprocess
import sys

import pytest

from gateway.errors import ConfigInvalid
from gateway.server.descriptors import (
    DESCRIPTORS_OF_A_CONNECTION,
    MAX_CONNECTIONS,
    RESERVED_DESCRIPTORS,
    WANTED_DESCRIPTORS,
    attainable,
    max_connections,
    raise_limit,
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
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(raise_limit(wanted=wanted), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""

WANTED = 800
"""Low enough that every machine on which the tests run may have it: what is asked is how it is raised, not to what."""


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        pytest.param(300, 700, 700, id="to-the-hard-one"),
        pytest.param(300, 300, 300, id="none-left"),
        pytest.param(300, WANTED + 1, WANTED, id="not-further-than-it-needs"),
        pytest.param(WANTED + 1, WANTED + 2, WANTED + 1, id="never-lowered"),
    ],
)
def test_the_soft_limit_is_raised(soft: int, hard: int, raised: int) -> None:
    command = [sys.executable, "-c", _RAISING, str(soft), str(hard), str(WANTED)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [int(word) for word in ran.stdout.split()] == [raised, raised, hard]


def test_what_is_wanted_is_what_the_most_connections_need() -> None:
    for function in (raise_limit, attainable):
        assert inspect.signature(function).parameters["wanted"].default == WANTED_DESCRIPTORS
