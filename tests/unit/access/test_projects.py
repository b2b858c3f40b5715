"""Names of projects: prefix-free, and not the gateway's own."""

import pytest

from gateway.access.projects import check_prefix_free, check_project_name
from gateway.errors import Conflict, NameInvalid
from gateway.oci.names import ProjectName


@pytest.mark.parametrize(
    ("new", "existing"),
    [
        pytest.param("team", "team", id="same"),
        pytest.param("team/a", "team", id="inside"),
        pytest.param("team", "team/a/b", id="around"),
    ],
)
def test_prefix_free_refuses(new: str, existing: str) -> None:
    with pytest.raises(Conflict) as caught:
        check_prefix_free(ProjectName.parse(new), [ProjectName.parse("unrelated"), ProjectName.parse(existing)])
    assert existing in caught.value.message


@pytest.mark.parametrize(
    ("new", "existing"),
    [
        pytest.param("team", [], id="first"),
        pytest.param("team", ["team-b", "team.c", "tea"], id="textual-prefix-only"),
        pytest.param("team/a", ["team/b", "team/ab"], id="siblings"),
    ],
)
def test_prefix_free_passes(new: str, existing: list[str]) -> None:
    check_prefix_free(ProjectName.parse(new), [ProjectName.parse(name) for name in existing])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("system", id="system"),
        pytest.param("registry-gateway/policies", id="own-name"),
        pytest.param("team/blobs", id="route-word"),
        pytest.param("manifests", id="route-word-first"),
    ],
)
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(NameInvalid) as caught:
        check_project_name(ProjectName.parse(name))
    assert caught.value.name == name


@pytest.mark.parametrize("name", ["demo", "team/system", "blobs-archive", "library"])
def test_ordinary_names_pass(name: str) -> None:
    check_project_name(ProjectName.parse(name))
