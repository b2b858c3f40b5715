"""In-toto statements."""

import json
from collections.abc import Callable
from typing import Any, Final

import pytest

from gateway.evidence import statement
from gateway.evidence.values import Refused, RejectionCode
from gateway.oci.digest import Digest
from gateway.oci.strict_json import MAX_NODES
from tests.support import evidence as made

SUBJECT: Final = Digest.parse(made.SUBJECT)
HEX: Final = SUBJECT.hex


def test_parse_reads_a_signature() -> None:
    said = statement.parse(made.sign_statement(annotations={"team": "release"}))
    assert said.is_signature
    assert said.annotations_for(SUBJECT) == {"team": "release"}


def test_parse_takes_a_signature_without_predicate() -> None:
    assert statement.parse(made.sign_statement(predicate=False)).is_signature


def test_parse_reads_an_attestation() -> None:
    said = statement.parse(made.attest_statement(made.SPDX, "a string, as old ones have it"))
    assert not said.is_signature
    assert said.predicate_type == made.SPDX
    assert said.document["predicate"] == "a string, as old ones have it"
    assert said.annotations_for(SUBJECT) == {}


def test_parse_reads_an_sbom_of_more_values_than_a_manifest_may_have() -> None:
    packages = [{"name": f"package-{number}", "versionInfo": "1"} for number in range(MAX_NODES)]
    said = statement.parse(made.attest_statement(made.SPDX, {"packages": packages}))
    assert said.document["predicate"] == {"packages": packages}


def test_annotations_for_finds_the_subject_among_others() -> None:
    document = json.loads(made.attest_statement())
    document["subject"] = [
        {"name": "other", "digest": {"sha256": "0" * 64}},
        {"name": "other", "digest": {"gitCommit": "abc"}},
        {"name": "this", "digest": {"sha512": "1" * 128, "sha256": HEX}, "annotations": {"a": "b"}},
    ]
    assert statement.parse(made.go_json(document)).annotations_for(SUBJECT) == {"a": "b"}


@pytest.mark.parametrize(
    ("digests", "code"),
    [
        pytest.param({"sha256": "0" * 64}, RejectionCode.DIGEST_MISMATCH, id="another"),
        pytest.param({"sha512": "0" * 128}, RejectionCode.DIGEST_ALGORITHM, id="sha512-alone"),
        pytest.param({}, RejectionCode.DIGEST_ALGORITHM, id="none"),
    ],
)
def test_annotations_for_refuses(digests: dict[str, str], code: RejectionCode) -> None:
    document = json.loads(made.attest_statement())
    document["subject"][0]["digest"] = digests
    with pytest.raises(Refused) as caught:
        statement.parse(made.go_json(document)).annotations_for(SUBJECT)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda s: s.pop("_type"), RejectionCode.PAYLOAD_MALFORMED, id="no-type"),
        pytest.param(
            lambda s: s.update(_type="https://in-toto.io/Statement/v2"), RejectionCode.PAYLOAD_MALFORMED, id="version"
        ),
        pytest.param(lambda s: s.update(_type=[]), RejectionCode.PAYLOAD_MALFORMED, id="type-is-an-array"),
        pytest.param(lambda s: s.pop("predicateType"), RejectionCode.PAYLOAD_MALFORMED, id="no-predicate-type"),
        pytest.param(lambda s: s.update(predicateType=""), RejectionCode.PAYLOAD_MALFORMED, id="empty-predicate-type"),
        pytest.param(
            lambda s: s.update(predicateType="a" * 1025), RejectionCode.LIMIT_EXCEEDED, id="long-predicate-type"
        ),
        pytest.param(lambda s: s.pop("predicate"), RejectionCode.PAYLOAD_MALFORMED, id="no-predicate"),
        pytest.param(lambda s: s.pop("subject"), RejectionCode.PAYLOAD_MALFORMED, id="no-subject"),
        pytest.param(lambda s: s.update(subject=[]), RejectionCode.PAYLOAD_MALFORMED, id="empty-subject"),
        pytest.param(lambda s: s.update(subject=s["subject"][0]), RejectionCode.PAYLOAD_MALFORMED, id="subject-object"),
        pytest.param(lambda s: s.update(subject=s["subject"] * 1025), RejectionCode.LIMIT_EXCEEDED, id="1025-subjects"),
        pytest.param(lambda s: s["subject"].append(None), RejectionCode.PAYLOAD_MALFORMED, id="subject-is-null"),
        pytest.param(lambda s: s["subject"][0].update(name=1), RejectionCode.PAYLOAD_MALFORMED, id="name-is-a-number"),
        pytest.param(lambda s: s["subject"][0].pop("digest"), RejectionCode.PAYLOAD_MALFORMED, id="no-digest"),
        pytest.param(
            lambda s: s["subject"][0].update(digest={f"a{n}": "0" for n in range(33)}),
            RejectionCode.LIMIT_EXCEEDED,
            id="33-digests",
        ),
        pytest.param(
            lambda s: s["subject"][0]["digest"].update(sha256=HEX.upper()),
            RejectionCode.PAYLOAD_MALFORMED,
            id="upper-case-digest",
        ),
        pytest.param(
            lambda s: s["subject"][0]["digest"].update(sha256=None), RejectionCode.PAYLOAD_MALFORMED, id="null-digest"
        ),
        pytest.param(
            lambda s: s["subject"][0]["digest"].update(SHA256=HEX),
            RejectionCode.PAYLOAD_MALFORMED,
            id="algorithm-in-other-case",
        ),
        pytest.param(
            lambda s: s["subject"][0].update(annotations=[]), RejectionCode.PAYLOAD_MALFORMED, id="annotations-array"
        ),
        pytest.param(lambda s: s["subject"][0].update(Digest={}), RejectionCode.PAYLOAD_MALFORMED, id="go-digest"),
        pytest.param(lambda s: s.update(Subject=[]), RejectionCode.PAYLOAD_MALFORMED, id="go-subject"),
        pytest.param(lambda s: s.update(predicatetype="x"), RejectionCode.PAYLOAD_MALFORMED, id="go-predicate-type"),
    ],
)
def test_parse_refuses(change: Callable[[dict[str, Any]], Any], code: RejectionCode) -> None:
    document = json.loads(made.attest_statement())
    change(document)
    with pytest.raises(Refused) as caught:
        statement.parse(made.go_json(document))
    assert caught.value.code is code


def test_parse_lets_unknown_members_pass() -> None:
    document = json.loads(made.attest_statement())
    document["extension"] = 1
    assert statement.parse(made.go_json(document)).document["extension"] == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"), id="old-statement"),
        pytest.param(lambda s: s.update(predicate=None), id="predicate-is-null"),
        pytest.param(lambda s: s.update(predicate="x"), id="predicate-is-text"),
    ],
)
def test_parse_refuses_a_signature(change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(made.sign_statement())
    change(document)
    with pytest.raises(Refused) as caught:
        statement.parse(made.go_json(document))
    assert caught.value.code is RejectionCode.PAYLOAD_MALFORMED
