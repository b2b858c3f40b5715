"""The contract of `PolicyEngine`: what every engine does, whatever runs the rules.

A test module subclasses it and says how an engine that serves a revision is made. `make test` runs it on wasm,
`make test-services` on a real OPA.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject
from gateway.policy.document import MAX_INPUT_BYTES
from gateway.policy.engine import PolicyEngine
from gateway.policy.pack import shipped_revision
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyAllowed, PolicyBroken, PolicyDenied, PolicyOutcome, PolicyUnavailable, Verdict
from tests.support.policy import RULES, admissible, child, codes, decide, digest, index, strict_revision, tagging
from tests.support.policy_cases import Case, load, replaced

Serving = Callable[[PolicyRevision], AbstractContextManager[PolicyEngine]]
"""Gives an engine whose rules are the revision's; not yet activated."""


class PolicyEngineContract:
    """Every engine passes this. A subclass provides the fixture ``serving``."""

    def test_the_golden_cases(self, serving: Serving) -> None:
        by_revision: dict[str, list[Case]] = {}
        for case in load():
            by_revision.setdefault(case.revision().id, []).append(case)
        assert sum(map(len, by_revision.values())) > 60
        for cases in by_revision.values():
            with serving(cases[0].revision()) as engine:
                outcomes = decide(engine, cases[0].revision(), *(case.document for case in cases))
            for case, outcome in zip(cases, outcomes, strict=True):
                try:
                    case.check(outcome)
                except AssertionError as error:
                    raise AssertionError(f"{case.id}: {error}") from None

    def test_an_admissible_input_is_allowed_by_every_rule(self, serving: Serving) -> None:
        revision = strict_revision()
        with serving(revision) as engine:
            (outcome,) = decide(engine, revision, admissible())
        assert isinstance(outcome, PolicyAllowed)
        assert outcome.revision == revision.id
        assert {finding.rule for finding in outcome.findings} == set(RULES)
        assert {f.rule for f in outcome.findings if f.verdict is Verdict.NA} == {"immutable_tag"}
        assert outcome.warnings == ()

    def test_the_shipped_parameters_let_an_ordinary_push_in_with_a_warning(self, serving: Serving) -> None:
        document = admissible()
        replaced(document, "subjects/0/annotations", {})
        replaced(document, "subjects/0/config/labels", {})
        replaced(document, "subjects/0/config/user", "")
        revision = shipped_revision()
        with serving(revision) as engine:
            (outcome,) = decide(engine, revision, document)
        assert isinstance(outcome, PolicyAllowed)
        assert [(reason.code, reason.severity) for reason in outcome.warnings] == [("CFG001", "warn")]

    def test_reasons_name_the_subject_where_it_is_a_child(self, serving: Serving) -> None:
        document = admissible(subjects=[index(), child("b"), child("c")])
        replaced(document, "subjects/2/config/user", "0")
        revision = strict_revision()
        with serving(revision) as engine:
            (outcome,) = decide(engine, revision, document)
        assert isinstance(outcome, PolicyDenied)
        assert [(r.code, r.subject, r.severity) for r in outcome.reasons] == [("CFG001", digest("c"), "deny")]

    def test_before_activation_nothing_is_decided(self, serving: Serving) -> None:
        async def ask(engine: PolicyEngine) -> PolicyOutcome:
            assert engine.revision() is None
            return await engine.evaluate(admissible(), deadline_seconds=30)

        with serving(strict_revision()) as engine:
            assert isinstance(asyncio.run(ask(engine)), PolicyUnavailable)

    def test_after_close_nothing_is_decided(self, serving: Serving) -> None:
        revision = strict_revision()

        async def ask(engine: PolicyEngine) -> PolicyOutcome:
            await engine.activate(revision)
            assert engine.revision() == revision.pair
            await engine.close()
            await engine.close()
            return await engine.evaluate(admissible(), deadline_seconds=30)

        with serving(revision) as engine:
            assert isinstance(asyncio.run(ask(engine)), PolicyUnavailable)

    def test_an_input_that_is_not_valid_reaches_no_rule(self, serving: Serving) -> None:
        two_roots = admissible(subjects=[index(), child("b", root=True)])
        child_first = admissible(subjects=[child("b"), index()])
        twice = admissible(subjects=[index(), child("b"), child("b")])
        wide = admissible(truncated=["x" * 200] * 4000)
        replaced(wide, "subjects/0/annotations", {f"k{n}": "v" * 60000 for n in range(18)})
        refused: dict[str, JsonObject] = {
            "an unknown member": admissible(extra=1),
            "a missing member": {name: value for name, value in admissible().items() if name != "trust"},
            "another version": admissible(api_version="registry-gateway/admission/v2"),
            "no subject": admissible(subjects=[]),
            "two roots": two_roots,
            "the root is not first": child_first,
            "a subject twice": twice,
            "a tag decision without a tag": admissible(decision="tag"),
            "a tag in a manifest decision": {**tagging(), "decision": "manifest"},
            "over the limit": wide,
        }
        revision = strict_revision()
        with serving(revision) as engine:
            outcomes = decide(engine, revision, *refused.values())
        for name, outcome in zip(refused, outcomes, strict=True):
            assert isinstance(outcome, PolicyBroken), name
            assert outcome.revision == revision.id
        assert str(MAX_INPUT_BYTES) in str(outcomes[-1])

    def test_what_is_refused_is_not_quoted(self, serving: Serving) -> None:
        canary = "c4n4ry" * 5
        document = admissible()
        replaced(document, "where/mode", canary)
        revision = strict_revision()
        with serving(revision) as engine:
            (outcome,) = decide(engine, revision, document)
        assert isinstance(outcome, PolicyBroken)
        assert canary not in outcome.reason

    def test_odd_texts_change_nothing(self, serving: Serving) -> None:
        odd = ["\x00", "\x1f", "\u2028", "é", "𝔘", '"', "\\", "a" * 60000, "*", "[a", "{a,b", "K", "ſ", "\ufffd"]
        documents = []
        for text in odd:
            document = admissible()
            replaced(document, "subjects/0/config/user", f"u{text}")
            replaced(document, "subjects/0/config/labels", {"team": text, text: text})
            documents.append(document)
        revision = strict_revision()
        with serving(revision) as engine:
            outcomes = decide(engine, revision, *documents)
        for text, outcome in zip(odd, outcomes, strict=True):
            assert isinstance(outcome, PolicyAllowed), (text[:10], outcome)

    def test_many_at_once_are_not_mixed_up(self, serving: Serving) -> None:
        revision = strict_revision()
        documents = []
        for number in range(48):
            document = admissible()
            replaced(document, "subjects/0/config/user", str(number % 2))
            documents.append(document)

        async def ask(engine: PolicyEngine) -> list[PolicyOutcome]:
            await engine.activate(revision)
            try:
                return await asyncio.gather(*(engine.evaluate(d, deadline_seconds=60) for d in documents))
            finally:
                await engine.close()

        with serving(revision) as engine:
            outcomes = asyncio.run(ask(engine))
        for number, outcome in enumerate(outcomes):
            assert codes(outcome) == ([] if number % 2 else [("CFG001", digest("a"))])

    def test_a_revision_for_another_input_is_not_activated(self, serving: Serving) -> None:
        revision = strict_revision()
        other = PolicyRevision.of(
            sources=revision.sources,
            data={"registry": {"config": {}, "projects": {}}},
            schema={"properties": {"api_version": {"const": "registry-gateway/admission/v2"}}},
            wasm=revision.wasm,
            rules=revision.rules,
        )

        async def activate(engine: PolicyEngine) -> None:
            try:
                await engine.activate(revision)
                with pytest.raises(PolicyInvalid, match="admission/v1"):
                    await engine.activate(other)
                assert engine.revision() == revision.pair
            finally:
                await engine.close()

        with serving(revision) as engine:
            asyncio.run(activate(engine))
