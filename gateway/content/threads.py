"""A blocking call in a thread, that is over when it is over.

Cancelling an awaited thread call (a client that disconnects) leaves the thread at work. Whoever then closes the file
hands its number to the next `open`, and the thread writes a mebibyte of upload into the catalog. So a cancelled `hop`
waits for its thread before it lets the cancellation on.

I/O: none of its own.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs blocking calls on ``executor``; None is the event loop's own."""

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor

    async def hop(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``call`` returns, from a thread. When this returns or raises, the thread has finished."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: call(*args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError:
                    continue
            if not future.cancelled():
                # Retrieved, so that a failure nobody waits for is not reported as lost: the cancellation stands.
                future.exception()
            raise
