"""Members of an untrusted object."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ManifestInvalid
from gateway.oci import members
from tests.support.oci import PROPERTY


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Layers", id="upper-case"),
        pytest.param("LAYERS", id="all-upper-case"),
        pytest.param("layer\u017f", id="long-s"),
        pytest.param("\u212aey", id="kelvin-sign"),
    ],
)
def test_a_name_that_go_reads_as_another_is_refused(name: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        members.check_spelling({name: 1}, known=members.Names.of("layers", "key"), field="here")
    assert caught.value.field == f"here.{name}"


def test_known_and_unknown_names_pass() -> None:
    members.check_spelling({"layers": 1, "layer": 2, "org.example": 3}, known=members.Names.of("layers"), field="")


def test_a_known_name_beside_an_unknown_one_hides_no_misspelt_one() -> None:
    with pytest.raises(ManifestInvalid) as caught:
        members.check_spelling({"layers": 1, "x": 2, "Layers": 3}, known=members.Names.of("layers"), field="")
    assert caught.value.field == "Layers"


def test_names_that_are_one_without_regard_to_case_are_no_table() -> None:
    with pytest.raises(ValueError, match="two names"):
        members.Names.of("layers", "Layers")


@PROPERTY
@given(st.text("a.\x00é\U0001f600", max_size=200))
def test_any_name_has_a_short_path(name: str) -> None:
    assert len(members.path("f", name)) <= 82
    assert members.path("", name) == name[:80]
