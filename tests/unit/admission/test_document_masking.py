"""What searching a description for secrets may cost, and that the parts of one share it."""

import time
from typing import Any, cast

import pytest

from gateway.admission import document
from gateway.admission.document import describe
from gateway.admission.parts import TooMuch, parts
from gateway.evidence.values import EvidenceReport, TrustStaticPass
from gateway.oci import media_types
from gateway.oci.digest import Digest
from gateway.oci.manifest import Manifest
from gateway.policy.budget import Budget
from gateway.policy.secrets import MAX_FINDINGS, mask
from tests.support.oci import Json, descriptor, encode, image, index

CANARY = "ghp_" + "C4n4ryC4n4ryC4n4ryC4n4ryC4n4ryC4n4ry"


def described(*configs: Json, children: int = 1) -> list[dict[str, Any]]:
    """Return the subjects of an index that has ``children`` of each config."""
    bodies = [encode(config) for config in configs]
    made = [
        Manifest.parse(
            encode(image(config=descriptor(body, media_type=media_types.OCI_CONFIG), annotations={"n": str(number)})),
            content_type=media_types.OCI_MANIFEST,
        )
        for body in bodies
        for number in range(children)
    ]
    entries = [descriptor(one.raw, media_type=media_types.OCI_MANIFEST) for one in made]
    root = Manifest.parse(encode(index(*entries)), content_type=media_types.OCI_INDEX)
    read = parts([root, *made], {Digest.of(body): body for body in bodies})
    members = describe(read, EvidenceReport((), ()), TrustStaticPass("images")).members
    return cast(list[dict[str, Any]], members["subjects"])[1:]


def platform(**config: Any) -> Json:
    return {"os": "linux", "architecture": "amd64", "config": config}


def test_a_config_that_several_share_is_searched_once_and_told_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []

    def counted(**given: Any) -> Any:
        searched.append(given.get("env"))
        return mask(**given)

    monkeypatch.setattr(document, "mask", counted)
    subjects = described(platform(Env=[f"A={CANARY}"]), platform(Env=["B=1"]), children=3)
    assert [env for env in searched if env] == [(f"A={CANARY}",), ("B=1",)]
    assert [one["config"]["env"] for one in subjects] == [["A=[masked: github-token]"]] * 3 + [["B=1"]] * 3
    assert [len(one["secret_findings"]) for one in subjects] == [1, 1, 1, 0, 0, 0]


def test_many_children_of_one_big_config_take_about_as_long_as_one() -> None:
    big = platform(Labels={f"a{number}_token": "a" * 24 for number in range(95_000)})
    started = time.thread_time()
    with pytest.raises(TooMuch):
        described(big, children=50)
    # Measured 1.1; 50 times that, were it searched for each.
    assert time.thread_time() - started < 5.0


def test_the_parts_of_a_description_are_on_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "Budget", lambda: Budget(texts=300))
    configs = [platform(Env=[f"V{number}_{each}=x" for each in range(30)]) for number in range(6)]
    assert described(*configs[:1])[0]["secret_findings"] == []
    with pytest.raises(TooMuch):
        described(*configs)


def test_the_findings_of_a_manifest_and_its_config_are_within_the_limit_together() -> None:
    config = platform(Env=[f"DB{number}_PASSWORD=x{number}" for number in range(MAX_FINDINGS + 5)])
    (subject,) = described(config)
    assert len(subject["secret_findings"]) == MAX_FINDINGS
