"""`audit`: who did what, and who pulled."""

from typing import Annotated

import typer

from gateway.app import Parts
from gateway.cli.context import context_of
from gateway.cli.terminal import when
from gateway.cli.typed import typed
from gateway.oci.digest import Digest

audit = typer.Typer(no_args_is_help=True, help="Who did what, when, and on what evidence.")


@audit.command("tail")
def audit_tail(
    context: typer.Context, count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000)] = 50
) -> None:
    """Show the newest events, oldest of them first."""

    async def read(parts: Parts) -> list[dict[str, object]]:
        return [
            {
                "id": row.id,
                "at": when(row.at),
                "kind": row.kind,
                "who": row.principal_id,
                "repository": row.repository or row.project,
                "digest": row.digest,
                "decision": row.decision_id,
                "data": row.data,
            }
            for row in await parts.audit.events(after=-1, limit=count)
        ]

    command = context_of(context)
    command.terminal.rows(("id", "at", "kind", "who", "repository", "digest", "decision", "data"), command.run(read))


@audit.command("who-pulled")
def audit_who_pulled(context: typer.Context, digest: str) -> None:
    """Show who pulled a digest, from where, and since when. Counts reach the catalog within seconds."""
    parsed = typed(Digest.parse, digest)

    async def read(parts: Parts) -> list[dict[str, object]]:
        return [
            {
                "who": row.name,
                "repository": row.repository,
                "address": row.address,
                "outcome": row.outcome,
                "first": when(row.first),
                "last": when(row.last),
                "count": row.count,
            }
            for row in await parts.audit.who_pulled(parsed)
        ]

    command = context_of(context)
    command.terminal.rows(("who", "repository", "address", "outcome", "first", "last", "count"), command.run(read))
