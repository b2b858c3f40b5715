"""The parameters of the shipped rules, in whatever directory: what they may be does not depend on its own schema.

A directory describes the parameters of its own rules in a `schemas/config.json` of its own, often a loose one. That must
not be what turns ``"immutable_tags": "v*"``, a text, into no pattern at all.

Asked of every shipped code that a rule has, whatever module it is: a code is a name with one meaning, in records and in
waivers too, so a rule with other parameters than the shipped one takes a code of its own.

I/O: reads the package's own files.
Source: DESIGN 7 (Policy).
"""

from collections.abc import Sequence, Set

from gateway.errors import PolicyInvalid
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import pack
from gateway.policy.schema import Schema
from gateway.policy.values import RuleInfo


def check_shipped_parameters(data: JsonObject, rules: Sequence[RuleInfo]) -> None:
    """Raise `PolicyInvalid` where a parameter of a shipped code among ``rules`` is not what the shipped schema says.

    So is what the shipped rules' lookup goes through: a project's overrides in another shape would read as none. What
    else ``data`` says is the directory's own.
    """
    shipped = _rules_of(pack.data())
    codes = {rule.code for rule in rules} & shipped.keys()
    # The shipped schema wants the parameters of all shipped rules; those of a rule that is not here are not in force.
    judged = _judged(data, codes, absent={code: shipped[code] for code in shipped.keys() - codes})
    violation = Schema.compile(pack.config_schema()).violation(judged)
    if violation is not None:
        raise PolicyInvalid(
            f"data/: {violation} (the gateway's own schemas/config.json, which a changed one does not replace: "
            "a rule with other parameters than a shipped one takes a code of its own)"
        )


def _judged(data: JsonObject, codes: Set[str], *, absent: JsonObject) -> JsonValue:
    """Return the part of ``data`` that is judged. What is no object stays as it is, for the schema to refuse."""
    registry = data.get("registry")
    if not isinstance(registry, dict):
        return data
    judged = {name: value for name, value in registry.items() if name in ("config", "projects")}
    config, projects = judged.get("config"), judged.get("projects")
    if isinstance(config, dict):
        floor = {name: _only(value, codes) for name, value in config.items() if name in ("rules", "delegated")}
        rules = floor.get("rules")
        judged["config"] = {**floor, "rules": {**absent, **rules}} if isinstance(rules, dict) else floor
    if isinstance(projects, dict):
        judged["projects"] = {name: _overrides(project, codes) for name, project in projects.items()}
    return {"registry": judged}


def _overrides(project: JsonValue, codes: Set[str]) -> JsonValue:
    if not isinstance(project, dict):
        return project
    return {name: _only(value, codes) if name == "rules" else value for name, value in project.items()}


def _only(by_code: JsonValue, codes: Set[str]) -> JsonValue:
    if not isinstance(by_code, dict):
        return by_code
    return {code: value for code, value in by_code.items() if code in codes}


def _rules_of(data: JsonObject) -> JsonObject:
    place: JsonValue = data
    for step in ("registry", "config", "rules"):
        place = place[step] if isinstance(place, dict) else None
    if not isinstance(place, dict):
        raise PolicyInvalid("the shipped policy is damaged: its data has no parameters")
    return place
