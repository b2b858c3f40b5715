"""`user` and `robot`: local accounts, and machines with secrets that expire."""

import sys
import uuid
from enum import StrEnum
from typing import Annotated

import typer

from gateway.access.values import InstanceRole, Role
from gateway.app import Parts, unix_now
from gateway.catalog.values import PrincipalRow
from gateway.cli.context import context_of, find_project, operator, principal_id
from gateway.cli.secrets import new_robot_secret, password_hash
from gateway.cli.terminal import Terminal, when
from gateway.cli.typed import typed
from gateway.errors import Conflict, NameUnknown, UsageInvalid
from gateway.identity.names import check_account_name, check_robot_name
from gateway.identity.passwords import check_password
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName

user = typer.Typer(no_args_is_help=True, help="Local accounts.")
robot = typer.Typer(no_args_is_help=True, help="Machines: accounts of one project whose secrets expire.")

DAY_SECONDS = 24 * 3600
_COLUMNS = ("name", "id", "disabled", "roles", "created")


class GrantedRole(StrEnum):
    """The roles that one person can give: a security officer is made by two, which comes with a later version."""

    AUDITOR = InstanceRole.AUDITOR.value
    POLICY_EDITOR = InstanceRole.POLICY_EDITOR.value
    ADMINISTRATOR = InstanceRole.ADMINISTRATOR.value


def _row(row: PrincipalRow) -> dict[str, object]:
    return {
        "name": row.name,
        "id": row.id,
        "disabled": row.disabled,
        "roles": list(row.roles),
        "project": row.project,
        "expires": when(row.expires),
        "revoked": when(row.revoked),
        "created": when(row.created),
    }


def _show_secret(terminal: Terminal, robot: Principal, secret: str, *, expires: int) -> None:
    record = {"name": robot.name, "id": robot.id, "expires": when(expires)}
    terminal.secret("secret", secret, record=record)


@user.command("create")
def user_create(
    context: typer.Context,
    name: str,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input, to its end.")
    ] = False,
) -> None:
    """Create a local account; what it may do is `member add`'s and `user grant`'s."""
    typed(check_account_name, name)
    if not password_stdin:
        raise UsageInvalid("pass --password-stdin and the password on standard input: arguments are seen by others")
    try:
        password = sys.stdin.read().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageInvalid("the password on standard input is not UTF-8") from None
    typed(check_password, password)
    principal = Principal(f"u:{uuid.uuid4()}", PrincipalKind.USER, name)

    async def create(parts: Parts) -> None:
        hashed = await password_hash(password)
        await parts.principals.create_account(principal, hashed, by=operator(), now=unix_now())

    command = context_of(context)
    command.run(create)
    command.terminal.record({"name": name, "id": principal.id})


def _set_disabled(context: typer.Context, name: str, *, disabled: bool) -> None:
    async def change(parts: Parts) -> None:
        await parts.principals.set_disabled(name, disabled=disabled, by=operator(), now=unix_now())

    command = context_of(context)
    command.run(change)
    command.terminal.done(f"{name} is {'disabled' if disabled else 'enabled'}", {"name": name, "disabled": disabled})


@user.command("disable")
def user_disable(context: typer.Context, name: str) -> None:
    """Take all rights of an account away, at once."""
    _set_disabled(context, name, disabled=True)


@user.command("enable")
def user_enable(context: typer.Context, name: str) -> None:
    """Let a disabled account in again."""
    _set_disabled(context, name, disabled=False)


@user.command("list")
def user_list(context: typer.Context) -> None:
    """List local accounts."""

    async def read(parts: Parts) -> list[dict[str, object]]:
        return [_row(row) for row in await parts.principals.principals(kind="user", project=None)]

    command = context_of(context)
    command.terminal.rows(_COLUMNS, command.run(read))


def _instance_role(context: typer.Context, name: str, role: InstanceRole, *, granted: bool) -> None:
    async def change(parts: Parts) -> str:
        found = await principal_id(parts, name, kind="user")
        await parts.members.set_instance_role(found, role, granted=granted, by=operator(), now=unix_now())
        return found

    command = context_of(context)
    record = {"name": name, "id": command.run(change), "role": role.value, "granted": granted}
    command.terminal.done(f"{name} has the role {role.value}{'' if granted else ' no more'}", record)


@user.command("grant")
def user_grant(context: typer.Context, name: str, role: Annotated[GrantedRole, typer.Option()]) -> None:
    """Give an account a role on the whole instance."""
    _instance_role(context, name, InstanceRole(role), granted=True)


@user.command("ungrant")
def user_ungrant(context: typer.Context, name: str, role: Annotated[InstanceRole, typer.Option()]) -> None:
    """Take a role on the whole instance away, at once."""
    _instance_role(context, name, role, granted=False)


@robot.command("create")
def robot_create(
    context: typer.Context,
    project: str,
    name: str,
    role: Annotated[Role, typer.Option()],
    expires: Annotated[int, typer.Option(help="Days until the secret ends.", min=1, max=365)] = 90,
    quarantine_read: Annotated[
        bool,
        typer.Option("--quarantine-read/--no-quarantine-read", help="Without it, it pushes and sees nothing held."),
    ] = True,
) -> None:
    """Create a robot and print its secret, once. Its docker user name is robot+PROJECT+NAME."""
    typed(check_robot_name, name)
    if role is Role.OWNER:
        raise UsageInvalid("a robot cannot own a project: give it maintainer or less")
    parsed = typed(ProjectName.parse, project)
    principal = Principal(f"r:{uuid.uuid4()}", PrincipalKind.ROBOT, f"robot+{project}+{name}")
    secret, digest = new_robot_secret()

    now = unix_now()

    async def create(parts: Parts) -> None:
        known = await parts.principals.principal_by_name(principal.name)
        if known is not None and known.revoked is None:
            raise Conflict(f"{principal.name} exists: `registry-gateway robot rotate {principal.name}`")
        await parts.principals.put_robot(
            principal,
            parsed,
            secret_sha256=digest,
            expires=now + expires * DAY_SECONDS,
            quarantine_read=quarantine_read,
            role=role,
            by=operator(),
            now=now,
        )

    command = context_of(context)
    command.run(create)
    _show_secret(command.terminal, principal, secret, expires=now + expires * DAY_SECONDS)


@robot.command("rotate")
def robot_rotate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="robot+PROJECT+NAME")],
    expires: Annotated[int, typer.Option(help="Days until the new secret ends.", min=1, max=365)] = 90,
) -> None:
    """Replace a robot's secret and print the new one, once; the old one ends now."""
    secret, digest = new_robot_secret()

    now = unix_now()

    async def rotate(parts: Parts) -> Principal:
        row = await parts.principals.principal_by_name(name)
        if row is None or row.kind != "robot" or row.project is None:
            raise NameUnknown(f"no robot is called {name}: see `registry-gateway robot list`")
        principal = Principal(row.id, PrincipalKind.ROBOT, row.name)
        await parts.principals.put_robot(
            principal,
            ProjectName.parse(row.project),
            secret_sha256=digest,
            expires=now + expires * DAY_SECONDS,
            quarantine_read=True,
            role=None,
            by=operator(),
            now=now,
        )
        return principal

    command = context_of(context)
    principal = command.run(rotate)
    _show_secret(command.terminal, principal, secret, expires=now + expires * DAY_SECONDS)


@robot.command("revoke")
def robot_revoke(context: typer.Context, name: Annotated[str, typer.Argument(help="robot+PROJECT+NAME")]) -> None:
    """End a robot, at once."""

    async def revoke(parts: Parts) -> None:
        await parts.principals.revoke_robot(name, by=operator(), now=unix_now())

    command = context_of(context)
    command.run(revoke)
    command.terminal.done(f"{name} is revoked", {"name": name, "revoked": True})


@robot.command("list")
def robot_list(context: typer.Context, project: Annotated[str | None, typer.Argument()] = None) -> None:
    """List robots."""
    parsed = None if project is None else typed(ProjectName.parse, project)

    async def read(parts: Parts) -> list[dict[str, object]]:
        if parsed is not None:
            await find_project(parts, parsed)
        return [_row(row) for row in await parts.principals.principals(kind="robot", project=parsed)]

    command = context_of(context)
    command.terminal.rows(("name", "id", "project", "expires", "revoked", "created"), command.run(read))
