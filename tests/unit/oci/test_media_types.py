"""Media types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.oci import media_types
from tests.support.oci import PROPERTY


@pytest.mark.parametrize("name", sorted(media_types.MANIFESTS | media_types.IMAGE_CONFIGS | media_types.FOREIGN_LAYERS))
def test_our_own_are_media_types(name: str) -> None:
    assert media_types.is_media_type(name)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("text", id="no-subtype"),
        pytest.param("text/", id="empty-subtype"),
        pytest.param("text/plain; charset=utf-8", id="parameter"),
        pytest.param(" text/plain", id="blank"),
        pytest.param("text/plain\n", id="trailing-newline"),
        pytest.param("text/plain/more", id="two-slashes"),
        pytest.param(".text/plain", id="leading-dot"),
        pytest.param("text/" + "a" * 128, id="over-the-limit"),
        pytest.param("text/plaín", id="not-ascii"),
    ],
)
def test_these_are_not(text: str) -> None:
    assert not media_types.is_media_type(text)


@PROPERTY
@given(st.from_regex(r"\A[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}/[a-zA-Z0-9][a-zA-Z0-9!#$&^_.+-]{0,126}\Z"))
def test_the_grammar_of_rfc_6838(text: str) -> None:
    assert media_types.is_media_type(text)


def test_the_kinds_do_not_overlap() -> None:
    assert not media_types.IMAGE_MANIFESTS & media_types.INDEXES
    assert not media_types.MANIFESTS & media_types.DOCKER_SCHEMA_1
