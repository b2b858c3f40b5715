"""The door that passwords come through: the throttle before it, fair turns behind it.

Only for passwords that people choose. A secret that we generated, and whatever else is looked up by its digest, passes by
on the side (`gateway.identity.authenticate`): no flood of wrong passwords delays it.

I/O: the threads behind it.
Source: DESIGN 5; issue 5, item 4.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.errors import TooManyRequests
from gateway.identity.passwords import PasswordThreads, PasswordVerifier
from gateway.identity.throttle import Throttle, address_network, address_prefix


class Passwords(Protocol):
    """Whoever can tell about passwords, and is told where they come from."""

    def presented(self, *, username: str, address: str, now: int) -> PasswordVerifier:
        """Return the verifier of a password that was presented under ``username`` from ``address``, at ``now``."""
        ...


@dataclass(frozen=True, slots=True)
class PasswordDoor:
    """`Passwords`, of one process."""

    threads: PasswordThreads
    throttle: Throttle

    def presented(self, *, username: str, address: str, now: int) -> PasswordVerifier:
        """As `Passwords.presented`."""
        return _Presented(self, username, address_prefix(address), address_network(address), now)


@dataclass(frozen=True, slots=True)
class _Presented:
    door: PasswordDoor
    username: str
    prefix: str
    network: str
    now: int

    async def verify(self, password: str, encoded: str | None) -> bool:
        """As `PasswordVerifier.verify`. Raises `TooManyRequests`, before any work, also for too many that were wrong."""
        throttle = self.door.throttle
        throttle.attempt(self.username, self.prefix, now=self.now)
        try:
            right = await self.door.threads.verify(password, encoded, turn=self.network)
        except TooManyRequests:
            throttle.take_back(self.username, self.prefix)
            raise
        # Who hangs up before the answer is counted: the work was done, and it was not right for all we know.
        if right:
            throttle.take_back(self.username, self.prefix)
        return right
