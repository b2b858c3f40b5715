"""The contract of projects, members, principals and standings, on every adapter."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access.values import InstanceRole, Mode, Role, Standing, Visibility
from gateway.audit.events import EventKind
from gateway.errors import Conflict, Internal, NameInvalid, NameUnknown
from gateway.identity.values import ANONYMOUS, SYSTEM, Principal, PrincipalKind
from gateway.oci.names import ProjectName, RepositoryName
from tests.support.catalog_admin import ACME, ADAPTERS, ALICE, BOB, CI, NOW, OTHER, ROOT, Catalog

run = asyncio.run
WEB = RepositoryName("acme/web")


@pytest.fixture(params=sorted(ADAPTERS))
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    with ADAPTERS[request.param](tmp_path) as opened:
        yield opened


def standing(
    catalog: Catalog, principal_id: str, repository: RepositoryName = WEB, *, now: int = NOW
) -> Standing | None:
    return run(catalog.standings.standing(principal_id, repository, now=now))


def known(catalog: Catalog, principal_id: str, repository: RepositoryName = WEB, *, now: int = NOW) -> Standing:
    found = standing(catalog, principal_id, repository, now=now)
    assert found is not None
    return found


# -- projects ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("acme", "acme", id="same"),
        pytest.param("acme", "acme/web", id="below"),
        pytest.param("acme/web", "acme", id="above"),
        pytest.param("acme/web/x", "acme", id="two-above"),
        pytest.param("acme", "acme/web/x", id="two-below"),
    ],
)
def test_projects_are_prefix_free(catalog: Catalog, first: str, second: str) -> None:
    catalog.project(ProjectName(first))
    before = catalog.last_id()
    with pytest.raises(Conflict):
        catalog.project(ProjectName(second))
    assert [row.name for row in run(catalog.projects.projects())] == [first]
    assert catalog.kinds(after=before) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("acme", "acmes", id="longer-word"),
        pytest.param("acme/web", "acme/webs", id="longer-component"),
        pytest.param("acme/web", "acme/api", id="siblings"),
        pytest.param("acme", "acme-x", id="dash-sorts-before-slash"),
        pytest.param("acme", "acme.x", id="dot-sorts-before-slash"),
        pytest.param("acme", "acme0", id="zero-sorts-after-slash"),
        pytest.param("acme-x/y", "acme", id="below-a-sibling"),
    ],
)
def test_a_common_beginning_is_no_prefix(catalog: Catalog, first: str, second: str) -> None:
    catalog.project(ProjectName(first))
    catalog.project(ProjectName(second))
    assert [row.name for row in run(catalog.projects.projects())] == sorted([first, second])
    here, there = (
        known(catalog, "anonymous", RepositoryName(first)),
        known(catalog, "anonymous", RepositoryName(second)),
    )
    assert (here.project.name, there.project.name) == (first, second)


def test_a_project_is_found_from_any_depth(catalog: Catalog) -> None:
    catalog.project(ProjectName("acme/team"))
    for name in ("acme/team", "acme/team/web", "acme/team/a/b/c"):
        assert known(catalog, "anonymous", RepositoryName(name)).project.name == "acme/team"
    for name in ("acme", "acme/teams", "acme/tea", "team", "other/acme/team"):
        assert standing(catalog, "anonymous", RepositoryName(name)) is None


def test_set_project_changes_what_is_given_and_says_so(catalog: Catalog) -> None:
    catalog.project()
    before = catalog.last_id()
    row = run(
        catalog.projects.set_project(
            ACME,
            mode=Mode.STRICT,
            visibility=Visibility.PUBLIC,
            writers_read_held=False,
            by=ALICE,
            reason=None,
            now=NOW,
        )
    )
    assert (row.mode, row.visibility, row.writers_read_held) == (Mode.STRICT, Visibility.PUBLIC, False)
    event = catalog.events()[-1]
    assert catalog.kinds(after=before) == [EventKind.PROJECT_CHANGED]
    assert (event.principal_id, event.project) == (ALICE.id, "acme")
    assert event.data["changed"] == {
        "mode": ["hold", "strict"],
        "visibility": ["private", "public"],
        "writers_read_held": [True, False],
    }
    facts = known(catalog, "anonymous").project
    assert (facts.mode, facts.visibility, facts.writers_read_held) == (Mode.STRICT, Visibility.PUBLIC, False)


def test_the_limit_of_what_waits_is_changed_with_an_event_and_judges_nothing_again(catalog: Catalog) -> None:
    catalog.project()
    (made,) = run(catalog.projects.projects())
    before, revision = catalog.last_id(), known(catalog, "anonymous").project.policy_revision
    change = {
        "mode": None,
        "visibility": None,
        "writers_read_held": None,
        "by": ALICE,
        "reason": "a big one",
        "now": NOW,
    }
    row = run(catalog.projects.set_project(ACME, held_bytes_limit=7, **change))  # type: ignore[arg-type]
    assert (row.held_bytes_limit, row.mode) == (7, Mode.HOLD)
    assert catalog.kinds(after=before) == [EventKind.PROJECT_CHANGED]
    event = catalog.events()[-1]
    assert event.data == {"changed": {"held_bytes_limit": [made.held_bytes_limit, 7]}, "reason": "a big one"}
    assert known(catalog, "anonymous").project.policy_revision == revision
    run(catalog.projects.set_project(ACME, held_bytes_limit=7, **change))  # type: ignore[arg-type]
    assert catalog.kinds(after=before) == [EventKind.PROJECT_CHANGED]


def test_a_mode_is_policy_and_its_change_judges_again(catalog: Catalog) -> None:
    catalog.project()
    before = known(catalog, "anonymous").project.policy_revision
    change = {"visibility": None, "writers_read_held": None, "by": ROOT, "now": NOW}
    run(catalog.projects.set_project(ACME, mode=Mode.WARN, reason="migration", **change))  # type: ignore[arg-type]
    assert known(catalog, "anonymous").project.policy_revision == before + 1
    run(catalog.projects.set_project(ACME, mode=Mode.WARN, reason=None, **change))  # type: ignore[arg-type]
    assert known(catalog, "anonymous").project.policy_revision == before + 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(Mode.STRICT, Mode.HOLD, id="strict-to-hold"),
        pytest.param(Mode.STRICT, Mode.WARN, id="strict-to-warn"),
        pytest.param(Mode.HOLD, Mode.WARN, id="hold-to-warn"),
    ],
)
@pytest.mark.parametrize("reason", [None, "", "  "], ids=["none", "empty", "blank"])
def test_a_looser_mode_needs_a_reason(catalog: Catalog, old: Mode, new: Mode, reason: str | None) -> None:
    catalog.project(mode=old)
    with pytest.raises(Conflict):
        run(
            catalog.projects.set_project(
                ACME, mode=new, visibility=None, writers_read_held=None, by=ROOT, reason=reason, now=NOW
            )
        )
    assert known(catalog, "anonymous").project.mode is old


def test_no_change_is_no_event(catalog: Catalog) -> None:
    catalog.project()
    catalog.account()
    catalog.robot()
    catalog.member(ALICE, Role.READER)
    run(catalog.members.set_instance_role(ALICE.id, InstanceRole.AUDITOR, granted=True, by=ROOT, now=NOW))
    run(catalog.principals.set_disabled("alice", disabled=True, by=ROOT, now=NOW))
    run(catalog.principals.revoke_robot(CI.name, by=ROOT, now=NOW))
    before = catalog.last_id()
    catalog.member(ALICE, Role.READER)
    run(catalog.members.remove_member(ACME, ALICE.id, Role.OWNER, by=ROOT, now=NOW))
    run(catalog.members.set_instance_role(ALICE.id, InstanceRole.AUDITOR, granted=True, by=ROOT, now=NOW))
    run(catalog.members.set_instance_role(ALICE.id, InstanceRole.ADMINISTRATOR, granted=False, by=ROOT, now=NOW))
    run(catalog.principals.set_disabled("alice", disabled=True, by=ROOT, now=NOW))
    run(catalog.principals.revoke_robot(CI.name, by=ROOT, now=NOW + 1))
    assert catalog.kinds(after=before) == []


def test_row_19_and_29_a_project_made_anew_has_nothing_of_the_old(catalog: Catalog) -> None:
    catalog.project()
    catalog.account()
    catalog.member(ALICE, Role.OWNER)
    catalog.robot(secret=b"r" * 32)
    old = known(catalog, ALICE.id).project
    run(catalog.projects.delete_project(ACME, by=ROOT, now=NOW + 1))
    assert standing(catalog, ALICE.id) is None
    assert run(catalog.accounts.robot_by_secret(b"r" * 32)) is None
    assert run(catalog.standings.principal(CI.id, now=NOW)) is None
    catalog.project(now=NOW + 2)
    again = known(catalog, ALICE.id)
    assert again.active
    assert again.roles == frozenset()
    assert again.project.id != old.id
    assert again.project.created_at == NOW + 2
    assert run(catalog.members.members(ACME)) == []
    assert run(catalog.principals.principals(kind="robot", project=None)) == []
    assert not known(catalog, CI.id).active
    catalog.robot(Principal("r:new", PrincipalKind.ROBOT, CI.name), secret=b"n" * 32)
    assert not known(catalog, CI.id).active
    assert known(catalog, "r:new").roles == {Role.WRITER}


def test_a_deletion_names_what_is_gone(catalog: Catalog) -> None:
    catalog.project()
    catalog.account()
    catalog.member(ALICE, Role.OWNER)
    catalog.robot()
    run(catalog.projects.delete_project(ACME, by=BOB, now=NOW))
    event = catalog.events()[-1]
    assert (event.kind, event.principal_id, event.project) == ("project.deleted", BOB.id, "acme")
    assert event.data["machines"] == {CI.id: CI.name}
    assert event.data["members"] == [{"principal": CI.id, "role": "writer"}, {"principal": ALICE.id, "role": "owner"}]


def test_unknown_projects_are_refused(catalog: Catalog) -> None:
    catalog.account()
    before = catalog.last_id()
    common = {"by": ROOT, "now": NOW}
    with pytest.raises(NameUnknown):
        run(catalog.projects.delete_project(ACME, by=ROOT, now=NOW))
    with pytest.raises(NameUnknown):
        run(
            catalog.projects.set_project(
                ACME, mode=Mode.STRICT, visibility=None, writers_read_held=None, reason=None, by=ROOT, now=NOW
            )
        )
    with pytest.raises(NameUnknown):
        catalog.member(ALICE, Role.READER)
    with pytest.raises(NameUnknown):
        run(catalog.members.remove_member(ACME, ALICE.id, None, **common))  # type: ignore[arg-type]
    with pytest.raises(NameUnknown):
        catalog.robot()
    assert run(catalog.members.members(ACME)) == []
    assert catalog.kinds(after=before) == []


# -- standings ---------------------------------------------------------------------------------------------------------


def test_principals_without_a_row(catalog: Catalog) -> None:
    catalog.project()
    anonymous, system, operator = (known(catalog, name) for name in ("anonymous", "system", "os:root"))
    assert (anonymous.principal, anonymous.active, anonymous.roles) == (ANONYMOUS, True, frozenset())
    assert anonymous.instance_roles == frozenset()
    assert (system.principal, system.active) == (SYSTEM, True)
    assert system.instance_roles == {InstanceRole.ADMINISTRATOR}
    assert (operator.principal, operator.active) == (ROOT, True)
    assert operator.instance_roles == {InstanceRole.ADMINISTRATOR}


@pytest.mark.parametrize(
    "principal_id",
    [
        "u:nobody",
        "r:nobody",
        "os:",
        "os",
        "System",
        "system ",
        "systems",
        "Anonymous",
        "",
        "alice",
        "robot+acme+ci",
        "*",
    ],
)
def test_row_118_whoever_is_unknown_is_inactive_and_nothing_else(catalog: Catalog, principal_id: str) -> None:
    catalog.project()
    catalog.account()
    catalog.robot()
    found = known(catalog, principal_id)
    assert (found.active, found.roles, found.instance_roles) == (False, frozenset(), frozenset())
    assert not found.quarantine_read
    assert run(catalog.standings.principal(principal_id, now=NOW)) is None


def test_roles_are_those_of_the_repository_s_project(catalog: Catalog) -> None:
    catalog.project()
    catalog.project(OTHER)
    catalog.account()
    catalog.member(ALICE, Role.READER)
    catalog.member(ALICE, Role.SCANNER)
    catalog.member(ALICE, Role.OWNER, OTHER)
    assert known(catalog, ALICE.id).roles == {Role.READER, Role.SCANNER}
    assert known(catalog, ALICE.id, RepositoryName("other/x")).roles == {Role.OWNER}
    removed = run(catalog.members.remove_member(ACME, ALICE.id, Role.READER, by=ROOT, now=NOW))
    assert (removed, known(catalog, ALICE.id).roles) == (1, frozenset({Role.SCANNER}))
    catalog.member(ALICE, Role.WRITER)
    removed = run(catalog.members.remove_member(ACME, ALICE.id, None, by=ROOT, now=NOW))
    assert (removed, known(catalog, ALICE.id).roles) == (2, frozenset())
    assert known(catalog, ALICE.id, RepositoryName("other/x")).roles == {Role.OWNER}


def test_disabled_is_at_once_and_takes_every_role(catalog: Catalog) -> None:
    catalog.project()
    catalog.account()
    catalog.member(ALICE, Role.OWNER)
    run(catalog.members.set_instance_role(ALICE.id, InstanceRole.ADMINISTRATOR, granted=True, by=ROOT, now=NOW))
    assert known(catalog, ALICE.id).instance_roles == {InstanceRole.ADMINISTRATOR}
    run(catalog.principals.set_disabled(ALICE.id, disabled=True, by=ROOT, now=NOW))
    found = known(catalog, ALICE.id)
    assert (found.active, found.roles, found.instance_roles) == (False, frozenset(), frozenset())
    assert run(catalog.standings.principal(ALICE.id, now=NOW)) == (ALICE, False, frozenset())
    account = run(catalog.accounts.account_by_name("alice"))
    assert account is not None
    assert account.disabled
    run(catalog.principals.set_disabled("alice", disabled=False, by=ROOT, now=NOW))
    assert known(catalog, ALICE.id).roles == {Role.OWNER}
    assert catalog.kinds()[-2:] == [EventKind.PRINCIPAL_DISABLED, EventKind.PRINCIPAL_ENABLED]


@pytest.mark.parametrize(
    ("now", "active"),
    [
        pytest.param(NOW + 999, True, id="last-second"),
        pytest.param(NOW + 1000, False, id="expired"),
        pytest.param(NOW + 10**9, False, id="long-ago"),
    ],
)
def test_robots_expire(catalog: Catalog, now: int, active: bool) -> None:
    catalog.project()
    catalog.robot(expires=NOW + 1000)
    found = known(catalog, CI.id, now=now)
    assert (found.active, found.roles) == (active, {Role.WRITER} if active else frozenset())
    assert run(catalog.standings.principal(CI.id, now=now)) == (CI, active, frozenset())


def test_robots_have_a_standing_in_their_own_project_only(catalog: Catalog) -> None:
    catalog.project()
    catalog.project(OTHER)
    catalog.robot()
    elsewhere = known(catalog, CI.id, RepositoryName("other/x"))
    assert (elsewhere.active, elsewhere.roles) == (True, frozenset())


def test_a_robot_may_be_made_blind_for_what_is_held(catalog: Catalog) -> None:
    catalog.project()
    catalog.robot(quarantine_read=False)
    assert not known(catalog, CI.id).quarantine_read
    catalog.robot(role=None, secret=b"t" * 32, quarantine_read=True)
    assert not known(catalog, CI.id).quarantine_read, "a rotation must not lift it"


# -- members and instance roles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("principal", ["u:nobody", "anonymous", "system", "os:root", "alice"])
def test_nobody_unknown_is_bound(catalog: Catalog, principal: str) -> None:
    catalog.project()
    catalog.account()
    with pytest.raises(NameUnknown):
        run(catalog.members.add_member(ACME, principal, Role.OWNER, by=ROOT, now=NOW))
    assert run(catalog.members.members(ACME)) == []


def test_row_15_a_robot_is_bound_in_its_own_project_only(catalog: Catalog) -> None:
    catalog.project()
    catalog.project(OTHER)
    catalog.robot()
    with pytest.raises(Conflict):
        catalog.member(CI, Role.READER, OTHER)
    with pytest.raises(Conflict):
        catalog.robot(Principal("r:x", PrincipalKind.ROBOT, "robot+acme+x"), OTHER, secret=b"x" * 32)
    catalog.member(CI, Role.SCANNER)
    assert known(catalog, CI.id).roles == {Role.WRITER, Role.SCANNER}


def test_row_16_a_robot_never_owns_and_holds_no_instance_role(catalog: Catalog) -> None:
    catalog.project()
    with pytest.raises(Conflict):
        catalog.robot(role=Role.OWNER)
    assert run(catalog.principals.principal_by_name(CI.name)) is None
    catalog.robot()
    before = catalog.last_id()
    with pytest.raises(Conflict):
        catalog.member(CI, Role.OWNER)
    for role in InstanceRole:
        with pytest.raises(Conflict):
            run(catalog.members.set_instance_role(CI.id, role, granted=True, by=ROOT, now=NOW))
    assert catalog.kinds(after=before) == []
    assert known(catalog, CI.id).instance_roles == frozenset()


@pytest.mark.parametrize("principal", ["u:nobody", "anonymous", "system", "os:root"])
def test_instance_roles_are_for_known_persons(catalog: Catalog, principal: str) -> None:
    with pytest.raises((NameUnknown, Conflict)):
        run(catalog.members.set_instance_role(principal, InstanceRole.AUDITOR, granted=True, by=ROOT, now=NOW))
    assert catalog.events() == []


def test_members_are_listed_by_name(catalog: Catalog) -> None:
    catalog.project()
    catalog.account(BOB)
    catalog.account(ALICE)
    catalog.robot()
    catalog.member(BOB, Role.WRITER)
    catalog.member(BOB, Role.READER)
    catalog.member(ALICE, Role.OWNER)
    assert [(row.name, row.kind, row.role) for row in run(catalog.members.members(ACME))] == [
        ("alice", "user", "owner"),
        ("bob", "user", "reader"),
        ("bob", "user", "writer"),
        (CI.name, "robot", "writer"),
    ]


# -- accounts and robots -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "principal",
    [
        pytest.param(Principal("u:2", PrincipalKind.USER, "alice"), id="name-taken"),
        pytest.param(Principal("u:alice", PrincipalKind.USER, "alice2"), id="id-taken"),
        pytest.param(Principal("u:2", PrincipalKind.USER, "robot+acme+ci"), id="row-17-a-robot-s-name"),
        pytest.param(Principal("u:2", PrincipalKind.USER, "system"), id="row-17-the-system-s-name"),
        pytest.param(Principal("u:2", PrincipalKind.USER, "Anonymous"), id="anonymous-in-another-case"),
        pytest.param(Principal("u:2", PrincipalKind.USER, "u:alice"), id="an-id"),
        pytest.param(Principal("u:2", PrincipalKind.USER, "github/bob"), id="a-provider-s-person"),
        pytest.param(Principal("u:2", PrincipalKind.USER, "bob\n"), id="newline"),
        pytest.param(Principal("u:2", PrincipalKind.USER, ""), id="empty"),
        pytest.param(Principal("u:2", PrincipalKind.USER, "b" * 129), id="long"),
        pytest.param(Principal("system", PrincipalKind.USER, "bob"), id="the-system-s-id"),
        pytest.param(Principal("os:bob", PrincipalKind.USER, "bob"), id="an-operator-s-id"),
        pytest.param(Principal("r:2", PrincipalKind.USER, "bob"), id="a-robot-s-id"),
        pytest.param(Principal("u:2", PrincipalKind.ROBOT, "bob"), id="kind"),
        pytest.param(Principal("u:2", PrincipalKind.SYSTEM, "bob"), id="system-kind"),
    ],
)
def test_accounts_that_cannot_be(catalog: Catalog, principal: Principal) -> None:
    catalog.account()
    before = catalog.last_id()
    with pytest.raises(Conflict):
        catalog.account(principal)
    assert catalog.kinds(after=before) == []
    assert [row.id for row in run(catalog.principals.principals(kind=None, project=None))] == [ALICE.id]


def test_accounts_are_found_by_name(catalog: Catalog) -> None:
    catalog.account()
    account = run(catalog.accounts.account_by_name("alice"))
    assert account is not None
    assert (account.principal, account.password_hash, account.disabled) == (ALICE, "hash of alice", False)
    for name in ("Alice", "alice ", "u:alice", "", "bob"):
        assert run(catalog.accounts.account_by_name(name)) is None


def test_robots_are_found_by_their_secret_s_digest(catalog: Catalog) -> None:
    catalog.project()
    catalog.robot(secret=b"a" * 32)
    robot = run(catalog.accounts.robot_by_secret(b"a" * 32))
    assert robot is not None
    assert (robot.principal, robot.project, robot.expires_at, robot.revoked) == (CI, "acme", NOW + 1000, False)
    assert run(catalog.accounts.account_by_name(CI.name)) is None
    for secret in (b"", b"b" * 32, b"a" * 31):
        assert run(catalog.accounts.robot_by_secret(secret)) is None


def test_a_rotation_ends_the_old_secret_and_keeps_the_rest(catalog: Catalog) -> None:
    catalog.project()
    catalog.robot(secret=b"a" * 32)
    catalog.robot(Principal("r:ignored", PrincipalKind.ROBOT, CI.name), secret=b"b" * 32, expires=NOW + 5, role=None)
    assert run(catalog.accounts.robot_by_secret(b"a" * 32)) is None
    robot = run(catalog.accounts.robot_by_secret(b"b" * 32))
    assert robot is not None
    assert (robot.principal, robot.expires_at) == (CI, NOW + 5)
    assert known(catalog, CI.id).roles == {Role.WRITER}
    assert catalog.kinds()[-1] is EventKind.ROBOT_ROTATED


def test_a_revocation_is_for_good(catalog: Catalog) -> None:
    catalog.project()
    catalog.robot(secret=b"a" * 32)
    run(catalog.principals.revoke_robot(CI.name, by=ROOT, now=NOW + 7))
    robot = run(catalog.accounts.robot_by_secret(b"a" * 32))
    assert robot is not None
    assert robot.revoked
    assert (known(catalog, CI.id).active, known(catalog, CI.id).roles) == (False, frozenset())
    with pytest.raises(Conflict):
        catalog.robot(role=None, secret=b"b" * 32)
    assert run(catalog.accounts.robot_by_secret(b"b" * 32)) is None
    catalog.robot(Principal("r:2", PrincipalKind.ROBOT, CI.name), secret=b"c" * 32)
    assert (known(catalog, CI.id).active, known(catalog, "r:2").active) == (False, True)
    row = run(catalog.principals.principal_by_name(CI.id))
    assert row is not None
    assert (row.name, row.revoked) == ("robot+acme+ci~ci", NOW + 7)


def test_a_disabled_robot_cannot_log_in(catalog: Catalog) -> None:
    catalog.project()
    catalog.robot(secret=b"a" * 32)
    run(catalog.principals.set_disabled(CI.name, disabled=True, by=ROOT, now=NOW))
    robot = run(catalog.accounts.robot_by_secret(b"a" * 32))
    assert robot is not None
    assert robot.revoked
    assert not known(catalog, CI.id).active


@pytest.mark.parametrize(
    "principal",
    [
        pytest.param(Principal("r:2", PrincipalKind.ROBOT, "robot+acme+ci"), id="name-taken"),
        pytest.param(Principal("r:ci", PrincipalKind.ROBOT, "robot+acme+x"), id="id-taken"),
        pytest.param(Principal("r:2", PrincipalKind.ROBOT, "robot+other+x"), id="row-15-another-project-s"),
        pytest.param(Principal("r:2", PrincipalKind.ROBOT, "robot+acme+"), id="no-name"),
        pytest.param(Principal("r:2", PrincipalKind.ROBOT, "robot+acme+a+b"), id="plus"),
        pytest.param(Principal("r:2", PrincipalKind.ROBOT, "robot+acme+a:b"), id="colon"),
        pytest.param(Principal("r:2", PrincipalKind.ROBOT, "scanner-x"), id="row-17-no-prefix"),
        pytest.param(Principal("u:2", PrincipalKind.ROBOT, "robot+acme+x"), id="a-user-s-id"),
        pytest.param(Principal("r:2", PrincipalKind.USER, "robot+acme+x"), id="kind"),
        pytest.param(Principal("system", PrincipalKind.ROBOT, "robot+acme+x"), id="the-system-s-id"),
    ],
)
def test_robots_that_cannot_be(catalog: Catalog, principal: Principal) -> None:
    catalog.project()
    catalog.project(OTHER)
    catalog.robot()
    before = catalog.last_id()
    with pytest.raises(Conflict):
        catalog.robot(principal, secret=b"x" * 32)
    assert catalog.kinds(after=before) == []
    assert run(catalog.accounts.robot_by_secret(b"x" * 32)) is None


@pytest.mark.parametrize("role", [Role.WRITER, None], ids=["create", "rotate"])
def test_two_robots_never_share_a_secret(catalog: Catalog, role: Role | None) -> None:
    catalog.project()
    catalog.robot(secret=b"a" * 32)
    second = Principal("r:2", PrincipalKind.ROBOT, "robot+acme+two")
    if role is None:
        catalog.robot(second, secret=b"b" * 32)
    before = catalog.last_id()
    with pytest.raises(Conflict):
        catalog.robot(second, secret=b"a" * 32, role=role)
    robot = run(catalog.accounts.robot_by_secret(b"a" * 32))
    assert robot is not None
    assert robot.principal == CI
    assert catalog.kinds(after=before) == []


def test_names_that_are_not_there(catalog: Catalog) -> None:
    catalog.project()
    catalog.account()
    with pytest.raises(NameUnknown):
        run(catalog.principals.set_disabled("bob", disabled=True, by=ROOT, now=NOW))
    with pytest.raises(NameUnknown):
        run(catalog.principals.revoke_robot("robot+acme+ci", by=ROOT, now=NOW))
    with pytest.raises(NameUnknown):
        run(catalog.principals.revoke_robot("alice", by=ROOT, now=NOW))
    with pytest.raises(NameUnknown):
        catalog.robot(role=None)
    assert run(catalog.principals.principal_by_name("system")) is None


def test_principals_are_listed_by_kind_and_project(catalog: Catalog) -> None:
    catalog.project()
    catalog.project(OTHER)
    catalog.account(BOB)
    catalog.account(ALICE)
    catalog.robot()
    catalog.member(ALICE, Role.OWNER)
    run(catalog.members.set_instance_role(ALICE.id, InstanceRole.SECURITY_OFFICER, granted=True, by=ROOT, now=NOW))
    run(catalog.members.set_instance_role(ALICE.id, InstanceRole.AUDITOR, granted=True, by=ROOT, now=NOW))

    def names(kind: str | None, project: ProjectName | None) -> list[str]:
        return [row.name for row in run(catalog.principals.principals(kind=kind, project=project))]

    assert names(None, None) == ["alice", "bob", CI.name]
    assert names("user", None) == ["alice", "bob"]
    assert names("robot", OTHER) == []
    assert names(None, ACME) == ["alice", CI.name]
    assert names("user", ACME) == ["alice"]
    alice, robot = (run(catalog.principals.principal_by_name(name)) for name in ("alice", CI.id))
    assert alice is not None
    assert robot is not None
    assert (alice.roles, alice.project, alice.expires) == (("auditor", "security-officer"), None, None)
    assert (robot.roles, robot.project, robot.expires, robot.revoked) == (("writer",), "acme", NOW + 1000, None)


def test_a_new_kind_of_event_is_refused(catalog: Catalog) -> None:
    with pytest.raises(Internal):
        run(catalog.audit.record_event("project.exploded", principal=ROOT, project=None, data={}, now=NOW))
    assert catalog.events() == []


@pytest.mark.parametrize("name", ["system", "registry-gateway/x", "team/blobs", "tags"])
def test_a_reserved_name_is_no_project(catalog: Catalog, name: str) -> None:
    with pytest.raises(NameInvalid) as caught:
        catalog.project(ProjectName.parse(name))
    assert caught.value.name == name
