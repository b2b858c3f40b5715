"""`init`, `serve`, `config check`, `doctor`, `stats`, `upgrade`: setting up and running."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway import app
from gateway.app import Parts
from gateway.catalog.schema_revision import HEAD
from gateway.catalog.upgrade import upgrade
from gateway.cli.context import context_of, operator
from gateway.cli.diagnosis import Finding, diagnose
from gateway.cli.initial import initialise
from gateway.errors import Denied, Reason, UsageInvalid
from gateway.server.gateway import serve as run_server
from gateway.server.startable import check

config_commands = typer.Typer(no_args_is_help=True, help="The configuration file.")


def init(
    context: typer.Context,
    directory: Path,
    listen: Annotated[str, typer.Option(help="HOST:PORT to listen on.")] = "127.0.0.1:5000",
    public_url: Annotated[
        str | None, typer.Option(help="What clients type; https://localhost:PORT without it.")
    ] = None,
    tls: Annotated[str, typer.Option(help="self-signed, files or off (loopback only).")] = "self-signed",
) -> None:
    """Write a new folder: configuration, keys, catalog, policies, an administrator."""
    command = context_of(context)
    made = initialise(directory, listen=listen, public_url=public_url, tls=_tls(tls))
    record = {
        "config": str(made.config_file),
        "address": made.public_url,
        "ca": None if made.ca_file is None else str(made.ca_file),
        "account": made.account,
        "next": f"registry-gateway --config {made.config_file} serve",
    }
    command.terminal.secret("password", made.password, record=record)


def _tls(mode: str) -> Literal["self-signed", "files", "off"]:
    match mode:
        case "self-signed" | "files" | "off":
            return mode
        case "acme":
            raise UsageInvalid("--tls acme is not available yet: take `files` and let your ACME client write them")
        case _:
            raise UsageInvalid(f"--tls {mode}: it is one of self-signed, files, off")


def serve(context: typer.Context) -> None:
    """Serve until SIGTERM or Ctrl-C; requests in flight are finished first."""
    command = context_of(context)
    run_server(command.config())


@config_commands.command("check")
def config_check(context: typer.Context) -> None:
    """Check the configuration, the environment and the files they name as serve does, and show what is in force."""
    command = context_of(context)
    settings = command.config()
    check(settings)
    command.terminal.record(settings.model_dump(mode="json"))


def doctor(context: typer.Context) -> None:
    """Check that everything the gateway needs is there and in order: exits 1 with what to do where it is not.

    A warning is of what will fail or may be meant; the exit status is not its.
    """
    command = context_of(context)
    findings = diagnose(command.config(), run=command.run, now=app.unix_now())
    columns = ("check", "result", "advice")
    command.terminal.rows(columns, [_finding(finding) for finding in findings])
    bad = [finding for finding in findings if finding.result == "FAILED"]
    if bad:
        message = f"{len(bad)} of {len(findings)} checks failed: {', '.join(finding.check for finding in bad)}"
        raise Denied(message, reasons=[Reason("DOCTOR", message)])


def _finding(finding: Finding) -> dict[str, object]:
    return {"check": finding.check, "result": finding.result, "advice": finding.advice}


def stats(context: typer.Context) -> None:
    """Show counts: projects, manifests by state, blobs and their bytes."""

    async def read(parts: Parts) -> dict[str, object]:
        return dict(await parts.stats.stats())

    command = context_of(context)
    command.terminal.record(command.run(read))


def upgrade_catalog(context: typer.Context) -> None:
    """Bring the catalog's schema to this version's. Stop the gateway and back the file up first."""
    command = context_of(context)
    path = app.catalog_path(command.config())
    command.terminal.step(f"bringing the schema of {path} to revision {HEAD}")
    before, after = upgrade(path, by=operator(), now=app.unix_now())
    command.terminal.record({"catalog": str(path), "from": before, "to": after})
