"""A policy engine whose rules are Python: for tests of what admission makes of an answer, and when it asks.

Its contract is the real engines': it answers under the revision that was activated last, and for nothing before that.

Pure: no I/O.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from gateway.errors import Reason, Severity
from gateway.oci.strict_json import JsonObject
from gateway.policy.revision import PolicyRevision
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

Script: TypeAlias = Callable[[JsonObject, PolicyRevision], PolicyOutcome]
"""From the input document and the active revision to an answer."""


def revision(name: str, **parameters: Sequence[str]) -> PolicyRevision:
    """Return a revision called ``name`` that `by_parameters` can judge by."""
    settings: JsonObject = {key: list(values) for key, values in sorted(parameters.items())}
    return PolicyRevision.of(
        sources={"registry/scripted.rego": f"package registry.scripted # {name}\n"},
        data={"registry": {"script": settings}},
        schema={},
        wasm=b"",
        rules=(RuleInfo("scripted", "TEST001", "scripted"),),
    )


def allowed(active: PolicyRevision, *warnings: str) -> PolicyOutcome:
    """Return that no rule holds or denies."""
    return PolicyAllowed(active.id, (), tuple(_reasons(warnings, "warn")))


def held(active: PolicyRevision, *codes: str) -> PolicyOutcome:
    """Return that rules hold, by ``codes``."""
    findings = tuple(PolicyFinding("scripted", "sha256:0", Verdict.HOLD, code, code) for code in codes)
    return PolicyHeld(active.id, findings, tuple(_reasons(codes, "hold")), ())


def denied(active: PolicyRevision, *codes: str) -> PolicyOutcome:
    """Return that rules deny, by ``codes``."""
    findings = tuple(PolicyFinding("scripted", "sha256:0", Verdict.DENY, code, code) for code in codes)
    return PolicyDenied(active.id, findings, tuple(_reasons(codes, "deny")), ())


def broken(active: PolicyRevision) -> PolicyOutcome:
    """Return that the revision gives no usable answer."""
    return PolicyBroken(active.id, "scripted to err")


def unavailable() -> PolicyOutcome:
    """Return that no answer could be had."""
    return PolicyUnavailable("scripted to be away")


def allow_all(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
    """The script that allows everything."""
    return allowed(active)


def by_parameters(document: JsonObject, active: PolicyRevision) -> PolicyOutcome:
    """The script that parameters write: ``deny`` and ``hold`` name digests, ``deny_tags`` and ``hold_tags`` tags."""
    registry = cast(JsonObject, active.data["registry"])
    parameters = cast(dict[str, list[str]], registry["script"])
    what, tag = cast(JsonObject, document["what"]), cast(JsonObject | None, document["tag"])
    name = what["digest"] if tag is None else tag["name"]
    suffix = "" if tag is None else "_tags"
    if name in parameters.get(f"deny{suffix}", ()):
        return denied(active, "TEST001")
    if name in parameters.get(f"hold{suffix}", ()):
        return held(active, "TEST001")
    return allowed(active)


class ScriptedEngine:
    """`PolicyEngine`. ``script`` may be replaced between calls; ``asked`` holds every document, oldest first."""

    def __init__(self, script: Script = allow_all) -> None:
        self.script = script
        self.asked: list[JsonObject] = []
        self._active: PolicyRevision | None = None

    async def evaluate(self, document: JsonObject, *, deadline_seconds: float) -> PolicyOutcome:
        """Return what the script says under the active revision."""
        self.asked.append(document)
        if self._active is None:
            return PolicyUnavailable("no policy revision is active")
        return self.script(document, self._active)

    def revision(self) -> PolicyRevisionId | None:
        """Return the pair of the active revision."""
        return None if self._active is None else self._active.pair

    async def activate(self, revision: PolicyRevision) -> None:
        """Make ``revision`` active."""
        self._active = revision

    async def close(self) -> None:
        """Answer no more."""
        self._active = None


def _reasons(codes: Sequence[str], severity: Severity) -> list[Reason]:
    return [Reason(code, code, severity) for code in codes]
