"""Every class of the tree of refusals has its row, with its code and its status, and no row is of a class that is gone."""

import ast
import re
from collections.abc import Iterator

import pytest

from gateway.api.refusals import TABLE
from gateway.errors import GatewayError
from tests.support.documentation import ROOT

PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
ROWS = {row[0]: row[1:] for row in re.findall(r"^\| `(\w+)` \| `(\w+)` \| ([^|]+?) \| ([^|]+) \|$", PAGE, re.MULTILINE)}

REASONS = dict(re.findall(r"^\| `([A-Z_]+)` \| ((?:deny|hold)(?:, hold)?) \| [^|]+ \|$", PAGE, re.MULTILINE))


def reasons() -> Iterator[str]:
    """Give every code that admission writes out as a reason."""
    for path in sorted((ROOT / "gateway" / "admission").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
                match node.args[0]:
                    case ast.Constant(value=str(code)):
                        yield code


def classes(above: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    for cls in above.__subclasses__():
        if cls.__module__ == "gateway.errors":
            yield cls
            yield from classes(cls)


@pytest.mark.parametrize("cls", list(classes()), ids=lambda cls: cls.__name__)
def test_a_refusal_is_documented(cls: type[GatewayError]) -> None:
    rule = TABLE[cls]
    code, status, told = ROWS[cls.__name__]
    assert code == cls.code
    assert status == (f"{rule.status}, ours" if rule.ours else str(rule.status))
    assert len(told.split()) >= 4


def test_no_row_is_of_a_class_that_is_gone() -> None:
    assert set(ROWS) == {cls.__name__ for cls in classes()}


def test_every_reason_that_admission_gives_is_documented_and_no_other() -> None:
    # Evidence that nobody trusts is told in the words of the trust policy, which has its own page.
    assert set(REASONS) == set(reasons()) - {"SIGNER_UNTRUSTED"}
