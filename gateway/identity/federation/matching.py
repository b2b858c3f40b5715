"""Which rule is this verified token for: one, none, or several?

Why none does is for whoever writes rules, and for the audit log; never for the caller, who would learn the rules from it.
Believes its input: signature, issuer and times were checked before.

Pure: no I/O, no third-party import.
Source: issue 5, item 3; reference/auth.md 3, "Rules for us" 1 to 3; PyPI's exactly one audience.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.identity.federation.claims import claim_texts, find_claim
from gateway.identity.federation.conditions import Condition
from gateway.identity.federation.rule import FederationRule
from gateway.oci.strict_json import JsonObject

MAX_SHOWN_CHARS: Final = 100
_SHOWN_VALUES: Final = 3


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why the rule called ``rule`` is not the token's: the first thing that does not fit, in one sentence."""

    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Matched:
    """Exactly this rule, or the one of several that the caller named."""

    rule: FederationRule


@dataclass(frozen=True, slots=True)
class NoMatch:
    """No rule; why not, for each rule of the issuer (none where it has no rules)."""

    why: tuple[Mismatch, ...]


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several rules, and the caller named none. The names are sorted."""

    names: tuple[str, ...]


Decision: TypeAlias = Matched | NoMatch | Ambiguous


def matching(
    rules: Sequence[FederationRule],
    *,
    issuer_name: str,
    audience: tuple[str, ...],
    claims: JsonObject,
    wanted: str | None,
) -> Decision:
    """Return which of ``rules`` a verified token with ``audience`` and ``claims`` of the issuer ``issuer_name`` is for.

    ``wanted`` is the name of the one rule that was asked for, None where none was: then several are one too many.
    """
    candidates = [rule for rule in rules if rule.issuer == issuer_name]
    refusal = _always_refused(claims)
    matched: list[FederationRule] = []
    why: list[Mismatch] = []
    for rule in candidates:
        sentence = refusal or _audience_mismatch(rule, audience) or _claims_mismatch(rule, claims)
        if sentence is None:
            matched.append(rule)
        else:
            why.append(Mismatch(rule.name, sentence))
    if wanted is not None:
        why += [
            Mismatch(one.name, f"it matches, and {quoted(wanted)} was asked for")
            for one in matched
            if one.name != wanted
        ]
        matched = [rule for rule in matched if rule.name == wanted]
    match matched:
        case []:
            return NoMatch(tuple(why))
        case [rule]:
            return Matched(rule)
        case _:
            return Ambiguous(tuple(sorted(rule.name for rule in matched)))


def _always_refused(claims: JsonObject) -> str | None:
    """Return why no rule at all may take the token, None where one may.

    Both are jobs that run a stranger's code with the rights of the repository that was asked: GitHub's workflow for a pull
    request with the target's token, and GitLab's merge request from a fork, where ``project_id`` is not where the job ran.
    """
    if "pull_request_target" in claim_texts(claims, "event_name"):
        return (
            "claim event_name must not be pull_request_target: such a job can run the code of whoever opens a request"
        )
    project, ran_in = claim_texts(claims, "project_id"), claim_texts(claims, "job_project_id")
    if find_claim(claims, "job_project_id") is not None and (len(project) != 1 or project != ran_in):
        return (
            f"claim job_project_id must equal project_id, which {_told(claims, 'project_id')}, and it "
            f"{_told(claims, 'job_project_id')}"
        )
    return None


def _audience_mismatch(rule: FederationRule, audience: tuple[str, ...]) -> str | None:
    if audience == (rule.audience,):
        return None
    return f"claim aud must be exactly {quoted(rule.audience)}, and it is {_listed(audience) or 'missing'}"


def _claims_mismatch(rule: FederationRule, claims: JsonObject) -> str | None:
    for condition in rule.match:
        if not condition.matches(claims):
            return f"claim {condition.claim} must be {_expected(condition)}, and it {_told(claims, condition.claim)}"
    return None


def _expected(condition: Condition) -> str:
    shown = " or ".join(quoted(value.text) for value in condition.values[:_SHOWN_VALUES])
    more = len(condition.values) - _SHOWN_VALUES
    return shown if more <= 0 else f"{shown} or one of {more} more"


def _told(claims: JsonObject, name: str) -> str:
    """Return what the token says under ``name``, as the end of a sentence."""
    if find_claim(claims, name) is None:
        return "is missing"
    texts = claim_texts(claims, name)
    return f"is {_listed(texts)}" if texts else "is neither text, a whole number, true, false nor a list of texts"


def _listed(texts: tuple[str, ...]) -> str:
    shown = ", ".join(quoted(text) for text in texts[:_SHOWN_VALUES])
    more = len(texts) - _SHOWN_VALUES
    return shown if more <= 0 else f"{shown} and {more} more"


def quoted(text: str) -> str:
    """Return ``text``, which is somebody else's, as a word of our own sentence: short, printable, in quotation marks."""
    # Not printable are control characters, and also those that turn the direction of a line on the operator's screen.
    # And a quotation mark in it is not the end of it: what a stranger's token says must not read as said by us.
    printable = "".join(character for character in text if character.isprintable())[:MAX_SHOWN_CHARS]
    return "'{}'".format(printable.replace("\\", "\\\\").replace("'", "\\'"))
