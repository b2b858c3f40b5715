"""The body of a request: read once, so far and no further."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from gateway.api import body as bodies
from gateway.api.body import SETTLE_BYTES, Body, Disconnected
from gateway.api.budget import BodyBudget
from gateway.errors import BodyTooSlow, SizeInvalid, TooManyRequests, Unavailable

T = TypeVar("T")
TOO_LARGE = SizeInvalid("too large")


class Peer:
    """A client that sends these pieces and then, if ``then``, that message; it counts how often it is asked."""

    def __init__(
        self, *pieces: bytes, disconnects: bool = False, stalls: bool = False, every_seconds: float = 0.0
    ) -> None:
        self.pieces = list(pieces)
        self.every_seconds = every_seconds
        self.disconnects = disconnects
        self.stalls = stalls
        self.asked = 0

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self.every_seconds:
            await asyncio.sleep(self.every_seconds)
        if not self.pieces:
            if self.stalls:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        piece = self.pieces.pop(0)
        more = bool(self.pieces) or self.disconnects or self.stalls
        return {"type": "http.request", "body": piece, "more_body": more}


def made(peer: Peer, *, expected: bool = True, waits: bool = False, budget: BodyBudget | None = None) -> Body:
    return Body(peer, expected=expected, waits_to_be_asked=waits, budget=budget or BodyBudget(), sender="192.0.2.7")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def test_read() -> None:
    assert run(made(Peer(b"ab", b"", b"c")).read(max_bytes=3, max_seconds=None, too_large=TOO_LARGE)) == b"abc"
    assert run(made(Peer(b"abc")).read(max_bytes=3, max_seconds=None, too_large=TOO_LARGE)) == b"abc"


def test_no_body_is_not_asked_for() -> None:
    peer = Peer(b"x")
    assert run(made(peer, expected=False).read(max_bytes=3, max_seconds=None, too_large=TOO_LARGE)) == b""
    assert peer.asked == 0


def test_read_stops_at_its_limit() -> None:
    peer = Peer(*[b"ab"] * 100)
    with pytest.raises(SizeInvalid):
        run(made(peer).read(max_bytes=3, max_seconds=None, too_large=TOO_LARGE))
    assert peer.asked == 2


@pytest.mark.parametrize(
    "peer",
    [
        pytest.param(Peer(b"ab", stalls=True), id="stops"),
        pytest.param(Peer(stalls=True), id="never-begins"),
        pytest.param(Peer(*[b"a"] * 1_000_000, every_seconds=0.01), id="trickles"),
    ],
)
def test_row_091_read_gives_up_after_its_time(peer: Peer) -> None:
    with pytest.raises(BodyTooSlow) as caught:
        run(made(peer).read(max_bytes=1_000_000, max_seconds=0.1, too_large=TOO_LARGE))
    assert caught.value.limit_seconds == 0.1
    assert peer.asked < 100


def test_read_in_time_is_all_of_it() -> None:
    peer = Peer(*[b"a"] * 3, every_seconds=0.01)
    assert run(made(peer).read(max_bytes=3, max_seconds=20, too_large=TOO_LARGE)) == b"aaa"


def test_a_client_that_leaves() -> None:
    with pytest.raises(Disconnected):
        run(made(Peer(b"ab", disconnects=True)).read(max_bytes=30, max_seconds=None, too_large=TOO_LARGE))


def test_settle_after_all_was_read() -> None:
    async def story() -> bool:
        body = made(Peer(b"ab"))
        await body.read(max_bytes=3, max_seconds=None, too_large=TOO_LARGE)
        return await body.settle()

    assert run(story())


@pytest.mark.parametrize(
    ("peer", "settled"),
    [
        pytest.param(Peer(b"ab", b"c"), True, id="a-little"),
        pytest.param(Peer(*[b"x" * 65536] * 100), False, id="too-much"),
        pytest.param(Peer(b"ab", disconnects=True), False, id="gone"),
    ],
)
def test_settle(peer: Peer, settled: bool) -> None:
    assert run(made(peer).settle()) is settled
    assert peer.asked <= SETTLE_BYTES // 65536 + 2


def test_settle_does_not_wait_for_a_client_that_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SETTLE_SECONDS", 0.0)
    assert run(made(Peer(b"ab", stalls=True)).settle()) is False


def test_a_client_that_waits_to_be_asked_is_not_asked() -> None:
    peer = Peer(b"ab")
    assert run(made(peer, waits=True).settle()) is False
    assert peer.asked == 0


def test_what_is_read_is_taken_from_one_budget_until_it_is_released() -> None:
    budget = BodyBudget(max_bytes=10, max_bytes_of_one=6)
    first, second, third = (made(Peer(b"abcd", b"e"), budget=budget) for _ in range(3))
    assert run(first.read(max_bytes=9, max_seconds=None, too_large=TOO_LARGE)) == b"abcde"
    with pytest.raises(TooManyRequests) as own:
        run(second.read(max_bytes=9, max_seconds=None, too_large=TOO_LARGE))
    assert run(third.read(max_bytes=9, max_seconds=None, too_large=TOO_LARGE, sender="u:alice")) == b"abcde"
    other = made(Peer(b"x"), budget=budget)
    with pytest.raises(Unavailable) as all_of_it:
        run(other.read(max_bytes=9, max_seconds=None, too_large=TOO_LARGE, sender="u:bob"))
    assert (own.value.retry_after_seconds, all_of_it.value.retry_after_seconds) == (5, 5)
    first.release()
    first.release()
    assert run(made(Peer(b"xyz"), budget=budget).read(max_bytes=9, max_seconds=None, too_large=TOO_LARGE)) == b"xyz"


def test_a_body_that_stays_half_sent_counts_for_what_came() -> None:
    budget = BodyBudget(max_bytes=10, max_bytes_of_one=10)

    async def story() -> None:
        holding = made(Peer(b"abcdefgh", stalls=True), budget=budget)
        reading = asyncio.create_task(
            holding.read(max_bytes=99, max_seconds=None, too_large=TOO_LARGE, sender="u:alice")
        )
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await made(Peer(b"xyz"), budget=budget).read(max_bytes=9, max_seconds=None, too_large=TOO_LARGE)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        holding.release()
        assert (
            await made(Peer(b"xyz"), budget=budget).read(max_bytes=9, max_seconds=None, too_large=TOO_LARGE) == b"xyz"
        )

    asyncio.run(story())


def test_a_body_that_only_passes_through_takes_nothing() -> None:
    body = made(Peer(b"abc"), budget=BodyBudget(max_bytes=0, max_bytes_of_one=0))

    async def all_of_it() -> list[bytes]:
        return [chunk async for chunk in body.chunks()]

    assert run(all_of_it()) == [b"abc"]
    body.release()
