"""Pushes of one tag take turns in this process.

Of fifty that race, each commit makes all the others decide again, policy and all, and most of them run out of attempts
although nothing is wrong. In turns each is decided once. Correctness does not rest on it: another worker's push is still a
race, and the commit still compares.

I/O: through what it wraps.
Source: DESIGN 2 ("decide again, at most 5 times").
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.access.values import Grant
from gateway.admission.service import ManifestAdmission
from gateway.admission.values import Outcome, Push
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName, Tag


class InTurns:
    """`ManifestAdmission` in which the pushes and deletes of a tag wait for one another, first come first served."""

    def __init__(self, inner: ManifestAdmission) -> None:
        self._inner = inner
        self._turns: dict[tuple[RepositoryName, Tag], tuple[asyncio.Lock, int]] = {}

    async def push(self, push: Push) -> Outcome:
        """As `ManifestAdmission.push`."""
        async with contextlib.AsyncExitStack() as stack:
            # In one order for everybody, so that two requests with several tags cannot wait for each other.
            for tag in sorted(set(push.tags)):
                await stack.enter_async_context(self._turn(push.grant.repository, tag))
            return await self._inner.push(push)

    async def delete_tag(self, grant: Grant, tag: Tag) -> None:
        """As `ManifestAdmission.delete_tag`."""
        async with self._turn(grant.repository, tag):
            await self._inner.delete_tag(grant, tag)

    async def delete_manifest(self, grant: Grant, digest: Digest) -> None:
        """As `ManifestAdmission.delete_manifest`."""
        await self._inner.delete_manifest(grant, digest)

    @contextlib.asynccontextmanager
    async def _turn(self, repository: RepositoryName, tag: Tag) -> AsyncIterator[None]:
        key = (repository, tag)
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns.pop(key)
            if waiting > 1:
                self._turns[key] = (lock, waiting - 1)
