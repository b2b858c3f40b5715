"""Names of repositories, projects and tags."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import DigestInvalid, NameInvalid, TagInvalid
from gateway.oci.digest import Digest
from gateway.oci.names import ProjectName, RepositoryName, Tag, parse_reference
from tests.support.oci import PROPERTY

# The distribution-spec's own expressions, written down once more.
SPEC_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
SPEC_TAG = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a", id="one-letter"),
        pytest.param("demo/app", id="two-components"),
        pytest.param("a/b/c/d", id="four-components"),
        pytest.param("a.b_c__d---e", id="each-separator"),
        pytest.param("0/1", id="digits"),
        pytest.param("a" * 255, id="at-the-limit"),
    ],
)
def test_repository_name_accepts(text: str) -> None:
    assert str(RepositoryName.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("A", id="upper-case"),
        pytest.param("a//b", id="empty-component"),
        pytest.param("/a", id="leading-slash"),
        pytest.param("a/", id="trailing-slash"),
        pytest.param("a..b", id="two-dots"),
        pytest.param("..", id="parent"),
        pytest.param("a/../b", id="traversal"),
        pytest.param("a___b", id="three-underscores"),
        pytest.param("-a", id="leading-dash"),
        pytest.param("a-", id="trailing-dash"),
        pytest.param("a\n", id="trailing-newline"),
        pytest.param("a\x00b", id="nul"),
        pytest.param("a%2fb", id="encoded-slash"),
        pytest.param("a b", id="blank"),
        pytest.param("ä", id="umlaut"),
        pytest.param("a" * 256, id="over-the-limit"),
    ],
)
def test_repository_name_refuses(text: str) -> None:
    with pytest.raises(NameInvalid) as caught:
        RepositoryName.parse(text)
    assert caught.value.name == text[:80]
    with pytest.raises(NameInvalid):
        ProjectName.parse(text)


def test_prefixes_are_where_the_project_can_be() -> None:
    assert RepositoryName.parse("a/b/c").prefixes == ("a", "a/b", "a/b/c")


def test_a_project_name_is_written_as_it_came() -> None:
    assert str(ProjectName.parse("team/sub")) == "team/sub"


@PROPERTY
@given(st.text("ab0._-/A%", max_size=20))
def test_repository_name_is_the_specification_grammar(text: str) -> None:
    expected = re.fullmatch(SPEC_NAME, text) is not None
    try:
        assert str(RepositoryName.parse(text)) == text
        accepted = True
    except NameInvalid:
        accepted = False
    assert accepted is expected


@pytest.mark.parametrize(
    "text",
    [pytest.param("latest", id="word"), pytest.param("_1.0-rc", id="each-kind"), pytest.param("T" * 128, id="limit")],
)
def test_tag_accepts(text: str) -> None:
    assert str(Tag.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("." * 2, id="dots"),
        pytest.param("-a", id="leading-dash"),
        pytest.param("a/b", id="slash"),
        pytest.param("a:b", id="colon"),
        pytest.param("a\n", id="trailing-newline"),
        pytest.param("T" * 129, id="over-the-limit"),
    ],
)
def test_tag_refuses(text: str) -> None:
    with pytest.raises(TagInvalid) as caught:
        Tag.parse(text)
    assert caught.value.tag == text[:140]


@PROPERTY
@given(st.text("aA0._-/:\n", max_size=10))
def test_tag_is_the_specification_grammar(text: str) -> None:
    expected = re.fullmatch(SPEC_TAG, text) is not None
    try:
        Tag.parse(text)
        accepted = True
    except TagInvalid:
        accepted = False
    assert accepted is expected


def test_a_reference_with_a_colon_is_a_digest() -> None:
    digest = Digest.of(b"")
    assert parse_reference(str(digest)) == digest
    assert parse_reference("latest") == Tag("latest")
    with pytest.raises(DigestInvalid):
        parse_reference("sha256:latest")
    with pytest.raises(TagInvalid):
        parse_reference("../etc")
