"""One key and several projects."""

import pytest

from gateway.evidence.reach import strange_hosts, wide_keys
from gateway.evidence.trust_policy import TrustPolicy
from tests.support.evidence import Signer, signer, trust_files

KEY, OTHER = signer("ecdsa-p256", 1), signer("ecdsa-p256", 2)


def reach(*globs: str) -> list[tuple[str, ...]]:
    return [key.projects for key in wide_keys(TrustPolicy.load(trust_files(KEY, globs=globs)))]


@pytest.mark.parametrize(
    "globs",
    [
        pytest.param(("team/**",), id="a-project"),
        pytest.param(("team/app", "team/other"), id="repositories-of-one"),
        pytest.param(("team", "team/*"), id="a-repository-with-its-name"),
        pytest.param(("registry.example.test/team/**", "team/**"), id="with-and-without-host"),
        pytest.param(("localhost:5000/team/**", "localhost/team/**"), id="with-a-port"),
    ],
)
def test_a_key_of_one_project_is_no_wide_key(globs: tuple[str, ...]) -> None:
    assert reach(*globs) == []


@pytest.mark.parametrize(
    ("globs", "projects"),
    [
        pytest.param(("team/**", "other/**"), ("other", "team"), id="two"),
        pytest.param(("**",), ("**",), id="every"),
        pytest.param(("*/app",), ("*",), id="an-application-everywhere"),
        pytest.param(("team-*/**",), ("team-*",), id="a-pattern-of-projects"),
        pytest.param(("registry.example.test/**",), ("**",), id="a-whole-registry"),
        pytest.param(("*.example.test/team/**",), ("*.example.test",), id="a-pattern-of-hosts"),
    ],
)
def test_a_key_that_covers_several_projects_is_told(globs: tuple[str, ...], projects: tuple[str, ...]) -> None:
    assert reach(*globs) == [projects]


def second(*keys: Signer, **what: str) -> dict[str, bytes]:
    """Return a second policy beside `trust_files`, with key files of its own."""
    files = trust_files(*keys, globs=("other/**",), **what)
    return {f"second-{name}": content.replace(b"key-", b"second-key-") for name, content in files.items()}


def test_a_key_is_told_by_itself_whatever_files_and_names_it_has() -> None:
    (wide,) = wide_keys(TrustPolicy.load({**trust_files(KEY, globs=("team/**",)), **second(KEY)}))
    assert wide.projects == ("other", "team")
    assert wide.signer.id == KEY.id


def test_separate_keys_for_separate_projects_are_no_wide_keys() -> None:
    assert wide_keys(TrustPolicy.load({**trust_files(KEY, globs=("team/**",)), **second(OTHER)})) == ()


def test_a_policy_of_one_project_covers_that_one_whatever_its_globs() -> None:
    files = trust_files(KEY, policy="project: team\n")
    assert wide_keys(TrustPolicy.load(files)) == ()
    (wide,) = wide_keys(TrustPolicy.load({**files, **second(KEY, policy="project: other\n")}))
    assert wide.projects == ("other", "team")


@pytest.mark.parametrize(
    ("glob", "strange"),
    [
        pytest.param("registry.example/**", False, id="ours"),
        pytest.param("localhost:5443/team/*", False, id="another-of-ours"),
        pytest.param("localhost:5743/team/**", True, id="another-port"),
        pytest.param("localhost/team/**", True, id="no-port"),
        pytest.param("other.example/**", True, id="another-host"),
        pytest.param("team/**", False, id="no-host"),
        pytest.param("*.example/**", False, id="a-pattern"),
    ],
)
def test_a_host_that_is_none_of_the_registry_is_told(glob: str, strange: bool) -> None:
    trust = TrustPolicy.load(trust_files(KEY, globs=("team/app", glob)))
    found = strange_hosts(trust, registry_hosts=frozenset({"Registry.Example", "localhost:5443"}))
    assert [each.glob.text for each in found] == ([glob] if strange else [])
