"""URLs: where does one lead, if it is a URL that the gateway follows?

One spelling of each thing, so that no two readers see two hosts in it: ``https`` in lower case, a host name or an address
as everybody writes it, a port without zeros in front. What is sent is what was given: nothing is decoded or resolved.

Pure: no I/O.
Source: RFC 3986, 2 and 3; RFC 1123, 2.1 (host names); RFC 5952 (IPv6 in text); WHATWG URL, "ends in a number".
"""

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NoReturn

from gateway.outbound.addresses import Address

HTTPS_PORT: Final = 443
MAX_URL_CHARS: Final = 4096
_MAX_PORT: Final = 65535
_MAX_NAME_CHARS: Final = 253

_SCHEME: Final = "https://"
_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_PARTS: Final = re.compile(r"([^/?#]*)([^#]*)(#?)")
_AUTHORITY: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([1-9][0-9]{0,4}))?")
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""As the last label, it makes a host that ``inet_aton`` may read as an address: 2130706433, 0x7f.1, 0177.0.0.1, 127.1."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL taken apart. ``host`` is a name in lower case, or ``literal`` as text without brackets."""

    host: str
    port: int
    literal: Address | None
    target: str = field(repr=False)
    """Path and query for the request line, as they were given."""

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == HTTPS_PORT else f"{host}:{self.port}"


def check_url(url: str) -> Destination:
    """Return where ``url`` leads. Raises `ValueError` with a reason that repeats nothing of the URL.

    Says nothing about the address: that is known only when the name has been resolved.
    """
    if len(url) > MAX_URL_CHARS:
        _refuse(f"is longer than {MAX_URL_CHARS} characters")
    if _CHARACTERS.fullmatch(url) is None:
        _refuse("has a character that may not be in a URL")
    if not url.startswith(_SCHEME):
        _refuse("does not start with https://")
    parts = _PARTS.match(url, len(_SCHEME))
    if parts is None or parts[3]:
        _refuse("has a fragment")
    if "@" in parts[1]:
        _refuse("carries user information")
    authority = _AUTHORITY.fullmatch(parts[1])
    if authority is None or int(authority[2] or HTTPS_PORT) > _MAX_PORT:
        _refuse("has a port that is not a number from 1 to 65535")
    host, literal = _host(authority[1])
    target = parts[2] if parts[2].startswith("/") else f"/{parts[2]}"
    return Destination(host=host, port=int(authority[2] or HTTPS_PORT), literal=literal, target=target)


def _host(text: str) -> tuple[str, Address | None]:
    if text.startswith("["):
        return _literal(IPv6Address, text[1:-1])
    name = text.lower()
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        return _literal(IPv4Address, name)
    if len(name) > _MAX_NAME_CHARS or _NAME.fullmatch(name) is None:
        _refuse("has a host that is not a host name")
    return name, None


def _literal(kind: type[IPv4Address] | type[IPv6Address], text: str) -> tuple[str, Address]:
    try:
        address = kind(text)
    except ValueError:
        _refuse("has a number for a host that is not an IP address")
    # A mapped address has two usual spellings and is the IPv4 address in disguise; a zone is link-local, so never asked.
    disguised = isinstance(address, IPv6Address) and (address.ipv4_mapped or address.scope_id)
    if disguised or str(address) != text:
        _refuse("has an IP address that is not in its usual spelling")
    return text, address


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason) from None
