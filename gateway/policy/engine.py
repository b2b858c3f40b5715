"""The seam between admission and whatever evaluates the rules.

Two adapters, `gateway.policy.wasm_engine` and `gateway.policy.opa_engine`, pass one contract suite. Neither ever falls
back to the other: which engine is in force is configuration, and is recorded.

Pure: a Protocol.
Source: DESIGN 7 (Policy).
"""

from typing import Protocol

from gateway.oci.strict_json import JsonObject
from gateway.policy.revision import PolicyRevision
from gateway.policy.values import PolicyOutcome, PolicyRevisionId


class PolicyEngine(Protocol):
    """Evaluates the one query of the active revision. Raises nothing that an input or a rule can cause."""

    async def evaluate(self, document: JsonObject, *, deadline_seconds: float) -> PolicyOutcome:
        """Return what the active revision says of ``document``, an input document of `schemas/admission.json`.

        At most ``deadline_seconds`` later; a time-out is `PolicyUnavailable`, and so is every call before `activate`.
        The document is checked against the schema first: one that fails is `PolicyBroken`, and no rule sees it.
        """
        ...

    def revision(self) -> PolicyRevisionId | None:
        """Return the active revision's pair, or None before the first `activate`."""
        ...

    async def activate(self, revision: PolicyRevision) -> None:
        """Make ``revision`` the one that decides, at once for every evaluation that starts afterwards.

        Raises `PolicyInvalid` where this engine cannot run it; what was active then stays active.
        """
        ...

    async def close(self) -> None:
        """Release threads, memory and connections. Evaluations afterwards are `PolicyUnavailable`. Idempotent."""
        ...
