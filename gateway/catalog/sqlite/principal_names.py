"""Which names and ids a principal can have: one namespace per kind, so that nobody is taken for somebody else.

Pure: no I/O.
Source: DESIGN 5; INTERFACE 3 ("No name contains ``:``"); Harbor c080060.
"""

import re
from collections.abc import Callable
from typing import Final

from gateway.errors import Conflict, RequestInvalid
from gateway.identity.names import check_account_name, check_robot_name, workload_name
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName

_ID: Final = re.compile(r"[urw]:[A-Za-z0-9-]{1,64}")


def check_account(principal: Principal) -> None:
    """Raise `Conflict` unless ``principal`` can be a local account."""
    if principal.kind is not PrincipalKind.USER or not principal.id.startswith("u:") or not _ID.fullmatch(principal.id):
        raise Conflict(f"{principal.id} cannot be the id of a local account")
    _check(check_account_name, principal.name)


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
    _check(check_robot_name, principal.name.removeprefix(prefix))


def check_workload(principal: Principal, rule: str) -> None:
    """Raise `Conflict` unless ``principal`` can be the federation rule called ``rule``."""
    if (
        principal.kind is not PrincipalKind.WORKLOAD
        or not principal.id.startswith("w:")
        or not _ID.fullmatch(principal.id)
    ):
        raise Conflict(f"{principal.id} cannot be the id of a federation rule")
    if principal.name != workload_name(rule):
        raise Conflict(f"the federation rule {rule} is called {workload_name(rule)}")


def _check(rule: Callable[[str], None], name: str) -> None:
    try:
        rule(name)
    except RequestInvalid as error:
        raise Conflict(error.message) from None
