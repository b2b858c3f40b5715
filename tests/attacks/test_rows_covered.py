"""Every row of the register of attacks has a test, or a reason why there is nothing to attack."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.attacks import rows

ROOT = Path(__file__).parents[2]
NUMBERED = re.compile(r"(?:^|_)rows?(?P<numbers>(?:(?:_and)?_[0-9]{1,3})+)(?:_|$)")


def numbers(name: str) -> set[int]:
    """Return the rows that the name of a test names."""
    found = NUMBERED.search(name)
    return set() if found is None else {int(number) for number in re.findall(r"[0-9]+", found["numbers"])}


@cache
def all_tests() -> frozenset[str]:
    """Return every test as ``path::name``."""
    return frozenset(
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def covered() -> set[int]:
    """Return the rows that a test covers, by its name or by the list."""
    named = (numbers(test.partition("::")[2]) for test in all_tests())
    return set().union(*named) | set(rows.UNDER_ANOTHER_NAME)


def test_every_row_has_a_test_or_a_reason() -> None:
    assert sorted(rows.REGISTER - covered() - set(rows.NOT_HERE)) == []


def test_every_test_that_is_named_exists() -> None:
    named = {test for tests in rows.UNDER_ANOTHER_NAME.values() for test in tests}
    assert sorted(named - all_tests()) == []
    assert all(rows.UNDER_ANOTHER_NAME.values())


def test_no_reason_is_given_for_a_row_that_is_tested_or_unknown() -> None:
    assert set(rows.NOT_HERE) <= rows.REGISTER
    assert set(rows.UNDER_ANOTHER_NAME) <= rows.REGISTER
    assert set(rows.NOT_HERE) & covered() == set()
    assert all(len(reason.split()) > 5 for reason in rows.NOT_HERE.values())


def test_what_is_covered_in_part_has_a_test_and_says_what_is_missing() -> None:
    assert set(rows.PARTLY) <= rows.REGISTER & covered()
    assert all(len(reason.split()) > 5 for reason in rows.PARTLY.values())


def test_names_are_read_as_they_are_meant() -> None:
    assert numbers("test_row_019_a_token") == {19}
    assert numbers("test_rows_37_43_45_our_public_key") == {37, 43, 45}
    assert numbers("test_row_058_059_061_and_065_evidence") == {58, 59, 61, 65}
    assert numbers("test_row_012_tls_1_3_is_and_no_plain_text") == {12}
    assert numbers("test_every_fact_has_a_row") == set()
    assert numbers("test_a_throw_12") == set()
