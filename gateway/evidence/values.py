"""The values of this package: what is claimed, what is proven, what is refused, and what trust makes of it.

A `Verified` exists only for bytes whose signature was checked with a configured key and whose payload names the subject
at hand; there is no flag on it that a caller could forget to read. `Rejected` is its own type for the same reason.

Pure: no I/O, no third-party import.
Source: DESIGN 3 ("Evidence") and 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from gateway.errors import Reason
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.strict_json import JsonObject

COSIGN_SIGN: Final = "https://sigstore.dev/cosign/sign/v1"
"""The predicate type with which cosign 3 says "this is a plain signature, not an attestation"."""


class EvidenceFormat(StrEnum):
    """The forms of evidence, a closed list. Anything else with a subject is judged like an image."""

    COSIGN_SIGNATURE = "cosign-signature"
    COSIGN_ATTESTATION = "cosign-attestation"
    SIGSTORE_BUNDLE = "sigstore-bundle"
    IN_TOTO = "in-toto"


class RejectionCode(StrEnum):
    """Why a layer of evidence, or all of it, proves nothing. Stable: policies, records and tests read it."""

    NO_MATCHING_KEY = "NO_MATCHING_KEY"
    """No key that the trust policy names for this repository made any of its signatures."""
    DIGEST_MISMATCH = "DIGEST_MISMATCH"
    """Properly signed, for another digest."""
    REPOSITORY_MISMATCH = "REPOSITORY_MISMATCH"
    """Properly signed, for another repository."""
    FORMAT_NOT_ALLOWED = "FORMAT_NOT_ALLOWED"
    """Properly signed, in a format that the authority's `signatureFormat` excludes."""
    PAYLOAD_MALFORMED = "PAYLOAD_MALFORMED"
    """The layer, or what is signed in it, does not read as its format."""
    CONTENT_MISSING = "CONTENT_MISSING"
    """The layer's bytes are not here, or are not the bytes its descriptor names."""
    DIGEST_ALGORITHM = "DIGEST_ALGORITHM"
    """It binds its subject by something other than SHA-256."""
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    """Over a number of `gateway.evidence.limits`."""
    UNSUPPORTED_CONTENT = "UNSUPPORTED_CONTENT"
    """A form that this gateway does not verify, such as a message signature."""
    UNSUPPORTED_CERTIFICATE = "UNSUPPORTED_CERTIFICATE"
    """Made with a certificate, which this gateway does not verify, and with none of the configured keys."""
    SURPRISE = "SURPRISE"
    """The verifier itself failed. Nothing is proven by a verifier that fails."""


class Refused(Exception):
    """A check inside this package failed. It never leaves `verify_all` and `parse_content`."""

    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class EvidenceClaim:
    """What a manifest says it is, unverified: its format, and the digest it is about."""

    format: EvidenceFormat
    subject: Digest


@dataclass(frozen=True, slots=True)
class EvidenceObject:
    """One evidence manifest with the bytes of its layers, all of them as they are stored.

    ``first_seen`` is when this gateway first stored it, in seconds since the epoch. ``share``: in whose share of signature
    checks it is verified; None: in that of what was verified before.
    """

    manifest: Manifest
    claim: EvidenceClaim
    blobs: Mapping[Digest, bytes]
    first_seen: int
    share: str | None = None


@dataclass(frozen=True, slots=True)
class SignerIdentity:
    """Who signed. ``id`` is ``key:sha256:<hex of the SPKI DER>``; ``name`` is what the trust policy calls it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Verified:
    """One layer of evidence that one authority of one policy vouches for.

    ``signed`` is the SHA-256 of the very bytes that are signed: the same in every layer and manifest around them.
    ``predicate_type`` is None for a classic signature. ``statement`` is the in-toto statement where there is one.
    ``annotations`` are the signer's own claims (``cosign sign -a``), signed like the rest.
    """

    evidence: Digest
    layer: Digest
    signed: Digest
    format: EvidenceFormat
    signer: SignerIdentity
    authority: str
    policy: str
    predicate_type: str | None
    statement: JsonObject | None
    annotations: JsonObject
    first_seen: int

    @property
    def is_signature(self) -> bool:
        """Whether this is a plain signature. An attestation never is: an SBOM is not a release (CVE-2022-35929)."""
        return self.predicate_type is None or self.predicate_type == COSIGN_SIGN


@dataclass(frozen=True, slots=True)
class Rejected:
    """Evidence, or one layer of it, that proves nothing, and why. ``layer`` is None where it is about the whole."""

    evidence: Digest
    layer: Digest | None
    code: RejectionCode
    message: str
    format: EvidenceFormat | None = None


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """All that was attached to a subject, each piece verified or rejected; a piece can be both, by two authorities."""

    verified: tuple[Verified, ...]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement that an admission rests on: the policy ``slot``; any one of its ``signers`` carries it."""

    slot: int
    policy: str
    signers: tuple[SignerIdentity, ...]
    evidence: tuple[Digest, ...]
    signed_by: tuple[str, ...]
    """The ids of those signers that carry it by a signature: an attestation is none."""


@dataclass(frozen=True, slots=True)
class TrustSatisfied:
    """Every policy that must pass does, and at least one of them by a signature or attestation."""

    requirements: tuple[Requirement, ...]
    warnings: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustStaticPass:
    """Every policy that must pass says ``static: pass``; ``policy`` is the first of them. Nothing is proven."""

    policy: str
    warnings: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustUnsatisfied:
    """At least one policy does not pass, or none is there. ``reasons`` is never empty."""

    reasons: tuple[Reason, ...]


TrustVerdict: TypeAlias = TrustSatisfied | TrustStaticPass | TrustUnsatisfied
