"""The command `registry-gateway`: its global options, and how a refusal ends it.

I/O: the terminal.
Source: INTERFACE 3.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from gateway.cli.terminal import REFUSED, UNAVAILABLE, Options, Output, exit_status, printable
from gateway.cli.verbs import Verbs
from gateway.errors import GatewayError

PROGRAM: Final = "registry-gateway"
_NEXT_SENTENCE: Final = re.compile(r"\. (Did you mean|Choose from)")

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
        # Not standalone: Typer would say what is wrong in the third of three lines, and not what to do.
        status = application(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        _misused(error)
    except typer.Abort:
        _end("not answered with yes, and nothing was changed", REFUSED)
    except GatewayError as error:
        _end(error.message, exit_status(error))
    except OSError as error:
        _end(f"{error.filename or 'the system'}: {error.strerror or error}", UNAVAILABLE)
    sys.exit(status)


def _misused(error: typer.TyperException) -> NoReturn:
    """End with what was mistyped in one sentence that names the help to read; a group alone is answered by its help."""
    said = " ".join(error.format_message().split()).replace(": Value error, ", ": ", 1)
    if said.startswith("Usage: "):
        print(error.format_message(), file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
    said = _NEXT_SENTENCE.sub(lambda found: f", {found[1].lower()}", said).rstrip(".?")
    # Of Typer's own copy of Click, which it does not export: the command that read the words.
    context: typer.Context | None = getattr(error, "ctx", None)
    command = PROGRAM if context is None else context.command_path
    _end(f"{said[:1].lower()}{said[1:]}: see `{command} --help`", error.exit_code)


def _end(sentence: str, status: int) -> NoReturn:
    print(f"{PROGRAM}: {printable(sentence)}", file=sys.stderr)  # noqa: T201
    sys.exit(status)


if __name__ == "__main__":
    main()
