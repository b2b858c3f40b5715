"""A decision is found by its id, and by a tag that a refused push asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.catalog.effects import RecordDecision, RecordEvent
from gateway.catalog.sqlite.decisions import SqliteDecisions
from gateway.oci.names import RepositoryName, Tag
from tests.support.catalog import ALICE, REPO, Catalog, catalog, image, key_of, run

V1, V2 = Tag("v1"), Tag("v2")
APP, OTHER = image(b"layer-1"), image(b"layer-2")


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Catalog]:
    with catalog(tmp_path) as opened:
        yield opened


@pytest.fixture
def decisions(acme: Catalog) -> SqliteDecisions:
    return SqliteDecisions(database=acme.database)


def refuse(acme: Catalog, decision_id: str, *tags: str, outcome: str = "denied") -> None:
    event = RecordEvent("manifest.denied", ALICE.id, OTHER.digest, decision_id, {"tags": list(tags), "reasons": []})
    record = RecordDecision(decision_id, OTHER.digest, None, outcome, {"reasons": []})
    assert acme.commit(record, event, about=key_of(OTHER))


def test_by_its_id(acme: Catalog, decisions: SqliteDecisions) -> None:
    acme.push(APP, RecordDecision("d1", APP.digest, V1, "held", {"reasons": ["é"]}))
    found = run(decisions.decision("d1"))
    assert found is not None
    assert (found.id, found.repository, found.digest, found.tag, found.outcome) == (
        "d1",
        REPO,
        APP.digest,
        "v1",
        "held",
    )
    assert found.record == {"reasons": ["é"]}
    assert run(decisions.decision("d2")) is None


@pytest.mark.parametrize("outcome", ["denied", "policy-error"])
def test_a_refused_push_is_found_by_each_tag_that_it_asked_for(
    acme: Catalog, decisions: SqliteDecisions, outcome: str
) -> None:
    refuse(acme, "d1", "v1", "v2", outcome=outcome)
    for tag in (V1, V2):
        found = run(decisions.newest_of_tag(REPO, tag))
        assert found is not None
        assert (found.id, found.digest) == ("d1", OTHER.digest)
    assert run(decisions.newest_of_tag(REPO, Tag("v"))) is None
    assert run(decisions.newest_of_tag(RepositoryName("acme/other"), V1)) is None


def test_the_newest_counts_whichever_kind_it_is(acme: Catalog, decisions: SqliteDecisions) -> None:
    acme.push(APP, RecordDecision("d1", APP.digest, V1, "held", {}))
    refuse(acme, "d2", "v1")
    refuse(acme, "d3", "v2")
    newest = run(decisions.newest_of_tag(REPO, V1))
    assert newest is not None
    assert newest.id == "d2"
    assert acme.commit(RecordDecision("d4", APP.digest, V1, "admitted", {}), about=APP)
    newest = run(decisions.newest_of_tag(REPO, V1))
    assert newest is not None
    assert newest.id == "d4"
