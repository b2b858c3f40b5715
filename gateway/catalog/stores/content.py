"""Which bytes belong where, and which are on their way.

Pure: Protocols only.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.catalog.values import BlobView, UploadRow
from gateway.identity.values import Principal
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName


class BlobCatalog(Protocol):
    """Which blob belongs to which repository. Knowing a digest gives nothing."""

    async def blob(self, repository: RepositoryName, digest: Digest, *, now: int) -> BlobView | None:
        """Return the blob if it belongs to the repository, with its derived visibility (the witness is verified)."""
        ...

    async def sources(self, digest: Digest, *, limit: int) -> Sequence[RepositoryName]:
        """Return repositories that the blob belongs to: for a mount that names no source."""
        ...

    async def link(
        self,
        repository: RepositoryName,
        digest: Digest,
        size: int,
        *,
        principal: Principal,
        now: int,
        mounted: bool = False,
    ) -> None:
        """Make the blob belong to the repository (created if need be); have what waits for it judged again.

        Of many, the first few; ``arrival`` work completes the others. Raises `TooManyRequests` where a blob that was
        ``mounted``, and not sent, is one more than the principal may bring before a manifest names them.
        """
        ...

    async def unlink(self, repository: RepositoryName, digest: Digest, *, principal: Principal, now: int) -> None:
        """Remove the blob from the repository. Raises `BlobUnknown`, or `BlobReferenced` while a manifest names it."""
        ...


class Arrivals(Protocol):
    """What waits for a part that came: completed page by page, in the background."""

    async def complete_waiting(
        self, repository: RepositoryName, digest: Digest, *, data: Mapping[str, str], now: int
    ) -> None:
        """Complete the next page of what waits for ``digest``, and ask for the page after it as ``arrival`` work.

        ``data`` is that of this work, which the catalog wrote itself: whom the part is there for, and how far it got.
        Nothing where the part is not in the repository any more.
        """
        ...


class UploadCatalog(Protocol):
    """Upload sessions, bound to a principal and a repository: to anybody else a session does not exist."""

    async def start(self, session: str, repository: RepositoryName, *, principal: Principal, now: int) -> None:
        """Record a new session of size 0. Raises `NameUnknown`; `TooManyRequests` where the principal has too many."""
        ...

    async def upload(self, session: str, repository: RepositoryName, *, principal_id: str) -> UploadRow:
        """Return the session. Raises `UploadUnknown`, also for another principal or repository."""
        ...

    async def advance(self, session: str, *, from_size: int, to_size: int, now: int) -> None:
        """Record acknowledged bytes. Raises `UploadOutOfOrder` where the session is no longer at ``from_size``.

        Raises `UploadInvalid` after `MAX_PATCHES` chunks, those that `count_failed` counted included.
        """
        ...

    async def count_failed(self, session: str) -> None:
        """Count a chunk that came to nothing; nothing where the session is gone."""
        ...

    async def end(self, session: str) -> None:
        """Forget the session; nothing where it is gone."""
        ...
