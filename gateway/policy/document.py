"""The input of a decision, checked and spelt once: what goes to an engine is exactly what was checked.

Pure: no I/O.
Source: DESIGN 7 (Policy) and 11 (Limits: policy input 1 MiB after projection).
"""

import json
from dataclasses import dataclass
from typing import Final, cast

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy.revision import PolicyRevision
from gateway.policy.schema import Schema

API_VERSION: Final = "registry-gateway/admission/v1"
MAX_INPUT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """A checked document: its bytes, and the digests of its subjects, the manifest itself first."""

    body: bytes
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InputRefused:
    """A document that no rule may see. ``reason`` names the place, never the value."""

    reason: str


def check_reads(revision: PolicyRevision) -> None:
    """Raise `PolicyInvalid` unless the rules of ``revision`` were checked against an input of `API_VERSION`.

    Documents are checked against this gateway's schema, not the revision's: a field that a newer gateway adds breaks
    no stored revision. Anything but an addition changes `API_VERSION`, and is refused here.
    """
    properties = revision.schema.get("properties")
    version = properties.get("api_version") if isinstance(properties, dict) else None
    if not isinstance(version, dict) or version.get("const") != API_VERSION:
        raise PolicyInvalid(f"these rules are not written for an input of {API_VERSION}; activate the policies anew")


def check(document: JsonObject, schema: Schema) -> PolicyInput | InputRefused:
    """Return ``document`` as it goes to an engine, or why it does not.

    A union and not an exception, since this is an outcome of `PolicyEngine.evaluate` like any other.
    """
    try:
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return InputRefused("the input is not a JSON document")
    if len(body) > MAX_INPUT_BYTES:
        return InputRefused(f"the input is larger than {MAX_INPUT_BYTES} bytes")
    violation = schema.violation(document)
    if violation is not None:
        return InputRefused(f"the input is not valid: {violation}")
    listed = cast(list[JsonObject], document["subjects"])
    if listed[0]["root"] is not True:
        return InputRefused("the input is not valid: the first subject is not the manifest itself")
    subjects = tuple(cast(str, subject["digest"]) for subject in listed)
    if len(set(subjects)) != len(subjects):
        return InputRefused("the input is not valid: a subject occurs twice")
    return PolicyInput(body=body, subjects=subjects)
