"""Referrers over HTTP."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gateway.access.values import Condition
from gateway.api import referrers
from gateway.oci import media_types
from gateway.oci.digest import Digest
from tests.support.api import House, Reply, house
from tests.support.oci import descriptor, encode, image, index

SUBJECT = descriptor(b"subject", media_type=media_types.OCI_MANIFEST)
SBOM = "application/spdx+json"
SIGNATURE = "application/vnd.example.signature"


@pytest.fixture
def made() -> House:
    return house()


def ask(
    made: House, query: str = "", who: str = "reader", digest: str = SUBJECT["digest"], method: str = "GET"
) -> Reply:
    token = made.token(who, "repository:team/app:pull")
    return made.client.send(method, f"/v2/team/app/referrers/{digest}{query}", token=token)


def entries(reply: Reply) -> list[dict[str, Any]]:
    assert reply.status == 200
    assert reply.one("content-type") == media_types.OCI_INDEX
    document = reply.json()
    assert (document["schemaVersion"], document["mediaType"]) == (2, media_types.OCI_INDEX)
    found: list[dict[str, Any]] = document["manifests"]
    return found


def attach(made: House, artifact_type: str | None = None, number: int = 0, **more: Any) -> bytes:
    extra = {} if artifact_type is None else {"artifactType": artifact_type}
    body = encode(image(subject=SUBJECT, annotations={"number": str(number)}, **extra))
    made.registry.put(body, **more)
    return body


def test_none(made: House) -> None:
    reply = ask(made)
    assert entries(reply) == []
    assert not reply.every("oci-filters-applied")
    assert entries(ask(made, digest=str(Digest.of(b"x", algorithm="sha512")))) == []


def test_entries(made: House) -> None:
    typed = attach(made, SBOM, 1)
    bare = attach(made, None, 2)
    body = encode(index(subject=SUBJECT))
    made.registry.put(body)
    assert entries(ask(made)) == [
        {"mediaType": media_types.OCI_INDEX, "digest": str(Digest.of(body)), "size": len(body)},
        {
            "mediaType": media_types.OCI_MANIFEST,
            "digest": str(Digest.of(typed)),
            "size": len(typed),
            "artifactType": SBOM,
            "annotations": {"number": "1"},
        },
        {
            "mediaType": media_types.OCI_MANIFEST,
            "digest": str(Digest.of(bare)),
            "size": len(bare),
            "artifactType": media_types.OCI_CONFIG,
            "annotations": {"number": "2"},
        },
    ]
    assert ask(made, method="HEAD").status == 200


def test_filter(made: House) -> None:
    attach(made, SBOM, 1)
    attach(made, SIGNATURE, 2)
    reply = ask(made, "?artifactType=application%2Fspdx%2Bjson")
    assert [entry["artifactType"] for entry in entries(reply)] == [SBOM]
    assert reply.one("oci-filters-applied") == "artifactType"
    assert len(entries(ask(made, "?artifactType="))) == 2


@pytest.mark.parametrize("query", ["?artifactType=a/b+c", "?artifactType=x", "?after=x", "?after=1.x", "?after=.a/b"])
def test_queries_that_are_refused(made: House, query: str) -> None:
    assert ask(made, query).status == 400


def test_what_is_hidden_is_not_listed(made: House) -> None:
    attach(made, SBOM, 1, condition=Condition.HELD)
    attach(made, SIGNATURE, 2)
    reply = ask(made)
    assert [entry["artifactType"] for entry in entries(reply)] == [SIGNATURE]
    assert not reply.every("cache-control")
    held = ask(made, "", "writer")
    assert len(entries(held)) == 2
    assert held.one("cache-control") == "private, no-store"


def test_pages(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "MAX_ENTRIES", 3)
    monkeypatch.setattr(referrers, "FETCH", 2)
    for number in range(8):
        attach(made, SBOM, number, condition=Condition.HELD if number in (0, 3, 7) else Condition.ADMITTED)
    seen, query = [], ""
    while True:
        reply = ask(made, query)
        seen += [entry["annotations"]["number"] for entry in entries(reply)]
        link = reply.every("link")
        if not link:
            break
        matched = re.fullmatch(r'</v2/team/app/referrers/[^?]*(\?[^>]*)>; rel="next"', link[0])
        assert matched is not None
        query = matched[1]
    assert seen == ["1", "2", "4", "5", "6"]


def test_the_pages_of_a_filter_keep_it(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "MAX_ENTRIES", 1)
    for number in range(2):
        attach(made, SBOM, number)
    reply = ask(made, "?artifactType=application%2Fspdx%2Bjson")
    assert "?artifactType=application%2Fspdx%2Bjson&after=" in reply.one("link")


def test_an_answer_is_no_larger_than_what_clients_read(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "MAX_ANSWER_BYTES", 600)
    for number in range(5):
        attach(made, SBOM, number)
    reply = ask(made)
    assert 0 < len(entries(reply)) < 5
    assert reply.every("link")


def test_large_pages_are_read_in_a_thread(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "INLINE_BYTES", 10)
    attach(made, SBOM, 1)
    assert len(entries(ask(made))) == 1


def test_what_is_hidden_costs_no_body(made: House) -> None:
    for number in range(3):
        attach(made, SBOM, number, condition=Condition.HELD)
    assert entries(ask(made)) == []
    assert made.registry.bodies_read == []
    shown = made.registry.put(encode(image(subject=SUBJECT, artifactType=SIGNATURE)))
    assert len(entries(ask(made))) == 1
    assert made.registry.bodies_read == [shown.id]


def follow(made: House) -> list[list[str]]:
    """Return the numbers of every page."""
    pages, query = [], ""
    while True:
        reply = ask(made, query)
        pages.append([entry["annotations"]["number"] for entry in entries(reply)])
        link = reply.every("link")
        if not link:
            return pages
        query = link[0][link[0].index("?") : link[0].index(">")]


def test_a_page_reads_so_many_bytes_of_manifests(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [len(attach(made, SBOM, number)) for number in range(5)]
    monkeypatch.setattr(referrers, "MAX_BODY_BYTES", 2 * max(sizes))
    assert follow(made) == [["0", "1"], ["2", "3"], ["4"]]
    monkeypatch.setattr(referrers, "MAX_BODY_BYTES", 1)
    assert follow(made) == [["0"], ["1"], ["2"], ["3"], ["4"]]


def test_a_request_walks_so_many_rows(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing is shown: the page is short or empty, and what lies behind the hidden ones is found."""
    monkeypatch.setattr(referrers, "FETCH", 2)
    monkeypatch.setattr(referrers, "MAX_WALK", 4)
    for number in range(12):
        attach(made, SBOM, number, condition=Condition.ADMITTED if number in (1, 11) else Condition.HELD)
    assert entries(ask(made))[0]["annotations"] == {"number": "1"}
    assert made.registry.walked == 4
    assert follow(made) == [["1"], [], [], ["11"]]


def test_what_is_deleted_meanwhile_is_not_listed(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    attach(made, SBOM, 0)
    attach(made, SBOM, 1)

    async def bodies(ids: Sequence[int]) -> Mapping[int, bytes]:
        return {number: body for number, body in (await kept(ids)).items() if number != ids[0]}

    kept = made.registry.bodies
    monkeypatch.setattr(made.registry, "bodies", bodies)
    assert [entry["annotations"]["number"] for entry in entries(ask(made))] == ["1"]
