"""Passwords that people choose: argon2id, in a few threads, with a bounded queue before them.

One verification takes a tenth of a second and 64 MiB by design, so an open door would be a denial of service: only
`max_concurrent` run at a time, `max_waiting` wait, everybody else is told to come back before any work is done. A name
without an account costs the same work as one with (distribution 7ed654e: the quick answer told which names exist).
Never logs, keeps or compares a password itself.

I/O: threads of its own; argon2 releases the interpreter's lock.
Source: RFC 9106, section 4 (second recommended option); DESIGN 5.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import RequestInvalid, TooManyRequests

MIN_PASSWORD_CHARS: Final = 12
MAX_PASSWORD_BYTES: Final = 1024
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_RETRY_AFTER_SECONDS: Final = 2

_Answer = TypeVar("_Answer")


def check_password(password: str) -> None:
    """Raise `RequestInvalid` for a new password outside `MIN_PASSWORD_CHARS` to `MAX_PASSWORD_BYTES`."""
    if len(password) < MIN_PASSWORD_CHARS:
        raise RequestInvalid(f"a password has at least {MIN_PASSWORD_CHARS} characters")
    if len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        raise RequestInvalid(f"a password has at most {MAX_PASSWORD_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """The cost of one hash."""

    time_cost: int
    memory_kib: int
    lanes: int


RFC_9106_SECOND: Final = Argon2Parameters(time_cost=3, memory_kib=64 * 1024, lanes=4)
"""RFC 9106, section 4: the uniformly safe option for where 2 GiB per hash are too much."""


class PasswordVerifier(Protocol):
    """Whoever can tell whether a password is the one that was hashed."""

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Return whether ``encoded`` was made from ``password``; None (no such account) takes the same work, and is no."""
        ...


class PasswordThreads:
    """Hashes and verifies passwords. Making one hashes once, so make it at start-up; `close` ends its threads."""

    def __init__(
        self,
        *,
        parameters: Argon2Parameters,
        max_concurrent: int,
        max_waiting: int,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=parameters.time_cost,
            memory_cost=parameters.memory_kib,
            parallelism=parameters.lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        self._random_bytes = random_bytes
        # For names without an account: a hash of a password that nobody knows, at today's cost.
        self._dummy = self._hash(random_bytes(_HASH_BYTES).hex())
        self._threads = ThreadPoolExecutor(max_workers=max_concurrent, thread_name_prefix="argon2")
        self._capacity = max_concurrent + max_waiting
        self._taken = 0
        self._lock = threading.Lock()

    async def hash(self, password: str) -> str:
        """Return the encoded argon2id hash of a new password.

        Raises `RequestInvalid` for one outside `MIN_PASSWORD_CHARS` to `MAX_PASSWORD_BYTES`, `TooManyRequests` where the
        queue is full.
        """
        check_password(password)
        return await self._run(lambda: self._hash(password))

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Return whether ``encoded`` was made from ``password``. None, for no such account, takes the same work.

        Raises `TooManyRequests`, before any work, where the queue is full.
        """
        return await self._run(lambda: self._verify(password, encoded))

    def close(self) -> None:
        """End the threads after the hashes that are under way; those that wait are cancelled."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], _Answer]) -> _Answer:
        with self._lock:
            if self._taken >= self._capacity:
                raise TooManyRequests(
                    "too many logins at this moment: try again", retry_after_seconds=_RETRY_AFTER_SECONDS
                )
            self._taken += 1
        try:
            future = self._threads.submit(work)
        except RuntimeError:
            self._give_back(None)
            raise TooManyRequests(
                "the registry is shutting down: try again", retry_after_seconds=_RETRY_AFTER_SECONDS
            ) from None
        # The place is given back when the work ends, not when the caller stops waiting: a client that hangs up does
        # not free a thread that still computes.
        future.add_done_callback(self._give_back)
        return await asyncio.wrap_future(future)

    def _give_back(self, _: Future[_Answer] | None) -> None:
        with self._lock:
            self._taken -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_material(password), salt=self._random_bytes(_SALT_BYTES))

    def _verify(self, password: str, encoded: str | None) -> bool:
        material = _material(password)
        if encoded is None or not encoded.startswith("$argon2id$"):
            self._check(self._dummy, material)
            return False
        return self._check(encoded, material)

    def _check(self, encoded: str, material: bytes) -> bool:
        try:
            return self._hasher.verify(encoded, material)
        except (VerificationError, InvalidHashError):
            return False


def _material(password: str) -> bytes:
    # Longer ones were never accepted, so cutting them costs nobody a login, and a huge one costs us no more. A lone
    # surrogate cannot come from a header, yet must not be another kind of error.
    return password.encode("utf-8", "surrogatepass")[: MAX_PASSWORD_BYTES + 1]
