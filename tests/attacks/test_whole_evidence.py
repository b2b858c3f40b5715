"""Signatures that are somebody else's, handled by who may sign and no more: through the whole gateway."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.access.values import Role
from tests.support.api import Reply
from tests.support.evidence import Evidence, attest_statement, attested_classic, signed_classic, signer, trust_files
from tests.support.images import Artifact, image
from tests.support.whole import KEY, OTHER_KEY, Whole, furnished, whole

ELSEWHERE = "ab" * 32


@pytest.fixture
def built(tmp_path: Path) -> Iterator[Whole]:
    with whole(tmp_path / "state") as made:
        furnished(made)
        made.person("reader", ("team", Role.READER))
        made.person("scanner", ("team", Role.SCANNER))
        yield made
        assert made.failures == []


def see(built: Whole, reference: str) -> int:
    return built.send("GET", f"/v2/team/app/manifests/{reference}", who="reader").status


def misplaced(evidence: Evidence) -> Evidence:
    """Return the same bytes under the tag of a digest that is not here."""
    assert evidence.tag is not None
    return dataclasses.replace(evidence, tag=f"sha256-{ELSEWHERE}{evidence.tag[-4:]}")


def codes(reply: Reply) -> list[str]:
    return [reason["code"] for reason in reply.json()["errors"][0]["detail"]["reasons"]]


def row(built: Whole, evidence: Evidence) -> tuple[str, int, int | None]:
    """Return what is kept of it: its subject, what it counts for, and when it ends."""
    statement = "SELECT subject, held_size, expires FROM manifest WHERE sha256 = ?"
    (found,) = built.sql(statement, evidence.digest.removeprefix("sha256:"))
    return found


def counts(built: Whole, subject: str) -> tuple[int, int]:
    statement = "SELECT verified, unverified FROM subject_state WHERE subject = ?"
    return (*built.sql(statement, subject.removeprefix("sha256:")), (0, 0))[0]


def victim(built: Whole, name: str) -> tuple[Artifact, Evidence]:
    app = image(name)
    return app, signed_classic(KEY, subject=app.digest)


def test_a_signature_that_was_first_put_under_another_tag_is_evidence_of_what_it_names(built: Whole) -> None:
    app, signature = victim(built, "one")
    assert built.attach("scanner", misplaced(signature)).status == 201
    assert built.push("pusher", app, "v1").status == 201
    assert built.attach("pusher", signature).status == 201
    assert row(built, signature) == (app.digest.removeprefix("sha256:"), 0, None)
    assert (counts(built, app.digest), counts(built, f"sha256:{ELSEWHERE}")) == ((1, 0), (0, 0))
    assert see(built, "v1") == 200
    assert see(built, str(signature.tag)) == 200
    assert see(built, f"sha256-{ELSEWHERE}.sig") == 404


def test_a_signature_that_was_first_put_under_another_tag_is_found_by_an_image_that_comes_later(built: Whole) -> None:
    app, signature = victim(built, "one")
    assert built.attach("scanner", misplaced(signature)).status == 201
    assert built.attach("pusher", signature).status == 201
    assert built.push("pusher", app, "v1").status == 201
    assert see(built, "v1") == 200


@pytest.mark.parametrize("kind", ["signature", "attestation"])
def test_verified_evidence_is_not_taken_as_evidence_of_another_digest(built: Whole, kind: str) -> None:
    app, signature = victim(built, "one")
    evidence = signature if kind == "signature" else attested_classic(KEY, subject=app.digest)
    built.push("pusher", app, "v1")
    assert built.attach("pusher", evidence).status == 201
    before = row(built, evidence)
    reply = built.attach("scanner", misplaced(evidence))
    assert (reply.status, codes(reply)) == (403, ["EVIDENCE_SUBJECT"])
    assert row(built, evidence) == before
    assert see(built, f"sha256-{ELSEWHERE}{str(evidence.tag)[-4:]}") == 404


def test_evidence_that_nobody_trusts_yet_is_not_taken_from_its_subject(built: Whole) -> None:
    built.trust(trust_files(OTHER_KEY))
    app, signature = victim(built, "one")
    built.push("pusher", app, "v1")
    assert built.attach("pusher", signature).status == 201
    reply = built.attach("scanner", misplaced(signature))
    assert (reply.status, codes(reply)) == (403, ["EVIDENCE_SUBJECT"])
    assert row(built, signature)[0] == app.digest.removeprefix("sha256:")
    built.trust(trust_files(KEY))
    assert built.push("pusher", app, "v1").status == 201
    assert see(built, "v1") == 200


@pytest.mark.parametrize(("values", "status"), [(1_000, 201), (150_000, 403)], ids=["ordinary", "long"])
def test_a_statement_that_nobody_signed_is_not_read_at_length(built: Whole, values: int, status: int) -> None:
    """Whether bytes that are here name another subject is asked of each PUT, before anything is verified."""
    app, _ = victim(built, "one")
    statement = json.loads(attest_statement(subject=app.digest)) | {"predicate": [1] * values}
    evidence = attested_classic(signer("ecdsa-p256", 77), json.dumps(statement).encode(), subject=app.digest)
    assert built.attach("scanner", misplaced(evidence)).status == 201
    reply = built.attach("scanner", evidence)
    assert reply.status == status, reply.body
    if status == 403:
        assert codes(reply) == ["EVIDENCE_SUBJECT"]
