"""A revision of the trust policy: its files, its name, its stored form."""

import json
from typing import Any

import pytest

from gateway.errors import TrustPolicyInvalid
from gateway.evidence.limits import MAX_TRUST_POLICIES
from gateway.evidence.trust_policy import TrustPolicy
from gateway.oci.names import RepositoryName
from tests.support import evidence as made


def test_load_nothing_is_a_policy_that_matches_nothing() -> None:
    trust = TrustPolicy.load({})
    assert trust.policies == ()
    assert trust.matching(RepositoryName("team/app"), registry_hosts=frozenset()) == ()


def test_serialise_and_back() -> None:
    trust = TrustPolicy.load(made.trust_files(made.signer(), made.signer("rsa")))
    again = TrustPolicy.deserialise(trust.serialise())
    assert again == trust
    assert again.policies == trust.policies
    assert again.digest == trust.digest
    assert again.serialise() == trust.serialise()
    assert trust.digest.startswith("sha256:")
    assert len(trust.digest) == len("sha256:") + 64


def test_digest_depends_on_every_byte_and_name() -> None:
    files = made.trust_files(made.signer())
    digests = {
        TrustPolicy.load(each).digest
        for each in (
            files,
            {**files, "policy.yaml": files["policy.yaml"] + b"\n"},
            {**files, "unused.pub": made.signer(seed=1).pem.encode()},
            {**files, "key-0.pub": made.signer(seed=1).pem.encode()},
            {**{k: v for k, v in files.items() if k != "policy.yaml"}, "other.yaml": files["policy.yaml"]},
        )
    }
    assert len(digests) == 5


def test_digest_does_not_depend_on_order_or_notes() -> None:
    files = made.trust_files(made.signer())
    again = dict(reversed([*files.items(), ("README.md", b"\xff"), ("keys/.gitkeep", b"")]))
    assert TrustPolicy.load(again).digest == TrustPolicy.load(files).digest


def test_policies_are_ordered_by_file() -> None:
    policy = b"images: [{glob: '**'}]\nauthorities: [{static: {action: pass}}]\n"
    trust = TrustPolicy.load(
        {
            "b.yaml": policy,
            "a.yml": policy,
            "c.json": made.go_json({"images": [{"glob": "**"}], "authorities": [{"static": {"action": "fail"}}]}),
        }
    )
    matching = trust.matching(RepositoryName("x"), registry_hosts=frozenset())
    assert [each.name for each in matching] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("files", "where", "reason"),
    [
        pytest.param({"policy.yaml.bak": b""}, "policy.yaml.bak", "neither a policy", id="renamed-policy"),
        pytest.param({"notes.txt": b""}, "notes.txt", "neither a policy", id="text"),
        pytest.param({"../policy.yaml": b""}, "../policy.yaml", "not a plain relative path", id="escape"),
        pytest.param({"/policy.yaml": b""}, "/policy.yaml", "not a plain relative path", id="absolute"),
        pytest.param({".hidden.yaml": b""}, ".hidden.yaml", "not a plain relative path", id="hidden"),
        pytest.param({"a b.yaml": b""}, "a b.yaml", "not a plain relative path", id="space"),
        pytest.param({"k.pub": b"x" * ((256 << 10) + 1)}, "k.pub", "larger than", id="large"),
        pytest.param({"k.pub": b"\xff"}, "k.pub", "not UTF-8", id="not-utf8"),
        pytest.param({"k.pub": b"x"}, "k.pub", "not one PEM block", id="unused-key-is-read-too"),
        pytest.param(
            {f"k{n}.pub": made.signer().pem.encode() for n in range(1001)},
            "trust directory",
            "more than 1000 files",
            id="many-files",
        ),
    ],
)
def test_load_refuses(files: dict[str, bytes], where: str, reason: str) -> None:
    with pytest.raises(TrustPolicyInvalid) as caught:
        TrustPolicy.load(files)
    assert caught.value.where == where
    assert reason in caught.value.reason


def test_load_refuses_a_name_twice() -> None:
    policy = b"name: same\nimages: [{glob: '**'}]\nauthorities: [{static: {action: pass}}]\n"
    with pytest.raises(TrustPolicyInvalid) as caught:
        TrustPolicy.load({"a.yaml": policy, "b.yaml": policy})
    assert caught.value.where == "b.yaml"
    assert "is taken" in caught.value.reason


def test_load_refuses_more_policies_than_its_limit() -> None:
    policy = b"{images: [{glob: a}], authorities: [{static: {action: pass}}]}\n"
    with pytest.raises(TrustPolicyInvalid) as caught:
        TrustPolicy.load({"a.yaml": b"---\n".join([policy] * (MAX_TRUST_POLICIES + 1))})
    assert caught.value.reason == f"more than {MAX_TRUST_POLICIES} policies"


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x04", id="pickle"),
        pytest.param({"files": {}}, id="no-version"),
        pytest.param({"version": 2, "files": {}}, id="another-version"),
        pytest.param({"version": 1, "files": {}, "more": 1}, id="more"),
        pytest.param({"version": 1, "files": []}, id="files-array"),
        pytest.param({"version": 1, "files": {"a.pub": 1}}, id="file-is-a-number"),
        pytest.param({"version": 1, "files": {"a.pub": "x"}}, id="bad-key"),
        pytest.param({"version": 1, "files": {"../a.yaml": "x"}}, id="bad-path"),
    ],
)
def test_deserialise_refuses(stored: Any) -> None:
    with pytest.raises(TrustPolicyInvalid):
        TrustPolicy.deserialise(stored if isinstance(stored, bytes) else json.dumps(stored).encode())
