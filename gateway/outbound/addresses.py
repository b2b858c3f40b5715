"""Addresses: which ones does the gateway connect to?

One table for each answer, made from IANA's registries. The standard library's ``is_global`` is not asked: in Python 3.11
it calls ``::127.0.0.1``, ``64:ff9b::10.0.0.1``, ``2002:7f00:1::`` and ``fec0::1`` global, and each release differs.

Pure: no I/O.
Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190); RFC 4291, 2.5.5; RFC 6052 (NAT64);
RFC 3056 (6to4); RFC 4380 (Teredo); the providers' manuals for metadata services; reference/security.md rows 76-79.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
_Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]


def _networks(*texts: str) -> _Networks:
    return tuple(ip_network(text) for text in texts)


_NEVER: Final = _networks(
    "100.100.100.200/32",  # Alibaba Cloud, inside the range of carrier-grade NAT
    "168.63.129.16/32",  # Azure's platform channel, a public address in every virtual network
    "fd00:ec2::/32",  # Amazon: metadata ::254, pod identity ::23, DNS ::253
    "fd20:ce::254/128",  # Google Cloud
    "fd00:42::42/128",  # Scaleway
)
"""Services of a cloud that hand out credentials, at addresses which one of the tables below would allow.

169.254.169.254 and its neighbours are not here: link-local addresses are allowed to nobody.
"""

_INTERNAL: Final = _networks(
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT, and the pods of many a cluster
    "::1/128",
    "fc00::/7",
)
"""What is not public but may be somebody configured. Not a complement: what is in neither table is allowed to nobody."""

_NOT_PUBLIC_V4: Final = _networks(
    "0.0.0.0/8",  # "this host": Linux connects it to loopback
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",  # protocol assignments; Oracle's metadata service is 192.0.0.192
    "192.0.2.0/24",
    "192.88.99.0/24",  # the relays of 6to4, withdrawn (RFC 7526)
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",  # reserved, and broadcast
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that IANA has allocated. Whatever is outside is mapped, translated, local, multicast or nobody's."""
_NOT_PUBLIC_V6: Final = _networks(
    "2001::/23",  # protocol assignments: benchmarking, ORCHID and Teredo, which is looked into first
    "2001:db8::/32",
    "3fff::/20",
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOW_32_BITS: Final = 2**32 - 1


def allowed(address: Address, *, internal: bool) -> bool:
    """Return whether the gateway connects to ``address``; ``internal`` if the peer is configured to be not public.

    An address that carries another one (IPv4-mapped, NAT64, 6to4, Teredo) is judged by the one inside, since that is where
    the packets go. One with a zone is link-local and refused. A NAT64 prefix of the operator's own cannot be recognised.
    """
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if inside := _inside(address):
            return all(allowed(each, internal=internal) for each in inside)
    if _within(address, _NEVER):
        return False
    return _is_public(address) or (internal and _within(address, _INTERNAL))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not _within(address, _NOT_PUBLIC_V4)
    return address in _GLOBAL_UNICAST and not _within(address, _NOT_PUBLIC_V6)


def _inside(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that ``address`` stands for; none for most."""
    if address in _NAT64:
        return (IPv4Address(int(address) & _LOW_32_BITS),)
    if address.teredo is not None:
        return address.teredo  # its server, and the client behind it
    carried = address.ipv4_mapped or address.sixtofour
    return () if carried is None else (carried,)


def _within(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)
