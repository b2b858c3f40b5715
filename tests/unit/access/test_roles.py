"""The table of roles against INTERFACE 3, written by hand."""

import pytest

from gateway.access.roles import INSTANCE_ROLES, ROLES, InstanceAction, ProjectAction
from gateway.access.values import InstanceRole, QuarantineLevel, Role

# role: verbs | quarantine | besides
BY_HAND = {
    "reader": ("pull", QuarantineLevel.NONE, ""),
    "writer": ("pull push overwrite sign", QuarantineLevel.FULL, ""),
    "scanner": ("pull sign", QuarantineLevel.FULL, ""),
    "maintainer": ("pull push overwrite sign delete", QuarantineLevel.FULL, "retention reevaluate"),
    "owner": (
        "pull push overwrite sign delete",
        QuarantineLevel.FULL,
        "retention reevaluate members robots trust policy-data request-waiver",
    ),
}
INSTANCE_BY_HAND = {
    "auditor": (
        "",
        QuarantineLevel.NONE,
        "",
        "read-audit read-policy read-trust read-holds read-decisions",
    ),
    "policy-editor": ("", QuarantineLevel.NONE, "trust policy-data", "read-policy read-trust edit-policy edit-trust"),
    "security-officer": ("pull", QuarantineLevel.FULL, "", "approve revoke drop-keys"),
    "administrator": (
        "pull push overwrite sign delete",
        QuarantineLevel.FULL,
        "retention reevaluate members robots trust policy-data request-waiver",
        "read-audit read-policy read-trust read-holds read-decisions edit-policy edit-trust approve revoke drop-keys "
        "administer",
    ),
}


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_role(role: Role) -> None:
    verbs, quarantine, actions = BY_HAND[role.value]
    assert ROLES[role].verbs == set(verbs.split())
    assert ROLES[role].quarantine is quarantine
    assert ROLES[role].actions == set(actions.split())


@pytest.mark.parametrize("role", list(InstanceRole), ids=str)
def test_instance_role(role: InstanceRole) -> None:
    verbs, quarantine, project_actions, actions = INSTANCE_BY_HAND[role.value]
    entry = INSTANCE_ROLES[role]
    assert entry.verbs == set(verbs.split())
    assert entry.quarantine is quarantine
    assert entry.project_actions == set(project_actions.split())
    assert entry.actions == set(actions.split())


def test_tables_are_total() -> None:
    assert set(ROLES) == set(Role)
    assert set(INSTANCE_ROLES) == set(InstanceRole)


def test_no_action_reads_a_secret() -> None:
    assert not [action for action in (*ProjectAction, *InstanceAction) if "secret" in action]
