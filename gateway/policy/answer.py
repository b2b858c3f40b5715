"""From an engine's raw answer to an outcome.

An answer counts only if it shows the active revision and if every active rule speaks exactly once of every subject. So
a rule whose body is undefined, a rule that was dropped by a half-loaded bundle, or an answer of yesterday's policy
cannot pass for an admission. Every surprise is a refusal.

Pure: no I/O, no third-party import.
Source: DESIGN 7 (Policy) and 2 (Outcomes).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.errors import Reason, Severity
from gateway.oci.strict_json import JsonValue
from gateway.policy.values import (
    PolicyAllowed,
    PolicyBroken,
    PolicyDenied,
    PolicyFinding,
    PolicyHeld,
    PolicyOutcome,
    PolicyRevisionId,
    PolicyUnavailable,
    RuleInfo,
    Verdict,
)

KNOWN_OBLIGATIONS: Final[frozenset[str]] = frozenset()
"""What this gateway can be obliged to do. An obligation it does not know is a refusal, as XACML has it."""

MAX_MESSAGE_CHARACTERS: Final = 2000
"""What of a rule's message is kept: it may quote up to 64 KiB of an image's labels."""

_SEVERITIES: Final[tuple[Severity, Severity, Severity]] = ("deny", "hold", "warn")
_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict}


class _Odd(Exception):
    """Something about the answer is not as agreed."""


def outcome(
    answer: JsonValue, *, expected: PolicyRevisionId, rules: Sequence[RuleInfo], subjects: Sequence[str]
) -> PolicyOutcome:
    """Return what ``answer``, the value of `data.registry.admission.decision`, means for ``subjects``.

    ``subjects`` are those of the input, the manifest itself first. `PolicyUnavailable` where the answer does not show
    the pair ``expected`` (another revision, or none: an engine that has just restarted); `PolicyBroken` where it does
    and is anything but complete and well-formed.
    """
    if not isinstance(answer, dict) or not shows(answer.get("revision"), expected):
        return PolicyUnavailable("the engine does not show the active policy revision")
    try:
        findings = _findings(answer, rules=rules, subjects=subjects)
    except _Odd as odd:
        return PolicyBroken(revision=expected.id, reason=f"the policy's answer is refused: {odd}")
    root = subjects[0]
    denials, holds, warnings = (_reasons(findings, severity, root) for severity in _SEVERITIES)
    if denials:
        return PolicyDenied(revision=expected.id, findings=findings, reasons=denials, warnings=warnings)
    if holds:
        return PolicyHeld(revision=expected.id, findings=findings, reasons=holds, warnings=warnings)
    return PolicyAllowed(revision=expected.id, findings=findings, warnings=warnings)


def shows(revision: JsonValue, expected: PolicyRevisionId) -> bool:
    """Return whether ``revision`` of an answer is exactly the pair ``expected``."""
    return revision == {"rules": expected.rules, "data": expected.data}


def _findings(
    answer: Mapping[str, JsonValue], *, rules: Sequence[RuleInfo], subjects: Sequence[str]
) -> tuple[PolicyFinding, ...]:
    if set(answer) != {"revision", "evaluated", "obligations"}:
        raise _Odd("its members are not revision, evaluated and obligations")
    obligations = answer["obligations"]
    if not isinstance(obligations, list) or not all(isinstance(o, str) and o in KNOWN_OBLIGATIONS for o in obligations):
        raise _Odd("it has an obligation that this gateway does not know")
    if not rules or not subjects:
        # Nothing to say of nothing would be complete, and an admission.
        raise _Odd("there is no rule, or no subject")
    evaluated = answer["evaluated"]
    if not isinstance(evaluated, list):
        raise _Odd("evaluated is not a list")
    codes = {rule.id: rule.code for rule in rules}
    found: dict[tuple[str, str], PolicyFinding] = {}
    for entry in evaluated:
        finding = _finding(entry, codes)
        if (finding.subject, finding.rule) in found:
            raise _Odd(f"the rule {finding.rule} speaks twice of {finding.subject}")
        found[finding.subject, finding.rule] = finding
    # The subjects' own order, then the rules': the engines' order is not defined, and records are compared.
    ordered = [(subject, rule) for subject in subjects for rule in sorted(codes)]
    for subject, rule in ordered:
        if (subject, rule) not in found:
            raise _Odd(f"the rule {rule} says nothing of {subject}")
    if len(found) != len(ordered):
        raise _Odd("a finding names a subject that is not in the input")
    return tuple(found[key] for key in ordered)


def _finding(entry: JsonValue, codes: Mapping[str, str]) -> PolicyFinding:
    if not isinstance(entry, dict):
        raise _Odd("a finding is not an object")
    rule, subject, word = entry.get("rule"), entry.get("subject"), entry.get("verdict")
    if not isinstance(rule, str) or rule not in codes:
        raise _Odd("a finding names a rule that is not active")
    if not isinstance(subject, str):
        raise _Odd(f"the rule {rule} names no subject")
    verdict = _VERDICTS.get(word) if isinstance(word, str) else None
    if verdict is None:
        raise _Odd(f"the rule {rule} has a verdict that is none")
    if verdict.value not in _SEVERITIES:
        if set(entry) != {"rule", "subject", "verdict"}:
            raise _Odd(f"the rule {rule} says {verdict} and more")
        return PolicyFinding(rule=rule, subject=subject, verdict=verdict)
    code, message, binding = entry.get("code"), entry.get("message"), entry.get("binding", False)
    if set(entry) - {"rule", "subject", "verdict", "code", "message", "binding"}:
        raise _Odd(f"a finding of the rule {rule} has an unknown member")
    if code != codes[rule]:
        raise _Odd(f"a finding of the rule {rule} has another code than {codes[rule]}")
    if not isinstance(message, str) or not message:
        raise _Odd(f"a finding of the rule {rule} has no message")
    if not isinstance(binding, bool) or (binding and verdict is not Verdict.HOLD):
        raise _Odd(f"a finding of the rule {rule} is binding and no hold")
    return PolicyFinding(
        rule=rule,
        subject=subject,
        verdict=verdict,
        code=codes[rule],
        message=message[:MAX_MESSAGE_CHARACTERS],
        binding=binding,
    )


def _reasons(findings: tuple[PolicyFinding, ...], severity: Severity, root: str) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            code=finding.code or "",
            message=finding.message or "",
            severity=severity,
            subject=None if finding.subject == root else finding.subject,
        )
        for finding in findings
        if finding.verdict == severity
    )
