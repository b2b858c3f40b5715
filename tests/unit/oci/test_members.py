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
        members.check_spelling({name: 1}, known=("layers", "key"), field="here")
    assert caught.value.field == f"here.{name}"


def test_known_and_unknown_names_pass() -> None:
    members.check_spelling({"layers": 1, "layer": 2, "org.example": 3}, known=("layers",), field="")


@PROPERTY
@given(st.text("a.\x00é\U0001f600", max_size=200))
def test_any_name_has_a_short_path(name: str) -> None:
    assert len(members.path("f", name)) <= 82
    assert members.path("", name) == name[:80]
