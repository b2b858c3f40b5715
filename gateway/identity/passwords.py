"""Passwords that people choose: argon2id, in a few threads, with a bounded queue before them.

One verification takes a tenth of a second and 64 MiB by design, so an open door would be a denial of service: only
`max_concurrent` run at a time, `max_waiting` wait, everybody else is told to come back before any work is done. Those that
wait have turns by where they come from, and nobody's is all of the queue: one client keeps no other from logging in. A name
without an account costs the same work as one with (distribution 7ed654e: the quick answer told which names exist).
Never logs, keeps or compares a password itself.

I/O: threads of its own; argon2 releases the interpreter's lock.
Source: RFC 9106, section 4 (second recommended option); DESIGN 5.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.errors import RequestInvalid, TooManyRequests
from gateway.identity.fair_turns import FairTurns, Full

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
    """Hashes and verifies passwords. Making one hashes once, so make it at start-up; `close` ends its threads.

    ``max_of_one`` run or wait of one ``turn``; None: as many as there is room for.
    """

    def __init__(
        self,
        *,
        parameters: Argon2Parameters,
        max_concurrent: int,
        max_waiting: int,
        random_bytes: Callable[[int], bytes],
        max_of_one: int | None = None,
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
        self._max_concurrent = max_concurrent
        self._max_of_one = max_concurrent + max_waiting if max_of_one is None else max_of_one
        self._running: Counter[str] = Counter()
        self._turns: FairTurns[_Job] = FairTurns(max_waiting=max_waiting)
        self._closed = False
        self._lock = threading.Lock()

    async def hash(self, password: str) -> str:
        """Return the encoded argon2id hash of a new password.

        Raises `RequestInvalid` for one outside `MIN_PASSWORD_CHARS` to `MAX_PASSWORD_BYTES`, `TooManyRequests` where the
        queue is full.
        """
        check_password(password)
        return await self._run(lambda: self._hash(password))

    async def verify(self, password: str, encoded: str | None, *, turn: str = "") -> bool:
        """Return whether ``encoded`` was made from ``password``. None, for no such account, takes the same work.

        ``turn`` says with whom it takes turns. Raises `TooManyRequests`, before any work, where the queue is full, or holds
        ``max_of_one`` of the same, or is full later of others that have fewer in it.
        """
        return await self._run(lambda: self._verify(password, encoded), turn=turn)

    def close(self) -> None:
        """End the threads after the hashes that are under way; those that wait are told to come back."""
        with self._lock:
            self._closed = True
            left = [job for _, job in iter(self._turns.take, None)]
        for job in left:
            job.refuse(_closing())
        self._threads.shutdown(wait=True)

    async def _run(self, work: Callable[[], _Answer], *, turn: str = "") -> _Answer:
        answer: Future[_Answer] = Future()
        job = _Job(answer, lambda: answer.set_result(work()))
        put_out = self._begin(turn, job)
        if put_out is not None:
            put_out.refuse(_busy())
        try:
            return await asyncio.wrap_future(answer)
        except asyncio.CancelledError:
            # A client that hangs up gives back the place of one that waits; not that of a thread that still computes.
            with self._lock:
                self._turns.remove(turn, job)
            raise

    def _begin(self, turn: str, job: "_Job") -> "_Job | None":
        """Start the job or let it wait; return the one that is put out for it. Raises `TooManyRequests`."""
        with self._lock:
            if self._closed:
                raise _closing()
            if self._running[turn] + self._turns.waiting(turn) >= self._max_of_one:
                raise _busy()
            if self._running.total() < self._max_concurrent:
                self._running[turn] += 1
                self._threads.submit(self._work, turn, job)
                return None
            try:
                return self._turns.put(turn, job)
            except Full:
                raise _busy() from None

    def _work(self, turn: str, job: "_Job") -> None:
        """Carry out the job and then whatever is next, in this thread."""
        following: tuple[str, _Job] | None = (turn, job)
        while following is not None:
            turn, job = following
            job.carry_out()
            with self._lock:
                self._running[turn] -= 1
                self._running += Counter()  # without those that are 0
                following = self._turns.take()
                if following is not None:
                    self._running[following[0]] += 1

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


class _Job:
    """A hash to be made, and who waits for it."""

    def __init__(self, answer: Future[Any], work: Callable[[], None]) -> None:
        self._answer = answer
        self._work = work

    def carry_out(self) -> None:
        """Do it, unless nobody waits any more. Never raises: what fails is the answer."""
        if self._answer.set_running_or_notify_cancel():
            try:
                self._work()
            except BaseException as error:
                self._answer.set_exception(error)

    def refuse(self, error: TooManyRequests) -> None:
        """Answer with ``error`` instead."""
        if self._answer.set_running_or_notify_cancel():
            self._answer.set_exception(error)


def _busy() -> TooManyRequests:
    return TooManyRequests("too many logins at this moment: try again", retry_after_seconds=_RETRY_AFTER_SECONDS)


def _closing() -> TooManyRequests:
    return TooManyRequests("the registry is shutting down: try again", retry_after_seconds=_RETRY_AFTER_SECONDS)


def _material(password: str) -> bytes:
    # Longer ones were never accepted, so cutting them costs nobody a login, and a huge one costs us no more. A lone
    # surrogate cannot come from a header, yet must not be another kind of error.
    return password.encode("utf-8", "surrogatepass")[: MAX_PASSWORD_BYTES + 1]
