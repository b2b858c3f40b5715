"""What every command is given: the configuration, the terminal, and the parts of the gateway when it needs them.

I/O: opens the stores.
"""

import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer

from gateway import app
from gateway.catalog.values import ProjectRow
from gateway.cli.terminal import Options, Terminal
from gateway.config.reading import find_file, load, process_environment
from gateway.config.sections import Config
from gateway.errors import Conflict, NameUnknown
from gateway.identity.values import Principal, PrincipalKind
from gateway.oci.names import ProjectName

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """The global options of one command."""

    file: Path
    terminal: Terminal

    def config(self) -> Config:
        """Return the configuration. Raises `ConfigInvalid`."""
        return load(self.file, process_environment())

    def run(self, work: Callable[[app.Parts], Awaitable[T]]) -> T:
        """Open the parts, do ``work`` on them, and close them."""

        async def run() -> T:
            parts = app.compose(self.config())
            try:
                return await work(parts)
            finally:
                await parts.close()

        return asyncio.run(run())


def context_of(context: typer.Context) -> Context:
    """Return what the global options make of a command's surroundings."""
    found = context.obj
    if not isinstance(found, Options):
        raise TypeError("a command was called without the global options")
    return Context(find_file(found.config, process_environment()), Terminal(found.output))


def operator() -> Principal:
    """Return who is at the shell, as audit events name him: by the name of the process's user.

    What ``$USER`` says is not asked: it says what its owner likes.
    """
    try:
        login = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container with a number that has no name
        login = f"uid-{os.getuid()}"
    return Principal(f"os:{login}", PrincipalKind.OPERATOR, login)


async def principal_id(parts: app.Parts, name: str, *, kind: str) -> str:
    """Return the id of a principal named on the command line. Raises `NameUnknown`, `Conflict` for another kind."""
    row = await parts.principals.principal_by_name(name)
    if row is None:
        raise NameUnknown(f"no {kind} is called {name}: see `registry-gateway {kind} list`")
    if row.kind != kind:
        raise Conflict(f"{name} is a {row.kind}, not a {kind}")
    return row.id


async def find_project(parts: app.Parts, name: ProjectName) -> ProjectRow:
    """Return a project named on the command line. Raises `NameUnknown`."""
    for row in await parts.projects.projects():
        if row.name == name.text:
            return row
    raise NameUnknown(f"no project is called {name}: see `registry-gateway project list`")
