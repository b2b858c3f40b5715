"""Rights: what a principal may do at this moment, from what it is.

Computed for each request and never stored: a role that was taken away is gone with the next request.

Pure: no I/O, no third-party import.
Source: INTERFACE 3 (roles); DESIGN 3 (``quarantine-read`` and its levels).
"""

from collections.abc import Iterable
from typing import Final

from gateway.access.roles import INSTANCE_ROLES, ROLES, InstanceAction, ProjectAction
from gateway.access.values import InstanceRole, QuarantineLevel, Rights, Role, Standing, Verb, Visibility

NO_RIGHTS: Final = Rights(verbs=frozenset(), quarantine=QuarantineLevel.NONE)

_WRITER_ROLES: Final = frozenset({Role.WRITER, Role.MAINTAINER, Role.OWNER})
"""Whose level ``writers_read_held = false`` lowers. Scanners keep theirs: they must read what they judge."""


def rights(standing: Standing) -> Rights:
    """Return the rights of ``standing`` on the repositories of its project: the union over all its roles."""
    if not standing.active:
        return NO_RIGHTS
    verbs: set[Verb] = set()
    level = QuarantineLevel.NONE
    for role in standing.roles:
        entry = ROLES[role]
        verbs |= entry.verbs
        level = max(level, _role_level(role, entry.quarantine, writers_read_held=standing.project.writers_read_held))
    for instance_role in standing.instance_roles:
        instance_entry = INSTANCE_ROLES[instance_role]
        verbs |= instance_entry.verbs
        level = max(level, instance_entry.quarantine)
    if not standing.quarantine_read:
        # Such a robot can push and cannot sign: a signature is made over what was read back, and attaching something to
        # what is held would tell that it is there (DESIGN 3).
        level = QuarantineLevel.NONE
        verbs.discard(Verb.SIGN)
    if standing.project.visibility is Visibility.PUBLIC or level > QuarantineLevel.NONE:
        verbs.add(Verb.PULL)
    return Rights(verbs=frozenset(verbs), quarantine=level)


def reads_held(standing: Standing) -> bool:
    """Return whether ``standing`` reads all that is held in the project, layers too."""
    return rights(standing).quarantine is QuarantineLevel.FULL


def project_actions(standing: Standing) -> frozenset[ProjectAction]:
    """Return what ``standing`` may do to its project, besides its repositories."""
    if not standing.active:
        return frozenset()
    of_roles = (ROLES[role].actions for role in standing.roles)
    of_instance_roles = (INSTANCE_ROLES[role].project_actions for role in standing.instance_roles)
    return frozenset().union(*of_roles, *of_instance_roles)


def instance_actions(roles: Iterable[InstanceRole], *, active: bool) -> frozenset[InstanceAction]:
    """Return what a principal with the instance roles ``roles`` may do to the instance."""
    if not active:
        return frozenset()
    return frozenset().union(*(INSTANCE_ROLES[role].actions for role in roles))


def _role_level(role: Role, level: QuarantineLevel, *, writers_read_held: bool) -> QuarantineLevel:
    if role in _WRITER_ROLES and not writers_read_held:
        return min(level, QuarantineLevel.SIGNING)
    return level
