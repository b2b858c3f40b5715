"""One spelling: equal values, equal bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PolicyInvalid
from gateway.oci import strict_json
from gateway.oci.strict_json import JsonObject, JsonValue
from gateway.policy import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_the_spelling() -> None:
    assert canonical.encode({"b": [1, True, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,true,null]}'.encode()


@given(VALUES)
def test_it_reads_back_and_the_order_of_members_does_not_matter(value: JsonValue) -> None:
    encoded = canonical.encode({"value": value})
    again = strict_json.parse_object(encoded, max_bytes=len(encoded))
    assert again == {"value": value}
    assert canonical.encode(_reversed(again)) == encoded


@given(st.dictionaries(TEXT, VALUES, max_size=5), st.dictionaries(TEXT, VALUES, max_size=5))
def test_an_object_is_spelt_of_the_spellings_of_its_members(one: JsonObject, other: JsonObject) -> None:
    assert canonical.joined(canonical.members(one) | canonical.members(other)) == canonical.encode(one | other)


@pytest.mark.parametrize("value", [{"\ud800": 1}, {"a": 0.5}], ids=["name", "value"])
def test_a_member_without_a_spelling_is_refused(value: JsonObject) -> None:
    with pytest.raises(PolicyInvalid):
        canonical.members(value)


def _reversed(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _reversed(value[name]) for name in reversed(list(value))}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", [0.5, [1.0], {"a": {"b": [0.1]}}, "\ud800", {"\udfff": 1}])
def test_what_has_no_one_spelling(value: JsonValue) -> None:
    with pytest.raises(PolicyInvalid):
        canonical.encode(value)


def test_the_digest() -> None:
    # printf '' | sha256sum
    assert canonical.digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
