"""What access needs to know; the catalog implements it.

Pure: Protocols only.
"""

from typing import Protocol

from gateway.access.values import InstanceRole, Standing
from gateway.identity.values import Principal
from gateway.oci.names import RepositoryName


class StandingStore(Protocol):
    """Who is what, at this moment. Every call reads fresh state; an answer is good for one request."""

    async def standing(self, principal_id: str, repository: RepositoryName, *, now: int) -> Standing | None:
        """Return the standing of the principal in the project that ``repository`` belongs to.

        None where no project claims the name. An unknown principal gets an inactive standing; ``anonymous`` an active
        one without roles. ``now`` in Unix seconds decides on expiry.
        """
        ...

    async def principal(self, principal_id: str, *, now: int) -> tuple[Principal, bool, frozenset[InstanceRole]] | None:
        """Return the principal, whether it is active, and its instance roles; None if there never was one."""
        ...
