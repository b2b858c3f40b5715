"""The seam that everything above admission calls.

Pure: Protocols only.
"""

from typing import Protocol

from gateway.access.values import Grant
from gateway.admission.values import Outcome, Push, TriggerKind
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag


class ManifestAdmission(Protocol):
    """Manifests and tags change through this and nothing else."""

    async def push(self, push: Push) -> Outcome:
        """Judge a manifest and commit what was decided. Durable on return.

        Raises `ManifestInvalid`, `ManifestTooLarge`, `DigestInvalid` for a body that is not the manifest it claims to be.
        """
        ...

    async def delete_tag(self, grant: Grant, tag: Tag) -> None:
        """Remove pointer and pending tag. Raises `TagUnknown` where neither exists, `Denied` for a right that is gone."""
        ...

    async def delete_manifest(self, grant: Grant, digest: Digest) -> None:
        """Remove a manifest with its tags. Raises `ManifestUnknown`, `Denied` (evidence that an admission rests on)."""
        ...


class Rejudging(Protocol):
    """What operators and background work ask for."""

    async def reevaluate(
        self,
        repository: RepositoryName,
        digest: Digest,
        *,
        principal: Principal,
        kind: TriggerKind,
        hides: int | None = None,
    ) -> Outcome:
        """Judge a stored manifest again; ``hides`` is `Trigger.hides`. Raises `ManifestUnknown`."""
        ...

    async def revoke(self, repository: RepositoryName, digest: Digest, *, principal: Principal, reason: str) -> None:
        """Hide the bytes in the whole project, whatever carries them.

        Raises `NameUnknown` for an unknown project, `Denied` for a principal that may not revoke.
        """
        ...
