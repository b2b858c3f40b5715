"""What a signer says has the room that the image leaves: it makes no input too large, whatever the image's length."""

from typing import Any, cast

import pytest

from gateway.access.values import Mode, ProjectFacts, Visibility
from gateway.admission.document import Question, Who, describe, document
from gateway.admission.parts import parts
from gateway.admission.proof import MAX_REJECTED, MAX_VERIFIED
from gateway.admission.values import Trigger, TriggerKind
from gateway.evidence.values import EvidenceReport, Requirement, TrustSatisfied
from gateway.identity.federation.session import MAX_POLICY_CLAIM_CHARS, MAX_POLICY_CLAIMS
from gateway.oci import media_types
from gateway.oci.manifest import Manifest
from gateway.policy.document import PolicyInput, check
from gateway.policy.pack import shipped_revision
from gateway.policy.schema import Schema
from tests.support.admission import OPERATOR, REPOSITORY
from tests.support.oci import descriptor, encode, image
from tests.unit.admission.test_document_bounds import lengthy, rejected, verified

FAR = "x"
CLAIMS = {f"{n:03}{FAR * (MAX_POLICY_CLAIM_CHARS - 3)}": FAR * MAX_POLICY_CLAIM_CHARS for n in range(MAX_POLICY_CLAIMS)}
"""As long as a caller's can be in plain characters."""
SCHEMA = Schema.compile(shipped_revision().schema)
GOOD = verified(9999)
RESTS = TrustSatisfied((Requirement(0, "images", (GOOD.signer,), (GOOD.evidence,), (GOOD.signer.id,)),))
NOISE = EvidenceReport(
    (*(lengthy(n, policy="warns") for n in range(MAX_VERIFIED + 5)), GOOD),
    tuple(map(rejected, range(MAX_REJECTED + 5))),
)
ALONE = EvidenceReport((GOOD,), ())


def asked(layers: int, report: EvidenceReport, claims: dict[str, str]) -> tuple[object, dict[str, Any]]:
    manifests = [
        Manifest.parse(
            encode(image(config=descriptor(), layers=[descriptor(b"layer")] * part, annotations={"n": str(number)})),
            content_type=media_types.OCI_MANIFEST,
        )
        for number, part in enumerate([layers // 10] * 10)
    ]
    described = describe(parts(manifests, {}), report, RESTS)
    written = document(
        Question(
            registry="registry.example.test",
            project=ProjectFacts(1, "team", Mode.HOLD, Visibility.PRIVATE, 0, False, 1, 1, 1, 604_800),
            repository=REPOSITORY,
            trigger=Trigger(TriggerKind.PUSH, OPERATOR.id),
            who=Who(OPERATOR, claims),
            described=described,
            tag=None,
            now=1,
        )
    )
    return check(written.value, SCHEMA), cast(dict[str, Any], written.value)


@pytest.mark.parametrize("claims", [pytest.param({}, id="no-claims"), pytest.param(CLAIMS, id="claims")])
@pytest.mark.parametrize("layers", range(4000, 9000, 500))
def test_no_signer_makes_an_input_too_large(layers: int, claims: dict[str, str]) -> None:
    alone, _ = asked(layers, ALONE, claims)
    crowded, value = asked(layers, NOISE, claims)
    assert isinstance(crowded, PolicyInput) == isinstance(alone, PolicyInput)
    assert value["trust"]["signers"] == [GOOD.signer.id]
    assert "evidence.verified" in value["truncated"]
    assert "evidence.rejected" in value["truncated"]
    if told := value["evidence"]["verified"]:
        assert told[0]["evidence"] == str(GOOD.evidence)


def test_what_the_verdict_rests_on_is_told_while_there_is_room() -> None:
    found, value = asked(4500, NOISE, CLAIMS)
    assert isinstance(found, PolicyInput)
    assert value["evidence"]["verified"][0]["evidence"] == str(GOOD.evidence)


def test_some_of_these_are_too_large_by_themselves() -> None:
    """The other tests look on both sides of the limit."""
    assert isinstance(asked(3000, ALONE, {})[0], PolicyInput)
    assert not isinstance(asked(9000, ALONE, {})[0], PolicyInput)
