"""A cancelled hop waits for its thread."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.content.threads import Threads
from tests.support.content import run


def test_a_hop_returns_and_raises_what_the_call_does() -> None:
    async def story() -> None:
        with ThreadPoolExecutor(1) as pool:
            threads = Threads(pool)
            assert await threads.hop(divmod, 7, 2) == (3, 1)
            with pytest.raises(ZeroDivisionError):
                await threads.hop(divmod, 7, 0)

    run(story())


@pytest.mark.parametrize("fails", [pytest.param(False, id="returns"), pytest.param(True, id="raises")])
def test_a_cancelled_hop_is_over_only_when_its_thread_is(fails: bool) -> None:
    started, release, finished = threading.Event(), threading.Event(), threading.Event()

    def call() -> None:
        started.set()
        release.wait(10)
        finished.set()
        if fails:
            raise ValueError("nobody hears this")

    async def story() -> None:
        task = asyncio.create_task(Threads(None).hop(call))
        await asyncio.to_thread(started.wait, 10)
        for _ in range(3):  # Also where the client's task is cancelled again and again.
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert finished.is_set()

    run(story())


def test_a_hop_that_never_ran_is_cancelled() -> None:
    """The pool is shut down under it: there is no thread to wait for."""

    async def story() -> None:
        pool = ThreadPoolExecutor(1)
        release = threading.Event()
        pool.submit(release.wait, 10)
        task = asyncio.create_task(Threads(pool).hop(divmod, 7, 2))
        await asyncio.sleep(0)
        pool.shutdown(wait=False, cancel_futures=True)
        release.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(story())
