"""The command `registry-gateway`: its global options, and how a refusal ends it.

I/O: the terminal.
Source: INTERFACE 3.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.terminal import UNAVAILABLE, Options, Output, exit_status, printable
from gateway.cli.verbs import Verbs
from gateway.errors import GatewayError

PROGRAM: Final = "registry-gateway"

application = typer.Typer(
    name=PROGRAM,
    cls=Verbs,
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
    typer_context.obj = Options(config, output)


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
