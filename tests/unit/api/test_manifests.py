"""Manifests over HTTP: read, put, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from gateway.access.values import Condition
from gateway.admission.values import Refused
from gateway.catalog.values import ManifestClass
from gateway.errors import Reason, Unavailable
from gateway.oci import media_types
from gateway.oci.digest import Digest
from tests.support.api import House, Reply, held, house
from tests.support.identity import NOW
from tests.support.oci import descriptor, encode, image, index

IMAGE = encode(image())
OTHER = encode(image(annotations={"a": "other"}))
DIGEST = Digest.of(IMAGE)
OCI = ("content-type", media_types.OCI_MANIFEST)


@pytest.fixture
def made() -> House:
    return house()


def get(made: House, reference: object, who: str = "reader", *headers: tuple[str, str], method: str = "GET") -> Reply:
    token = made.token(who, "repository:team/app:pull")
    return made.client.send(method, f"/v2/team/app/manifests/{reference}", token=token, headers=headers)


def put(made: House, reference: object, body: bytes = IMAGE, who: str = "writer", query: str = "") -> Reply:
    token = made.token(who, "repository:team/app:push")
    path = f"/v2/team/app/manifests/{reference}{query}"
    return made.client.send("PUT", path, body=body, token=token, headers=[OCI])


def delete(made: House, reference: object, who: str = "maintainer") -> Reply:
    token = made.token(who, "repository:team/app:delete")
    return made.client.send("DELETE", f"/v2/team/app/manifests/{reference}", token=token)


def test_read_by_tag_and_by_digest(made: House) -> None:
    made.registry.put(IMAGE, tag="v1")
    for reference in ("v1", DIGEST):
        reply = get(made, reference)
        assert (reply.status, reply.body) == (200, IMAGE)
        assert reply.one("content-type") == media_types.OCI_MANIFEST
        assert reply.one("docker-content-digest") == str(DIGEST)
        assert reply.one("etag") == f'"{DIGEST}"'
        assert not reply.every("registry-gateway-state")
        assert not reply.every("cache-control")
        head = get(made, reference, method="HEAD")
        assert (head.status, head.headers) == (200, reply.headers)


@pytest.mark.parametrize(
    ("who", "condition", "status", "read_apart"),
    [
        pytest.param("reader", Condition.ADMITTED, 200, False, id="visible"),
        pytest.param("reader", Condition.HELD, 404, False, id="hidden"),
        pytest.param("writer", Condition.HELD, 200, True, id="held-for-who-may-read-it"),
    ],
)
def test_the_bytes_of_what_is_hidden_are_not_read(
    made: House, who: str, condition: Condition, status: int, read_apart: bool
) -> None:
    view = made.registry.put(
        IMAGE, tag="v1", condition=condition, pending=condition is Condition.HELD, requester="u:writer"
    )
    for reference in (DIGEST, "v1"):
        made.registry.bodies_read.clear()
        reply = get(made, reference, who)
        assert (reply.status, reply.body == IMAGE) == (status, status == 200)
        assert made.registry.bodies_read == ([view.id] if read_apart else [])
        get(made, reference, who, method="HEAD")
        assert made.registry.bodies_read == ([view.id] if read_apart else [])


def test_what_is_deleted_while_it_is_read(made: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made.registry.put(IMAGE, condition=Condition.HELD)

    async def none(ids: Sequence[int]) -> Mapping[int, bytes]:
        return {}

    monkeypatch.setattr(made.registry, "bodies", none)
    reply = get(made, DIGEST, "writer")
    assert (reply.status, reply.code) == (404, "MANIFEST_UNKNOWN")
    assert made.pulls == []


def test_a_pull_is_counted_and_a_head_is_not(made: House) -> None:
    made.registry.put(IMAGE, tag="v1")
    get(made, "v1", method="HEAD")
    assert made.pulls == []
    get(made, "v1")
    assert made.pulls == [
        {
            "principal_id": "u:reader",
            "repository": "team/app",
            "digest": str(DIGEST),
            "address": "192.0.2.7",
            "outcome": "pulled",
            "now": NOW,
        }
    ]


def test_a_sha512_digest_is_answered_with_itself(made: House) -> None:
    made.registry.put(IMAGE)
    digest = Digest.of(IMAGE, algorithm="sha512")
    assert get(made, digest).one("docker-content-digest") == str(digest)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_already(made: House, method: str) -> None:
    made.registry.put(IMAGE, tag="v1")
    reply = get(made, "v1", "reader", ("if-none-match", f'"{DIGEST}"'), method=method)
    assert reply.status == 304
    assert reply.one("docker-content-digest") == str(DIGEST)
    assert made.pulls == []
    assert get(made, "v1", "reader", ("if-none-match", '"sha256:other"')).status == 200


def test_admitted_unverified_is_said(made: House) -> None:
    made.registry.put(IMAGE, tag="v1", unverified=True)
    assert get(made, "v1").one("registry-gateway-state") == "unverified"


@pytest.mark.parametrize("reference", ["v1", str(DIGEST)])
def test_absent(made: House, reference: str) -> None:
    reply = get(made, reference)
    assert (reply.status, reply.code) == (404, "MANIFEST_UNKNOWN")
    assert made.pulls == []


@pytest.mark.parametrize("condition", [Condition.HELD, Condition.DISTRUSTED, Condition.REVOKED])
def test_what_is_hidden_reads_like_what_is_not_there(made: House, condition: Condition) -> None:
    before = get(made, DIGEST)
    made.registry.put(IMAGE, condition=condition)
    hidden = get(made, DIGEST)
    assert (hidden.status, hidden.headers, hidden.body) == (before.status, before.headers, before.body)
    assert [(pull["digest"], pull["outcome"]) for pull in made.pulls] == [(str(DIGEST), "denied")]


@pytest.mark.parametrize("condition", [Condition.HELD, Condition.DISTRUSTED, Condition.REVOKED])
def test_quarantine_read_sees_it_with_its_state(made: House, condition: Condition) -> None:
    made.registry.put(IMAGE, condition=condition)
    for method in ("GET", "HEAD"):
        reply = get(made, DIGEST, "writer", method=method)
        assert reply.status == 200
        assert reply.one("registry-gateway-state") == condition.value
        assert reply.one("cache-control") == "private, no-store"


@pytest.mark.parametrize(
    ("who", "view", "seen"),
    [
        pytest.param("writer", False, OTHER, id="who-pushed-it"),
        pytest.param("scanner", False, OTHER, id="scanner"),
        pytest.param("maintainer", False, IMAGE, id="another-writer"),
        pytest.param("maintainer", True, OTHER, id="another-writer-who-asks"),
        pytest.param("reader", False, IMAGE, id="reader"),
        pytest.param("reader", True, IMAGE, id="reader-who-asks"),
    ],
)
def test_a_tag_with_something_waiting(made: House, who: str, view: bool, seen: bytes) -> None:
    made.registry.put(IMAGE, tag="v1")
    made.registry.put(OTHER, tag="v1", condition=Condition.HELD, pending=True, requester="u:writer")
    headers = [("registry-gateway-view", "pending")] if view else []
    reply = get(made, "v1", who, *headers)
    assert reply.body == seen
    assert reply.every("registry-gateway-state") == (["held"] if seen == OTHER else [])


def test_a_tag_that_only_waits(made: House) -> None:
    made.registry.put(IMAGE, tag="v1", condition=Condition.HELD, pending=True, requester="u:writer")
    assert get(made, "v1", "writer").status == 200
    assert get(made, "v1", "reader").status == 404
    assert get(made, "v1", "owner").status == 404
    assert made.pulls[-1]["outcome"] == "denied"


def test_a_build_cache_is_there_for_its_builders(made: House) -> None:
    made.registry.put(
        IMAGE, tag="cache", condition=Condition.HELD, cls=ManifestClass.CACHE, pending=True, requester="u:owner"
    )
    assert get(made, "cache", "writer").status == 200
    assert get(made, "cache", "reader").status == 404


def test_a_tag_whose_target_was_hidden_is_not_answered(made: House) -> None:
    made.registry.put(IMAGE, tag="v1", condition=Condition.REVOKED)
    assert get(made, "v1", "writer").status == 404
    assert get(made, DIGEST, "writer").status == 200


def test_put_by_tag(made: House) -> None:
    reply = put(made, "v1")
    assert reply.status == 201
    assert reply.one("location") == f"/v2/team/app/manifests/{DIGEST}"
    assert reply.one("docker-content-digest") == str(DIGEST)
    assert not reply.every("oci-tag")
    (push,) = made.registry.pushes
    assert (push.reference, [tag.text for tag in push.tags], push.content_type) == (None, ["v1"], OCI[1])
    assert push.body == IMAGE
    assert push.grant.principal.id == "u:writer"
    assert made.records[-1]["decision_id"] == "decision-1"


def test_put_by_digest_with_tags(made: House) -> None:
    digest = Digest.of(IMAGE, algorithm="sha512")
    reply = put(made, digest, query="?tag=a&tag=b%2Dc&tag=a")
    assert reply.status == 201
    assert reply.one("docker-content-digest") == str(digest)
    assert reply.every("oci-tag") == ["a", "b-c"]
    (push,) = made.registry.pushes
    assert push.reference == digest


def test_put_held(made: House) -> None:
    made.registry.outcome = held
    reply = put(made, "v1")
    assert reply.status == 201
    assert reply.one("registry-gateway-state") == "held"
    assert any("cosign sign" in warning for warning in reply.every("warning"))
    assert get(made, "v1", "writer").body == IMAGE
    assert get(made, "v1", "reader").status == 404


def test_put_denied(made: House) -> None:
    made.registry.outcome = lambda push, stored: Refused((Reason("ROOT_USER", "runs as root"),), "d9")
    reply = put(made, "v1")
    assert (reply.status, reply.code) == (403, "DENIED")
    assert reply.json()["errors"][0]["detail"]["decision_id"] == "d9"
    assert made.records[-1]["decision_id"] == "d9"


def test_the_subject_is_named(made: House) -> None:
    subject = descriptor(b"subject", media_type=media_types.OCI_MANIFEST)
    reply = put(made, "v1", encode(image(subject=subject)))
    assert reply.one("oci-subject") == subject["digest"]


@pytest.mark.parametrize(
    ("reference", "query", "body", "status", "code"),
    [
        pytest.param("v1", "?tag=v2", IMAGE, 400, "UNSUPPORTED", id="tags-beside-a-tag"),
        pytest.param(DIGEST, "?tag=.bad", IMAGE, 400, "TAG_INVALID", id="bad-tag"),
        pytest.param(DIGEST, "?tag=", IMAGE, 400, "TAG_INVALID", id="empty-tag"),
        pytest.param(DIGEST, "?" + "&".join(f"tag=t{n}" for n in range(11)), IMAGE, 400, "UNSUPPORTED", id="11-tags"),
        pytest.param(DIGEST, "", OTHER, 400, "DIGEST_INVALID", id="wrong-digest"),
        pytest.param("v1", "", b'{"a":1,"a":2}', 400, "MANIFEST_INVALID", id="duplicate-keys"),
        pytest.param("v1", "", b"", 400, "MANIFEST_INVALID", id="empty"),
        pytest.param("v1", "", b" " * (4 * 1024 * 1024 + 1), 413, "SIZE_INVALID", id="4-mib-and-one"),
    ],
)
def test_puts_that_are_refused(made: House, reference: object, query: str, body: bytes, status: int, code: str) -> None:
    reply = put(made, reference, body, query=query)
    assert (reply.status, reply.code) == (status, code)
    assert made.registry.manifest_rows == {}
    assert made.registry.tag_rows == {}


def test_a_body_that_says_it_is_too_large_is_not_read(made: House) -> None:
    client = made.client
    reply = client.send(
        "PUT",
        "/v2/team/app/manifests/v1",
        body=[b" " * 65536] * 200,
        token=made.token("writer", "repository:team/app:push"),
        headers=[OCI],
    )
    assert (reply.status, reply.one("connection")) == (413, "close")
    assert client.received <= 6


def test_a_body_in_chunks_is_read_to_the_limit(made: House) -> None:
    client = made.client
    token = made.token("writer", "repository:team/app:push")
    path = "/v2/team/app/manifests/v1"
    reply = client.send("PUT", path, body=[b" " * 65536] * 200, token=token, headers=[OCI], chunked=True)
    assert (reply.status, reply.code) == (413, "SIZE_INVALID")
    assert client.received <= 65 + 6
    assert client.send("PUT", path, body=[IMAGE[:5], IMAGE[5:]], token=token, headers=[OCI], chunked=True).status == 201


def test_no_content_type(made: House) -> None:
    token = made.token("writer", "repository:team/app:push")
    reply = made.client.send("PUT", "/v2/team/app/manifests/v1", body=IMAGE, token=token)
    assert (reply.status, reply.code) == (400, "MANIFEST_INVALID")


def test_admission_that_is_not_there(made: House) -> None:
    made.registry.error = Unavailable("the catalog is busy", retry_after_seconds=2)
    reply = put(made, "v1")
    assert (reply.status, reply.one("retry-after"), reply.code) == (503, "2", "UNAVAILABLE")


def test_delete(made: House) -> None:
    made.registry.put(IMAGE, tag="v1")
    assert delete(made, "v1").status == 202
    assert delete(made, "v1").status == 404
    assert get(made, DIGEST).status == 200
    assert delete(made, DIGEST).status == 202
    assert get(made, DIGEST).status == 404
    assert delete(made, DIGEST).code == "MANIFEST_UNKNOWN"


def test_delete_of_an_alias(made: House) -> None:
    made.registry.put(IMAGE)
    assert delete(made, Digest.of(IMAGE, algorithm="sha512")).status == 202
    assert made.registry.manifest_rows == {}


def test_delete_of_what_is_held_needs_no_other_scope(made: House) -> None:
    made.registry.put(IMAGE, condition=Condition.HELD)
    assert delete(made, DIGEST).status == 202


def test_delete_of_what_the_account_does_not_see(made: House) -> None:
    made.registry.put(IMAGE, condition=Condition.HELD)
    # A maintainer's robot without quarantine-read, in short.
    somebody = made.directory._people["u:maintainer"]
    somebody.quarantine_read = False
    assert delete(made, DIGEST).status == 404
    assert made.registry.manifest_rows


@pytest.mark.parametrize("who", ["reader", "writer", "scanner"])
def test_delete_without_the_right(made: House, who: str) -> None:
    made.registry.put(IMAGE, tag="v1")
    for reference in ("v1", DIGEST):
        assert delete(made, reference, who).status == 401
    assert made.registry.tag_rows


def test_an_index_keeps_its_type(made: House) -> None:
    body = encode(index())
    made.registry.put(body, tag="i")
    assert get(made, "i").one("content-type") == media_types.OCI_INDEX


def test_a_row_without_its_body_is_our_fault(made: House) -> None:
    view = made.registry.put(IMAGE)
    made.registry.manifest_rows["team/app", DIGEST] = replace(view, body=None)
    reply = get(made, DIGEST)
    assert (reply.status, reply.code) == (500, "UNKNOWN")
    assert len(made.failures) == 1
