"""No rule passes silently for want of a field: each member of the input is removed, one at a time.

The schema would refuse every one of these inputs. Here the rules are asked without it, since it is the second of two
floors: a rule must not depend on it, nor an answer on the rule.
"""

import copy
from collections.abc import Iterator
from typing import cast

import opapywasm
import pytest

from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import answer
from gateway.policy.canonical import encode
from gateway.policy.values import PolicyAllowed, PolicyBroken, PolicyOutcome, PolicyUnavailable
from tests.support.policy import RULES, admissible, child, codes, digest, image, index, strict_revision, tagging
from tests.support.policy_cases import replaced

REVISION = strict_revision()

UNREAD = {
    "api_version", "time", "trigger", "who", "what", "closure", "truncated", "where/registry", "where/mode",
    "trust/codes", "evidence/rejected", "subjects/*/artifact_type", "subjects/*/platform",
    "subjects/*/layers/*/digest", "subjects/*/layers/*/size", "subjects/*/config/env", "subjects/*/config/entrypoint",
    "subjects/*/config/cmd", "subjects/*/config/exposed_ports", "subjects/*/config/os",
    "subjects/*/config/architecture", "subjects/*/config/created",
    "evidence/verified/*/format", "evidence/verified/*/signer", "evidence/verified/*/signer_name",
    "evidence/verified/*/authority", "evidence/verified/*/predicate_type",
    "evidence/verified/*/annotations", "evidence/verified/*/first_seen",
}  # fmt: skip
"""What no shipped rule reads. A field that is not here must be missed by some rule."""

OPEN = ("annotations", "labels", "claims")
"""Maps whose members are values: one that is not there is not missing."""


class Rules:
    """The compiled rules, without the schema in front."""

    def __init__(self) -> None:
        self._policy = opapywasm.OpaWasmPolicy.from_wasm_bytes(
            REVISION.wasm, opapywasm.PolicyConfig(default_entrypoint="registry/admission/decision", pool_size=1)
        )
        self._policy.set_data(encode(REVISION.data))

    def outcome(self, document: JsonObject, subjects: tuple[str, ...]) -> PolicyOutcome:
        """Return what an engine would make of this, had the schema let it through."""
        try:
            value = self._policy.evaluate(document)
        except opapywasm.OpaWasmError as error:
            return PolicyBroken(REVISION.id, str(error))
        if value is opapywasm.UNDEFINED:
            return PolicyBroken(REVISION.id, "undefined")
        return answer.outcome(value, expected=REVISION.pair, rules=REVISION.rules, subjects=subjects)

    def silent(self, document: JsonObject, subjects: tuple[str, ...]) -> set[str]:
        """Return the members of ``document`` without which it is allowed."""
        every = list(paths(document))
        return {p for p in every if isinstance(self.outcome(without(document, p), subjects), PolicyAllowed)}


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules()


def paths(value: JsonValue, path: str = "", *, is_open: bool = False) -> Iterator[str]:
    """Give the path of every member of ``value`` that a schema requires."""
    if isinstance(value, dict):
        for name, inner in value.items():
            place = f"{path}/{name}" if path else name
            if not is_open:
                yield place
            yield from paths(inner, place, is_open=name in OPEN)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from paths(inner, f"{path}/{number}")


def without(document: JsonObject, path: str) -> JsonObject:
    """Return ``document`` without the member that ``path`` names."""
    changed = copy.deepcopy(document)
    *parents, last = path.split("/")
    place: JsonValue = changed
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else cast(JsonObject, place)[step]
    del cast(JsonObject, place)[last]
    return changed


def shape(path: str) -> str:
    """Return ``path`` with a star for each number."""
    return "/".join("*" if step.isdigit() else step for step in path.split("/"))


def unread(path: str) -> bool:
    """Return whether ``path``, or what it is in, is listed as read by no rule."""
    steps = shape(path).split("/")
    return any("/".join(steps[:length]) in UNREAD for length in range(1, len(steps) + 1))


def an_index() -> JsonObject:
    return admissible(subjects=[index(), child("b"), child("c", kind="attestation", config=None)])


PASSING = {
    "manifest": admissible(),
    "new-tag": tagging(),
    "same-tag": tagging(target=digest("a"), target_is_this=True),
    "index": an_index(),
    "no-config": admissible(subjects=[image(kind="chart", config=None)]),
}


@pytest.mark.parametrize("document", [pytest.param(document, id=name) for name, document in PASSING.items()])
def test_without_a_field_that_some_rule_reads_nothing_is_allowed(rules: Rules, document: JsonObject) -> None:
    subjects = _subjects(document)
    assert isinstance(rules.outcome(document, subjects), PolicyAllowed)
    allowed = {
        path for path in paths(document) if isinstance(rules.outcome(without(document, path), subjects), PolicyAllowed)
    }
    surprising = {path for path in allowed if not unread(path) and not _not_judged(document, path)}
    assert surprising == set()


def _not_judged(document: JsonObject, path: str) -> bool:
    """Return whether ``path`` is a field of a subject to which the rules that read it do not apply."""
    steps = path.split("/")
    subjects = cast(list[JsonObject], document["subjects"])
    if path == "where/repository":
        return all(subject["kind"] != "image" for subject in subjects)
    if steps[0] != "subjects" or len(steps) < 3:
        return False
    subject = subjects[int(steps[1])]
    return subject["kind"] != "image" and steps[2] in {"annotations", "config"}


def _firing() -> dict[str, JsonObject]:
    documents = {code: admissible() for code in RULES.values()}
    documents["TAG001"] = tagging(target=digest("b"))
    replaced(documents["SIG001"], "trust/satisfied", False)
    replaced(documents["BASE001"], "subjects/0/annotations", {})
    replaced(documents["SEC001"], "subjects/0/secret_findings", [{"detector": "jwt", "where": "env:X"}])
    replaced(documents["CFG001"], "subjects/0/config/user", "root")
    replaced(documents["ANN001"], "subjects/0/config/labels", {})
    replaced(documents["PUSH001"], "who/claims/ref", "refs/tags/v1")
    replaced(documents["SIZE001"], "subjects/0/size", 1001)
    return documents


@pytest.mark.parametrize(("code", "document"), [pytest.param(code, d, id=code) for code, d in _firing().items()])
def test_without_any_field_a_rule_that_fires_still_refuses(rules: Rules, code: str, document: JsonObject) -> None:
    subjects = _subjects(document)
    assert codes(rules.outcome(document, subjects)) == [(code, digest("a"))]
    silent = {
        path for path in paths(document) if isinstance(rules.outcome(without(document, path), subjects), PolicyAllowed)
    }
    assert silent == set()


@pytest.mark.parametrize("part", ["config", "projects", "revision"])
def test_without_a_part_of_the_data_nothing_is_decided(part: str) -> None:
    bare = Rules()
    data = copy.deepcopy(REVISION.data)
    del cast(JsonObject, data["registry"])[part]
    bare._policy.set_data(encode(data))
    document = admissible()
    assert isinstance(bare.outcome(document, _subjects(document)), PolicyBroken | PolicyUnavailable)


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path in paths(cast(JsonObject, cast(JsonObject, REVISION.data["registry"])["config"])["rules"])
        if path.count("/") == 1
    ),
)
def test_without_a_parameter_nothing_is_allowed(path: str) -> None:
    data = copy.deepcopy(REVISION.data)
    config = cast(JsonObject, cast(JsonObject, data["registry"])["config"])
    config["rules"] = without(cast(JsonObject, config["rules"]), path)
    bare = Rules()
    bare._policy.set_data(encode(data))
    # The binding mark and the accepted static pass are read only where a hold, or a static pass, is there.
    document = tagging() if path.endswith("immutable_tags") else admissible()
    if path.endswith("binding"):
        replaced(document, "trust/satisfied", False)
    if path.endswith("accept_static_pass"):
        replaced(document, "trust/static_pass", True)
    if path.endswith("undeclared"):
        replaced(document, "subjects/0/annotations", {})
    if path.endswith("foreign_layers"):
        replaced(document, "subjects/0/layers/0/foreign", True)
    assert not isinstance(bare.outcome(document, _subjects(document)), PolicyAllowed)


def _subjects(document: JsonObject) -> tuple[str, ...]:
    return tuple(cast(str, subject["digest"]) for subject in cast(list[JsonObject], document["subjects"]))
