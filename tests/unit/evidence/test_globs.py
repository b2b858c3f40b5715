"""Globs: the meaning of policy-controller's, held against its regular expressions, and linear time."""

import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import NameInvalid
from gateway.evidence.globs import Glob
from gateway.oci.names import RepositoryName


def _short_names() -> list[str]:
    found = []
    for letters in itertools.chain.from_iterable(itertools.product("ab/._-", repeat=count) for count in range(1, 6)):
        try:
            found.append(RepositoryName.parse("".join(letters)).text)
        except NameInvalid:
            continue
    return found


SHORT_NAMES = _short_names()


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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("local*:5743/team/**", "a host and its port are written out", id="part-of-a-host-with-a-port"),
        pytest.param("**:5743/team/**", "a host and its port are written out", id="any-host-with-a-port"),
        pytest.param("localhost:*/team/**", "a host and its port are written out", id="any-port"),
        pytest.param("LOCALHOST:5743/team/**", "lower case", id="a-host-in-upper-case"),
        pytest.param("team/App*", "lower case", id="a-name-in-upper-case"),
        pytest.param("team/", "no name", id="a-slash-at-the-end"),
        pytest.param("team//app", "no name", id="an-empty-component"),
        pytest.param("/team/app", "no name", id="a-slash-at-the-start"),
        pytest.param("team/-app*", "no name", id="a-separator-at-the-start"),
        pytest.param("team/app.", "no name", id="a-separator-at-the-end"),
        pytest.param("team/a..b", "no name", id="two-dots"),
        pytest.param("team/a___b", "no name", id="three-underscores"),
        pytest.param("team/a_-b/**", "no name", id="mixed-separators"),
        pytest.param("localhost:5743/_*", "no name", id="behind-a-host"),
        pytest.param("localhost:x/app", "no name", id="a-port-that-is-none"),
        pytest.param("a" * 256, "no name", id="longer-than-a-name"),
    ],
)
def test_a_glob_that_covers_no_repository_is_told(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"covers no repository: .*{reason}"):
        Glob.parse(text).check_possible()


@pytest.mark.parametrize(
    "text",
    [
        "**", "*", "team/*", "**/app", "*.example/**", "localhost:5743/**", "localhost/app", "registry.example/*/app",
        "a__b", "a--b", "a*_*/b", "team/app*", "xn--x.example:443/a", "a" * 255, "localhost:5743/" + "a" * 255,
    ],
)  # fmt: skip
def test_a_glob_that_can_cover_one_is_not(text: str) -> None:
    Glob.parse(text).check_possible()


@given(st.text("ab/*._-", min_size=1, max_size=8).filter(lambda text: "***" not in text), st.text("ab/._-", max_size=8))
def test_what_covers_a_name_is_possible(text: str, name: str) -> None:
    try:
        RepositoryName.parse(name)
    except NameInvalid:
        return
    if Glob.parse(text).matches(name):
        Glob.parse(text).check_possible()


@given(st.text("ab*/._-", min_size=1, max_size=6).filter(lambda text: "***" not in text))
def test_what_is_impossible_covers_no_short_name(text: str) -> None:
    try:
        Glob.parse(text).check_possible()
    except ValueError:
        assert not any(Glob.parse(text).matches(name) for name in SHORT_NAMES)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        pytest.param("localhost:5743/app", "localhost:5743", id="a-port"),
        pytest.param("registry.example/**", "registry.example", id="a-dot"),
        pytest.param("localhost/**", "localhost", id="localhost"),
        pytest.param("localhost", None, id="a-repository"),
        pytest.param("team/**", None, id="a-project"),
        pytest.param("*.example/**", None, id="a-pattern"),
    ],
)
def test_the_host_that_a_glob_names(text: str, host: str | None) -> None:
    assert Glob.parse(text).host == host


def test_whether_a_glob_can_cover_a_name_is_told_in_no_time() -> None:
    started = time.process_time()
    with pytest.raises(ValueError, match="no name"):
        Glob.parse("*a" * 200 + "..").check_possible()
    assert time.process_time() - started < 2.0
