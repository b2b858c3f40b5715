"""The one table of roles: what each may do, and nothing else decides it.

Never asks who somebody is; `gateway.access.rights` puts a principal's roles together.

Pure: no I/O, no third-party import.
Source: INTERFACE 3, "Roles and what they may do".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.access.values import InstanceRole, QuarantineLevel, Role, Verb


class ProjectAction(StrEnum):
    """What can be done to a project, besides its repositories."""

    RETENTION = "retention"
    REEVALUATE = "reevaluate"
    MEMBERS = "members"
    ROBOTS = "robots"
    TRUST = "trust"
    POLICY_DATA = "policy-data"
    REQUEST_WAIVER = "request-waiver"


class InstanceAction(StrEnum):
    """What can be done to the instance. There is no action that reads a secret back: nobody may."""

    READ_AUDIT = "read-audit"
    READ_POLICY = "read-policy"
    READ_TRUST = "read-trust"
    READ_HOLDS = "read-holds"
    READ_DECISIONS = "read-decisions"
    EDIT_POLICY = "edit-policy"
    EDIT_TRUST = "edit-trust"
    APPROVE = "approve"
    """Waivers and activations; never one's own request, which is checked where the request is known."""
    REVOKE = "revoke"
    DROP_KEYS = "drop-keys"
    ADMINISTER = "administer"
    """Projects, accounts, instance roles, upstreams, storage."""


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """A row of the table: verbs and quarantine level on the project's repositories, and actions on the project."""

    verbs: frozenset[Verb]
    quarantine: QuarantineLevel
    actions: frozenset[ProjectAction]


@dataclass(frozen=True, slots=True)
class InstanceRoleEntry:
    """A row of the table: the same on every project, and actions on the instance."""

    verbs: frozenset[Verb]
    quarantine: QuarantineLevel
    project_actions: frozenset[ProjectAction]
    actions: frozenset[InstanceAction]


_WRITES: Final = frozenset({Verb.PULL, Verb.PUSH, Verb.OVERWRITE, Verb.SIGN})
_UPKEEP: Final = frozenset({ProjectAction.RETENTION, ProjectAction.REEVALUATE})
_NO_VERBS: Final[frozenset[Verb]] = frozenset()
_NO_ACTIONS: Final[frozenset[ProjectAction]] = frozenset()

ROLES: Final[Mapping[Role, RoleEntry]] = MappingProxyType(
    {
        Role.READER: RoleEntry(frozenset({Verb.PULL}), QuarantineLevel.NONE, _NO_ACTIONS),
        Role.WRITER: RoleEntry(_WRITES, QuarantineLevel.FULL, _NO_ACTIONS),
        Role.SCANNER: RoleEntry(frozenset({Verb.PULL, Verb.SIGN}), QuarantineLevel.FULL, _NO_ACTIONS),
        Role.MAINTAINER: RoleEntry(_WRITES | {Verb.DELETE}, QuarantineLevel.FULL, _UPKEEP),
        Role.OWNER: RoleEntry(_WRITES | {Verb.DELETE}, QuarantineLevel.FULL, frozenset(ProjectAction)),
    }
)

INSTANCE_ROLES: Final[Mapping[InstanceRole, InstanceRoleEntry]] = MappingProxyType(
    {
        InstanceRole.AUDITOR: InstanceRoleEntry(
            _NO_VERBS,
            QuarantineLevel.NONE,
            _NO_ACTIONS,
            frozenset(
                {
                    InstanceAction.READ_AUDIT,
                    InstanceAction.READ_POLICY,
                    InstanceAction.READ_TRUST,
                    InstanceAction.READ_HOLDS,
                    InstanceAction.READ_DECISIONS,
                }
            ),
        ),
        InstanceRole.POLICY_EDITOR: InstanceRoleEntry(
            _NO_VERBS,
            QuarantineLevel.NONE,
            frozenset({ProjectAction.TRUST, ProjectAction.POLICY_DATA}),
            frozenset(
                {
                    InstanceAction.READ_POLICY,
                    InstanceAction.READ_TRUST,
                    InstanceAction.EDIT_POLICY,
                    InstanceAction.EDIT_TRUST,
                }
            ),
        ),
        InstanceRole.SECURITY_OFFICER: InstanceRoleEntry(
            frozenset({Verb.PULL}),
            QuarantineLevel.FULL,
            _NO_ACTIONS,
            frozenset({InstanceAction.APPROVE, InstanceAction.REVOKE, InstanceAction.DROP_KEYS}),
        ),
        InstanceRole.ADMINISTRATOR: InstanceRoleEntry(
            frozenset(Verb), QuarantineLevel.FULL, frozenset(ProjectAction), frozenset(InstanceAction)
        ),
    }
)
