"""What the code of the gateway never does, read from its syntax: rows 3, 5, 26, 32, 52, 71, 96 of the register.

Each search is shown to find what it looks for, so that one that finds nothing means something.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "gateway").rglob("*.py"))
SECRET_WORDS = re.compile(
    r"password|secret|authorization|hmac|mac\b|digest_of_secret|token\.text|signature\b", re.IGNORECASE
)
Search = Callable[[ast.AST], Iterator[ast.AST]]


def compared(tree: ast.AST) -> Iterator[ast.AST]:
    """Secrets compared with ``==``: how long it takes tells how much of a guess is right."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
            sides = (node.left, *node.comparators)
            names = [side for side in sides if isinstance(side, ast.Name | ast.Attribute | ast.Call)]
            told = [ast.unparse(side) for side in names]
            if any(SECRET_WORDS.search(text) and not text.startswith("len(") for text in told):
                yield node


def forged(tree: ast.AST) -> Iterator[ast.AST]:
    """Anything that is decided by ``request.url``, ``base_url`` or a forwarding header: the Host header makes those."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="request" | "call" | "scope"), attr="url" | "base_url" | "url_for"):
                yield node
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            text = node.value if isinstance(node.value, str) else node.value.decode("latin-1")
            if re.fullmatch(r"(?i)x-(forwarded|real|remote|original|client)[a-z-]*|forwarded", text):
                yield node


def executed(tree: ast.AST) -> Iterator[ast.AST]:
    """``eval``, ``exec``, a shell, or state that runs when it is read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("eval", "exec", "__import__", "os.system", "os.popen") or any(
                word.arg == "shell" for word in node.keywords
            ):
                yield node
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            if names & {"pickle", "marshal", "shelve", "dill", "telnetlib", "xmlrpc"}:
                yield node


def fetched(tree: ast.AST) -> Iterator[ast.AST]:
    """A client of HTTP: only the excused have one, so that no request makes us fetch what it says."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
            if any(name.split(".")[0] in ("httpx2", "aiohttp", "requests", "urllib3") for name in names) or (
                names & {"urllib.request", "http.client", "smtplib", "ftplib"}
            ):
                yield node


def expressions(tree: ast.AST) -> Iterator[ast.AST]:
    """Regular expressions that are not constants of the module: those of a user can take for ever."""
    constants: set[str] = {"re.escape"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            *(f"re.{name}" for name in ("compile", "match", "search", "fullmatch", "sub", "split", "findall")),
        ):
            pattern = node.args[0] if node.args else None
            names = {each.id for each in ast.walk(pattern) if isinstance(each, ast.Name)} if pattern else {"?"}
            if not all(name.isupper() or name in constants or name == "re" for name in names):
                yield node


SEARCHES: dict[str, tuple[Search, str, dict[str, str]]] = {
    "row_005_compared": (
        compared,
        "if password == given: pass",
        {},
    ),
    "row_032_forged": (forged, "request.url.path", {}),
    "row_007_forged": (forged, 'headers["X-Forwarded-For"]', {}),
    "row_071_executed": (executed, "import pickle", {}),
    "row_073_fetched": (
        fetched,
        "import httpx2",
        {
            "gateway/cli/demo_client.py": "the demo is a client",
            "gateway/outbound/client.py": "asks whom the configuration names, at addresses that were checked",
            "gateway/outbound/answer.py": "reads what was answered to that, within bounds",
            "gateway/policy/opa_client.py": "asks the OPA server that the configuration names",
        },
    ),
    "row_096_expressions": (
        expressions,
        "re.compile(given)",
        {"gateway/api/routes.py": "made of the table of routes, at start"},
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_the_gateway_has_none_of_it(name: str) -> None:
    search, _, excused = SEARCHES[name]
    found = {
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        for path in SOURCES
        for node in search(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {place for place in found if place.partition(":")[0] not in excused} == set()
    assert {place.partition(":")[0] for place in found} >= set(excused), "an excuse that nobody needs any more"


@pytest.mark.parametrize("name", SEARCHES)
def test_the_search_finds_what_it_looks_for(name: str) -> None:
    search, example, _ = SEARCHES[name]
    assert list(search(ast.parse(example)))


def test_row_003_no_password_is_known_before_it_is_made() -> None:
    """No default of an account is anywhere in code, image definition or documentation."""
    known = re.compile(
        r"(?i)\b(?:password|passwd|secret)\b[\"'`]?\s*(?:=|:|is)\s*[\"'`](?:admin|password|changeme|secret|12345\w*)[\"'`]"
    )
    files = [
        path
        for folder in ("gateway", "compose", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in (".py", ".md", ".toml", ".yaml", ".yml", ".sh", "")
    ]
    assert known.search('password = "admin"')
    assert [str(path) for path in files if known.search(path.read_text(encoding="utf-8", errors="replace"))] == []
