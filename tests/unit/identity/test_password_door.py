"""The door that passwords come through: who is refused before any work, and who is not."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from gateway.errors import TooManyRequests
from gateway.identity.password_door import PasswordDoor
from gateway.identity.passwords import Argon2Parameters, PasswordThreads
from gateway.identity.throttle import Limit, Throttle

CHEAP = Argon2Parameters(time_cost=1, memory_kib=64, lanes=1)
PASSWORD = "correct horse battery"
NOW = 1_000_000
HERE, THERE = "192.0.2.1", "2001:db8::1"


@pytest.fixture
def door() -> Iterator[PasswordDoor]:
    threads = PasswordThreads(parameters=CHEAP, max_concurrent=1, max_waiting=4, random_bytes=os.urandom)
    yield PasswordDoor(threads, Throttle(of_account=Limit(3, 60), of_prefix=Limit(100, 60)))
    threads.close()


def test_whoever_failed_too_often_is_refused_with_the_right_password_too_and_from_there_only(
    door: PasswordDoor,
) -> None:
    async def story() -> None:
        encoded = await door.threads.hash(PASSWORD)
        alice = door.presented(username="alice", address=HERE, now=NOW)
        for _ in range(20):
            assert await alice.verify(PASSWORD, encoded) is True
        for _ in range(3):
            assert await alice.verify("wrong", encoded) is False
        with pytest.raises(TooManyRequests) as caught:
            await alice.verify(PASSWORD, encoded)
        assert caught.value.retry_after_seconds == 60
        assert await door.presented(username="alice", address=THERE, now=NOW).verify(PASSWORD, encoded) is True
        assert await door.presented(username="alice", address=HERE, now=NOW + 60).verify(PASSWORD, encoded) is True

    asyncio.run(story())


def test_a_name_that_is_nobodys_is_refused_as_soon(door: PasswordDoor) -> None:
    async def story() -> None:
        nobody = door.presented(username="nobody", address=HERE, now=NOW)
        for _ in range(3):
            assert await nobody.verify("wrong", None) is False
        with pytest.raises(TooManyRequests):
            await nobody.verify("wrong", None)

    asyncio.run(story())


def test_what_nobody_looked_at_does_not_count(door: PasswordDoor) -> None:
    async def story() -> None:
        encoded = await door.threads.hash(PASSWORD)
        alice = door.presented(username="alice", address=HERE, now=NOW)
        door.threads.close()
        for _ in range(9):
            with pytest.raises(TooManyRequests, match="shutting down"):
                await alice.verify(PASSWORD, encoded)

    asyncio.run(story())
