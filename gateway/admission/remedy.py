"""What to type next: the command that would supply what a held manifest lacks.

Signing needs nothing but the key here. cosign 3 would ask the public services by default, and publish the digest of a
private image in a public log: the flags keep it from that. (cosign 2 does not know the first of them: leave it out there.)

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("The held Warning prints the signing command *by digest*").
"""

from collections.abc import Iterable
from typing import Final

from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

_SIGNING: Final = frozenset({"SIGNATURE_MISSING", "SIGNER_UNTRUSTED"})
SIGN: Final = "cosign sign --key cosign.key --use-signing-config=false --tlog-upload=false"
_TRUST: Final = frozenset({"NO_TRUST_POLICY"})


def command(host: str, repository: RepositoryName, digest: Digest, reasons: Iterable[Reason]) -> str | None:
    """Return the command for the first reason that has one: by digest, since the tag is not visible to every signer."""
    codes = {reason.code for reason in reasons}
    if codes & _TRUST:
        return "registry-gateway trust apply DIR"
    if codes & _SIGNING:
        return f"{SIGN} {host}/{repository}@{digest}"
    return None
