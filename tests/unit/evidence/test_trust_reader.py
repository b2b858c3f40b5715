"""The words of a trust policy: what each means, and that none is skipped."""

import json
from typing import Any, Final

import pytest

from gateway.errors import TrustPolicyInvalid
from gateway.evidence.authorities import (
    AttestationRequirement,
    ImagePolicy,
    KeyAuthority,
    SignatureFormat,
    StaticAuthority,
)
from gateway.evidence.keys import HashName
from gateway.evidence.signed_identity import AnyIdentity, MatchRepository, RemapIdentity
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import COSIGN_SIGN, EvidenceFormat
from gateway.oci.names import ProjectName, RepositoryName
from tests.support import evidence as made

HOSTS: Final = frozenset({made.HOST})
DATA: Final = made.signer().pem
FILES: Final = {
    "keys/release.pub": made.signer().pem.encode(),
    "p384.pem": made.signer("ecdsa-p384").pem.encode(),
    "ed25519.pub": made.signer("ed25519").pem.encode(),
}


def _load(*documents: dict[str, Any]) -> tuple[ImagePolicy, ...]:
    files = {f"policy-{number}.json": made.go_json(document) for number, document in enumerate(documents)}
    return TrustPolicy.load({**FILES, **files}).policies


def _spec(**changes: Any) -> dict[str, Any]:
    authority = {"key": {"path": "keys/release.pub"}, "ctlog": "none", **changes}
    return {"images": [{"glob": "team/**"}], "authorities": [{k: v for k, v in authority.items() if v is not None}]}


def _authority(**changes: Any) -> KeyAuthority:
    (policy,) = _load(_spec(**changes))
    (authority,) = policy.authorities
    assert isinstance(authority, KeyAuthority)
    return authority


def test_the_defaults() -> None:
    (policy,) = _load(_spec())
    assert policy.name == "policy-0"
    assert policy.project is None
    assert policy.enforce
    assert not policy.passes_always
    (authority,) = policy.keys
    assert authority.name == "authority-0"
    assert authority.signer.id == made.signer().id
    assert authority.signer.name == "keys/release.pub"
    assert authority.attestations == ()
    assert authority.signed_identity == MatchRepository()
    assert authority.signature_format is SignatureFormat.ANY
    assert authority.hash_name is None


@pytest.mark.parametrize("version", ["v1alpha1", "v1beta1"])
def test_a_cluster_image_policy_as_it_is(version: str) -> None:
    document = f"""
apiVersion: policy.sigstore.dev/{version}
kind: ClusterImagePolicy
metadata:
  name: signed-by-release
  labels: {{team: release}}
spec:
  mode: enforce
  images:
    - glob: "{made.HOST}/team/**"
  authorities:
    - name: release
      key:
        hashAlgorithm: sha256
        data: |
{"".join(f"          {line}{chr(10)}" for line in DATA.splitlines())}
      ctlog: none
      signatureFormat: bundle
      attestations:
        - name: built
          predicateType: slsaprovenance1
"""
    (policy,) = TrustPolicy.load({"cip.yaml": document.encode()}).policies
    assert policy.name == "signed-by-release"
    (authority,) = policy.keys
    assert authority.signer.id == made.signer().id
    assert authority.signer.name == "release"
    assert authority.hash_name is HashName.SHA256
    assert authority.signature_format is SignatureFormat.BUNDLE
    assert authority.attestations == (AttestationRequirement("built", made.SLSA_PROVENANCE),)
    assert policy.matches(RepositoryName("team/app"), registry_hosts=HOSTS)
    assert not policy.matches(RepositoryName("team/app"), registry_hosts=frozenset())


OWN: Final = {"apiVersion": "registry-gateway/v1", "kind": "TrustPolicy", "metadata": {"name": "demo"}}


def test_our_own_kind_is_for_a_project() -> None:
    spec = _spec()
    del spec["images"]
    (policy,) = _load({**OWN, "project": "demo", "spec": spec})
    assert policy.project == ProjectName("demo")
    for name, expected in (("demo", True), ("demo/a/b", True), ("demonstration", False), ("other/demo", False)):
        assert policy.matches(RepositoryName(name), registry_hosts=HOSTS) is expected


def test_a_project_narrows_the_globs() -> None:
    (policy,) = _load({**_spec(), "project": "team", "images": [{"glob": "**/web"}, {"glob": "team/api"}]})
    for name, expected in (("team/web", True), ("team/api", True), ("team/app", False), ("other/web", False)):
        assert policy.matches(RepositoryName(name), registry_hosts=HOSTS) is expected


def test_bare_documents_are_called_after_their_file() -> None:
    text = "images: [{glob: a}]\nauthorities: [{static: {action: pass}}]\n"
    files = {"teams/a.yaml": f"{text}---\n{text}---\nname: own-name\n{text}".encode()}
    assert [policy.name for policy in TrustPolicy.load(files).policies] == ["teams-a", "teams-a#2", "own-name"]


def test_static_authorities() -> None:
    static = [{"name": "open", "static": {"action": "pass"}}, {"static": {"action": "fail"}}]
    (policy,) = _load({"images": [{"glob": "**"}], "authorities": static, "mode": "warn"})
    assert policy.authorities == (StaticAuthority("open", "pass"), StaticAuthority("authority-1", "fail"))
    assert policy.passes_always
    assert not policy.enforce
    assert policy.keys == ()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("vuln", "https://cosign.sigstore.dev/attestation/vuln/v1", id="short"),
        pytest.param("https://example.test/scan/v2", "https://example.test/scan/v2", id="uri"),
    ],
)
def test_predicate_type(word: str, expected: str) -> None:
    (requirement,) = _authority(attestations=[{"name": "a", "predicateType": word}]).attestations
    assert requirement.predicate_type == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        pytest.param("any", AnyIdentity(), id="any"),
        pytest.param("matchRepository", MatchRepository(), id="match"),
        pytest.param({"type": "any"}, AnyIdentity(), id="any-object"),
        pytest.param({"type": "matchRepository"}, MatchRepository(), id="match-object"),
        pytest.param(
            {"type": "remapIdentity", "prefix": "prod", "signedPrefix": "staging"},
            RemapIdentity("prod", "staging"),
            id="remap",
        ),
    ],
)
def test_signed_identity(word: Any, expected: object) -> None:
    assert _authority(signedIdentity=word).signed_identity == expected


def test_hash_algorithm_narrows() -> None:
    path = {"path": "p384.pem"}
    wide, narrow = _authority(key=path), _authority(key={**path, "hashAlgorithm": "sha256"})
    assert wide.hashes(EvidenceFormat.COSIGN_SIGNATURE) == (HashName.SHA384, HashName.SHA256)
    assert wide.hashes(EvidenceFormat.SIGSTORE_BUNDLE) == (HashName.SHA384,)
    assert narrow.hashes(EvidenceFormat.COSIGN_SIGNATURE) == (HashName.SHA256,)
    assert narrow.hashes(EvidenceFormat.SIGSTORE_BUNDLE) == ()


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        pytest.param("any", set(EvidenceFormat), id="any"),
        pytest.param("legacy", {EvidenceFormat.COSIGN_SIGNATURE, EvidenceFormat.COSIGN_ATTESTATION}, id="legacy"),
        pytest.param("bundle", {EvidenceFormat.SIGSTORE_BUNDLE}, id="bundle"),
    ],
)
def test_signature_format(word: str, forms: set[EvidenceFormat]) -> None:
    allowed = _authority(signatureFormat=word).signature_format
    assert {form for form in EvidenceFormat if allowed.allows(form)} == forms


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        pytest.param({"keyless": {}}, "keyless", "is not supported", id="keyless"),
        pytest.param({"source": []}, "source", "is not supported", id="source"),
        pytest.param({"rfc3161timestamp": {}}, "rfc3161timestamp", "is not supported", id="timestamp"),
        pytest.param({"count": 2}, "count", "is not supported", id="count"),
        pytest.param({"requireAnnotations": {}}, "requireAnnotations", "is not supported", id="annotations"),
        pytest.param({"gpg": {}}, "gpg", "is not supported", id="gpg"),
        pytest.param({"Key": {}}, "Key", "is unknown", id="unknown"),
        pytest.param({"key": None}, "", "exactly one of key and static", id="neither"),
        pytest.param({"static": {"action": "pass"}}, "", "exactly one of key and static", id="both"),
        pytest.param({"ctlog": None}, "", "needs `ctlog: none`", id="no-ctlog"),
        pytest.param(
            {"ctlog": {"url": "https://rekor.sigstore.dev"}}, "ctlog", "asks for a transparency log", id="log"
        ),
        pytest.param({"ctlog": ""}, "ctlog", "asks for a transparency log", id="empty-ctlog"),
        pytest.param({"name": "a b"}, "name", "is not a name", id="name"),
        pytest.param({"name": 1}, "name", "non-empty string", id="name-is-a-number"),
        pytest.param({"key": {"secretRef": {}}}, "key.secretRef", "is not supported", id="secret-ref"),
        pytest.param({"key": {"kms": "gcpkms://x"}}, "key.kms", "is not supported", id="kms"),
        pytest.param({"key": {}}, "key", "exactly one of data and path", id="no-key"),
        pytest.param({"key": {"path": "p384.pem", "data": DATA}}, "key", "exactly one of data and path", id="two-keys"),
        pytest.param({"key": {"data": "x"}}, "key.data", "not one PEM block", id="bad-data"),
        pytest.param({"key": {"data": DATA * 2}}, "key.data", "more than one key", id="two-keys-in-data"),
        pytest.param({"key": {"path": "missing.pub"}}, "key.path", "there is no key file", id="missing-file"),
        pytest.param({"key": {"path": "../release.pub"}}, "key.path", "not a plain path", id="path-escape"),
        pytest.param({"key": {"path": "/keys/release.pub"}}, "key.path", "not a plain path", id="absolute-path"),
        pytest.param({"key": {"path": "keys/./release.pub"}}, "key.path", "not a plain path", id="dot-segment"),
        pytest.param({"key": {"path": "policy-0.json"}}, "key.path", "there is no key file", id="policy-as-key"),
        pytest.param(
            {"key": {"path": "keys/release.pub", "hashAlgorithm": "sha512"}},
            "key.hashAlgorithm",
            "is not one of sha256",
            id="hash-of-another-key",
        ),
        pytest.param(
            {"key": {"path": "ed25519.pub", "hashAlgorithm": "sha256"}},
            "key.hashAlgorithm",
            "is not one of sha512",
            id="hash-of-ed25519",
        ),
        pytest.param({"signatureFormat": "v3"}, "signatureFormat", "is not one of any, legacy, bundle", id="format"),
        pytest.param({"signedIdentity": "matchExact"}, "signedIdentity", "is not one of", id="identity-word"),
        pytest.param({"signedIdentity": {}}, "signedIdentity.type", "is missing", id="identity-without-type"),
        pytest.param(
            {"signedIdentity": {"type": "any", "prefix": "x"}}, "signedIdentity.prefix", "is unknown", id="any-prefix"
        ),
        pytest.param(
            {"signedIdentity": {"type": "remapIdentity", "prefix": "prod"}},
            "signedIdentity.signedPrefix",
            "is missing",
            id="remap-without-signed-prefix",
        ),
        pytest.param(
            {"signedIdentity": {"type": "remapIdentity", "prefix": "prod/", "signedPrefix": "x"}},
            "signedIdentity.prefix",
            "without a slash",
            id="remap-slash",
        ),
        pytest.param({"attestations": []}, "attestations", "non-empty array", id="no-attestations"),
        pytest.param({"attestations": [{"name": "a"}]}, "attestations[0].predicateType", "is missing", id="no-type"),
        pytest.param(
            {"attestations": [{"name": "a", "predicateType": "slsa"}]},
            "attestations[0].predicateType",
            "is neither a URI nor one of custom",
            id="predicate-type",
        ),
        pytest.param(
            {"attestations": [{"name": "a", "predicateType": COSIGN_SIGN}]},
            "attestations[0].predicateType",
            "is a plain signature",
            id="signature-as-attestation",
        ),
        pytest.param(
            {"attestations": [{"name": "a", "predicateType": "vuln", "policy": {"type": "cue", "data": "x"}}]},
            "attestations[0].policy",
            "is not supported",
            id="cue",
        ),
        pytest.param(
            {"attestations": [{"name": "a", "predicateType": "vuln"}, {"name": "a", "predicateType": "spdx"}]},
            "attestations[1]",
            "is taken",
            id="attestation-twice",
        ),
    ],
)
def test_an_authority_is_refused(changes: dict[str, Any], path: str, reason: str) -> None:
    with pytest.raises(TrustPolicyInvalid) as caught:
        _load(_spec(**changes))
    place = "authorities[0]" + (f".{path}" if path else "")
    assert caught.value.where == f"policy-0.json: {place}"
    assert reason in caught.value.reason


CIP: Final = {
    "apiVersion": "policy.sigstore.dev/v1beta1",
    "kind": "ClusterImagePolicy",
    "metadata": {"name": "x"},
    "spec": _spec(),
}
STATIC: Final[list[Any]] = [{"static": {"action": "pass"}}]


@pytest.mark.parametrize(
    ("document", "path", "reason"),
    [
        pytest.param([], "", "is not an object", id="array"),
        pytest.param("text", "", "is not an object", id="text"),
        pytest.param({**_spec(), "policy": {}}, "policy", "is not supported", id="rego"),
        pytest.param({**_spec(), "match": []}, "match", "is not supported", id="match"),
        pytest.param({**_spec(), "Images": []}, "Images", "is unknown", id="unknown"),
        pytest.param({**_spec(), "mode": "audit"}, "mode", "is not one of enforce, warn", id="mode"),
        pytest.param({**_spec(), "images": []}, "images", "non-empty array", id="no-images"),
        pytest.param({**_spec(), "images": [{"glob": "["}]}, "images[0].glob", "only letters", id="glob"),
        pytest.param({**_spec(), "images": [{"regex": "x"}]}, "images[0].regex", "is unknown", id="image-regex"),
        pytest.param({**_spec(), "project": "A"}, "project", "is not a repository name", id="project"),
        pytest.param({**_spec(), "name": "-"}, "name", "is not a name", id="name"),
        pytest.param({"images": [{"glob": "**"}]}, "authorities", "is missing", id="no-authorities"),
        pytest.param({"authorities": STATIC}, "images", "is missing", id="images-missing"),
        pytest.param(
            {"images": [{"glob": "**"}], "authorities": STATIC * 2 + [{"name": "authority-0", **STATIC[0]}]},
            "authorities[2]",
            "is taken",
            id="authority-twice",
        ),
        pytest.param(
            {"images": [{"glob": "**"}], "authorities": [{**STATIC[0], "ctlog": "none"}]},
            "authorities[0].ctlog",
            "is unknown",
            id="static-with-ctlog",
        ),
        pytest.param(
            {"images": [{"glob": "**"}], "authorities": [{"static": {"action": "maybe"}}]},
            "authorities[0].static.action",
            "is not one of pass, fail",
            id="static-action",
        ),
        pytest.param({**CIP, "apiVersion": "policy.sigstore.dev/v2"}, "apiVersion", "is not one of", id="version"),
        pytest.param({**CIP, "kind": "TrustRoot"}, "kind", "is not one of ClusterImagePolicy", id="trust-root"),
        pytest.param({**CIP, "project": "x"}, "project", "is unknown", id="project-in-cip"),
        pytest.param({**CIP, "status": {}}, "status", "is unknown", id="status"),
        pytest.param({**CIP, "metadata": {}}, "metadata.name", "is missing", id="no-name"),
        pytest.param({**CIP, "metadata": {"name": "x", "uid": "y"}}, "metadata.uid", "is unknown", id="metadata"),
        pytest.param({**CIP, "spec": {**_spec(), "policy": {}}}, "spec.policy", "is not supported", id="spec-policy"),
        pytest.param({"kind": "TrustPolicy", "spec": _spec()}, "apiVersion", "is missing", id="no-version"),
        pytest.param({**OWN, "kind": "ClusterImagePolicy"}, "kind", "is not one of TrustPolicy", id="own-kind"),
    ],
)
def test_a_policy_is_refused(document: Any, path: str, reason: str) -> None:
    with pytest.raises(TrustPolicyInvalid) as caught:
        _load(document)
    assert caught.value.where == ("policy-0.json" + (f": {path}" if path else ""))
    assert reason in caught.value.reason


def test_the_errors_name_the_document() -> None:
    good = json.dumps(_spec())
    with pytest.raises(TrustPolicyInvalid) as caught:
        TrustPolicy.load({**FILES, "a.yaml": f"{good}\n---\n{{}}\n".encode()})
    assert caught.value.where == "a.yaml (document 2): images"
