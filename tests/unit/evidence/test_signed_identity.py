"""Which repository a classic signature may name."""

from typing import Final

import pytest

from gateway.evidence import signed_identity
from gateway.evidence.signed_identity import (
    AnyIdentity,
    DockerReference,
    MatchRepository,
    RemapIdentity,
    SignedIdentity,
    is_prefix,
)
from gateway.evidence.values import Refused, RejectionCode
from gateway.oci.digest import Digest
from gateway.oci.names import RepositoryName
from tests.support import evidence as made

REPOSITORY: Final = RepositoryName.parse("prod/app")
HOSTS: Final = frozenset({"registry.example.test", "registry.example.test:5000", "localhost:5000"})
SUBJECT: Final = Digest.parse(made.SUBJECT)


def _check(reference: str, rule: SignedIdentity) -> None:
    signed_identity.check(reference, rule, repository=REPOSITORY, registry_hosts=HOSTS, subject=SUBJECT)


PROMOTE: Final = RemapIdentity("prod", "staging")
ELSEWHERE: Final = RemapIdentity("registry.example.test/prod", "build.example.test/team")
WHOLE_HOST: Final = RemapIdentity("registry.example.test", "old.example.test")


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        pytest.param("registry.example.test/prod/app", MatchRepository(), id="repository"),
        pytest.param("registry.example.test:5000/prod/app", MatchRepository(), id="other-name-of-ours"),
        pytest.param("localhost:5000/prod/app", MatchRepository(), id="localhost"),
        pytest.param("registry.example.test/prod/app:v1", MatchRepository(), id="with-tag"),
        pytest.param(f"registry.example.test/prod/app@{made.SUBJECT}", MatchRepository(), id="with-digest"),
        pytest.param(f"registry.example.test/prod/app:v1@{made.SUBJECT}", MatchRepository(), id="with-both"),
        pytest.param("registry.example.test/staging/app", PROMOTE, id="promoted"),
        pytest.param("build.example.test/team/app", ELSEWHERE, id="from-another-host"),
        pytest.param("localhost:5000/prod/app", ELSEWHERE, id="host-that-is-not-remapped"),
        pytest.param("old.example.test/prod/app", WHOLE_HOST, id="whole-host"),
        pytest.param("registry.example.test/prod/app", RemapIdentity("other", "x"), id="prefix-of-another-project"),
        pytest.param("registry.example.test/prod/app", RemapIdentity("pro", "x"), id="prefix-ends-inside-a-component"),
        pytest.param("registry.example.test/x", RemapIdentity("prod/app", "x"), id="prefix-is-the-repository"),
        pytest.param("anything at all", AnyIdentity(), id="any"),
    ],
)
def test_check_takes(reference: str, rule: SignedIdentity) -> None:
    _check(reference, rule)


@pytest.mark.parametrize(
    ("reference", "rule", "code"),
    [
        pytest.param(
            "registry.example.test/prod/web", MatchRepository(), RejectionCode.REPOSITORY_MISMATCH, id="other"
        ),
        pytest.param("evil.example.test/prod/app", MatchRepository(), RejectionCode.REPOSITORY_MISMATCH, id="host"),
        pytest.param(
            "registry.example.test:443/prod/app", MatchRepository(), RejectionCode.REPOSITORY_MISMATCH, id="port"
        ),
        pytest.param("Registry.example.test/prod/app", MatchRepository(), RejectionCode.REPOSITORY_MISMATCH, id="case"),
        pytest.param("prod/app", MatchRepository(), RejectionCode.REPOSITORY_MISMATCH, id="no-host-is-docker-hub"),
        pytest.param("app", MatchRepository(), RejectionCode.REPOSITORY_MISMATCH, id="no-host-no-path"),
        pytest.param("registry.example.test/prod/app", PROMOTE, RejectionCode.REPOSITORY_MISMATCH, id="not-promoted"),
        pytest.param(
            "registry.example.test/prod/app", WHOLE_HOST, RejectionCode.REPOSITORY_MISMATCH, id="not-the-old-host"
        ),
        pytest.param(
            f"registry.example.test/prod/app@{made.OTHER_SUBJECT}",
            MatchRepository(),
            RejectionCode.DIGEST_MISMATCH,
            id="digest",
        ),
        pytest.param("", MatchRepository(), RejectionCode.PAYLOAD_MALFORMED, id="empty"),
        pytest.param("registry.example.test/", MatchRepository(), RejectionCode.PAYLOAD_MALFORMED, id="no-path"),
        pytest.param(
            "registry.example.test/../prod/app", MatchRepository(), RejectionCode.PAYLOAD_MALFORMED, id="dot-segment"
        ),
        pytest.param(
            "registry.example.test/prod/app:", MatchRepository(), RejectionCode.PAYLOAD_MALFORMED, id="empty-tag"
        ),
        pytest.param(
            "registry.example.test/prod/app@sha256:00",
            MatchRepository(),
            RejectionCode.PAYLOAD_MALFORMED,
            id="short-digest",
        ),
        pytest.param(
            "https://registry.example.test/prod/app", MatchRepository(), RejectionCode.PAYLOAD_MALFORMED, id="scheme"
        ),
        pytest.param(
            "a@registry.example.test/prod/app", MatchRepository(), RejectionCode.PAYLOAD_MALFORMED, id="user-info"
        ),
    ],
)
def test_check_refuses(reference: str, rule: SignedIdentity, code: RejectionCode) -> None:
    with pytest.raises(Refused) as caught:
        _check(reference, rule)
    assert caught.value.code is code


def test_a_reference_without_a_host_is_docker_hubs() -> None:
    assert DockerReference.parse("alpine:3") == DockerReference("docker.io", RepositoryName("library/alpine"), None)
    assert DockerReference.parse("team/app") == DockerReference("docker.io", RepositoryName("team/app"), None)
    assert DockerReference.parse("[::1]:5000/a") == DockerReference("[::1]:5000", RepositoryName("a"), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prod", True),
        ("prod/app", True),
        ("registry.example.test", True),
        ("registry.example.test:5000/prod", True),
        ("", False),
        ("prod/", False),
        ("registry.example.test/", False),
        ("/prod", False),
        ("Prod", False),
        ("a b", False),
        ("registry.example.test/prod:v1", False),
    ],
)
def test_is_prefix(text: str, expected: bool) -> None:
    assert is_prefix(text) is expected
