"""What the code imports is what `pyproject.toml` declares, and the parts that a page lists are the packages there are.

No library is there only because something else needs it.
"""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import Any, Final

from tests.support.documentation import ROOT

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
OF_UVICORN: Final = {"httptools", "uvloop"}
"""What uvicorn imports for us, and names as optional."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def declared() -> set[str]:
    project = settings()["project"]
    return {canonical(found[0]) for each in project["dependencies"] if (found := _NAME.match(each))}


def imported() -> set[str]:
    """Return the top-level modules of others that anything in `gateway` imports."""
    found: set[str] = set()
    for file in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                found.update(name.name.partition(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    return found - sys.stdlib_module_names - {"gateway"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    by_module = packages_distributions()
    used = {canonical(distribution) for module in imported() for distribution in by_module[module]}
    assert used == declared() - OF_UVICORN


def test_each_is_pinned_because_it_is_declared() -> None:
    pins = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    for name in sorted(declared()):
        found = re.search(
            rf"^{re.escape(name)}(?:\[\w+\])?==(?:.*\\\n)(?:    --hash=.*\n)+((?:    #.*\n)+)", pins, re.MULTILINE
        )
        assert found, f"{name} has no pin with hashes"
        assert "registry-gateway (pyproject.toml)" in found[1], f"{name} is pinned for something else alone"


def test_the_table_of_parts_has_the_layers_in_their_order() -> None:
    contracts = settings()["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["type"] == "layers")
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = page.partition("## The parts")[2].split("```")[1].splitlines()
    listed: list[list[str]] = []
    marked = False
    for row in filter(str.strip, rows):
        part, mark = row.split()[:2]
        if marked and mark == "|":
            listed[-1].append(part)
        else:
            listed.append([part])
        marked = mark == "|"
    assert listed == [layer.split(" | ") for layer in layers]
