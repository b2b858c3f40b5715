"""Rights: from a standing to what may be done now."""

from collections.abc import Set as AbstractSet

import pytest

from gateway.access.rights import NO_RIGHTS, instance_actions, project_actions, rights
from gateway.access.roles import InstanceAction, ProjectAction
from gateway.access.values import InstanceRole, QuarantineLevel, Role, Standing, Verb, Visibility
from gateway.identity.values import ANONYMOUS
from tests.support.identity import project, standing

NONE, SIGNING, FULL = QuarantineLevel
WRITES = {"pull", "push", "overwrite", "sign"}
CLOSED = project(writers_read_held=False)
PUBLIC = project(visibility=Visibility.PUBLIC)


def instance(*roles: InstanceRole) -> frozenset[InstanceRole]:
    return frozenset(roles)


@pytest.mark.parametrize(
    ("of", "verbs", "level"),
    [
        pytest.param(standing(), set(), NONE, id="nobody"),
        pytest.param(standing(Role.READER), {"pull"}, NONE, id="reader"),
        pytest.param(standing(Role.WRITER), WRITES, FULL, id="writer"),
        pytest.param(standing(Role.SCANNER), {"pull", "sign"}, FULL, id="scanner"),
        pytest.param(standing(Role.MAINTAINER), WRITES | {"delete"}, FULL, id="maintainer"),
        pytest.param(standing(Role.OWNER), WRITES | {"delete"}, FULL, id="owner"),
        pytest.param(standing(Role.READER, Role.SCANNER), {"pull", "sign"}, FULL, id="union"),
        pytest.param(standing(Role.OWNER, active=False), set(), NONE, id="inactive"),
        pytest.param(standing(active=False, facts=PUBLIC), set(), NONE, id="inactive-public"),
        pytest.param(standing(principal=ANONYMOUS, facts=PUBLIC), {"pull"}, NONE, id="anonymous-public"),
        pytest.param(standing(principal=ANONYMOUS), set(), NONE, id="anonymous-private"),
        pytest.param(standing(Role.WRITER, facts=CLOSED), WRITES, SIGNING, id="closed-writer"),
        pytest.param(standing(Role.MAINTAINER, facts=CLOSED), WRITES | {"delete"}, SIGNING, id="closed-maintainer"),
        pytest.param(standing(Role.OWNER, facts=CLOSED), WRITES | {"delete"}, SIGNING, id="closed-owner"),
        pytest.param(standing(Role.SCANNER, facts=CLOSED), {"pull", "sign"}, FULL, id="closed-scanner"),
        pytest.param(standing(Role.READER, facts=CLOSED), {"pull"}, NONE, id="closed-reader"),
        pytest.param(standing(Role.WRITER, Role.SCANNER, facts=CLOSED), WRITES, FULL, id="closed-writer-and-scanner"),
        pytest.param(
            standing(Role.WRITER, quarantine_read=False), WRITES - {"sign"}, NONE, id="robot-without-quarantine-read"
        ),
        pytest.param(standing(Role.SCANNER, quarantine_read=False), {"pull"}, NONE, id="blind-scanner"),
        pytest.param(standing(instance_roles=instance(InstanceRole.AUDITOR)), set(), NONE, id="auditor"),
        pytest.param(
            standing(instance_roles=instance(InstanceRole.AUDITOR), facts=PUBLIC), {"pull"}, NONE, id="auditor-public"
        ),
        pytest.param(standing(instance_roles=instance(InstanceRole.POLICY_EDITOR)), set(), NONE, id="policy-editor"),
        pytest.param(
            standing(instance_roles=instance(InstanceRole.SECURITY_OFFICER), facts=CLOSED),
            {"pull"},
            FULL,
            id="security-officer",
        ),
        pytest.param(
            standing(instance_roles=instance(InstanceRole.ADMINISTRATOR), facts=CLOSED),
            {verb.value for verb in Verb},
            FULL,
            id="administrator",
        ),
        pytest.param(
            standing(active=False, instance_roles=instance(InstanceRole.ADMINISTRATOR)),
            set(),
            NONE,
            id="inactive-administrator",
        ),
    ],
)
def test_rights(of: Standing, verbs: AbstractSet[str], level: QuarantineLevel) -> None:
    assert rights(of).verbs == verbs
    assert rights(of).quarantine is level


def test_inactive_is_nothing() -> None:
    assert rights(standing(*Role, active=False)) == NO_RIGHTS


def test_project_actions() -> None:
    assert project_actions(standing(Role.WRITER)) == set()
    assert project_actions(standing(Role.MAINTAINER)) == {ProjectAction.RETENTION, ProjectAction.REEVALUATE}
    assert project_actions(standing(Role.OWNER)) == set(ProjectAction)
    editor = standing(instance_roles=instance(InstanceRole.POLICY_EDITOR))
    assert project_actions(editor) == {ProjectAction.TRUST, ProjectAction.POLICY_DATA}
    assert project_actions(standing(Role.OWNER, active=False)) == set()


def test_instance_actions() -> None:
    officer_and_auditor = [InstanceRole.SECURITY_OFFICER, InstanceRole.AUDITOR]
    assert InstanceAction.APPROVE in instance_actions(officer_and_auditor, active=True)
    assert InstanceAction.READ_AUDIT in instance_actions(officer_and_auditor, active=True)
    assert InstanceAction.ADMINISTER not in instance_actions(officer_and_auditor, active=True)
    assert instance_actions(officer_and_auditor, active=False) == set()
    assert instance_actions([], active=True) == set()
