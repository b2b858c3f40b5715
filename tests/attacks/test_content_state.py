"""State that runs when it is read: security.md row 71."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXECUTABLE_STATE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle", "joblib"}
UNSAFE_LOADERS = {"Loader", "CLoader", "FullLoader", "CFullLoader", "UnsafeLoader", "CUnsafeLoader"}
UNSAFE_CALLS = {"unsafe_load", "unsafe_load_all", "full_load", "full_load_all"}


def offences(source: str) -> list[str]:
    """Return what ``source`` imports or calls that can run code out of stored bytes."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [alias.name for alias in names if alias.name.split(".")[0] in EXECUTABLE_STATE]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in EXECUTABLE_STATE:
                found.append(module)
            case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in UNSAFE_LOADERS | UNSAFE_CALLS:
                found.append(f"yaml.{name}")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml"), attr="load" | "load_all" as name)):
                if not any(keyword.arg == "Loader" for keyword in node.keywords) and len(node.args) < 2:
                    found.append(f"yaml.{name}")
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "gateway").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_row_71_nothing_is_stored_in_a_form_that_runs_when_it_is_read(path: Path) -> None:
    assert offences(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("import pickle", ["pickle"], id="import"),
        pytest.param("from marshal import loads", ["marshal"], id="from"),
        pytest.param("yaml.load(x)", ["yaml.load"], id="no-loader"),
        pytest.param("yaml.load(x, Loader=yaml.UnsafeLoader)", ["yaml.UnsafeLoader"], id="unsafe-loader"),
        pytest.param("yaml.unsafe_load(x)", ["yaml.unsafe_load"], id="unsafe-load"),
        pytest.param("yaml.safe_load(x)\nyaml.load(x, Loader=Strict)\nimport json", [], id="safe"),
    ],
)
def test_the_search_finds_what_it_looks_for(source: str, expected: list[str]) -> None:
    assert offences(source) == expected
