"""Which projects a policy can be about: never fewer than those whose repositories it matches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence.authorities import ImagePolicy
from gateway.evidence.globs import Glob
from gateway.oci.names import ProjectName, RepositoryName

HOSTS = frozenset({"registry.example.test"})


def policy(*globs: str, project: str | None = None) -> ImagePolicy:
    return ImagePolicy(
        name="p",
        project=None if project is None else ProjectName(project),
        globs=tuple(Glob.parse(glob) for glob in globs),
        authorities=(),
        enforce=True,
    )


@pytest.mark.parametrize(
    ("globs", "project", "expected"),
    [
        pytest.param(("**",), None, True, id="everything"),
        pytest.param(("team/**",), None, True, id="by-its-glob"),
        pytest.param(("team",), None, True, id="the-repository-called-as-the-project"),
        pytest.param(("registry.example.test/team/app",), None, True, id="behind-our-host"),
        pytest.param(("other.example.test/team/app",), None, False, id="behind-another-host"),
        pytest.param(("other/**", "team/app"), None, True, id="one-of-several"),
        pytest.param(("other/**",), None, False, id="another-project-s"),
        pytest.param(("**",), "team", True, id="bound-to-it"),
        pytest.param(("**",), "other", False, id="bound-to-another"),
        pytest.param(("**",), "team/app", True, id="bound-to-a-part-of-it"),
        pytest.param(("team/web",), "team/app", False, id="bound-to-a-part-and-about-another"),
        pytest.param(("other/**",), "team", False, id="bound-to-it-and-about-another"),
        pytest.param(("**",), "te", False, id="bound-to-what-only-begins-so"),
    ],
)
def test_can_match(globs: tuple[str, ...], project: str | None, expected: bool) -> None:
    assert policy(*globs, project=project).can_match(ProjectName("team"), registry_hosts=HOSTS) is expected


def test_a_policy_for_a_path_above_the_project() -> None:
    assert policy("**", project="a").can_match(ProjectName("a/b"), registry_hosts=HOSTS)


NAMES = st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join)


@given(
    st.text("ab/*", min_size=1, max_size=8).filter(lambda text: "***" not in text), st.none() | NAMES, NAMES, st.data()
)
def test_what_matches_can_match(glob: str, bound: str | None, repository: str, data: st.DataObject) -> None:
    found = policy(glob, project=bound)
    if found.matches(RepositoryName(repository), registry_hosts=HOSTS):
        project = data.draw(st.sampled_from(RepositoryName(repository).prefixes))
        assert found.can_match(ProjectName(project), registry_hosts=HOSTS)
