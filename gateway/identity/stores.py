"""What identity needs to know about accounts; the catalog implements it.

Pure: Protocols only.
"""

from typing import Protocol

from gateway.identity.values import LocalAccount, Robot


class AccountStore(Protocol):
    """Accounts and robots, by what a client presents."""

    async def account_by_name(self, name: str) -> LocalAccount | None:
        """Return the local account called ``name``, disabled ones included."""
        ...

    async def robot_by_secret(self, secret_sha256: bytes) -> Robot | None:
        """Return the robot whose secret has this SHA-256 (32 bytes), revoked and expired ones included."""
        ...

    async def id_by_name(self, name: str) -> str | None:
        """Return the id of the principal called ``name``, of whatever kind and state: whom a failed login was aimed at."""
        ...
