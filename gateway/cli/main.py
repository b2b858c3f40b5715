"""The command `registry-gateway`: global options, the verbs, and how a refusal ends it.

I/O: the terminal.
Source: INTERFACE 3.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli import context, demo, setup
from gateway.cli.audit import audit
from gateway.cli.images import image
from gateway.cli.principals import robot, user
from gateway.cli.projects import member, project
from gateway.cli.rules import policy, trust
from gateway.cli.terminal import Output, exit_status
from gateway.errors import GatewayError

application = typer.Typer(
    name="registry-gateway",
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


def main() -> None:
    """Run the command line. A refusal is one sentence on stderr and an exit status."""
    try:
        application()
    except GatewayError as error:
        print(f"registry-gateway: {error.message}", file=sys.stderr)  # noqa: T201
        sys.exit(exit_status(error))


if __name__ == "__main__":
    main()
