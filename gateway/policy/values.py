"""What a policy decision is: verdicts, findings, and the closed union of outcomes.

Never decides: `gateway.policy.answer` makes these out of an engine's raw answer.

Pure: no I/O, no third-party import.
Source: DESIGN 7 (Policy) and 2 (Outcomes).
"""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gateway.errors import Reason


class Verdict(StrEnum):
    """What one rule says of one subject."""

    PASS = "pass"  # noqa: S105  a verdict, not a password
    HOLD = "hold"
    DENY = "deny"
    WARN = "warn"
    NA = "na"
    """The rule does not apply to this subject, or is switched off. An answer all the same: silence is an error."""


@dataclass(frozen=True, slots=True, order=True)
class RuleInfo:
    """An active rule, as its METADATA describes it. ``id`` is its package below `registry.rules`."""

    id: str
    code: str
    title: str
    description: str = ""
    solution: str = ""


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """What ``rule`` says of ``subject`` (a digest, as text).

    ``code`` and ``message`` are there exactly where the verdict is hold, deny or warn. ``binding`` marks a hold that
    a project in ``warn`` mode does not turn into an admission.
    """

    rule: str
    subject: str
    verdict: Verdict
    code: str | None = None
    message: str | None = None
    binding: bool = False


@dataclass(frozen=True, slots=True, order=True)
class PolicyRevisionId:
    """The pair that names a policy: the digest of the Rego modules and the digest of the data, both as text."""

    rules: str
    data: str

    @property
    def id(self) -> str:
        """Return the digest of the pair: one word for logs, records and the catalog."""
        pair = json.dumps({"data": self.data, "rules": self.rules}, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(pair.encode()).hexdigest()

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class PolicyAllowed:
    """No rule holds or denies. ``warnings`` are said to the caller and change nothing."""

    revision: str
    findings: tuple[PolicyFinding, ...]
    warnings: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class PolicyHeld:
    """A rule holds and none denies. ``reasons`` are the holds, never empty."""

    revision: str
    findings: tuple[PolicyFinding, ...]
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]

    @property
    def binding(self) -> bool:
        """Return whether a hold is binding, so that a project in ``warn`` mode keeps it."""
        return any(finding.binding for finding in self.findings if finding.verdict is Verdict.HOLD)


@dataclass(frozen=True, slots=True)
class PolicyDenied:
    """A rule denies. ``reasons`` are the denials, never empty; what would also hold is in ``findings``."""

    revision: str
    findings: tuple[PolicyFinding, ...]
    reasons: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class PolicyBroken:
    """The active revision cannot judge this input: an error, undefined, or an answer of another shape.

    Deterministic, so that no retry is invited. ``reason`` is for the operator.
    """

    revision: str
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyUnavailable:
    """No decision of the active revision could be had in time. A retry may succeed."""

    reason: str


PolicyOutcome: TypeAlias = PolicyAllowed | PolicyHeld | PolicyDenied | PolicyBroken | PolicyUnavailable
