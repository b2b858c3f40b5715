"""Which URLs the gateway follows: one spelling of each thing, and no two readings."""

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outbound.addresses import Address
from gateway.outbound.urls import MAX_URL_CHARS, Destination, check_url


@pytest.mark.parametrize(
    ("url", "host", "port", "literal", "target", "authority"),
    [
        pytest.param("https://a.example", "a.example", 443, None, "/", "a.example", id="bare"),
        pytest.param("https://A.Example/", "a.example", 443, None, "/", "a.example", id="upper-case"),
        pytest.param("https://localhost:8443/x", "localhost", 8443, None, "/x", "localhost:8443", id="one-label"),
        pytest.param("https://a.example:443/x", "a.example", 443, None, "/x", "a.example", id="port-of-https"),
        pytest.param("https://a.example:1", "a.example", 1, None, "/", "a.example:1", id="low-port"),
        pytest.param("https://a.example?q=1", "a.example", 443, None, "/?q=1", "a.example", id="no-path"),
        pytest.param("https://a/%2e/../b@c?d'e=/:", "a", 443, None, "/%2e/../b@c?d'e=/:", "a", id="kept-as-given"),
        pytest.param("https://xn--tda.example", "xn--tda.example", 443, None, "/", "xn--tda.example", id="a-label"),
        pytest.param("https://1a.0x.a1", "1a.0x.a1", 443, None, "/", "1a.0x.a1", id="digits-in-labels"),
        pytest.param("https://192.0.2.7/", "192.0.2.7", 443, IPv4Address("192.0.2.7"), "/", "192.0.2.7", id="ipv4"),
        pytest.param("https://[fc00::1]:5/", "fc00::1", 5, IPv6Address("fc00::1"), "/", "[fc00::1]:5", id="ipv6"),
    ],
)
def test_a_url_is_taken_apart(
    url: str, host: str, port: int, literal: Address | None, target: str, authority: str
) -> None:
    destination = check_url(url)
    assert destination == Destination(host=host, port=port, literal=literal, target=target)
    assert destination.authority == authority


CHARACTER = "has a character that may not be in a URL"
HOST = "has a host that is not a host name"
NUMBER = "has a number for a host that is not an IP address"
SPELLING = "has an IP address that is not in its usual spelling"
PORT = "has a port that is not a number from 1 to 65535"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("", "does not start with https://", id="empty"),
        pytest.param("http://a.example/", "does not start with https://", id="http"),
        pytest.param("HTTPS://a.example/", "does not start with https://", id="scheme-upper-case"),
        pytest.param("https:/a.example/", "does not start with https://", id="one-slash"),
        pytest.param("//a.example/", "does not start with https://", id="no-scheme"),
        pytest.param("file:///etc/passwd", "does not start with https://", id="file"),
        pytest.param("gopher://a.example/", "does not start with https://", id="gopher"),
        pytest.param(" https://a.example/", CHARACTER, id="space-in-front"),
        pytest.param("https://a.example/\n", CHARACTER, id="newline-at-the-end"),
        pytest.param("https://a.example/x\r\nHost: b", CHARACTER, id="header-injection"),
        pytest.param("https://a.example/\x00", CHARACTER, id="nul"),
        pytest.param("https://a.example/%", CHARACTER, id="bare-percent"),
        pytest.param("https://a.example\\@b.example/", CHARACTER, id="backslash"),
        pytest.param("https://bücher.example/", CHARACTER, id="u-label"),
        pytest.param("https://127。0。0。1/", CHARACTER, id="ideographic-full-stop"),
        pytest.param("https://①②⑦.⓪.⓪.①/", CHARACTER, id="enclosed-digits"),
        pytest.param("https://a.example/ü", CHARACTER, id="non-ascii-path"),
        pytest.param("https://a.example/#x", "has a fragment", id="fragment"),
        pytest.param("https://a.example#", "has a fragment", id="empty-fragment"),
        pytest.param("https://a.example#@b.example/", "has a fragment", id="fragment-hides-host"),
        pytest.param("https://u:p@a.example/", "carries user information", id="user"),
        pytest.param("https://@a.example/", "carries user information", id="empty-user"),
        pytest.param("https://a.example:443@b.example/", "carries user information", id="host-as-user"),
        pytest.param("https://a.example:/", PORT, id="empty-port"),
        pytest.param("https://a.example:0/", PORT, id="port-0"),
        pytest.param("https://a.example:0443/", PORT, id="port-with-zero"),
        pytest.param("https://a.example:65536/", PORT, id="port-too-large"),
        pytest.param("https://a.example:+443/", PORT, id="port-signed"),
        pytest.param("https://a.example:1:2/", PORT, id="two-ports"),
        pytest.param("https://::1/", PORT, id="ipv6-without-brackets"),
        pytest.param("https://[::1]x/", PORT, id="after-brackets"),
        pytest.param("https:///x", HOST, id="no-host"),
        pytest.param("https://a.example./", HOST, id="trailing-dot"),
        pytest.param("https://127.0.0.1./", HOST, id="address-trailing-dot"),
        pytest.param("https://.a.example/", HOST, id="leading-dot"),
        pytest.param("https://a..example/", HOST, id="empty-label"),
        pytest.param("https://-a.example/", HOST, id="leading-hyphen"),
        pytest.param("https://a-.example/", HOST, id="trailing-hyphen"),
        pytest.param("https://a_b.example/", HOST, id="underscore"),
        pytest.param("https://a%2eexample/", HOST, id="percent-in-host"),
        pytest.param("https://127.0.0.1%2f.example/", HOST, id="encoded-slash-in-host"),
        pytest.param("https://a,b.example/", HOST, id="comma"),
        pytest.param(f"https://{'a' * 64}.example/", HOST, id="long-label"),
        pytest.param(f"https://{'a.' * 126}aa/", HOST, id="long-name"),
        pytest.param("https://2130706433/", NUMBER, id="decimal"),
        pytest.param("https://0x7f000001/", NUMBER, id="hexadecimal"),
        pytest.param("https://0x7f.1/", NUMBER, id="hexadecimal-short"),
        pytest.param("https://0X7F.0X1/", NUMBER, id="hexadecimal-upper-case"),
        pytest.param("https://0x7f.0.0.0x/", NUMBER, id="hexadecimal-empty"),
        pytest.param("https://0177.0.0.1/", NUMBER, id="octal"),
        pytest.param("https://017700000001/", NUMBER, id="octal-long"),
        pytest.param("https://127.1/", NUMBER, id="short"),
        pytest.param("https://127.0.0.1.1/", NUMBER, id="five-parts"),
        pytest.param("https://127.0.0.256/", NUMBER, id="part-too-large"),
        pytest.param("https://127.0.0.01/", NUMBER, id="zero-in-front"),
        pytest.param("https://0/", NUMBER, id="zero"),
        pytest.param("https://a.1/", NUMBER, id="name-that-ends-in-a-number"),
        pytest.param("https://[::ffff:127.0.0.1]/", SPELLING, id="mapped-dotted"),
        pytest.param("https://[::ffff:7f00:1]/", SPELLING, id="mapped"),
        pytest.param("https://[0:0:0:0:0:0:0:1]/", SPELLING, id="ipv6-long"),
        pytest.param("https://[2001:DB8::1]/", SPELLING, id="ipv6-upper-case"),
        pytest.param("https://[64:ff9b::127.0.0.1]/", SPELLING, id="nat64-dotted"),
        pytest.param("https://[fe80::1%25eth0]/", SPELLING, id="zone"),
        pytest.param("https://[2606:4700::1111%25]/", SPELLING, id="zone-of-a-public-address"),
        pytest.param("https://[127.0.0.1]/", NUMBER, id="ipv4-in-brackets"),
        pytest.param("https://[a.example]/", NUMBER, id="name-in-brackets"),
        pytest.param("https://[v1.x]/", NUMBER, id="ip-future"),
        pytest.param("https://[]/", NUMBER, id="empty-brackets"),
        pytest.param("https://a.example/" + "x" * MAX_URL_CHARS, "is longer than 4096 characters", id="long"),
    ],
)
def test_a_url_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"\A{re.escape(reason)}\Z") as caught:
        check_url(url)
    assert caught.value.__cause__ is None


def test_no_query_is_in_what_is_printed() -> None:
    assert "secret" not in repr(check_url("https://a.example/secret?code=secret"))


ODD = st.text(alphabet="htps:/@#?[]%\\.0123456789abcdefx-:é \t\n", max_size=40)


@given(ODD.map(lambda text: f"https://{text}") | ODD)
def test_whatever_passes_has_one_reading(url: str) -> None:
    """Two other parsers see the same host and port, and nothing but `ValueError` comes out."""
    try:
        destination = check_url(url)
    except ValueError:
        return
    for host, port in (
        (urlsplit(url).hostname, urlsplit(url).port),
        (httpx2.URL(url).raw_host.decode(), httpx2.URL(url).port),
    ):
        assert (host, port or 443) == (destination.host, destination.port)
