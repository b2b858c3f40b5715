"""What people and machines can be called: the one grammar, for whoever types a name and for whoever stores it.

A ``/`` is of persons of an identity provider, a ``+`` of robots and workloads, a ``:`` of ids and of Basic's separator;
none of the three can be in the name of a local account or in a robot's own part of its name.

Pure: no I/O, no third-party import.
Source: INTERFACE 3 ("a local account a name without ``/``", "No name contains ``:``"); RFC 7617, section 2; Harbor c080060.
"""

import re
from typing import Final

from gateway.errors import RequestInvalid
from gateway.identity.values import ANONYMOUS, SYSTEM

RESERVED: Final = frozenset({ANONYMOUS.name, SYSTEM.name})

_WORKLOAD: Final = "ci+"
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")
_ROBOT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def workload_name(rule: str) -> str:
    """Return the name of the principal that the federation rule called ``rule`` is."""
    return f"{_WORKLOAD}{rule}"


def rule_asked_for(username: str) -> str:
    """Return which federation rule the user name asks for, if it asks for one: ``shop`` and ``ci+shop`` mean the same."""
    return username.removeprefix(_WORKLOAD)


def check_account_name(name: str) -> None:
    """Raise `RequestInvalid` unless ``name`` can be a local account's."""
    if _ACCOUNT.fullmatch(name) is None:
        raise RequestInvalid(
            f"{name[:140]!r} cannot be an account's name: it is 1 to 128 of A-Z a-z 0-9 . _ @ - and starts with a letter "
            "or a digit"
        )
    if name.lower() in RESERVED:
        raise RequestInvalid(f"{name!r} cannot be an account's name: it is the gateway's own")


def check_robot_name(name: str) -> None:
    """Raise `RequestInvalid` unless ``name`` can be a robot's own: the last part of ``robot+PROJECT+NAME``."""
    if _ROBOT.fullmatch(name) is None:
        raise RequestInvalid(
            f"{name[:80]!r} cannot be a robot's name: it is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or "
            "a digit"
        )
