"""What the code says about itself, in the form in which the documentation must say it.

`settings` walks the configuration's model, `command_pages` asks every command for its help, `headings` and `links` read
Markdown. Nothing here writes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.core import TyperGroup
from typer.testing import CliRunner

from gateway.cli.main import application
from gateway.config.reading import ENVIRONMENT_PREFIX
from gateway.config.sections import Config

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = "registry-gateway"
WIDTH: Final = 100
_FENCE: Final = re.compile(r"^(```+|~~~+)")


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration file. ``fact`` is the line under its heading; in a list of tables it has no variable."""

    key: str
    variable: str | None
    fact: str


def settings(
    model: type[BaseModel] = Config, prefix: tuple[str, ...] = (), *, listed: bool = False
) -> Iterator[Setting]:
    """Return every key, in the order of the model; the folder of the file is nobody's to set."""
    for name, field in model.model_fields.items():
        path = (*prefix, name)
        if path == ("directory",):
            continue
        if (section := _section(field)) is not None:
            yield from settings(section, path, listed=listed or _is_list(field))
            continue
        variable = None if listed else ENVIRONMENT_PREFIX + "__".join(path).upper()
        default = "Needed" if field.is_required() else f"Default: {_default(field.default)}"
        fact = f"{_type(field)}. {default}. {f'Environment: `{variable}`' if variable else 'In the file only'}."
        yield Setting(".".join(path), variable, fact)


def sections(model: type[BaseModel] = Config, prefix: tuple[str, ...] = ()) -> Iterator[str]:
    """Return every section, as it stands in brackets, be they single or double (a list of tables)."""
    for name, field in model.model_fields.items():
        if (section := _section(field)) is not None:
            path = (*prefix, name)
            yield ".".join(path)
            yield from sections(section, path)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    """Return what is in a section or in each table of a list; None for a key."""
    model = get_args(field.annotation)[0] if _is_list(field) else field.annotation
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is tuple


def _type(field: FieldInfo) -> str:
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return f"One of {', '.join(f'`{json.dumps(word)}`' for word in get_args(annotation))}"
    if get_origin(annotation) is UnionType and Path in get_args(annotation):
        return "Path"
    words: dict[Any, str] = {
        str: "Text",
        Path: "Path",
        int: "Integer",
        float: "Number",
        bool: "`true` or `false`",
        tuple[str, ...]: "List of texts",
    }
    return words[annotation] + _range(field)


def _range(field: FieldInfo) -> str:
    low = next((f"from {item.ge}" for item in field.metadata if hasattr(item, "ge")), "")
    above = next((f"above {item.gt}" for item in field.metadata if hasattr(item, "gt")), "")
    high = next((f"to {item.le}" for item in field.metadata if hasattr(item, "le")), "")
    said = " ".join(part for part in (low, above, high) if part)
    return f" {said}" if said else ""


def _default(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, Path):
        return f"`{json.dumps(str(value))}`"
    return f"`{json.dumps(value)}`"


def commands(group: object = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Return the words of every command and group below the program, each group before its commands."""
    found = typer.main.get_command(application) if group is None else group
    if isinstance(found, TyperGroup):
        for name in found.commands:
            yield (*path, name)
            yield from commands(found.get_command(typer.Context(found), name), (*path, name))


def help_of(words: tuple[str, ...]) -> str:
    """Return what ``--help`` prints, at a fixed width and without colour."""
    environment = {"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    result = CliRunner().invoke(
        application,
        [*words, "--help"],
        prog_name=PROGRAM,
        env=environment,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
    )
    if result.exit_code != 0:
        raise AssertionError(f"{' '.join(words)} --help exits {result.exit_code}: {result.output}")
    return "\n".join(line.rstrip() for line in result.output.strip("\n").splitlines())


def lines_outside_code(text: str) -> Iterator[str]:
    """Return the lines of Markdown that are not in a fenced block."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line.strip())
        if found and not fence:
            fence = found[1]
        elif fence:
            if line.strip() == fence:
                fence = ""
        else:
            yield line


def headings(text: str, *, level: int | None = None) -> list[str]:
    """Return the headings of a page, without marks; of one level only where it is given."""
    found = []
    for line in lines_outside_code(text):
        match = re.fullmatch(r"(#{1,6}) +(.+?) *#*", line)
        if match and level in (None, len(match[1])):
            found.append(match[2].replace("`", ""))
    return found


def anchors(text: str) -> set[str]:
    """Return the fragments by which the headings of a page are linked to."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(text)}


def links(text: str) -> list[str]:
    """Return the targets of a page's links, pictures included."""
    prose = "\n".join(re.sub(r"`[^`]*`", "", line) for line in lines_outside_code(text))
    return re.findall(r"\]\(([^()\s]+)\)", prose)


def code_blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


_NOT_OURS: Final = frozenset(
    {".git", ".venv", ".state", ".hypothesis", ".coverage", ".env", "build", "dist", "__pycache__"}
)
"""What building and running leave in the tree; folders of tools (``.x_cache``, ``x.egg-info``) besides."""


def files_of_the_tree(root: Path = ROOT) -> list[Path]:
    """Return the files of the tree, by name, without what building and running leave in it: no version control is asked."""
    found = []
    for path in sorted(root.iterdir()):
        if path.name in _NOT_OURS or path.name.endswith(("_cache", ".egg-info")) or path.name.startswith(".coverage."):
            continue
        if path.is_dir() and not path.is_symlink():
            found += files_of_the_tree(path)
        elif path.is_file():
            found.append(path)
    return found
