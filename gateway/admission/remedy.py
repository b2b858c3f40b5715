"""What to type next: the command that would supply what a held manifest lacks.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("The held Warning prints the signing command *by digest*").
"""

from collections.abc import Iterable
from typing import Final

from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

_SIGNING: Final = frozenset({"SIGNATURE_MISSING", "SIGNER_UNTRUSTED"})
_TRUST: Final = frozenset({"NO_TRUST_POLICY"})


def command(host: str, repository: RepositoryName, digest: Digest, reasons: Iterable[Reason]) -> str | None:
    """Return the command for the first reason that has one: by digest, since the tag is not visible to every signer."""
    codes = {reason.code for reason in reasons}
    if codes & _TRUST:
        return "registry-gateway trust apply DIR"
    if codes & _SIGNING:
        return f"cosign sign --key cosign.key {host}/{repository}@{digest}"
    return None
