"""Claims by name: top-level first, then by path; and which values can be compared at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.federation.claims import claim_texts, find_claim
from gateway.oci.strict_json import JsonObject, JsonValue
from tests.unit.identity.federation.tokens import GITHUB, KUBERNETES

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/", max_size=3), inner, max_size=3),
    max_leaves=12,
)


def test_a_nested_claim_is_found_by_its_path() -> None:
    assert claim_texts(KUBERNETES, "kubernetes.io/serviceaccount/name") == ("kaniko",)
    assert claim_texts(KUBERNETES, "kubernetes.io/namespace") == ("build",)
    assert find_claim(KUBERNETES, "kubernetes.io/serviceaccount/none") is None
    assert find_claim(KUBERNETES, "kubernetes.io/namespace/build") is None


def test_a_top_level_claim_comes_before_a_path() -> None:
    claims: JsonObject = {"https://acme.test/team": "blue", "a/b": "top", "a": {"b": "nested"}}
    assert claim_texts(claims, "https://acme.test/team") == ("blue",)
    assert claim_texts(claims, "a/b") == ("top",)


def test_null_is_there_and_matches_nothing() -> None:
    assert find_claim({"environment": None}, "environment") == (None,)
    assert claim_texts({"environment": None}, "environment") == ()
    assert find_claim(GITHUB, "environment") is None


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        pytest.param("text", ("text",), id="text"),
        pytest.param("", ("",), id="empty-text"),
        pytest.param(20, ("20",), id="whole-number"),
        pytest.param(-1, ("-1",), id="negative"),
        pytest.param(True, ("true",), id="true"),
        pytest.param(False, ("false",), id="false"),
        pytest.param(["a", "b"], ("a", "b"), id="texts"),
        pytest.param([], (), id="no-texts"),
        pytest.param(["a", 1], (), id="texts-and-a-number"),
        pytest.param([["a"]], (), id="texts-in-a-list"),
        pytest.param([20], (), id="numbers"),
        pytest.param(20.0, (), id="fraction"),
        pytest.param({"a": "b"}, (), id="object"),
        pytest.param(None, (), id="null"),
    ],
)
def test_what_is_compared(value: JsonValue, texts: tuple[str, ...]) -> None:
    assert claim_texts({"claim": value}, "claim") == texts


@given(st.dictionaries(st.text("ab/", max_size=3), VALUES, max_size=4), st.text("ab/", max_size=6))
def test_any_name_of_any_claims_is_texts_or_nothing(claims: JsonObject, name: str) -> None:
    texts = claim_texts(claims, name)
    assert all(isinstance(text, str) for text in texts)
    assert texts == () or find_claim(claims, name) is not None
