"""Conditional requests: what the client has already.

The entity tag of content that is named by its digest is that digest in quotes, and it is strong.

Pure: no I/O, no third-party import.
Source: RFC 9110, sections 8.8.3, 13.1.2 (If-None-Match) and 13.1.5 (If-Range).
"""

from gateway.api.head import Request
from gateway.oci.digest import Digest


def entity_tag(digest: Digest) -> str:
    """Return the entity tag of the content that ``digest`` names."""
    return f'"{digest}"'


def has_already(request: Request, digest: Digest) -> bool:
    """Return whether the client says that it has this content: 304.

    ``*`` is not taken for it: it asks whether there is anything, and a client that wanted to know would use HEAD. The
    bare digest is taken: Docker's own clients have sent it without quotes.
    """
    if request.if_none_match is None:
        return False
    listed = [tag.strip().removeprefix("W/") for tag in request.if_none_match.split(",")]
    return entity_tag(digest) in listed or str(digest) in listed


def range_counts(request: Request, digest: Digest) -> bool:
    """Return whether the Range header is to be looked at: not where the client's part is of other content."""
    return request.if_range is None or request.if_range == entity_tag(digest)
