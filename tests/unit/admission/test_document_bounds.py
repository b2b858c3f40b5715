"""The policy input is a bounded projection, and what was left out is named in ``truncated`` (DESIGN 2 and 11)."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Final, cast

import pytest

from gateway.access.values import Mode, ProjectFacts, Visibility
from gateway.admission.document import Question, Who, describe, document
from gateway.admission.parts import parts
from gateway.admission.projection import (
    EVIDENCE_BUDGET_BYTES,
    MAX_ITEMS,
    MAX_TEXT_CHARS,
    TEXT_BUDGET_BYTES,
    Projection,
)
from gateway.admission.proof import MAX_CLAIMS, MAX_REJECTED, MAX_VERIFIED
from gateway.admission.values import Trigger, TriggerKind
from gateway.errors import Reason
from gateway.evidence.limits import MAX_PREDICATE_TYPE_CHARS, MAX_TRUST_POLICIES
from gateway.evidence.values import (
    EvidenceFormat,
    EvidenceReport,
    Rejected,
    RejectionCode,
    Requirement,
    SignerIdentity,
    TrustSatisfied,
    TrustStaticPass,
    TrustUnsatisfied,
    TrustVerdict,
    Verified,
)
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.oci.strict_json import JsonObject
from gateway.policy.document import PolicyInput, check
from gateway.policy.pack import shipped_revision
from gateway.policy.schema import Schema
from tests.support.admission import OPERATOR, REPOSITORY
from tests.support.oci import Json, descriptor, encode, image

INPUT_LIMIT_BYTES: Final = 1 << 20


def asked(
    config: Json,
    annotations: Json | None = None,
    report: EvidenceReport | None = None,
    *,
    trust: TrustVerdict | None = None,
) -> dict[str, Any]:
    """Return the input about an image of this config, which the shipped schema takes and which is within the limit."""
    body = encode(config)
    manifest = Manifest.parse(
        encode(image(config=descriptor(body, media_type=media_types.OCI_CONFIG), annotations=annotations or {})),
        content_type=media_types.OCI_MANIFEST,
    )
    written = document(
        Question(
            registry="registry.example.test",
            project=ProjectFacts(1, "team", Mode.HOLD, Visibility.PRIVATE, 0, False, 1, 1, 1, 604_800),
            repository=REPOSITORY,
            trigger=Trigger(TriggerKind.PUSH, OPERATOR.id),
            who=Who(OPERATOR, {}),
            described=describe(
                parts([manifest], {Digest.of(body): body}),
                report or EvidenceReport((), ()),
                trust or TrustStaticPass("images"),
            ),
            tag=None,
            now=1,
        )
    )
    assert isinstance(check(written.value, Schema.compile(shipped_revision().schema)), PolicyInput)
    assert len(written.encoded) < INPUT_LIMIT_BYTES
    return cast(dict[str, Any], written.value)


def left_out(made: dict[str, Any]) -> list[str]:
    """Return what is named as left out, by its last word."""
    return [name.rpartition("]")[2].lstrip(".") for name in made["truncated"]]


def platform(**config: Any) -> Json:
    return {"os": "linux", "architecture": "amd64", "config": config}


@pytest.mark.parametrize(
    ("config", "where"),
    [
        pytest.param(platform(Env=[f"V{n}={n}" for n in range(MAX_ITEMS + 1)]), "config.env", id="env"),
        pytest.param(platform(Labels={f"l{n}": "" for n in range(MAX_ITEMS + 1)}), "config.labels", id="labels"),
        pytest.param(platform(Cmd=["x"] * (MAX_ITEMS + 1)), "config.cmd", id="cmd"),
        pytest.param(platform(Entrypoint=["x" * (MAX_TEXT_CHARS + 1)]), "config.entrypoint", id="one-long-argument"),
        pytest.param(platform(Labels={"l": "x" * (MAX_TEXT_CHARS + 1)}), "config.labels", id="one-long-label"),
    ],
)
def test_what_is_too_much_or_too_long_is_cut_and_named(config: Json, where: str) -> None:
    made = asked(config)
    assert left_out(made) == [where]
    kept = made["subjects"][0]
    for word in where.split("."):
        kept = kept[word]
    texts = list(kept) if isinstance(kept, list) else [*kept.keys(), *kept.values()]
    assert len(kept) <= MAX_ITEMS
    assert all(len(text) <= MAX_TEXT_CHARS for text in texts)


def test_what_fits_exactly_is_whole_and_nothing_is_named() -> None:
    made = asked(platform(Env=[f"V{n}={n}" for n in range(MAX_ITEMS)], Cmd=["x" * MAX_TEXT_CHARS]))
    assert left_out(made) == []
    assert len(made["subjects"][0]["config"]["env"]) == MAX_ITEMS


@pytest.mark.parametrize(
    ("character", "width"), [pytest.param("x", 1, id="ascii"), pytest.param("é", 6, id="escaped-by-a-serialiser")]
)
def test_all_texts_of_a_document_share_one_budget(character: str, width: int) -> None:
    text = character * (MAX_TEXT_CHARS - 3)
    # Six more for the punctuation of JSON.
    size = width * len(text) + 3 + 6
    annotations = {f"{n:03}": text for n in range(2 * TEXT_BUDGET_BYTES // size)}
    made = asked(platform(Env=[f"A={text}"], Labels={"l": text}), annotations)
    kept = made["subjects"][0]["annotations"]
    assert len(kept) == TEXT_BUDGET_BYTES // size
    # What comes after it in the document finds nothing left, and each says so.
    left = TEXT_BUDGET_BYTES % size
    assert left < width * len(text)
    assert left_out(made) == ["annotations", "config.env", "config.labels"]


def test_the_list_of_what_was_left_out_is_bounded_too() -> None:
    projection = Projection()
    for number in range(MAX_ITEMS + 5):
        projection.items(["x"] * (MAX_ITEMS + 1) if number == 0 else ["x" * (MAX_TEXT_CHARS + 1)], f"place-{number}")
    assert len(projection.truncated) == MAX_ITEMS


def verified(number: int, annotations: JsonObject | None = None) -> Verified:
    return Verified(
        evidence=Digest.of(b"%d" % number),
        layer=Digest.of(b"layer %d" % number),
        signed=Digest.of(b"layer %d" % number),
        format=EvidenceFormat.COSIGN_SIGNATURE,
        signer=SignerIdentity("key:sha256:" + "0" * 64, "release"),
        authority="release",
        policy="images",
        predicate_type=None,
        statement=None,
        annotations=annotations or {},
        first_seen=1,
    )


def rejected(number: int) -> Rejected:
    return Rejected(
        Digest.of(b"%d" % number), None, RejectionCode.NO_MATCHING_KEY, "by nobody", EvidenceFormat.COSIGN_SIGNATURE
    )


@pytest.mark.parametrize(
    ("proven", "junk", "named"),
    [
        pytest.param(MAX_VERIFIED, MAX_REJECTED, [], id="as-many-as-fit"),
        pytest.param(MAX_VERIFIED + 1, 0, ["evidence.verified"], id="verified"),
        pytest.param(0, MAX_REJECTED + 1, ["evidence.rejected"], id="rejected"),
        pytest.param(MAX_VERIFIED + 1, MAX_REJECTED + 1, ["evidence.verified", "evidence.rejected"], id="both"),
    ],
)
def test_evidence_over_its_numbers_is_left_out_and_named(proven: int, junk: int, named: Sequence[str]) -> None:
    report = EvidenceReport(tuple(map(verified, range(proven))), tuple(map(rejected, range(junk))))
    made = asked(platform(), report=report)
    assert left_out(made) == named
    assert len(made["evidence"]["verified"]) == min(proven, MAX_VERIFIED)
    assert len(made["evidence"]["rejected"]) == min(junk, MAX_REJECTED)


def test_what_is_said_again_in_other_manifests_pushes_nothing_out() -> None:
    said = dataclasses.replace(verified(0), first_seen=7)
    again = [dataclasses.replace(verified(n), signed=said.signed, first_seen=6 + n) for n in range(1, MAX_VERIFIED + 2)]
    made = asked(platform(), report=EvidenceReport((*again[2:], said, *again[:2], verified(999)), ()))
    assert left_out(made) == []
    first, second = made["evidence"]["verified"]
    assert (first["evidence"], first["first_seen"]) == (str(said.evidence), 7)
    assert second["evidence"] == str(verified(999).evidence)


@pytest.mark.parametrize(
    ("claims", "shown", "named"),
    [
        pytest.param({f"{n:03}": n for n in range(MAX_CLAIMS)}, MAX_CLAIMS, False, id="as-many-as-are-shown"),
        pytest.param({f"{n:03}": n for n in range(MAX_CLAIMS + 1)}, MAX_CLAIMS, True, id="one-more"),
        pytest.param({"a": ["no", "scalar"], "b": "text"}, 1, True, id="not-a-scalar"),
        pytest.param({"a": "x" * (MAX_TEXT_CHARS + 1)}, 1, True, id="too-long"),
    ],
)
def test_claims_of_a_signature_that_are_left_out_are_named(claims: JsonObject, shown: int, named: bool) -> None:
    made = asked(platform(), report=EvidenceReport((verified(0, claims),), ()))
    (only,) = made["evidence"]["verified"]
    assert len(only["annotations"]) == shown
    assert made["truncated"] == (["evidence.verified[0].annotations"] if named else [])


def test_claims_of_all_signatures_share_the_one_budget() -> None:
    claims: JsonObject = {f"{n:02}": "x" * (MAX_TEXT_CHARS // 4) for n in range(MAX_CLAIMS)}
    made = asked(platform(), report=EvidenceReport(tuple(verified(n, claims) for n in range(MAX_VERIFIED)), ()))
    found = [item["annotations"] for item in made["evidence"]["verified"]]
    assert sum(len(value) for claims in found for value in claims.values()) <= EVIDENCE_BUDGET_BYTES
    assert len(found) == MAX_VERIFIED
    assert found[0] == claims
    assert "evidence.verified[199].annotations" in made["truncated"]


def lengthy(number: int, *, policy: str = "images", text: str = "\U0001f600") -> Verified:
    """Return a statement that is as long as a signer can make it."""
    return dataclasses.replace(
        verified(number, {f"{n:02}{text}": text * MAX_TEXT_CHARS for n in range(MAX_CLAIMS)}),
        predicate_type="x:" + text * (MAX_PREDICATE_TYPE_CHARS - 2),
        policy=policy,
        format=EvidenceFormat.SIGSTORE_BUNDLE,
    )


@pytest.mark.parametrize("text", ["\U0001f600", '"', "\\", "x"])
def test_nothing_that_signers_say_makes_an_input_that_is_refused(text: str) -> None:
    report = EvidenceReport(tuple(lengthy(n, text=text) for n in range(MAX_VERIFIED)), ())
    full = {f"{n:03}": text * 3000 for n in range(80)}
    made = asked(platform(Labels=full), full, report)
    assert "evidence.verified" in made["truncated"] or len(made["evidence"]["verified"]) == MAX_VERIFIED
    assert made["evidence"]["verified"]


def test_what_the_verdict_rests_on_is_told_first_whatever_else_is_said() -> None:
    """Also within the policy itself, whose other keys may sign attestations as often as they like."""
    noise = [lengthy(n, policy="warns" if n % 2 else "images") for n in range(MAX_VERIFIED + 50)]
    good = dataclasses.replace(verified(9999), evidence=Digest.of(b"good"))
    rests = TrustSatisfied((Requirement(0, "images", (good.signer,), (good.evidence,), (good.signer.id,)),))
    made = asked(platform(), report=EvidenceReport((*noise, good), ()), trust=rests)
    assert made["evidence"]["verified"][0]["evidence"] == str(good.evidence)
    assert made["trust"]["signers"] == [good.signer.id]
    assert "evidence.verified" in made["truncated"]


def test_the_schema_takes_as_many_policies_as_a_trust_revision_has() -> None:
    signer = verified(0).signer
    requirements = tuple(
        Requirement(n, f"policy-{n}", (signer,), (Digest.of(b"x"),), ()) for n in range(MAX_TRUST_POLICIES)
    )
    assert len(asked(platform(), trust=TrustSatisfied(requirements))["trust"]["policies"]) == MAX_TRUST_POLICIES
    reasons = tuple(Reason("SIGNATURE_MISSING", "none", "hold") for _ in range(MAX_TRUST_POLICIES + 1))
    assert len(asked(platform(), trust=TrustUnsatisfied(reasons))["trust"]["codes"]) == MAX_TRUST_POLICIES + 1


def test_what_one_signer_says_masks_nobody_elses_claims() -> None:
    """His claims are long to search, are masked, and are told of first; that some were not read is named."""
    long: JsonObject = {f"{n:02}": "password=x " + "x" * 20_000 for n in range(MAX_CLAIMS)}
    other = SignerIdentity("key:sha256:" + "1" * 64, "audit")
    honest = dataclasses.replace(verified(999, {"build": "17"}), signer=other)
    made = asked(platform(), report=EvidenceReport((*(verified(n, long) for n in range(8)), honest), ()))
    assert made["evidence"]["verified"][-1]["annotations"] == {"build": "17"}
    assert "evidence.verified[7].annotations" in made["truncated"]
    assert "evidence.verified[8].annotations" not in made["truncated"]
