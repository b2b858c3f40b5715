"""Every refusal the gateway can utter.

One tree. The OCI error code is on the class; the HTTP status is in one table at the edge (`gateway.api.refusals`), and
a test holds that table total. Reasons are fields, so that a program (and a test) never has to read prose.

Longer than a module should be, because it is one list: who looks for what can be refused looks here, and nowhere else.

    GatewayError
    |- NameInvalid, TagInvalid, DigestInvalid                       what was named cannot be a name
    |- DocumentInvalid                                              bytes that are not one unambiguous JSON document
    |- ManifestInvalid, ManifestTooLarge, SizeInvalid               a document that is not a manifest
    |- NameUnknown, ManifestUnknown, BlobUnknown, TagUnknown        not there, or not for this caller: the same answer
    |- BlobReferenced                                               parts and wholes that do not fit
    |- UploadUnknown, UploadInvalid, UploadOutOfOrder, RangeInvalid bytes in motion
    |- Unauthorized, Denied                                         who, and whether
    |- Unsupported, RequestInvalid, TooManyRequests                 what is asked
    |- BodyTooSlow                                                  and in what time (a RequestInvalid)
    |- UnsupportedGrant                                             what /token is asked (a RequestInvalid)
    |- UsageInvalid                                                 what an operator typed
    |- ConfigInvalid, TrustPolicyInvalid, PolicyInvalid             what an operator wrote
    |- FederationInvalid                                            the same, of CI tokens
    |- Conflict                                                     the name is taken
    |- Unavailable, StorageFull, StorageFailed, Internal            what failed here
    |- OutboundFailed                                               or elsewhere (an Unavailable)
    |- StoryBroken                                                  the demo's own

Pure: no I/O, no third-party import.
Source: OCI distribution-spec v1.1.1, "Error Codes".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

Severity: TypeAlias = Literal["deny", "hold", "warn"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision: a stable code, a sentence, and what it does.

    ``subject`` is the digest (text) the reason is about where that is not the manifest itself.
    """

    code: str
    message: str
    severity: Severity = "deny"
    subject: str | None = None


class GatewayError(Exception):
    """The root of every refusal. `code` is the OCI error code that a client reads."""

    code: ClassVar[str] = "UNKNOWN"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NameInvalid(GatewayError):
    """A repository or project name outside the grammar."""

    code = "NAME_INVALID"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name!r} is not a repository name: {reason}")
        self.name = name
        self.reason = reason


class TagInvalid(GatewayError):
    """A tag outside the grammar."""

    code = "TAG_INVALID"

    def __init__(self, tag: str, reason: str) -> None:
        super().__init__(f"{tag!r} is not a tag: {reason}")
        self.tag = tag
        self.reason = reason


class DigestInvalid(GatewayError):
    """The digest is malformed, or is not the digest of the content."""

    code = "DIGEST_INVALID"

    def __init__(self, digest: str, reason: str) -> None:
        super().__init__(f"{digest!r}: {reason}")
        self.digest = digest
        self.reason = reason


class DocumentInvalid(GatewayError):
    """Bytes that are not one JSON document with one reading."""

    code = "MANIFEST_INVALID"

    def __init__(self, reason: str) -> None:
        super().__init__(f"not an unambiguous JSON document: {reason}")
        self.reason = reason


class ManifestInvalid(GatewayError):
    """A JSON document that is not a manifest this registry accepts."""

    code = "MANIFEST_INVALID"

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(reason if field is None else f"{field}: {reason}")
        self.reason = reason
        self.field = field


class ManifestTooLarge(GatewayError):
    """A manifest body over the limit; nothing of it is kept."""

    code = "SIZE_INVALID"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the manifest is larger than {limit_bytes} bytes, the limit of this registry")
        self.limit_bytes = limit_bytes


class SizeInvalid(GatewayError):
    """The length of the content is not the length that was announced."""

    code = "SIZE_INVALID"


class NameUnknown(GatewayError):
    """No such repository or project, or not for this caller."""

    code = "NAME_UNKNOWN"


class ManifestUnknown(GatewayError):
    """No such manifest, or not for this caller: one answer, so that there is no oracle."""

    code = "MANIFEST_UNKNOWN"

    def __init__(self, reference: str) -> None:
        super().__init__(f"manifest {reference} is not known here")
        self.reference = reference


class TagUnknown(GatewayError):
    """No such tag, or not for this caller."""

    code = "MANIFEST_UNKNOWN"

    def __init__(self, tag: str) -> None:
        super().__init__(f"tag {tag} is not known here")
        self.tag = tag


class BlobUnknown(GatewayError):
    """No such blob in this repository, or not for this caller."""

    code = "BLOB_UNKNOWN"

    def __init__(self, digest: str) -> None:
        super().__init__(f"blob {digest} is not known here")
        self.digest = digest


class BlobReferenced(GatewayError):
    """A blob that a manifest names is not deleted: nobody hollows out an image."""

    code = "UNSUPPORTED"

    def __init__(self, digest: str) -> None:
        super().__init__(f"blob {digest} is named by a manifest of this repository: delete the manifest first")
        self.digest = digest


class UploadUnknown(GatewayError):
    """No such upload session for this principal in this repository."""

    code = "BLOB_UPLOAD_UNKNOWN"

    def __init__(self, session: str) -> None:
        super().__init__("this upload session is not known here")
        self.session = session


class UploadInvalid(GatewayError):
    """An upload request that contradicts itself; the session is as before."""

    code = "BLOB_UPLOAD_INVALID"


class UploadOutOfOrder(GatewayError):
    """A chunk that does not start where the session ends; the session lives on.

    ``offset_bytes`` is where the next chunk must start.
    """

    code = "BLOB_UPLOAD_INVALID"

    def __init__(self, offset_bytes: int) -> None:
        super().__init__(f"the next chunk must start at byte {offset_bytes}")
        self.offset_bytes = offset_bytes


class RangeInvalid(GatewayError):
    """A byte range that the blob does not have. ``size_bytes`` is the blob's length."""

    code = "SIZE_INVALID"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the requested range is not within the {size_bytes} bytes of this blob")
        self.size_bytes = size_bytes


class Unauthorized(GatewayError):
    """No token, a bad token, or a token without an action that the caller could ask for.

    ``scopes`` are what a new token must be asked for (may be empty); ``error`` is RFC 6750's error code where a token
    was presented; ``why`` is for the audit log, and for nobody who asks.
    """

    code = "UNAUTHORIZED"

    def __init__(
        self,
        message: str = "authentication required",
        *,
        scopes: Sequence[str] = (),
        error: Literal["invalid_token", "insufficient_scope"] | None = None,
        why: str = "",
    ) -> None:
        super().__init__(message)
        self.scopes = tuple(scopes)
        self.error = error
        self.why = why


class Denied(GatewayError):
    """A refusal with reasons: policy, a missing right that no scope can name, a revoked digest.

    ``reasons`` is never empty. ``decision_id`` is the one in the audit log where a decision was made.
    """

    code = "DENIED"

    def __init__(
        self,
        message: str,
        *,
        reasons: Sequence[Reason],
        decision_id: str | None = None,
        policy_revision: str | None = None,
    ) -> None:
        super().__init__(message)
        self.reasons = tuple(reasons)
        self.decision_id = decision_id
        self.policy_revision = policy_revision


class Unsupported(GatewayError):
    """A method, media type or feature that this registry does not have."""

    code = "UNSUPPORTED"


class RequestInvalid(GatewayError):
    """A request with a malformed or contradicting head, query or body."""

    code = "UNSUPPORTED"


class BodyTooSlow(RequestInvalid):
    """A body that was not here in the time that it had."""

    def __init__(self, limit_seconds: float) -> None:
        super().__init__(f"the body was not here after {limit_seconds:g} seconds")
        self.limit_seconds = limit_seconds


class UnsupportedGrant(RequestInvalid):
    """A ``grant_type`` that there is not. 400: containerd then falls back to GET."""


class TooManyRequests(GatewayError):
    """Over a limit; ``retry_after_seconds`` says when to come back."""

    code = "TOOMANYREQUESTS"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UsageInvalid(GatewayError):
    """Words on the command line that cannot be meant: a name outside its grammar, options that contradict each other."""

    code = "USAGE_INVALID"


class ConfigInvalid(GatewayError):
    """A configuration that is refused before anything starts."""

    code = "CONFIG_INVALID"


class TrustPolicyInvalid(GatewayError):
    """A trust policy document that is refused whole. ``where`` is the file and path inside it."""

    code = "TRUST_POLICY_INVALID"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class PolicyInvalid(GatewayError):
    """A policy directory that does not check, test or compile."""

    code = "POLICY_INVALID"


class FederationInvalid(GatewayError):
    """A rule for tokens of a CI platform that is refused whole."""

    code = "FEDERATION_INVALID"


class Conflict(GatewayError):
    """The name is taken, or what is asked contradicts what is there."""

    code = "CONFLICT"


class Unavailable(GatewayError):
    """Something this answer needs cannot be reached: the caller may try again, and nothing was changed."""

    code = "UNAVAILABLE"

    def __init__(self, message: str, *, retry_after_seconds: int = 5) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class OutboundFailed(Unavailable):
    """Somebody whom the gateway asks did not answer, or answered something that it takes from nobody."""


class StorageFull(GatewayError):
    """No space: the session is discarded, nothing is visible."""

    code = "UNAVAILABLE"


class StorageFailed(GatewayError):
    """The store or the database failed an I/O call; the process must stop serving (DESIGN 4)."""

    code = "UNAVAILABLE"


class Internal(GatewayError):
    """A surprise. Nothing was changed; the decision is a refusal."""

    code = "UNKNOWN"


class StoryBroken(GatewayError):
    """A step of the demo's story did not go as told."""

    code = "DEMO_FAILED"
