"""A glob means a name behind this registry's host only where it says a host: an asterisk never stands for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence.authorities import ImagePolicy
from gateway.evidence.globs import Glob
from gateway.oci.names import ProjectName, RepositoryName

HOSTS = frozenset({"registry.example", "localhost:5443"})
NAMES = ("app", "team/app", "a/b/app", "registry/app")


def policy(glob: str) -> ImagePolicy:
    return ImagePolicy(name="p", project=None, globs=(Glob.parse(glob),), authorities=(), enforce=True)


def matched(glob: str, *names: str) -> list[str]:
    return [name for name in names if policy(glob).matches(RepositoryName.parse(name), registry_hosts=HOSTS)]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        pytest.param("**", ["app", "team/app", "a/b/app", "registry/app"], id="everything"),
        pytest.param("*", ["app"], id="one-component"),
        pytest.param("*/app", ["team/app", "registry/app"], id="a-component-and-a-name"),
        pytest.param("*/*/app", ["a/b/app"], id="two-components-and-a-name"),
        pytest.param("**/app", ["team/app", "a/b/app", "registry/app"], id="any-depth"),
        pytest.param("r*/app", ["registry/app"], id="part-of-a-host"),
        pytest.param("localhost*/**", [], id="part-of-a-host-with-a-port"),
        pytest.param("localhost:*/**", [], id="any-port"),
        pytest.param("*.example/**", [], id="any-host"),
        pytest.param("**.example/**", [], id="any-host-deep"),
        pytest.param("registry.*/app", [], id="any-domain"),
        pytest.param("registry.example/*", ["app"], id="our-host"),
        pytest.param("registry.example/**", list(NAMES), id="all-of-our-host"),
        pytest.param("registry.example/*/app", ["team/app", "registry/app"], id="our-host-and-a-component"),
        pytest.param("localhost:5443/**/app", ["team/app", "a/b/app", "registry/app"], id="our-host-and-any-depth"),
        pytest.param("other.example/**", [], id="another-host"),
        pytest.param("app", ["app"], id="a-name"),
    ],
)
def test_what_a_glob_covers(glob: str, expected: list[str]) -> None:
    assert matched(glob, *NAMES) == expected


@pytest.mark.parametrize(
    ("glob", "project", "expected"),
    [
        pytest.param("*/app", "team", True, id="below-it"),
        pytest.param("*.example/**", "team", False, id="no-host-by-an-asterisk"),
        pytest.param("*.example/**", "team.example", True, id="a-project-with-a-dot"),
        pytest.param("registry.example/*/app", "team", True, id="behind-our-host"),
    ],
)
def test_which_projects_a_glob_can_be_about(glob: str, project: str, expected: bool) -> None:
    assert policy(glob).can_match(ProjectName(project), registry_hosts=HOSTS) is expected


@given(st.text("rl.5:ab/*", min_size=1, max_size=10), st.sampled_from(NAMES))
def test_a_glob_without_a_literal_first_component_means_the_name_alone(text: str, name: str) -> None:
    try:
        glob = Glob.parse(text)
    except ValueError:
        return
    if "*" in text.partition("/")[0]:
        assert bool(matched(text, name)) is glob.matches(name)


def test_a_host_is_the_same_in_upper_case() -> None:
    named = policy("registry.example/app")
    assert named.matches(RepositoryName("app"), registry_hosts=frozenset({"Registry.Example"}))
