"""A parameter of a wrong type switches no rule off: whatever it is, nothing is allowed by a rule that cannot read it.

The shipped schema would refuse every one of these values. The rules are asked without it, since an operator's directory
brings a schema of its own: they must not depend on it. Python's `Schema` says which values are wrong.
"""

import copy
from typing import Final

import opapywasm
import pytest

from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import answer, pack
from gateway.policy.canonical import encode
from gateway.policy.schema import Schema
from gateway.policy.values import PolicyAllowed, PolicyBroken, PolicyOutcome
from tests.support.policy import RULES, admissible, digest, strict_revision, tagging

REVISION: Final = strict_revision()

WRONG: Final[list[JsonValue]] = [
    "v*", "*", "", "7", 7, -1, 0, True, False, None,
    {}, {"v*": "v*"}, {"level": "enforce"},
    [7], [None], [True], [[]], [["v*"]], [{}], [{"v*": "v*"}], ["v*", 7], ["v[0-9]"], [""],
    [{"key": "team", "in": "label"}], [{"key": "team", "in": "Label", "value": "*"}],
    [{"key": 7, "in": "label", "value": "*"}], [{"key": "team", "in": "label", "value": ["*"]}],
    [{"key": "team", "in": "label", "value": "*", "Value": "x"}],
    "Enforce", "ALLOW", "true",
]  # fmt: skip
"""Candidates. Of each parameter, those are tried that its schema refuses."""


def _object(value: JsonValue) -> JsonObject:
    assert isinstance(value, dict)
    return value


def _rules_schema() -> tuple[JsonObject, JsonObject]:
    """Return the schema of each code's parameters, and the definitions that they refer to."""
    schema = pack.config_schema()
    place = schema
    for step in ("registry", "config", "rules"):
        place = _object(_object(place["properties"])[step])
    return _object(place["properties"]), _object(schema["$defs"])


PARAMETERS, DEFS = _rules_schema()


def _wrong() -> list[tuple[str, str, JsonValue]]:
    found = []
    for code, rule in PARAMETERS.items():
        for name, schema in _object(_object(rule)["properties"]).items():
            compiled = Schema.compile({**_object(schema), "$defs": DEFS})
            found += [(code, name, value) for value in WRONG if compiled.violation(value) is not None]
    return found


CASES: Final = [pytest.param(*case, id=f"{case[0]}-{case[1]}-{case[2]!r}") for case in _wrong()]
ALL: Final = {(code, name) for code, name, _ in _wrong()}

MISSHAPEN: Final[list[JsonValue]] = ["x", 7, None, True, [], ["x"], [{"immutable_tags": ["v*"]}]]
PATHS: Final = [(), ("payments",), ("payments", "rules"), ("payments", "rules", "TAG001")]
NOT_DELEGATED: Final[list[JsonValue]] = [
    "immutable_tags", 7, None, True, {"x": "immutable_tags"}, [7], ["immutable_tag"],
]  # fmt: skip


@pytest.fixture(scope="module")
def policy() -> opapywasm.OpaWasmPolicy:
    return opapywasm.OpaWasmPolicy.from_wasm_bytes(
        REVISION.wasm, opapywasm.PolicyConfig(default_entrypoint="registry/admission/decision", pool_size=1)
    )


def outcomes(policy: opapywasm.OpaWasmPolicy, data: JsonObject) -> list[PolicyOutcome]:
    """Return what is made of inputs that every rule passes, and of one whose hold could be made an admission."""
    policy.set_data(encode(data))
    unsigned = admissible(trust={"satisfied": False, "static_pass": False, "policies": [], "signers": [], "codes": []})
    found: list[PolicyOutcome] = []
    for document in (admissible(), tagging(target=digest("a"), target_is_this=True), tagging(name="dev"), unsigned):
        try:
            value = policy.evaluate(document)
        except opapywasm.OpaWasmError as error:
            found.append(PolicyBroken(REVISION.id, str(error)))
            continue
        if value is opapywasm.UNDEFINED:
            found.append(PolicyBroken(REVISION.id, "undefined"))
            continue
        found.append(answer.outcome(value, expected=REVISION.pair, rules=REVISION.rules, subjects=(digest("a"),)))
    return found


def _data() -> tuple[JsonObject, JsonObject]:
    """Return the data of `REVISION`, and its ``registry``."""
    data = copy.deepcopy(REVISION.data)
    return data, _object(data["registry"])


def test_the_table_is_total() -> None:
    assert {code for code, _ in ALL} == set(RULES.values())
    floor = _object(_object(REVISION.data["registry"])["config"])["rules"]
    assert {(code, name) for code, own in _object(floor).items() for name in _object(own)} == ALL
    assert all(sum((code, name) == each[:2] for each in _wrong()) > 15 for code, name in ALL)


def test_what_is_right_is_allowed(policy: opapywasm.OpaWasmPolicy) -> None:
    data, _ = _data()
    *allowed, held = outcomes(policy, data)
    assert all(isinstance(outcome, PolicyAllowed) for outcome in allowed)
    assert not isinstance(held, PolicyAllowed | PolicyBroken)


@pytest.mark.parametrize(("code", "name", "value"), CASES)
def test_a_wrong_floor_decides_nothing(policy: opapywasm.OpaWasmPolicy, code: str, name: str, value: JsonValue) -> None:
    data, registry = _data()
    _object(_object(_object(registry["config"])["rules"])[code])[name] = value
    assert all(isinstance(outcome, PolicyBroken) for outcome in outcomes(policy, data))


@pytest.mark.parametrize(("code", "name", "value"), CASES)
@pytest.mark.parametrize("delegated", [False, True], ids=["tightens", "delegated"])
def test_a_wrong_override_decides_nothing(
    policy: opapywasm.OpaWasmPolicy, code: str, name: str, value: JsonValue, delegated: bool
) -> None:
    data, registry = _data()
    registry["projects"] = {"payments": {"rules": {code: {name: value}}}}
    _object(registry["config"])["delegated"] = {code: [name]} if delegated else {}
    assert all(isinstance(outcome, PolicyBroken) for outcome in outcomes(policy, data))


@pytest.mark.parametrize("value", MISSHAPEN, ids=repr)
@pytest.mark.parametrize("path", PATHS, ids="/".join)
def test_overrides_of_another_shape_are_not_taken_for_none(
    policy: opapywasm.OpaWasmPolicy, path: tuple[str, ...], value: JsonValue
) -> None:
    data, registry = _data()
    projects = value
    for step in reversed(path):
        projects = {step: projects}
    registry["projects"] = projects
    assert all(isinstance(outcome, PolicyBroken) for outcome in outcomes(policy, data))


@pytest.mark.parametrize("value", NOT_DELEGATED, ids=repr)
def test_a_wrong_list_of_what_is_delegated_decides_nothing(policy: opapywasm.OpaWasmPolicy, value: JsonValue) -> None:
    data, registry = _data()
    _object(registry["config"])["delegated"] = {"TAG001": value}
    assert all(isinstance(outcome, PolicyBroken) for outcome in outcomes(policy, data))


@pytest.mark.parametrize("code", sorted(RULES.values()))
def test_a_misspelt_parameter_is_not_ignored(policy: opapywasm.OpaWasmPolicy, code: str) -> None:
    data, registry = _data()
    registry["projects"] = {"payments": {"rules": {code: {"Level": "enforce"}}}}
    assert all(isinstance(outcome, PolicyBroken) for outcome in outcomes(policy, data))
    data, registry = _data()
    _object(_object(_object(registry["config"])["rules"])[code])["Level"] = "enforce"
    assert all(isinstance(outcome, PolicyBroken) for outcome in outcomes(policy, data))
