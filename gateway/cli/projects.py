"""`project` and `member`: where images live, and who may do what there."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from gateway.access.values import Mode, Role, Visibility
from gateway.app import Parts, unix_now
from gateway.catalog.values import ProjectRow
from gateway.cli.context import context_of, find_project, operator, principal_id
from gateway.cli.terminal import when
from gateway.cli.typed import typed
from gateway.errors import NameUnknown, UsageInvalid
from gateway.oci.names import ProjectName

project = typer.Typer(no_args_is_help=True, help="Projects: the leading path of repository names.")
member = typer.Typer(no_args_is_help=True, help="Who has which role in a project.")

MAX_HELD_BYTES: Final = 2**60
"""What the catalog counts with room to spare."""

_COLUMNS = ("name", "mode", "visibility", "held_bytes", "held_bytes_limit", "created")


def _row(row: ProjectRow) -> dict[str, object]:
    return {
        "name": row.name,
        "mode": row.mode.value,
        "visibility": row.visibility.value,
        "writers_read_held": row.writers_read_held,
        "held_bytes": row.held_bytes,
        "cache_bytes": row.cache_bytes,
        "held_bytes_limit": row.held_bytes_limit,
        "held_seconds": row.held_seconds,
        "created": when(row.created),
    }


class OfferedMode(StrEnum):
    """The modes that this version has: warn comes with a later one, and is not offered before."""

    HOLD = Mode.HOLD.value
    STRICT = Mode.STRICT.value


@project.command("create")
def project_create(
    context: typer.Context,
    name: str,
    mode: Annotated[
        OfferedMode, typer.Option(help="hold: wait for evidence; strict: refuse without it.")
    ] = OfferedMode.HOLD,
    visibility: Annotated[Visibility, typer.Option(help="public: admitted images need no login.")] = Visibility.PRIVATE,
) -> None:
    """Create a project; repositories under it exist with their first push."""
    parsed = typed(ProjectName.parse, name)

    async def create(parts: Parts) -> ProjectRow:
        return await parts.projects.create_project(
            parsed, mode=Mode(mode), visibility=visibility, by=operator(), now=unix_now()
        )

    command = context_of(context)
    command.terminal.record(_row(command.run(create)))


@project.command("list")
def project_list(context: typer.Context) -> None:
    """List all projects."""

    async def read(parts: Parts) -> list[ProjectRow]:
        return list(await parts.projects.projects())

    command = context_of(context)
    command.terminal.rows(_COLUMNS, [_row(row) for row in command.run(read)])


@project.command("show")
def project_show(context: typer.Context, name: str) -> None:
    """Show one project."""
    parsed = typed(ProjectName.parse, name)

    async def read(parts: Parts) -> ProjectRow:
        return await find_project(parts, parsed)

    command = context_of(context)
    command.terminal.record(_row(command.run(read)))


@project.command("set")
def project_set(
    context: typer.Context,
    name: str,
    mode: Annotated[OfferedMode | None, typer.Option()] = None,
    visibility: Annotated[Visibility | None, typer.Option()] = None,
    writers_read_held: Annotated[
        bool | None,
        typer.Option("--writers-read-held/--no-writers-read-held", help="Whether writers read layers that are held."),
    ] = None,
    held_bytes: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_HELD_BYTES,
            help="Limit of the bytes that wait for admission, all together; of build caches apart, as many again.",
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Kept in the audit event.")] = None,
) -> None:
    """Change a project."""
    parsed = typed(ProjectName.parse, name)

    async def change(parts: Parts) -> ProjectRow:
        return await parts.projects.set_project(
            parsed,
            mode=None if mode is None else Mode(mode),
            visibility=visibility,
            writers_read_held=writers_read_held,
            held_bytes_limit=held_bytes,
            by=operator(),
            reason=reason,
            now=unix_now(),
        )

    command = context_of(context)
    command.terminal.record(_row(command.run(change)))


@project.command("delete")
def project_delete(
    context: typer.Context, name: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete a project with all its images; a re-created one starts empty. Asks only where standard input is a terminal."""
    parsed = typed(ProjectName.parse, name)
    command = context_of(context)

    async def find(parts: Parts) -> ProjectRow:
        return await find_project(parts, parsed)

    async def delete(parts: Parts) -> None:
        command.terminal.step(f"deleting the images, members, robots and rules of {name}")
        await parts.projects.delete_project(parsed, by=operator(), now=unix_now())

    command.run(find)  # before it asks: a yes to what is not there would be for nothing
    if not yes and not command.terminal.agreed(f"Delete project {name} with everything in it?"):
        raise typer.Abort
    command.run(delete)
    command.terminal.done(f"project {name} is deleted", {"project": name, "deleted": True})


_User = Annotated[str | None, typer.Option("--user", help="A local account.")]
_Robot = Annotated[str | None, typer.Option("--robot", help="robot+PROJECT+NAME")]


async def _who(parts: Parts, user: str | None, robot: str | None) -> str:
    if (user is None) == (robot is None):
        raise UsageInvalid("name one of --user and --robot")
    if user is not None:
        return await principal_id(parts, user, kind="user")
    return await principal_id(parts, robot or "", kind="robot")


@member.command("add")
def member_add(
    context: typer.Context,
    project: str,
    role: Annotated[Role, typer.Option()],
    user: _User = None,
    robot: _Robot = None,
) -> None:
    """Give somebody a role in a project."""
    parsed = typed(ProjectName.parse, project)

    async def add(parts: Parts) -> str:
        found = await _who(parts, user, robot)
        await parts.members.add_member(parsed, found, role, by=operator(), now=unix_now())
        return found

    command = context_of(context)
    found = command.run(add)
    record = {"project": project, "name": user or robot, "id": found, "role": role.value}
    command.terminal.done(f"{user or robot} has the role {role.value} in project {project}", record)


@member.command("remove")
def member_remove(
    context: typer.Context,
    project: str,
    user: _User = None,
    robot: _Robot = None,
    role: Annotated[Role | None, typer.Option(help="Only this role; all of them without it.")] = None,
) -> None:
    """Take somebody's roles in a project away, at once."""
    parsed = typed(ProjectName.parse, project)

    async def remove(parts: Parts) -> tuple[str, int]:
        await find_project(parts, parsed)
        found = await _who(parts, user, robot)
        return found, await parts.members.remove_member(parsed, found, role, by=operator(), now=unix_now())

    command = context_of(context)
    found, removed = command.run(remove)
    if removed == 0:
        raise NameUnknown(f"{user or robot} has no such role in project {project}")
    what = "no role" if role is None else f"the role {role.value} no more"
    record = {
        "project": project,
        "name": user or robot,
        "id": found,
        "role": None if role is None else role.value,
        "removed": removed,
    }
    command.terminal.done(f"{user or robot} has {what} in project {project}", record)


@member.command("list")
def member_list(context: typer.Context, project: str) -> None:
    """List who has which role in a project."""
    parsed = typed(ProjectName.parse, project)

    async def read(parts: Parts) -> list[dict[str, object]]:
        await find_project(parts, parsed)
        return [
            {"name": row.name, "kind": row.kind, "role": row.role, "id": row.principal_id, "added": when(row.added)}
            for row in await parts.members.members(parsed)
        ]

    command = context_of(context)
    command.terminal.rows(("name", "kind", "role", "id", "added"), command.run(read))
