"""Which names and ids a principal can have: one namespace per kind, so that nobody is taken for somebody else.

Pure: no I/O.
Source: DESIGN 5; INTERFACE 3 ("No name contains ``:``"); Harbor c080060.
"""

import re
from typing import Final

from gateway.errors import Conflict
from gateway.identity.values import ANONYMOUS, SYSTEM, Principal, PrincipalKind
from gateway.oci.names import ProjectName

RESERVED: Final = frozenset({ANONYMOUS.name, SYSTEM.name})

_ACCOUNT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}")
_ROBOT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ID: Final = re.compile(r"[ur]:[A-Za-z0-9-]{1,64}")


def check_account(principal: Principal) -> None:
    """Raise `Conflict` unless ``principal`` can be a local account.

    A ``/`` is of persons of an identity provider, a ``+`` of robots, a ``:`` of ids and of Basic's separator.
    """
    if principal.kind is not PrincipalKind.USER or not principal.id.startswith("u:") or not _ID.fullmatch(principal.id):
        raise Conflict(f"{principal.id} cannot be the id of a local account")
    if _ACCOUNT.fullmatch(principal.name) is None:
        raise Conflict(
            "the name of a local account is 1 to 128 of A-Z a-z 0-9 . _ @ - and starts with a letter or digit"
        )
    if principal.name.lower() in RESERVED:
        raise Conflict(f"the name {principal.name} is the gateway's own")


def check_robot(principal: Principal, project: ProjectName) -> None:
    """Raise `Conflict` unless ``principal`` can be a robot of ``project``: ``robot+PROJECT+NAME``."""
    if (
        principal.kind is not PrincipalKind.ROBOT
        or not principal.id.startswith("r:")
        or not _ID.fullmatch(principal.id)
    ):
        raise Conflict(f"{principal.id} cannot be the id of a robot")
    prefix = f"robot+{project}+"
    if not principal.name.startswith(prefix):
        raise Conflict(f"a robot of project {project} is called {prefix}NAME")
    if _ROBOT.fullmatch(principal.name.removeprefix(prefix)) is None:
        raise Conflict("the name of a robot is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit")
