"""Which addresses the gateway connects to: a row for each range that IANA or a cloud sets apart."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.outbound.addresses import allowed

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2606:4700::1111",
    "3ffe:ffff::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
INTERNAL = [
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::1",
    "2002:c0a8:101::1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "::",
    "::7f00:1",
    "::808:808",
    "::ffff:0:808:808",
    "::ffff:0.0.0.0",
    "::ffff:169.254.169.254",
    "::ffff:100.100.100.200",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:a9fe:a9fe::1",
    "2002::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fe80::a9fe:a9fe",
    "2606:4700::1111%eth0",
    "fd12:3456::1%2",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fd00:42::42",
]


@pytest.mark.parametrize(
    ("text", "public", "internal"),
    [
        *(pytest.param(text, True, True, id=f"public-{text}") for text in PUBLIC),
        *(pytest.param(text, False, True, id=f"internal-{text}") for text in INTERNAL),
        *(pytest.param(text, False, False, id=f"never-{text}") for text in NEVER),
    ],
)
def test_who_is_allowed(text: str, public: bool, internal: bool) -> None:
    assert allowed(ip_address(text), internal=False) is public
    assert allowed(ip_address(text), internal=True) is internal


def teredo(server: str, client: str) -> IPv6Address:
    hidden = int(IPv4Address(client)) ^ 0xFFFFFFFF
    return IPv6Address((0x20010000 << 96) | (int(IPv4Address(server)) << 64) | hidden)


@pytest.mark.parametrize(
    ("server", "client", "public", "internal"),
    [
        pytest.param("8.8.8.8", "9.9.9.9", True, True, id="public"),
        pytest.param("8.8.8.8", "10.0.0.1", False, True, id="client-private"),
        pytest.param("10.0.0.1", "9.9.9.9", False, True, id="server-private"),
        pytest.param("8.8.8.8", "169.254.169.254", False, False, id="client-metadata"),
    ],
)
def test_teredo_is_judged_by_both_addresses_inside(server: str, client: str, public: bool, internal: bool) -> None:
    assert allowed(teredo(server, client), internal=False) is public
    assert allowed(teredo(server, client), internal=True) is internal


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
@example(IPv6Address("2001:4:112::1"))
@example(IPv4Address("192.52.193.1"))
def test_nothing_is_public_that_the_standard_library_calls_otherwise(address: IPv4Address | IPv6Address) -> None:
    """An independent reading of the same registries; it may allow more than ours, never less."""
    if isinstance(address, IPv6Address) and address not in IPv6Network("2000::/3"):
        return  # it knows nothing of what is inside NAT64
    if allowed(address, internal=False):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_judged_as_itself(address: IPv4Address) -> None:
    number = int(address)
    carriers = [(0xFFFF << 32) | number, (0x64FF9B << 96) | number, (0x2002 << 112) | (number << 80) | 1]
    for internal in (False, True):
        expected = allowed(address, internal=internal)
        assert [allowed(IPv6Address(carrier), internal=internal) for carrier in carriers] == [expected] * 3


@given(st.ip_addresses())
def test_internal_only_ever_adds(address: IPv4Address | IPv6Address) -> None:
    assert allowed(address, internal=True) or not allowed(address, internal=False)
