"""Wrong passwords, counted: who tries too often from somewhere waits, and nobody else does.

Counted for an account as seen from an address, and for the address whatever the account. Never for an account alone: that
would let anybody shut out anybody. An address counts as its prefix, /32 of IPv4 and /64 of IPv6, which is what one person
is given. A name that is nobody's counts as one that is somebody's.

An attempt counts from its beginning, so that a hundred at one time are not one; what turns out right is taken back, and
what is wrong is forgotten bit by bit. Memory is bounded: of too many, what was counted longest ago is forgotten first.

Pure: no I/O; the clock is passed in.
Source: OWASP ASVS 4.0, 2.2.1; RFC 4291, 2.5.1 (an IPv6 network of one link is a /64).
"""

import hashlib
import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from gateway.errors import TooManyRequests

MAX_ENTRIES: Final = 20_000
"""Of each kind; 4 MiB in all."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``failures`` at once, and then one for every ``seconds_each`` that pass."""

    failures: int
    seconds_each: int


OF_ACCOUNT: Final = Limit(failures=10, seconds_each=60)
"""Nobody mistypes a password ten times; 1,450 guesses a day find none that `check_password` lets in and is not known."""
OF_PREFIX: Final = Limit(failures=60, seconds_each=30)
"""Behind a NAT are many people; a job with an old password is refused as its account's long before it comes to this."""


def address_prefix(address: str) -> str:
    """Return what ``address`` counts as. What is no IP address counts as itself, cut."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
        parsed = parsed.ipv4_mapped
    return str(parsed)


def address_network(address: str) -> str:
    """Return whose turn ``address`` is: a /48 of IPv6 is what one customer has, who could fill a queue from its parts."""
    prefix = address_prefix(address)
    try:
        network = ipaddress.IPv6Network(prefix)
    except ValueError:
        return prefix
    return str(network.supernet(new_prefix=48))


class Throttle:
    """The failures of one process. ``now`` is in Unix seconds; a clock that is set back forgets nothing."""

    def __init__(
        self, *, of_account: Limit = OF_ACCOUNT, of_prefix: Limit = OF_PREFIX, max_entries: int = MAX_ENTRIES
    ) -> None:
        self._accounts = _Failures(of_account, max_entries=max_entries)
        self._prefixes = _Failures(of_prefix, max_entries=max_entries)

    def attempt(self, username: str, prefix: str, *, now: int) -> None:
        """Count an attempt. Raises `TooManyRequests`, and counts nothing, where there were too many that failed."""
        key = _account(username, prefix)
        wait = max(self._accounts.wait(key, now=now), self._prefixes.wait(prefix, now=now))
        if wait > 0:
            raise TooManyRequests(
                "too many wrong passwords were sent from this address: try again later", retry_after_seconds=wait
            )
        self._accounts.add(key, now=now)
        self._prefixes.add(prefix, now=now)

    def take_back(self, username: str, prefix: str) -> None:
        """Count an attempt no more: it was right, or nobody looked at it."""
        self._accounts.take_back(_account(username, prefix))
        self._prefixes.take_back(prefix)


class _Failures:
    """How many failures there are of each key, as of some time; those counted longest ago first."""

    def __init__(self, limit: Limit, *, max_entries: int) -> None:
        self._limit = limit
        self._max_entries = max_entries
        self._found: OrderedDict[bytes | str, tuple[float, int]] = OrderedDict()

    def wait(self, key: bytes | str, *, now: int) -> int:
        """Return after how many seconds another may be made, 0 for now."""
        over = self._count(key, now=now) + 1 - self._limit.failures
        return math.ceil(over * self._limit.seconds_each) if over > 0 else 0

    def add(self, key: bytes | str, *, now: int) -> None:
        self._found[key] = (self._count(key, now=now) + 1, max(now, self._found.get(key, (0.0, now))[1]))
        self._found.move_to_end(key)
        while len(self._found) > self._max_entries:
            self._found.popitem(last=False)

    def take_back(self, key: bytes | str) -> None:
        count, at = self._found.get(key, (0.0, 0))
        if count > 1:
            self._found[key] = (count - 1, at)
        else:
            self._found.pop(key, None)

    def _count(self, key: bytes | str, *, now: int) -> float:
        count, at = self._found.get(key, (0.0, now))
        return max(0.0, count - max(0, now - at) / self._limit.seconds_each)


def _account(username: str, prefix: str) -> bytes:
    # A name may have sixteen thousand characters: what is kept of it has sixteen bytes.
    return hashlib.blake2b(f"{prefix}\n{username}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
