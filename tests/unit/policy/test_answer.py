"""An answer counts only if it is complete, of the active revision, and says what can be said."""

import copy
from collections.abc import Callable
from typing import cast

import pytest

from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import answer
from gateway.policy.values import (
    PolicyAllowed,
    PolicyBroken,
    PolicyDenied,
    PolicyHeld,
    PolicyOutcome,
    PolicyRevisionId,
    PolicyUnavailable,
    RuleInfo,
    Verdict,
)

PAIR = PolicyRevisionId(rules="sha256:rules", data="sha256:data")
RULES = (RuleInfo("a", "A001", "A"), RuleInfo("b", "B001", "B"))
SUBJECTS = ("root", "child")


def finding(rule: str, subject: str, verdict: str = "pass", **more: JsonValue) -> JsonObject:
    return {"rule": rule, "subject": subject, "verdict": verdict, **more}


def complete() -> JsonObject:
    evaluated: list[JsonValue] = [finding(rule.id, subject) for rule in RULES for subject in SUBJECTS]
    return {"revision": {"rules": PAIR.rules, "data": PAIR.data}, "evaluated": evaluated, "obligations": []}


def judged(value: JsonValue) -> PolicyOutcome:
    return answer.outcome(value, expected=PAIR, rules=RULES, subjects=SUBJECTS)


def says(*findings: JsonObject) -> JsonObject:
    """Return the complete answer with some findings in place of those of the same rule and subject."""
    value = complete()
    replaced = {(f["rule"], f["subject"]) for f in findings}
    kept = [f for f in cast(list[JsonObject], value["evaluated"]) if (f["rule"], f["subject"]) not in replaced]
    return {**value, "evaluated": [*kept, *findings]}


def test_all_pass_is_allowed() -> None:
    outcome = judged(complete())
    assert isinstance(outcome, PolicyAllowed)
    assert outcome.revision == PAIR.id
    assert [(f.subject, f.rule) for f in outcome.findings] == [(s, r.id) for s in SUBJECTS for r in RULES]
    assert outcome.warnings == ()


def test_na_is_an_answer() -> None:
    assert isinstance(judged(says(finding("a", "root", "na"))), PolicyAllowed)


def test_a_warning_is_allowed_and_said() -> None:
    outcome = judged(says(finding("a", "child", "warn", code="A001", message="careful")))
    assert isinstance(outcome, PolicyAllowed)
    assert [(r.code, r.message, r.severity, r.subject) for r in outcome.warnings] == [
        ("A001", "careful", "warn", "child")
    ]


def test_deny_beats_hold_beats_allow() -> None:
    hold = finding("a", "root", "hold", code="A001", message="wait", binding=True)
    deny = finding("b", "child", "deny", code="B001", message="no")
    held, denied = judged(says(hold)), judged(says(hold, deny))
    assert isinstance(held, PolicyHeld)
    assert held.binding
    assert [(r.code, r.subject) for r in held.reasons] == [("A001", None)]
    assert isinstance(denied, PolicyDenied)
    assert [(r.code, r.subject) for r in denied.reasons] == [("B001", "child")]
    assert [f.code for f in denied.findings if f.verdict is Verdict.HOLD] == ["A001"]


def test_a_hold_without_the_mark_is_not_binding() -> None:
    held = judged(says(finding("a", "root", "hold", code="A001", message="wait")))
    assert isinstance(held, PolicyHeld)
    assert not held.binding


def test_a_long_message_is_cut() -> None:
    denied = judged(says(finding("a", "root", "deny", code="A001", message="x" * 5000)))
    assert isinstance(denied, PolicyDenied)
    assert len(denied.reasons[0].message) == answer.MAX_MESSAGE_CHARACTERS


@pytest.mark.parametrize(
    "revision",
    [
        pytest.param(None, id="none"),
        pytest.param({}, id="empty"),
        pytest.param({"rules": PAIR.rules}, id="no-data"),
        pytest.param({"rules": PAIR.rules, "data": "sha256:other"}, id="other-data"),
        pytest.param({"rules": "sha256:other", "data": PAIR.data}, id="other-rules"),
        pytest.param({"rules": PAIR.rules, "data": PAIR.data, "more": 1}, id="more"),
        pytest.param([PAIR.rules, PAIR.data], id="list"),
    ],
)
def test_another_revision_is_unavailable(revision: JsonValue) -> None:
    assert isinstance(judged({**complete(), "revision": revision}), PolicyUnavailable)


@pytest.mark.parametrize("value", [None, True, 1, "allow", [], {}, {"allow": True}])
def test_something_else_shows_no_revision(value: JsonValue) -> None:
    assert isinstance(judged(value), PolicyUnavailable)


def _without_last(value: JsonObject) -> JsonObject:
    return {**value, "evaluated": cast(list[JsonValue], value["evaluated"])[:-1]}


def _last_twice(value: JsonObject) -> JsonObject:
    evaluated = cast(list[JsonValue], value["evaluated"])
    return {**value, "evaluated": [*evaluated, copy.deepcopy(evaluated[-1])]}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(_without_last, "the rule b says nothing of child", id="missing"),
        pytest.param(_last_twice, "the rule b speaks twice of child", id="twice"),
        pytest.param(lambda v: {**v, "evaluated": []}, "says nothing", id="empty"),
        pytest.param(lambda v: {**v, "evaluated": None}, "not a list", id="null"),
        pytest.param(lambda v: {**v, "evaluated": [1]}, "not an object", id="number"),
        pytest.param(lambda v: {**v, "more": 1}, "members", id="another-member"),
        pytest.param(lambda v: {k: x for k, x in v.items() if k != "obligations"}, "members", id="no-obligations"),
        pytest.param(lambda v: {**v, "obligations": ["emit_receipt"]}, "obligation", id="unknown-obligation"),
        pytest.param(lambda v: {**v, "obligations": [{}]}, "obligation", id="odd-obligation"),
        pytest.param(lambda v: {**v, "obligations": None}, "obligation", id="null-obligations"),
        pytest.param(lambda _: says(finding("c", "root")), "not active", id="unknown-rule"),
        pytest.param(lambda _: says(finding("a", "stranger")), "not in the input", id="unknown-subject"),
        pytest.param(lambda _: says({"rule": "a", "subject": None, "verdict": "pass"}), "no subject", id="no-subject"),
        pytest.param(lambda _: says(finding("a", "root", "allow")), "verdict that is none", id="unknown-verdict"),
        pytest.param(lambda _: says({"rule": "a", "subject": "root", "verdict": None}), "none", id="null-verdict"),
        pytest.param(lambda _: says(finding("a", "root", "pass", code="A001")), "and more", id="pass-with-code"),
        pytest.param(lambda _: says(finding("a", "root", "na", message="x")), "and more", id="na-with-message"),
        pytest.param(lambda _: says(finding("a", "root", "deny")), "another code", id="deny-without-code"),
        pytest.param(
            lambda _: says(finding("a", "root", "deny", code="B001", message="x")),
            "another code",
            id="other-rules-code",
        ),
        pytest.param(lambda _: says(finding("a", "root", "warn", code="A001")), "no message", id="no-message"),
        pytest.param(
            lambda _: says(finding("a", "root", "warn", code="A001", message="")), "no message", id="empty-message"
        ),
        pytest.param(
            lambda _: says(finding("a", "root", "deny", code="A001", message="x", binding=True)),
            "binding",
            id="binding-deny",
        ),
        pytest.param(
            lambda _: says(finding("a", "root", "hold", code="A001", message="x", binding=1)),
            "binding",
            id="binding-one",
        ),
        pytest.param(
            lambda _: says(finding("a", "root", "deny", code="A001", message="x", severity="low")),
            "unknown member",
            id="another-member-of-a-finding",
        ),
    ],
)
def test_an_odd_answer_of_the_active_revision_is_broken(spoil: Callable[[JsonObject], JsonObject], reason: str) -> None:
    outcome = judged(spoil(complete()))
    assert isinstance(outcome, PolicyBroken)
    assert outcome.revision == PAIR.id
    assert reason in outcome.reason


@pytest.mark.parametrize(("rules", "subjects"), [((), SUBJECTS), (RULES, ()), ((), ())])
def test_nothing_said_of_nothing_is_not_an_admission(rules: tuple[RuleInfo, ...], subjects: tuple[str, ...]) -> None:
    value = {**complete(), "evaluated": []}
    assert isinstance(answer.outcome(value, expected=PAIR, rules=rules, subjects=subjects), PolicyBroken)
