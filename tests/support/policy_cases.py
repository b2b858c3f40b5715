"""The golden cases of `tests/unit/policy/cases/`, which both engines must answer as they say.

A case is written by hand as a difference from an input that every rule passes: ``set`` maps a path to a value, ``rules``
and ``project`` change parameters, ``codes`` are (code, first digit of the subject's digest) of all that is found.

I/O: reads the cases.
"""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy.pack import merged, shipped_revision
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyAllowed, PolicyDenied, PolicyHeld, PolicyOutcome
from tests.support.policy import ROOT, STRICT, admissible, child, codes, digest, index, tagging

CASES: Final[Path] = ROOT / "tests" / "unit" / "policy" / "cases"
OUTCOMES: Final = {"allowed": PolicyAllowed, "held": PolicyHeld, "denied": PolicyDenied}


@dataclass(frozen=True)
class Case:
    """One input under one set of parameters, and what must come of it."""

    id: str
    document: JsonObject
    overrides: JsonObject
    outcome: str
    codes: list[tuple[str, str]]

    def revision(self) -> PolicyRevision:
        """Return the shipped rules under this case's parameters."""
        return shipped_revision(self.overrides)

    def check(self, outcome: PolicyOutcome) -> None:
        """AssertionError unless ``outcome`` is this case's."""
        assert type(outcome) is OUTCOMES[self.outcome], outcome
        assert codes(outcome) == self.codes


def load() -> list[Case]:
    """Return every golden case."""
    return [
        _case(file.stem, cast(dict[str, JsonValue], raw))
        for file in sorted(CASES.glob("*.json"))
        for raw in json.loads(file.read_bytes())
    ]


def replaced(document: JsonObject, path: str, value: JsonValue) -> None:
    """Set what ``path`` (``subjects/0/size``) names in ``document`` to ``value``."""
    *parents, last = path.split("/")
    place: JsonValue = document
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else cast(JsonObject, place)[step]
    cast(JsonObject, place)[last] = value


def _case(rule: str, raw: dict[str, JsonValue]) -> Case:
    document = {"image": admissible, "tag": tagging, "index": _an_index}[cast(str, raw["base"])]()
    for path, value in cast(JsonObject, raw["set"]).items():
        replaced(document, path, copy.deepcopy(value))
    changes: JsonObject = {
        "registry": {
            "config": {"rules": raw.get("rules", {}), "delegated": raw.get("delegated", {})},
            "projects": {"payments": {"rules": raw["project"]}} if "project" in raw else {},
        }
    }
    found = [(code, digest(character)) for code, character in cast(list[list[str]], raw["codes"])]
    return Case(
        id=f"{rule}: {raw['title']}",
        document=document,
        overrides=merged(STRICT, changes),
        outcome=cast(str, raw["outcome"]),
        codes=sorted(found),
    )


def _an_index() -> JsonObject:
    attestation = child("c", kind="attestation", config=None, annotations={})
    return admissible(subjects=[index(), child("b"), attestation, child("d")])
