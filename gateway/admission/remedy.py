"""What to type next: the command that would supply what a held manifest lacks.

Signing needs nothing but the key here. cosign 3 would ask the public services by default, and publish the digest of a
private image in a public log: the flags keep it from that. (cosign 2 does not know the first of them: leave it out there.)

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("The held Warning prints the signing command *by digest*"; "the Warning says that a signed attestation
would not").
"""

from collections.abc import Iterable
from typing import Final

from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName

_SIGNING: Final = frozenset({"SIGNATURE_MISSING", "SIGNER_UNTRUSTED"})
SIGN: Final = "cosign sign --key cosign.key --use-signing-config=false --tlog-upload=false"
ATTEST: Final = (
    "cosign attest --key cosign.key --use-signing-config=false --tlog-upload=false --type TYPE --predicate FILE"
)
_TRUST: Final = frozenset({"NO_TRUST_POLICY"})


def command(
    host: str, repository: RepositoryName, digest: Digest, reasons: Iterable[Reason], *, subject: Digest | None
) -> str | None:
    """Return the command for the first reason that has one: by digest, since the tag is not visible to every signer.

    ``subject``: what the manifest is attached to. Unsigned, it is judged like an image and held; as an attestation that is
    signed it would be evidence, and not be held.
    """
    codes = {reason.code for reason in reasons}
    if codes & _TRUST:
        return "registry-gateway trust apply DIR"
    if not codes & _SIGNING:
        return None
    sign = f"{SIGN} {host}/{repository}@{digest}"
    if subject is None:
        return sign
    return f"{ATTEST} {host}/{repository}@{subject} (a signed attestation is not held as this is), or {sign}"
