"""Standings by SQL, against standings in plain Python: any sequence of commands gives the same."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.access.values import InstanceRole, Mode, Role, Visibility
from gateway.catalog.sqlite.directory import read_standing
from gateway.errors import GatewayError
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName, RepositoryName
from tests.support.catalog_admin import NOW, ROOT, Catalog, in_memory, on_sqlite, opened

NAMES: Final = ["a", "a/b", "ab", "a-b", "a/b/c"]
REPOSITORIES: Final = [RepositoryName(name) for name in ("a/x", "ab/x", "a/b/c/d", "a-b", "a", "a-b/x", "b", "a/bc")]
PEOPLE: Final = [Principal(f"u:{name}", PrincipalKind.USER, name) for name in ("ann", "ben")]
IDS: Final = ["u:ann", "u:ben", "r:1", "r:2", "anonymous", "system", "os:root", "u:nobody", "os:"]
KINDS: Final = {
    "create": 2,
    "set": 1,
    "delete": 1,
    "add": 3,
    "remove": 1,
    "grant": 1,
    "account": 2,
    "disable": 1,
    "robot": 2,
    "revoke": 1,
}
"""How often each is drawn, by weight."""
SECRETS: Final = [bytes([number]) * 32 for number in range(3)]

Command = Callable[[Catalog, int], Coroutine[Any, Any, object]]

projects = st.sampled_from(["a", "ab", *NAMES]).map(ProjectName)
ids = st.sampled_from(IDS)
names = st.sampled_from(["ann", "u:ben", "robot+a+x", "robot+ab+x", "r:1", "nobody"])
roles = st.sampled_from(Role)


@st.composite
def commands(draw: st.DrawFn) -> Command:
    """Return one command of administration, of which many will be refused."""
    kind = draw(st.sampled_from([kind for kind, weight in KINDS.items() for _ in range(weight)]))
    project, principal, name, role = draw(projects), draw(ids), draw(names), draw(roles)
    yes = draw(st.booleans())
    maybe = role if yes else None
    match kind:
        case "create":
            visibility = Visibility.PUBLIC if yes else Visibility.PRIVATE
            mode = draw(st.sampled_from(Mode))
            return lambda c, now: c.projects.create_project(project, mode=mode, visibility=visibility, by=ROOT, now=now)
        case "set":
            new_mode = draw(st.none() | st.sampled_from(Mode))
            visible = draw(st.none() | st.sampled_from(Visibility))
            held = draw(st.none() | st.booleans())
            reason = draw(st.sampled_from([None, "", "because"]))
            return lambda c, now: c.projects.set_project(
                project, mode=new_mode, visibility=visible, writers_read_held=held, reason=reason, by=ROOT, now=now
            )
        case "delete":
            return lambda c, now: c.projects.delete_project(project, by=ROOT, now=now)
        case "add":
            return lambda c, now: c.members.add_member(project, principal, role, by=ROOT, now=now)
        case "remove":
            return lambda c, now: c.members.remove_member(project, principal, maybe, by=ROOT, now=now)
        case "grant":
            instance_role = draw(st.sampled_from(InstanceRole))
            return lambda c, now: c.members.set_instance_role(principal, instance_role, granted=yes, by=ROOT, now=now)
        case "account":
            person = draw(st.sampled_from(PEOPLE))
            return lambda c, now: c.principals.create_account(person, "hash", by=ROOT, now=now)
        case "disable":
            return lambda c, now: c.principals.set_disabled(name, disabled=yes, by=ROOT, now=now)
        case "revoke":
            return lambda c, now: c.principals.revoke_robot(name, by=ROOT, now=now)
    robot_id, secret, ttl = (
        draw(st.sampled_from(["r:1", "r:2"])),
        draw(st.sampled_from(SECRETS)),
        draw(st.integers(0, 9)),
    )
    blind = draw(st.booleans())
    robot = Principal(robot_id, PrincipalKind.ROBOT, f"robot+{project}+x")
    return lambda c, now: c.principals.put_robot(
        robot,
        project,
        secret_sha256=secret,
        expires=now + ttl,
        quarantine_read=not blind,
        role=maybe,
        by=ROOT,
        now=now,
    )


async def populate(catalog: Catalog) -> None:
    """Make something for the commands to change."""
    common: dict[str, Any] = {"by": ROOT, "now": NOW - 1}
    for name in ("a", "ab"):
        await catalog.projects.create_project(
            ProjectName(name), mode=Mode.HOLD, visibility=Visibility.PRIVATE, **common
        )
    for person in PEOPLE:
        await catalog.principals.create_account(person, "hash", **common)
        await catalog.members.add_member(ProjectName("a"), person.id, Role.OWNER, **common)
        await catalog.members.set_instance_role(person.id, InstanceRole.AUDITOR, granted=True, **common)
    for robot, project, secret in (("r:1", "a", SECRETS[0]), ("r:2", "ab", SECRETS[1])):
        await catalog.principals.put_robot(
            Principal(robot, PrincipalKind.ROBOT, f"robot+{project}+x"),
            ProjectName(project),
            secret_sha256=secret,
            expires=NOW + 5,
            quarantine_read=True,
            role=Role.WRITER,
            **common,
        )


async def outcome(command: Command, catalog: Catalog, now: int) -> object:
    """Return what the command answers, as a value: the class of the refusal, where it is one."""
    try:
        return repr(await command(catalog, now))
    except GatewayError as error:
        return type(error)


async def standings(catalog: Catalog, now: int) -> list[object]:
    """Return who is what where, now and a little later, when robots have expired."""
    return [
        await catalog.standings.standing(principal, repository, now=now + later)
        for principal in IDS
        for repository in REPOSITORIES[:4]
        for later in (0, 1, 2, 3)
    ]


async def picture(catalog: Catalog, now: int) -> list[object]:
    """Return everything that can be asked."""
    seen: list[object] = [
        await catalog.standings.standing(principal, repository, now=now)
        for principal in IDS
        for repository in REPOSITORIES
    ]
    seen += [await catalog.standings.principal(principal, now=now) for principal in IDS]
    seen += [await catalog.accounts.account_by_name(person.name) for person in PEOPLE]
    seen += [await catalog.accounts.robot_by_secret(secret) for secret in SECRETS]
    seen += [await catalog.principals.principals(kind=None, project=None), await catalog.projects.projects()]
    seen += [list(await catalog.members.members(ProjectName(name))) for name in NAMES]
    seen += [await catalog.principals.principals(kind=None, project=ProjectName(name)) for name in NAMES]
    seen.append(list(await catalog.audit.events(after=0, limit=1000)))
    return seen


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(commands(), min_size=1, max_size=20))
def test_any_sequence_of_commands_gives_what_plain_python_gives(sequence: list[Command]) -> None:
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "catalog.db") as database:
        catalog, model = on_sqlite(database), in_memory()

        async def play() -> None:
            for both in (catalog, model):
                await populate(both)
            now = NOW
            for now, command in enumerate(sequence, start=NOW):
                assert await outcome(command, catalog, now) == await outcome(command, model, now)
                assert await standings(catalog, now) == await standings(model, now)
            assert await picture(catalog, now) == await picture(model, now)

        asyncio.run(play())


@pytest.mark.parametrize("principal", ["u:ann", "r:1", "anonymous", "system", "os:root", "u:nobody"])
def test_a_standing_is_at_most_two_searches(tmp_path: Path, principal: str) -> None:
    with opened(tmp_path / "catalog.db") as database:
        statements: list[str] = []

        def watch(connection: sqlite3.Connection) -> None:
            connection.set_trace_callback(statements.append)
            try:
                read_standing(connection, principal, RepositoryName("a/b/c/d"), now=NOW)
            finally:
                connection.set_trace_callback(None)
            plans = [
                row[3] for statement in statements for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
            ]
            assert not [step for step in plans if "SCAN" in step or "TEMP" in step or "AUTOMATIC" in step], plans

        on_sqlite(database).project(ProjectName("a"))
        database.read(watch)
        assert len(statements) == (1 if principal in ("anonymous", "system", "os:root") else 2)


@pytest.mark.parametrize(
    ("statement", "principal"),
    [
        pytest.param(
            "INSERT INTO member SELECT id, 'r:1', 'owner', 0, 'x' FROM project WHERE name = 'ab'",
            "r:1",
            id="row-15-a-robot-bound-elsewhere",
        ),
        pytest.param(
            "INSERT INTO instance_role VALUES ('r:1', 'administrator', 0, 'x')", "r:1", id="row-16-a-robot-with-a-role"
        ),
        pytest.param(
            "INSERT INTO instance_role VALUES ('u:nobody', 'administrator', 0, 'x')",
            "u:nobody",
            id="nobody-with-a-role",
        ),
        pytest.param(
            "INSERT INTO member SELECT id, 'anonymous', 'owner', 0, 'x' FROM project", "anonymous", id="anonymous-bound"
        ),
        pytest.param(
            "INSERT INTO principal VALUES ('anonymous', 'user', 'anonymous', 0, 0, 'x')",
            "anonymous",
            id="anonymous-made",
        ),
        pytest.param(
            "INSERT INTO principal VALUES ('r:9', 'robot', 'robot+ab+y', 0, 0, 'x')",
            "r:9",
            id="a-robot-without-a-project",
        ),
    ],
)
def test_a_row_that_should_not_be_there_gives_nothing(tmp_path: Path, statement: str, principal: str) -> None:
    with opened(tmp_path / "catalog.db") as database:
        catalog = on_sqlite(database)
        asyncio.run(populate(catalog))
        asyncio.run(database.write(lambda connection: connection.execute(statement).rowcount))
        found = asyncio.run(catalog.standings.standing(principal, RepositoryName("ab/x"), now=NOW))
        assert found is not None
        assert (found.roles, found.instance_roles) == (frozenset(), frozenset())
        assert found.active == (principal in ("r:1", "anonymous"))
