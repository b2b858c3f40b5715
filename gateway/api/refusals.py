"""The one table from refusals to HTTP, and how a refusal reads.

Total over `gateway.errors` (a test walks the tree). What failed *here* is told to the operator, not to the client: such a
refusal is sent with a sentence of its own and the request's id, under which the log has the rest.

Pure: no I/O, no third-party import.
Source: OCI distribution-spec v1.1.1, "Error Codes"; INTERFACE 6; RFC 6750, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway import errors
from gateway.access.sight import StateHeader
from gateway.api.answer import NOT_KEPT, Answer, Header
from gateway.errors import GatewayError, Reason
from gateway.oci.strict_json import JsonObject, JsonValue

MAX_MESSAGE_CHARS: Final = 1024
MAX_REASONS: Final = 100
REVOKED: Final = "REVOKED"
"""The reason of admission by which these bytes, or a part of them, were revoked."""


@dataclass(frozen=True, slots=True)
class Challenger:
    """Where tokens come from: what a 401 says of it."""

    realm: str
    service: str

    def challenge(self, refusal: errors.Unauthorized) -> Header:
        """Return the one challenge. No empty ``scope``, no second scheme: clients' parsers stop at either."""
        parts = [f'realm="{self.realm}"', f'service="{self.service}"']
        if refusal.scopes:
            parts.append(f'scope="{" ".join(refusal.scopes)}"')
        if refusal.error is not None:
            parts.append(f'error="{refusal.error}"')
        return ("www-authenticate", f"Bearer {','.join(parts)}")


@dataclass(frozen=True, slots=True)
class Rule:
    """The status of an error class. ``ours``: the fault is here, and the message is not for the client."""

    status: int
    ours: bool = False


TABLE: Final[dict[type[GatewayError], Rule]] = {
    GatewayError: Rule(500, ours=True),
    errors.NameInvalid: Rule(400),
    errors.TagInvalid: Rule(400),
    errors.DigestInvalid: Rule(400),
    errors.DocumentInvalid: Rule(400),
    errors.ManifestInvalid: Rule(400),
    errors.ManifestTooLarge: Rule(413),
    errors.SizeInvalid: Rule(413),
    errors.NameUnknown: Rule(404),
    errors.ManifestUnknown: Rule(404),
    errors.TagUnknown: Rule(404),
    errors.BlobUnknown: Rule(404),
    errors.BlobReferenced: Rule(405),
    errors.UploadUnknown: Rule(404),
    errors.UploadInvalid: Rule(400),
    errors.UploadOutOfOrder: Rule(416),
    errors.RangeInvalid: Rule(416),
    errors.Unauthorized: Rule(401),
    errors.Denied: Rule(403),
    errors.Unsupported: Rule(405),
    errors.RequestInvalid: Rule(400),
    errors.BodyTooSlow: Rule(408),
    errors.UnsupportedGrant: Rule(400),
    errors.TooManyRequests: Rule(429),
    errors.Conflict: Rule(409),
    errors.Unavailable: Rule(503),
    errors.OutboundFailed: Rule(503),
    errors.StorageFull: Rule(507, ours=True),
    errors.StorageFailed: Rule(503, ours=True),
    errors.Internal: Rule(500, ours=True),
    # An operator's words and files: that a request meets one of these is a fault of the installation.
    errors.UsageInvalid: Rule(500, ours=True),
    errors.StoryBroken: Rule(500, ours=True),
    errors.ConfigInvalid: Rule(500, ours=True),
    errors.TrustPolicyInvalid: Rule(500, ours=True),
    errors.PolicyInvalid: Rule(500, ours=True),
    errors.FederationInvalid: Rule(500, ours=True),
}

_OURS: Final = {
    507: "this registry has no space left: nothing was stored",
    503: "this registry cannot answer now: nothing was changed",
    500: "an error inside the registry: nothing was changed",
}


def rule(error: GatewayError) -> Rule:
    """Return the row of ``error``: its class's own, or that of the nearest class above it."""
    for cls in type(error).__mro__:
        found = TABLE.get(cls)
        if found is not None:
            return found
    return TABLE[GatewayError]


def refusal(error: GatewayError, *, challenger: Challenger, request_id: str) -> Answer:
    """Return the answer that says ``error``."""
    found = rule(error)
    if found.ours:
        message = f"{_OURS[found.status]} (request {request_id})"
        return refused(found.status, error.code, message, {"request_id": request_id}, *_headers(error, challenger))
    return refused(found.status, error.code, error.message, _detail(error), *_headers(error, challenger))


def refused(status: int, code: str, message: str, detail: JsonObject | None, *headers: Header) -> Answer:
    """Return an OCI error document. `docker push` prints the message and nothing else, so it is one line."""
    return Answer.of_json(status, {"errors": [error_entry(code, message, detail)]}, *headers)


def error_entry(code: str, message: str, detail: JsonObject | None) -> JsonObject:
    """Return one entry of ``errors``. Every detail has the members of a decision's, also where none was made."""
    told = one_line(message)
    return {"code": code, "message": told, "detail": {**denied_detail((Reason(code, told),)), **(detail or {})}}


def one_line(text: str) -> str:
    """Return ``text`` in one line of at most `MAX_MESSAGE_CHARS`."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE_CHARS else f"{line[: MAX_MESSAGE_CHARS - 4]} ..."


def reasons_json(reasons: Sequence[Reason]) -> JsonValue:
    """Return reasons as data."""
    listed: list[JsonValue] = []
    for reason in reasons[:MAX_REASONS]:
        entry: JsonObject = {"code": reason.code, "message": reason.message, "severity": reason.severity}
        if reason.subject is not None:
            entry["subject"] = reason.subject
        listed.append(entry)
    return listed


def summary(reasons: Sequence[Reason]) -> str:
    """Return the reasons in one line: the first in full, the codes of the others."""
    if not reasons:
        return "no reason was given"
    others = [reason.code for reason in reasons[1:]]
    first = f"{reasons[0].code}: {reasons[0].message}"
    return first if not others else f"{first} (and {', '.join(others)})"


def denied_detail(
    reasons: Sequence[Reason], *, decision_id: str | None = None, policy_revision: str | None = None
) -> JsonObject:
    """Return the ``detail`` of a decision (INTERFACE 6). The one state of what was not stored is "revoked"."""
    state: StateHeader | None = "revoked" if any(reason.code == REVOKED for reason in reasons) else None
    return {
        "reasons": reasons_json(reasons),
        "decision_id": decision_id,
        "policy_revision": policy_revision,
        "state": state,
    }


def missing_detail(reasons: Sequence[Reason], *, command: str | None) -> JsonObject:
    """Return what a refusal adds to its ``detail`` where evidence is missing: the codes, and what to type."""
    missing: list[JsonValue] = [reason.code for reason in reasons[:MAX_REASONS] if reason.severity == "hold"]
    return {"missing": missing, "command": command} if missing else {}


def _headers(error: GatewayError, challenger: Challenger) -> tuple[Header, ...]:
    match error:
        case errors.Unauthorized():
            return (challenger.challenge(error), NOT_KEPT)
        case errors.Unavailable() | errors.TooManyRequests():
            return (("retry-after", str(error.retry_after_seconds)),)
        case errors.StorageFailed():
            return (("retry-after", "30"),)
        case errors.RangeInvalid():
            return (("content-range", f"bytes */{error.size_bytes}"),)
        case _:
            return ()


def _detail(error: GatewayError) -> JsonObject | None:
    match error:
        case errors.Denied():
            return denied_detail(error.reasons, decision_id=error.decision_id, policy_revision=error.policy_revision)
        case errors.NameInvalid():
            return {"name": error.name, "reason": error.reason}
        case errors.TagInvalid():
            return {"tag": error.tag, "reason": error.reason}
        case errors.DigestInvalid():
            return {"digest": error.digest, "reason": error.reason}
        case errors.ManifestInvalid():
            return {"field": error.field, "reason": error.reason}
        case errors.DocumentInvalid():
            return {"reason": error.reason}
        case errors.ManifestTooLarge():
            return {"limit_bytes": error.limit_bytes}
        case errors.ManifestUnknown():
            return {"reference": error.reference}
        case errors.TagUnknown():
            return {"reference": error.tag}
        case errors.BlobUnknown() | errors.BlobReferenced():
            return {"digest": error.digest}
        case errors.UploadOutOfOrder():
            return {"offset_bytes": error.offset_bytes}
        case _:
            return None
