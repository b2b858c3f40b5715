"""Passwords: argon2id, equal work, a bounded queue."""

import asyncio
import os
import re
import threading
from collections.abc import Iterator

import pytest

from gateway.errors import RequestInvalid, TooManyRequests
from gateway.identity.passwords import (
    MAX_PASSWORD_BYTES,
    RFC_9106_SECOND,
    Argon2Parameters,
    PasswordThreads,
)

CHEAP = Argon2Parameters(time_cost=1, memory_kib=64, lanes=1)
PASSWORD = "correct horse battery"


def threads(max_concurrent: int = 1, max_waiting: int = 0, parameters: Argon2Parameters = CHEAP) -> PasswordThreads:
    return PasswordThreads(
        parameters=parameters, max_concurrent=max_concurrent, max_waiting=max_waiting, random_bytes=os.urandom
    )


@pytest.fixture
def passwords() -> Iterator[PasswordThreads]:
    made = threads(max_waiting=8)
    yield made
    made.close()


def test_hash_and_verify(passwords: PasswordThreads) -> None:
    async def check() -> None:
        encoded = await passwords.hash(PASSWORD)
        assert re.match(r"\$argon2id\$v=19\$m=64,t=1,p=1\$", encoded)
        assert await passwords.verify(PASSWORD, encoded) is True
        assert await passwords.verify(PASSWORD + "x", encoded) is False
        assert await passwords.verify(PASSWORD, None) is False
        assert await passwords.hash(PASSWORD) != encoded

    asyncio.run(check())


def test_production_parameters_are_rfc_9106_second() -> None:
    async def check() -> None:
        made = threads(parameters=RFC_9106_SECOND)
        assert (await made.hash(PASSWORD)).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        made.close()

    asyncio.run(check())


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param("", id="empty"),
        pytest.param("plain text", id="text"),
        pytest.param("$argon2id$", id="cut"),
        pytest.param("$argon2id$v=19$m=64,t=1,p=1$!!$!!", id="not-base64"),
        pytest.param("$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA", id="argon2i"),
        pytest.param("$2b$12$abcdefghijklmnopqrstuv", id="bcrypt"),
    ],
)
def test_a_broken_hash_lets_nobody_in(passwords: PasswordThreads, encoded: str) -> None:
    assert asyncio.run(passwords.verify(PASSWORD, encoded)) is False


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("short", id="short"),
        pytest.param("x" * (MAX_PASSWORD_BYTES + 1), id="long"),
        pytest.param("ä" * (MAX_PASSWORD_BYTES // 2 + 1), id="long-in-bytes"),
    ],
)
def test_hash_refuses(passwords: PasswordThreads, password: str) -> None:
    with pytest.raises(RequestInvalid):
        asyncio.run(passwords.hash(password))


def test_a_longer_password_with_the_same_beginning_does_not_match(passwords: PasswordThreads) -> None:
    async def check() -> None:
        longest = "x" * MAX_PASSWORD_BYTES
        encoded = await passwords.hash(longest)
        assert await passwords.verify(longest, encoded) is True
        assert await passwords.verify(longest + "x", encoded) is False
        assert await passwords.verify(longest + "\udc80", encoded) is False

    asyncio.run(check())


class Gate:
    """A source of randomness that blocks the thread that hashes, so that a test decides when it goes on."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)

    def random_bytes(self, count: int) -> bytes:
        self.entered.release()
        self.open.wait()
        return os.urandom(count)


def test_a_full_queue_refuses_before_any_work() -> None:
    async def check() -> None:
        gate = Gate()
        made = PasswordThreads(parameters=CHEAP, max_concurrent=1, max_waiting=1, random_bytes=gate.random_bytes)
        gate.open.clear()
        running = asyncio.create_task(made.hash(PASSWORD))
        waiting = asyncio.create_task(made.hash(PASSWORD))
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests) as caught:
            await made.verify(PASSWORD, None)
        assert caught.value.retry_after_seconds > 0
        gate.open.set()
        assert (await running).startswith("$argon2id$")
        assert (await waiting).startswith("$argon2id$")
        assert await made.verify(PASSWORD, None) is False
        made.close()

    asyncio.run(check())


def test_a_client_that_hangs_up_does_not_free_a_thread_that_still_computes() -> None:
    async def check() -> None:
        gate = Gate()
        made = PasswordThreads(parameters=CHEAP, max_concurrent=1, max_waiting=0, random_bytes=gate.random_bytes)
        while gate.entered.acquire(blocking=False):
            pass
        gate.open.clear()
        running = asyncio.create_task(made.hash(PASSWORD))
        await asyncio.sleep(0)
        gate.entered.acquire()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(TooManyRequests):
            await made.hash(PASSWORD)
        gate.open.set()
        made.close()

    asyncio.run(check())


def test_after_close_it_says_to_come_back() -> None:
    made = threads()
    made.close()
    for _ in range(2):
        with pytest.raises(TooManyRequests):
            asyncio.run(made.verify(PASSWORD, None))


def test_one_client_keeps_no_other_from_logging_in() -> None:
    """The first has all the threads and all of the queue that is his; who comes next has the next turn."""

    async def check() -> None:
        gate = Gate()
        made = PasswordThreads(
            parameters=CHEAP, max_concurrent=1, max_waiting=4, max_of_one=4, random_bytes=gate.random_bytes
        )
        encoded = await made.hash(PASSWORD)
        while gate.entered.acquire(blocking=False):
            pass
        gate.open.clear()
        holding = asyncio.create_task(made.hash(PASSWORD))
        await asyncio.sleep(0)
        gate.entered.acquire()
        ends: list[str] = []

        async def ask(name: str) -> None:
            try:
                await made.verify(PASSWORD, encoded, turn=name)
                ends.append(name)
            except TooManyRequests:
                ends.append(f"no {name}")

        asked = [asyncio.create_task(ask("flood")) for _ in range(5)]
        await asyncio.sleep(0)
        asked.extend(asyncio.create_task(ask(name)) for name in ("one", "two"))
        for _ in range(3):
            await asyncio.sleep(0)
        # The fifth is over the share of one; the fourth and the third gave way when the queue was full.
        assert sorted(ends) == ["no flood", "no flood", "no flood"]
        gate.open.set()
        await asyncio.gather(holding, *asked)
        assert ends[3:] == ["flood", "one", "two", "flood"]
        made.close()

    asyncio.run(check())


def test_who_hangs_up_while_he_waits_gives_his_place_back() -> None:
    async def check() -> None:
        gate = Gate()
        made = PasswordThreads(parameters=CHEAP, max_concurrent=1, max_waiting=1, random_bytes=gate.random_bytes)
        gate.open.clear()
        running = asyncio.create_task(made.hash(PASSWORD))
        leaving = asyncio.create_task(made.hash(PASSWORD))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        waiting = asyncio.create_task(made.hash(PASSWORD))
        await asyncio.sleep(0)
        gate.open.set()
        assert (await running).startswith("$argon2id$")
        assert (await waiting).startswith("$argon2id$")
        made.close()

    asyncio.run(check())


def test_those_that_wait_at_the_end_are_told_to_come_back() -> None:
    async def check() -> None:
        gate = Gate()
        made = PasswordThreads(parameters=CHEAP, max_concurrent=1, max_waiting=1, random_bytes=gate.random_bytes)
        gate.open.clear()
        running = asyncio.create_task(made.hash(PASSWORD))
        waiting = asyncio.create_task(made.hash(PASSWORD))
        await asyncio.sleep(0)
        ending = asyncio.create_task(asyncio.to_thread(made.close))
        with pytest.raises(TooManyRequests, match="shutting down"):
            await waiting
        gate.open.set()
        await ending
        assert (await running).startswith("$argon2id$")

    asyncio.run(check())
