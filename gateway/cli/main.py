"""The command `registry-gateway`: global options, the verbs, and how a refusal ends it.

I/O: the terminal.
Source: INTERFACE 3.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli import context, demo, setup
from gateway.cli.audit import audit
from gateway.cli.images import image
from gateway.cli.principals import robot, user
from gateway.cli.projects import member, project
from gateway.cli.rules import policy, trust
from gateway.cli.terminal import UNAVAILABLE, Output, exit_status, printable
from gateway.errors import GatewayError

PROGRAM: Final = "registry-gateway"

application = typer.Typer(
    name=PROGRAM,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="An OCI registry that verifies before it publishes.",
)


@application.callback()
def options(
    typer_context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="The configuration file; $REGISTRY_GATEWAY_CONFIG or ./gateway.toml without it."),
    ] = None,
    output: Annotated[Output, typer.Option("--output", help="What stdout holds.")] = Output.TABLE,
) -> None:
    """Set what every command is given."""
    typer_context.obj = context.make(config, output)


application.command("init")(setup.init)
application.command("serve")(setup.serve)
application.command("demo")(demo.demo)
application.command("doctor")(setup.doctor)
application.command("stats")(setup.stats)
application.command("upgrade")(setup.upgrade_catalog)
application.add_typer(setup.config_commands, name="config")
application.add_typer(project, name="project")
application.add_typer(user, name="user")
application.add_typer(member, name="member")
application.add_typer(robot, name="robot")
application.add_typer(trust, name="trust")
application.add_typer(policy, name="policy")
application.add_typer(image, name="image")
application.add_typer(audit, name="audit")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, that of the process without ``arguments``. A refusal is one sentence and an exit status."""
    try:
        application(args=arguments, prog_name=PROGRAM)
    except GatewayError as error:
        _end(error.message, exit_status(error))
    except OSError as error:
        _end(f"{error.filename or 'the system'}: {error.strerror or error}", UNAVAILABLE)


def _end(sentence: str, status: int) -> None:
    print(f"{PROGRAM}: {printable(sentence)}", file=sys.stderr)  # noqa: T201
    sys.exit(status)


if __name__ == "__main__":
    main()
