"""Segment globs: held against a slow and plain reading of the same rules, and linear time."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.globs import SegmentGlob


def plainly(glob: list[str], text: list[str]) -> bool:
    if not glob:
        return not text
    if glob[0] == "**":
        return any(plainly(glob[1:], text[count:]) for count in range(1 if len(glob) == 1 else 0, len(text) + 1))
    return bool(text) and within(glob[0], text[0]) and plainly(glob[1:], text[1:])


def within(glob: str, text: str) -> bool:
    if not glob:
        return not text
    if glob[0] == "*":
        return any(within(glob[1:], text[count:]) for count in range(len(text) + 1))
    return bool(text) and glob[0] == text[0] and within(glob[1:], text[1:])


SEGMENTS = st.one_of(st.just("**"), st.text("ab*", max_size=4).filter(lambda text: "**" not in text))
GLOBS = st.lists(SEGMENTS, min_size=1, max_size=6).filter(
    lambda parts: "/".join(parts) != "" and ("**", "**") not in itertools.pairwise(parts)
)


@given(GLOBS, st.text("ab/", max_size=12))
def test_matches_as_the_plain_reading_does(glob: list[str], text: str) -> None:
    assert SegmentGlob.parse("/".join(glob)).matches(text) is plainly(glob, text.split("/"))


@given(st.text(max_size=20).filter(lambda text: text.isprintable() and text != "" and "*" not in text), st.text())
def test_without_an_asterisk_every_character_is_itself(glob: str, text: str) -> None:
    assert SegmentGlob.parse(glob).matches(glob)
    assert SegmentGlob.parse(glob).matches(text) is (glob == text)


@pytest.mark.parametrize(
    ("glob", "text", "expected"),
    [
        pytest.param("refs/heads/main", "refs/heads/main", True, id="exact"),
        pytest.param("refs/heads/main", "refs/heads/main2", False, id="anchored-at-the-end"),
        pytest.param("heads/main", "refs/heads/main", False, id="anchored-at-the-start"),
        pytest.param("refs/heads/*", "refs/heads/main", True, id="star"),
        pytest.param("refs/heads/*", "refs/heads/a/b", False, id="star-stops-at-a-slash"),
        pytest.param("refs/heads/release-*", "refs/heads/release-", True, id="star-covers-nothing"),
        pytest.param("refs/heads/**", "refs/heads/a/b", True, id="deep"),
        pytest.param("refs/heads/**", "refs/heads", False, id="deep-at-the-end-needs-a-segment"),
        pytest.param("a/**/z", "a/z", True, id="deep-inside-may-be-none"),
        pytest.param("a/**/z", "a/b/c/z", True, id="deep-inside-may-be-many"),
        pytest.param("a/**/z", "a/b/cz", False, id="deep-ends-at-a-slash"),
        pytest.param("a/**/*z", "a/b/cz", True, id="star-after-deep"),
        pytest.param("a.c", "abc", False, id="dot-is-a-dot"),
        pytest.param("a?c", "abc", False, id="question-mark-is-itself"),
        pytest.param("[ab]c*", "ac", False, id="brackets-are-themselves"),
        pytest.param("Main*", "main", False, id="case-counts"),
    ],
)
def test_matches(glob: str, text: str, expected: bool) -> None:
    assert SegmentGlob.parse(glob).matches(text) is expected


@pytest.mark.parametrize(
    ("glob", "reason"),
    [
        pytest.param("", "1 to 512", id="nothing"),
        pytest.param("a" * 513, "1 to 512", id="long"),
        pytest.param("a/b**", "whole segment", id="two-stars-inside"),
        pytest.param("a/***", "whole segment", id="three-stars"),
        pytest.param("a/**/**", "in a row", id="deep-twice"),
        pytest.param("a\n", "printable", id="newline"),
        pytest.param("a\u202eb", "printable", id="right-to-left"),
    ],
)
def test_refuses(glob: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SegmentGlob.parse(glob)


def test_matches_in_linear_time() -> None:
    glob = SegmentGlob.parse("a/**/" + "*a" * 200 + "b")
    started = time.process_time()
    assert not glob.matches("a/" * 1000 + "a" * 6000)
    assert time.process_time() - started < 1.0
