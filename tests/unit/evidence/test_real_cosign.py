"""What cosign 2.5 and 3.1 really write, with every kind of key: the independent check of the verifier and of the vectors
that the other tests generate.

`data/real_cosign.json` was recorded by `tests/support/record_cosign.py`.
"""

import base64
import json
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.evidence.classify import classify
from gateway.evidence.content import parse_content
from gateway.evidence.judge import judge_trust
from gateway.evidence.trust_policy import TrustPolicy
from gateway.evidence.values import EvidenceObject, EvidenceReport, RejectionCode, TrustSatisfied, TrustUnsatisfied
from gateway.evidence.verify import verify_all
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.names import RepositoryName, Tag

CASES: Final[list[dict[str, Any]]] = json.loads((Path(__file__).parent / "data/real_cosign.json").read_text("ascii"))
NOW: Final = 1_800_000_000


def _object(case: dict[str, Any]) -> EvidenceObject:
    manifest = Manifest.parse(base64.b64decode(case["manifest"]), content_type=case["media_type"], max_bytes=1 << 20)
    claim = classify(manifest, None if case["tag"] is None else Tag.parse(case["tag"]))
    assert claim is not None
    assert str(claim.subject) == case["subject"]
    blobs = {Digest.parse(digest): base64.b64decode(content) for digest, content in case["blobs"].items()}
    return EvidenceObject(manifest, claim, blobs, NOW)


def _trust(case: dict[str, Any]) -> TrustPolicy:
    attestations = (
        "\n    attestations: [{name: built, predicateType: slsaprovenance1}]" if "attest" in case["name"] else ""
    )
    policy = f"""
images: [{{glob: "team/**"}}]
authorities:
  - name: release
    key: {{path: release.pub}}
    ctlog: none{attestations}
"""
    return TrustPolicy.load({"policy.yaml": policy.encode(), "release.pub": case["key"].encode()})


def _report(case: dict[str, Any], *, repository: str | None = None, subject: str | None = None) -> EvidenceReport:
    return verify_all(
        Digest.parse(subject or case["subject"]),
        RepositoryName.parse(repository or case["repository"]),
        [_object(case)],
        _trust(case),
        registry_hosts=frozenset({case["host"]}),
        now=NOW,
    )


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_real_evidence_satisfies(case: dict[str, Any]) -> None:
    parse_content(_object(case))
    report = _report(case)
    assert report.rejected == ()
    (verified,) = report.verified
    assert verified.is_signature == ("attest" not in case["name"])
    repository, hosts = RepositoryName.parse(case["repository"]), frozenset({case["host"]})
    verdict = judge_trust(report, repository, _trust(case), registry_hosts=hosts)
    assert isinstance(verdict, TrustSatisfied)
    if "cosign3" in case["name"] and "sign-" in case["name"]:
        assert verified.annotations == {"team": "release"}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_real_evidence_of_another_digest_does_not(case: dict[str, Any]) -> None:
    report = _report(case, subject="sha256:" + "0" * 64)
    assert report.verified == ()
    assert [each.code for each in report.rejected] == [RejectionCode.DIGEST_MISMATCH]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["name"]) for case in CASES if "classic-sign" in case["name"]]
)
def test_real_classic_signature_of_another_repository_does_not(case: dict[str, Any]) -> None:
    report = _report(case, repository="team/other")
    assert report.verified == ()
    assert [each.code for each in report.rejected] == [RejectionCode.REPOSITORY_MISMATCH]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_real_evidence_by_another_key_does_not(case: dict[str, Any]) -> None:
    other = next(each for each in CASES if each["key"] != case["key"])
    report = _report({**case, "key": other["key"]})
    assert report.verified == ()
    assert [each.code for each in report.rejected] == [RejectionCode.NO_MATCHING_KEY]
    verdict = judge_trust(
        report, RepositoryName.parse(case["repository"]), _trust(case), registry_hosts=frozenset({case["host"]})
    )
    assert isinstance(verdict, TrustUnsatisfied)
