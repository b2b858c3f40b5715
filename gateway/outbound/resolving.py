"""Host names: which addresses do they have, and are all of them such as the gateway connects to?

I/O: asks the system's resolver.
Source: DESIGN 5; reference/security.md rows 76-79; RFC 6724 (the order of addresses is the resolver's).
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from gateway.errors import OutboundFailed
from gateway.outbound.addresses import Address, allowed
from gateway.outbound.urls import Destination


class Resolver(Protocol):
    """Who knows the addresses of a host."""

    async def __call__(self, host: str) -> Sequence[Address]:
        """Return the addresses of ``host``, the best first. Raises `OSError` where there is none."""
        ...


async def resolve_by_system(host: str) -> Sequence[Address]:
    """Return what the system's resolver says of ``host``: DNS, ``/etc/hosts``, whatever the operator has set up.

    Raises `OSError` (`socket.gaierror`). Given up early, it leaves a thread of the loop behind until the system answers.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(ip_address(str(address[0])) for *_, address in found))


async def checked_addresses(
    destination: Destination, *, resolve: Resolver, internal: bool, where: str
) -> Sequence[Address]:
    """Return the addresses of ``destination``, at least one, each of them allowed.

    Raises `OutboundFailed`, its sentence about ``where``. One forbidden address refuses them all: a name that has both
    kinds is set up wrong or an attack, and which one a connection takes would be left to chance. The sentence does not
    tell the address, so that nobody can map a network by it.
    """
    if destination.literal is not None:
        addresses: Sequence[Address] = (destination.literal,)
    else:
        try:
            addresses = await resolve(destination.host)
        except OSError:
            addresses = ()
    if not addresses:
        raise OutboundFailed(f"{where} has no address: its host name is not known")
    if not all(allowed(address, internal=internal) for address in addresses):
        kind = "that is never asked" if internal else "that is not public, and is not configured as internal"
        raise OutboundFailed(f"{where} has an address {kind}")
    return addresses
