"""What happens besides requests: work is carried out, pulls and logins are written down, revisions are followed, what is
left of broken uploads is cleared.

I/O: through the parts.
Source: DESIGN 2 ("Background work"), 8.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from gateway.app import Parts, background, unix_now
from gateway.errors import GatewayError
from gateway.server import log

TICK_SECONDS: Final = 0.25
FLUSH_SECONDS: Final = 2.0
REAP_SECONDS: Final = 300.0
REAP_BATCH: Final = 1000
LOOSE_SECONDS: Final = 24 * 3600


class Running:
    """What happens besides requests, until it is stopped.

    ``failed`` is told of surprises, after which everything goes on; ``ended`` of a loop that does not go on, which nothing
    but the end of the process may bring about.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        failed: Callable[[str, BaseException], None],
        ended: Callable[[str, BaseException | None], None],
    ) -> None:
        self._parts = parts
        self._failed = failed
        self._ended = ended
        self._worker = background(parts, now=unix_now, failed=failed)
        self._version: int | None = None
        self.policy: str | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run the loops while inside; write down what was counted before leaving, and close the parts."""
        await self.follow()
        loops = [
            self._loop(TICK_SECONDS, self._tick),
            self._loop(FLUSH_SECONDS, self._flush),
            self._loop(FLUSH_SECONDS, self._stay),
            self._loop(REAP_SECONDS, self._look),
            self._loop(REAP_SECONDS, self._reap),
        ]
        try:
            yield
        finally:
            for loop in loops:
                loop.remove_done_callback(self._left)
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            try:
                await self._flush(everything=True)
            finally:
                await self._parts.close()

    def _loop(self, seconds: float, step: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        name = getattr(step, "__name__", "step").removeprefix("_")
        loop = asyncio.create_task(self._every(seconds, step, name=name), name=name)
        loop.add_done_callback(self._left)
        return loop

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]], *, name: str) -> None:
        while True:
            try:
                await step()
            except Exception as error:
                # Whoever is told may fail as well, for as long as it likes: the next step is due all the same.
                with contextlib.suppress(Exception):
                    self._failed(name, error)
            await asyncio.sleep(seconds)

    def _left(self, loop: asyncio.Task[None]) -> None:
        """Say that ``loop`` is over, which nobody asked of it: cancelled from within, or by what is no `Exception`."""
        self._ended(loop.get_name(), None if loop.cancelled() else loop.exception())

    async def _tick(self) -> None:
        """Follow the active revision, then carry out what is due; nothing but one pragma where nothing changed."""
        version = self._parts.database.data_version()
        if version != self._version:
            self._version = version
            await self.follow()
        while await self._worker.run_once():
            pass

    async def follow(self) -> None:
        """Run the policy that is active in the catalog, and say so where it is another one than before."""
        try:
            active = await self._parts.active.activate_policy()
            if active != self.policy:
                log.notice("policy", revision=active, before=self.policy)
                self.policy = active
        except GatewayError as error:
            self._failed("policy revision", error)

    async def _flush(self, *, everything: bool = False) -> None:
        """Write down what was counted; what cannot be written is counted again. ``everything``: there is no later."""
        try:
            await self._flush_pulls()
        finally:
            await self._flush_logins(everything=everything)

    async def _flush_logins(self, *, everything: bool) -> None:
        counted = self._parts.logins.take(now=unix_now(), everything=everything)
        if not counted:
            return
        try:
            await self._parts.audit.record_logins(counted)
        except GatewayError:
            self._parts.logins.put_back(counted)
            raise

    async def _flush_pulls(self) -> None:
        counted = self._parts.pulls.take()
        if not counted:
            return
        try:
            await self._parts.audit.record_pulls(counted)
        except GatewayError:
            self._parts.pulls.put_back(counted)
            raise

    async def _stay(self) -> None:
        """End the process where a file of the catalog is not there any more: what it acknowledges would be lost."""
        self._parts.database.files.check()

    async def _look(self) -> None:
        await self._worker.keep_looking()

    async def _reap(self) -> None:
        """Forget what nobody touched for so long: uploads, blobs that no manifest names, bytes of broken uploads."""
        idle = unix_now() - self._parts.config.server.limits.upload_idle_seconds
        for session in await self._parts.uploads.idle(before=idle, limit=REAP_BATCH):
            await self._parts.uploads.end(session)
            await self._parts.content.uploads.discard(session)
        # A push has as long as its first layer: never less than a day, however short an upload may be idle.
        loose = min(idle, unix_now() - LOOSE_SECONDS)
        while await self._parts.uploads.drop_loose(before=loose, limit=REAP_BATCH) == REAP_BATCH:
            pass
        for file in await self._parts.content.uploads.sessions():
            if file.touched < idle:
                await self._parts.content.uploads.discard(file.session)
