"""`federation`: which CI token becomes which rights.

I/O: reads the named files; the catalog.
Source: INTERFACE 3; issue 5, item 3.
"""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import Parts, unix_now
from gateway.catalog.values import RuleRow
from gateway.cli.context import context_of, operator
from gateway.cli.federation_test import federation_test
from gateway.cli.rule_files import parse, read
from gateway.cli.terminal import when
from gateway.errors import UsageInvalid
from gateway.identity.federation.rule import MAX_RULE_BYTES, FederationRule
from gateway.identity.names import workload_name
from gateway.identity.values import Principal, PrincipalKind

federation = typer.Typer(no_args_is_help=True, help="Which CI token becomes which rights.")


@federation.command("add")
def federation_add(
    context: typer.Context, file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)]
) -> None:
    """Put a rule in force: jobs whose tokens match it have its role in its repositories from now on."""
    command = context_of(context)
    issuers = command.config().identity.issuer
    content = read(file, max_bytes=MAX_RULE_BYTES)
    rule = parse(file, content, issuers)
    if all(issuer.name != rule.issuer for issuer in issuers):
        raise UsageInvalid(f"no [[identity.issuer]] is called {rule.issuer}: add it to the configuration first")
    principal = Principal(f"w:{uuid.uuid4()}", PrincipalKind.WORKLOAD, workload_name(rule.name))

    async def add(parts: Parts) -> None:
        await parts.federation.add_rule(principal, content.decode(), by=operator(), now=unix_now())

    command.run(add)
    command.terminal.record({"id": principal.id, "principal": principal.name, **_of_rule(rule)})


@federation.command("remove")
def federation_remove(context: typer.Context, name: Annotated[str, typer.Argument(help="The rule's name.")]) -> None:
    """End a rule and the sessions of its jobs, at once."""

    async def remove(parts: Parts) -> int:
        return await parts.federation.remove_rule(name, by=operator(), now=unix_now())

    command = context_of(context)
    ended = command.run(remove)
    command.terminal.done(f"{name} is removed", {"name": name, "removed": True, "sessions_ended": ended})


@federation.command("list")
def federation_list(context: typer.Context) -> None:
    """List the rules in force."""

    async def rows_of(parts: Parts) -> Sequence[RuleRow]:
        return await parts.federation.listed(now=unix_now())

    command = context_of(context)
    rows = [
        {
            "id": row.principal.id,
            **_of_rule(row.rule),
            "disabled": row.disabled,
            "created": when(row.created),
            "last_used": when(row.last_used),
            "sessions": row.sessions,
        }
        for row in command.run(rows_of)
    ]
    columns = ("name", "id", "issuer", "project", "repositories", "role", "match", "last_used", "sessions", "disabled")
    command.terminal.rows(columns, rows)


def _of_rule(rule: FederationRule) -> dict[str, object]:
    return {
        "name": rule.name,
        "issuer": rule.issuer,
        "audience": rule.audience,
        "match": {one.claim: [value.text for value in one.values] for one in rule.match},
        "project": rule.project.text,
        "repositories": [one.text for one in rule.repositories],
        "role": rule.role,
        "session_seconds": rule.session_seconds,
        "bind_address": rule.bind_address,
    }


federation.command("test")(federation_test)
