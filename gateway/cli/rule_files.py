"""Federation rules in files, as an operator names them.

I/O: reads files.
"""

from collections.abc import Sequence
from pathlib import Path

from gateway.config.sections import Issuer
from gateway.errors import FederationInvalid, UsageInvalid
from gateway.identity.federation.rule import FederationRule, parse_rule


def read(path: Path, *, max_bytes: int) -> bytes:
    """Return the file, or one byte more of it than ``max_bytes``: that its reader refuses."""
    with path.open("rb") as file:
        return file.read(max_bytes + 1)


def parse(path: Path, content: bytes, issuers: Sequence[Issuer]) -> FederationRule:
    """Return the rule that the file ``path`` holds. Raises `UsageInvalid`."""
    immutable_claims = {issuer.name: issuer.immutable_claims for issuer in issuers}
    try:
        return parse_rule(content, where=str(path), immutable_claims=immutable_claims)
    except FederationInvalid as invalid:
        raise UsageInvalid(invalid.message) from None
