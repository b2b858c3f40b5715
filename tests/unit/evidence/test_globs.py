"""Globs: the meaning of policy-controller's, held against its regular expressions, and linear time."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence.globs import Glob


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        pytest.param("team/app", "team/app", True, id="literal"),
        pytest.param("team/app", "team/application", False, id="anchored-at-the-end"),
        pytest.param("app", "team/app", False, id="anchored-at-the-start"),
        pytest.param("team/*", "team/app", True, id="star"),
        pytest.param("team/*", "team/app/web", False, id="star-stops-at-slash"),
        pytest.param("team/*", "team/", True, id="star-covers-nothing"),
        pytest.param("team/**", "team/app/web", True, id="deep"),
        pytest.param("team/**", "team", False, id="deep-wants-the-slash"),
        pytest.param("**", "a/b/c", True, id="everything"),
        pytest.param("**", "", True, id="everything-is-also-nothing"),
        pytest.param("*", "a/b", False, id="one-component"),
        pytest.param("**/web", "team/app/web", True, id="deep-prefix"),
        pytest.param("t*m/*-app", "team/web-app", True, id="stars-inside"),
        pytest.param("t.am/app", "team/app", False, id="dot-is-a-dot"),
        pytest.param("localhost:5000/team/*", "localhost:5000/team/app", True, id="host-with-port"),
        pytest.param("a*b**c", "abc", True, id="both-cover-nothing"),
    ],
)
def test_matches(glob: str, name: str, expected: bool) -> None:
    assert Glob.parse(glob).matches(name) is expected


@given(st.text("ab/*.", min_size=1, max_size=12).filter(lambda text: "***" not in text), st.text("ab/.", max_size=16))
def test_matches_as_the_regular_expression_does(glob: str, name: str) -> None:
    pattern = re.escape(glob).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    assert Glob.parse(glob).matches(name) is (re.fullmatch(pattern, name) is not None)


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        pytest.param("team/app", "team", True, id="a-repository-of-it"),
        pytest.param("team/**", "team", True, id="all-of-it"),
        pytest.param("te**", "team", True, id="all-that-begins-so"),
        pytest.param("te*", "team", False, id="a-star-stops-at-the-slash"),
        pytest.param("*/app", "team", True, id="one-repository-of-each"),
        pytest.param("**", "team", True, id="everything"),
        pytest.param("team", "team", False, id="the-path-itself"),
        pytest.param("team/", "team", False, id="no-name-ends-in-a-slash"),
        pytest.param("other/**", "team", False, id="another"),
        pytest.param("teams/**", "team", False, id="another-that-begins-so"),
        pytest.param("a/b/*", "a", True, id="deeper"),
        pytest.param("a/*", "a/b", False, id="above"),
    ],
)
def test_reaches_below(glob: str, path: str, expected: bool) -> None:
    assert Glob.parse(glob).reaches_below(path) is expected


@given(
    st.text("ab/*.", min_size=1, max_size=12).filter(lambda text: "***" not in text),
    st.text("ab/.", max_size=8),
    st.text("ab/.", min_size=1, max_size=8),
)
def test_a_glob_that_covers_a_name_reaches_below_each_path_to_it(glob: str, path: str, rest: str) -> None:
    if Glob.parse(glob).matches(f"{path}/{rest}"):
        assert Glob.parse(glob).reaches_below(path)


def test_matches_in_linear_time() -> None:
    glob = Glob.parse("*a" * 200 + "b")
    started = time.process_time()
    assert not glob.matches("a" * 512)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "1 to 512 characters", id="empty"),
        pytest.param("a" * 513, "1 to 512 characters", id="long"),
        pytest.param("team/app:v1*", "no tag", id="tag"),
        pytest.param("app:v1", "no tag", id="tag-without-slash"),
        pytest.param("team/app@sha256:*", "no tag", id="digest"),
        pytest.param("team/[ab]", "only letters", id="class"),
        pytest.param("team/app?", "only letters", id="question-mark"),
        pytest.param("^team/.+$", "only letters", id="regular-expression"),
        pytest.param("team/***", "three asterisks", id="three-asterisks"),
        pytest.param("team/app\n", "only letters", id="newline"),
    ],
)
def test_parse_refuses(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Glob.parse(text)
