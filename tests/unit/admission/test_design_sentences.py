"""Every sentence of the design about admission has a test, or a reason why not; and what is named is there."""

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from tests.support.design_sentences import SECTION_2, SECTION_3, SENTENCES, Sentence

ROOT: Final = Path(__file__).parents[3]
DESIGN: Final = ROOT.parent / "shared" / "DESIGN.md"
"""Beside the tree where it is written, and not in it: where it is not there, the quotes are not compared."""

MAX_QUOTE_WORDS: Final = 12
LEADS: Final = frozenset(
    {
        "States and visibility",
        "The straight path of `PUT /v2/<name>/manifests/<reference>`",
        "admission.admit:",
        "**Two decisions.",
        "**Who.",
        "| outcome | when | PUT answers | stored |",
        "| held object | caller with `pull` only | `quarantine-read` full | `quarantine-read` signing |",
    }
)
"""What says nothing by itself: headings, and the heads of tables."""

_PIECES: Final = re.compile(
    r"\n\s*\n|\n(?=[-|] ?)|\n(?=\*\*)|\n(?=    ?\w+ +=)|\n(?=api/|admission\.admit|```)", re.MULTILINE
)
_ENDS: Final = re.compile(r"(?<=[.])\**\s+(?=[A-Z*`(0-9_])")
_NOTHING: Final = re.compile(r"```|## [0-9][.]|[|](?: --- [|])+")


@cache
def all_tests() -> frozenset[str]:
    """Return every test as ``path::name``."""
    return frozenset(
        f"{path.relative_to(ROOT).as_posix()}::{node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def section(number: int) -> str:
    """Return one section of the design."""
    text = DESIGN.read_text(encoding="utf-8")
    return text[text.index(f"\n## {number}. ") : text.index(f"\n## {number + 1}. ")]


def flat(text: str) -> str:
    """Return the text with one space wherever it has white space."""
    return " ".join(text.split())


def sentences(text: str) -> list[str]:
    """Return the sentences of a section, lines of its tables and of its outline among them."""
    found = [each.strip() for piece in _PIECES.split(text) for each in _ENDS.split(flat(piece))]
    return [each for each in found if each and not _NOTHING.fullmatch(each) and each not in LEADS]


def test_every_test_that_is_named_exists() -> None:
    named = {test for sentence in SENTENCES for test in sentence.tests}
    assert sorted(named - all_tests()) == []


def test_no_sentence_is_without_a_test_or_a_reason() -> None:
    assert [sentence.quote for sentence in SENTENCES if not sentence.tests and not sentence.reason] == []
    assert [sentence.quote for sentence in SENTENCES if len(set(sentence.tests)) != len(sentence.tests)] == []


def test_a_reason_is_one() -> None:
    kinds = ("excepted: ", "a later version", "not built: ", "of ")
    for sentence in SENTENCES:
        if sentence.reason:
            assert sentence.reason.startswith(kinds), sentence.quote
            assert len(sentence.reason.split()) > 5, sentence.quote


def test_each_sentence_is_there_once_and_says_what_it_demands() -> None:
    quotes = [sentence.quote for sentence in SENTENCES]
    assert len(set(quotes)) == len(quotes)
    for sentence in SENTENCES:
        assert len(sentence.quote.split()) <= MAX_QUOTE_WORDS, sentence.quote
        assert sentence.demands, sentence.quote


def test_sentences_are_read_as_they_are_meant() -> None:
    outline = "\n## 2. The path\n\n```\napi/routes  (method)\n    class =  one\n```\n\n"
    text = f"{outline}One says `a, B`. *Two* says e.g. this.\n- three"
    assert sentences(text) == [
        "The path",
        "api/routes (method)",
        "class = one",
        "One says `a, B`.",
        "*Two* says e.g. this.",
        "- three",
    ]


@pytest.mark.skipif(not DESIGN.is_file(), reason="the design is not beside the tree")
@pytest.mark.parametrize(("number", "register"), [(2, SECTION_2), (3, SECTION_3)], ids=["2", "3"])
def test_every_quote_is_of_the_design_and_in_its_order(number: int, register: tuple[Sentence, ...]) -> None:
    text, quotes = flat(section(number)), [sentence.quote for sentence in register]
    assert [quote for quote in quotes if quote not in text] == []
    places, after = [], 0
    for quote in quotes:
        found = text.find(quote, after)
        places.append((found, quote))
        after = max(after, found)
    assert [quote for found, quote in places if found < 0] == [], "not in the order of the text"
    assert all(before[0] < later[0] for before, later in pairwise(places))


@pytest.mark.skipif(not DESIGN.is_file(), reason="the design is not beside the tree")
@pytest.mark.parametrize("number", [2, 3])
def test_every_sentence_of_the_design_is_in_the_register(number: int) -> None:
    quotes = [sentence.quote for sentence in SENTENCES]
    assert [each for each in sentences(section(number)) if not any(quote in each for quote in quotes)] == []
