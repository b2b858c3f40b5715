"""The verbs of the command line, and where each is carried out.

What a verb needs, the catalog, the policy engines, the listener, takes seconds to import. So a verb's module is imported
when the verb is typed, and not in order to say which verbs there are.

I/O: imports.
Source: INTERFACE 3.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb is: a function or a group of commands. ``summary`` is its own first sentence; a test compares."""

    module: str
    attribute: str
    summary: str


VERBS: Final[Mapping[str, Verb]] = MappingProxyType(
    {
        "init": Verb("setup", "init", "Write a new folder: configuration, keys, catalog, policies, an administrator."),
        "serve": Verb("setup", "serve", "Serve until SIGTERM or Ctrl-C; requests in flight are finished first."),
        "demo": Verb("demo", "demo", "Make a gateway from nothing, play the story of one image, and keep serving."),
        "doctor": Verb(
            "setup",
            "doctor",
            "Check that everything the gateway needs is there and in order: exits 1 with what to do where it is not.",
        ),
        "stats": Verb("setup", "stats", "Show counts: projects, manifests by state, blobs and their bytes."),
        "upgrade": Verb("setup", "upgrade_catalog", "Bring the catalog's schema to this version's."),
        "config": Verb("setup", "config_commands", "The configuration file."),
        "project": Verb("projects", "project", "Projects: the leading path of repository names."),
        "user": Verb("principals", "user", "Local accounts."),
        "member": Verb("projects", "member", "Who has which role in a project."),
        "robot": Verb("principals", "robot", "Machines: accounts of one project whose secrets expire."),
        "federation": Verb("federation", "federation", "Which CI token becomes which rights."),
        "trust": Verb("rules", "trust", "Who may sign what."),
        "policy": Verb("rules", "policy", "The admission rules."),
        "image": Verb("images", "image", "Manifests: what they are, and why."),
        "audit": Verb("audit", "audit", "Who did what, when, and on what evidence."),
    }
)


class Verbs(TyperGroup):
    """The program's commands: known by name and summary, loaded when asked for.

    ``Any`` stands for types that Typer has and does not export: context, formatter and command of its own copy of Click.
    """

    def __init__(self, **options: Any) -> None:
        known = {name: TyperCommand(name, help=verb.summary) for name, verb in VERBS.items()}
        super().__init__(**{**options, "commands": known})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command itself, its module imported; None where there is none of this name."""
        verb = VERBS.get(cmd_name)
        return None if verb is None else load(cmd_name, verb)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands from what is known without loading them."""
        width = formatter.width - 6 - max(map(len, self.commands))
        with formatter.section("Commands"):
            formatter.write_dl([(name, known.get_short_help_str(width)) for name, known in self.commands.items()])


def load(name: str, verb: Verb) -> Any:
    """Return a verb's command, made the way in which Typer makes those of a program."""
    found = getattr(importlib.import_module(f"gateway.cli.{verb.module}"), verb.attribute)
    program = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        program.add_typer(found, name=name)
    else:
        program.command(name)(found)
    return typer.main.get_group(program).commands[name]
