"""How many descriptors this process has, and how many connections that is enough for.

A connection costs two at most: its own, and that of the file that is sent or received on it. What is left is for the
catalog, the files of running digests and whom the gateway asks: nobody who opens connections takes those away.

I/O: the limit of this process.
Source: getrlimit(2), RLIMIT_NOFILE; security row 90.
"""

import resource
from typing import Final

from gateway.errors import ConfigInvalid

WANTED_DESCRIPTORS: Final = 16_384
"""Enough for `MAX_CONNECTIONS`. The soft limit is often 1,024 for the sake of select(2), which nothing here calls."""

RESERVED_DESCRIPTORS: Final = 256
"""128 files of running digests (`gateway.content.running`), 12 of the catalog, 16 connections to an OPA server, others."""

DESCRIPTORS_OF_A_CONNECTION: Final = 2
MAX_CONNECTIONS: Final = 4_096
"""An idle one over TLS takes about 50 KiB."""

MIN_CONNECTIONS: Final = 16


def raise_limit(*, wanted: int = WANTED_DESCRIPTORS) -> int:
    """Return the number of descriptors that this process may have, once the soft limit is as high as ``wanted``.

    It is never lowered, and never raised above the hard one, which is the operator's.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = attainable(wanted=wanted)
    if soft not in (resource.RLIM_INFINITY, found):
        resource.setrlimit(resource.RLIMIT_NOFILE, (found, hard))
    return found


def attainable(*, wanted: int = WANTED_DESCRIPTORS) -> int:
    """Return what `raise_limit` would, and raise nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(soft, wanted if hard == resource.RLIM_INFINITY else min(hard, wanted))


def max_connections(descriptors: int) -> int:
    """Return how many connections there may be at a time. Raises `ConfigInvalid` where that is next to none."""
    found = min(MAX_CONNECTIONS, (descriptors - RESERVED_DESCRIPTORS) // DESCRIPTORS_OF_A_CONNECTION)
    if found < MIN_CONNECTIONS:
        least = RESERVED_DESCRIPTORS + MIN_CONNECTIONS * DESCRIPTORS_OF_A_CONNECTION
        raise ConfigInvalid(f"this process may open {descriptors} files: give it at least {least} (ulimit -Hn)")
    return found
