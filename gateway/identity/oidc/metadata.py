"""What an issuer says of itself: where its keys are, and which algorithms it signs with.

Believed only of the issuer that was configured: a document that names another one, be it by a single slash, is the
document of another one (CVE-2026-49478, CVE-2026-22772). An issuer may say that it signs with fewer algorithms than are
taken here, never with more: discovery that lists ``none`` changes nothing.

Pure: no I/O, no third-party import.
Source: OpenID Connect Discovery 1.0, sections 3, 4.1 and 4.3; RFC 8414, section 3.3.
"""

import re
from dataclasses import dataclass
from typing import Final

from gateway.errors import DocumentInvalid, OutboundFailed
from gateway.identity.oidc.key_set import ALGORITHMS
from gateway.oci.strict_json import JsonValue, parse_object

MAX_METADATA_BYTES: Final = 256 * 1024

_METADATA_DEPTH: Final = 8
_MAX_NODES: Final = 5_000
_MAX_URL_CHARS: Final = 2048
_URL: Final = re.compile(r"https://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?][!\"$-\[\]-~]*)?")
"""Printable ASCII without ``#`` and the backslash, which some readers take for a slash; no ``@`` before the path."""


@dataclass(frozen=True, slots=True)
class IssuerMetadata:
    """The part of an issuer's discovery document that is used; ``algorithms`` are those taken here, and never empty."""

    issuer: str
    jwks_uri: str
    algorithms: frozenset[str]


def discovery_url(issuer: str) -> str:
    """Return where the discovery document of ``issuer`` is: one slash at its end is not doubled (Discovery, 4.1)."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def parse_metadata(content: bytes, *, issuer: str) -> IssuerMetadata:
    """Return what the discovery document of the configured ``issuer`` says.

    Raises `OutboundFailed` for a document with two readings or over `MAX_METADATA_BYTES`, one whose ``issuer`` is not
    the configured one character by character, a ``jwks_uri`` that is no absolute https URL (user information and
    fragments are refused), and where none of its algorithms is taken here.
    """
    try:
        document = parse_object(content, max_bytes=MAX_METADATA_BYTES, max_depth=_METADATA_DEPTH, max_nodes=_MAX_NODES)
    except DocumentInvalid as invalid:
        raise OutboundFailed(f"the discovery document is {invalid.message}") from None
    if document.get("issuer") != issuer:
        raise OutboundFailed("the discovery document is another issuer's")
    return IssuerMetadata(
        issuer=issuer,
        jwks_uri=_url(document.get("jwks_uri")),
        algorithms=_algorithms(document.get("id_token_signing_alg_values_supported")),
    )


def _url(value: JsonValue) -> str:
    if not isinstance(value, str) or len(value) > _MAX_URL_CHARS or _URL.fullmatch(value) is None:
        raise OutboundFailed("the discovery document names no https URL for its keys")
    return value


def _algorithms(value: JsonValue) -> frozenset[str]:
    if not isinstance(value, list):
        raise OutboundFailed("the discovery document lists no signing algorithms")
    taken = ALGORITHMS & frozenset(name for name in value if isinstance(name, str))
    if not taken:
        raise OutboundFailed("the issuer signs with no algorithm that is taken here")
    return taken
