"""The active revisions of trust and policy, as this worker has them.

The catalog says which revision is active; this module loads it, and hands the policy to the engine. A worker that is
behind refuses writes (its engine's revision is not the world's) and goes on serving pulls.

I/O: the catalog, the engine.
Source: DESIGN 7 ("The directories are input, the catalog holds what is active").
"""

from gateway.catalog.stores import RevisionStore
from gateway.catalog.world import ActiveRevision
from gateway.evidence.trust_policy import TrustPolicy
from gateway.policy.engine import PolicyEngine
from gateway.policy.revision import PolicyRevision


class ActiveRevisions:
    """`TrustSource`, and the one who activates what the catalog names."""

    def __init__(self, *, revisions: RevisionStore, engine: PolicyEngine) -> None:
        self._revisions = revisions
        self._engine = engine
        self._trust: tuple[str, TrustPolicy] | None = None

    async def trust_policy(self, revision: ActiveRevision) -> TrustPolicy | None:
        """Return the trust policy with this digest, None where it is not the active one any more."""
        if self._trust is None or self._trust[0] != revision.digest:
            row = await self._revisions.active("trust")
            if row is None or row.digest != revision.digest:
                return None
            self._trust = (row.digest, TrustPolicy.deserialise(row.content))
        return self._trust[1]

    async def activate_policy(self) -> str | None:
        """Give the engine the active policy revision unless it has it; return its digest, None where none is active.

        Raises `PolicyInvalid` where the engine cannot run it.
        """
        row = await self._revisions.active("policy")
        if row is None:
            return None
        current = self._engine.revision()
        if current is None or current.id != row.digest:
            await self._engine.activate(PolicyRevision.from_bytes(row.content))
        return row.digest
