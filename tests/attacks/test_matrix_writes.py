"""Every writing route x every state x every caller, against the table written by hand: security.md rows 14, 20, 21, 23.

Whoever is refused has changed nothing: the catalog has as many rows after the refusal as before it.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks import matrix
from tests.attacks.test_matrix_reads import STATES
from tests.support.api import Reply
from tests.support.evidence import signed_bundle
from tests.support.images import digest_of, image
from tests.support.matrix_world import ELSEWHERE, REPOSITORY, Made, World
from tests.support.whole import KEY

TABLES = ("manifest", "tag", "repo_blob", "upload", "referrer", "decision", "event", "missing", "work")
COUNTER = itertools.count()


@pytest.fixture(scope="module")
def world(made_world: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made_world.open(tmp_path_factory.mktemp("matrix") / "state") as opened:
        yield opened


def check(world: World, reply: Reply, cell: str, before: dict[str, int]) -> None:
    """Assert the status and the state of ``cell``; and that a refusal left everything as it was."""
    status, state = int(cell[:3]), STATES.get(cell[3:])
    assert reply.status == status, (reply.status, reply.body)
    if status in (200, 201, 202, 204):
        assert reply.every("registry-gateway-state") == ([state] if state else [])
        return
    after = world.whole.count(*TABLES)
    # What a decision denied is on record, and nothing else of it is kept.
    audited = {"decision", "event"} if status == 403 else set()
    assert {key: after[key] for key in after if key not in audited} == {
        key: before[key] for key in before if key not in audited
    }
    if status == 403:
        assert reply.code == "DENIED"


@pytest.mark.parametrize(
    ("state", "caller", "cell"),
    [
        pytest.param(*cell, marks=pytest.mark.xfail(reason=matrix.PUT_DIFFERS[cell[:2]]))
        if cell[:2] in matrix.PUT_DIFFERS
        else cell
        for cell in matrix.cells(matrix.MANIFEST_PUT)
    ],
)
def test_row_014_put_by_digest(world: World, state: str, caller: str, cell: str) -> None:
    digest, content, kind = world.manifest(state)
    if state == "absent":
        # Each caller with bytes of his own: what was stored for one is not absent for the next.
        artifact = image(f"put by {caller}")
        for blob in artifact.blobs:
            assert world.whole.upload("pusher", blob.content, blob.digest).status == 201
        digest, content = artifact.digest, artifact.manifest.content
    before = world.whole.count(*TABLES)
    reply = world.ask(
        caller, "PUT", f"/v2/{REPOSITORY}/manifests/{digest}", body=content, headers={"content-type": kind}
    )
    check(world, reply, cell, before)
    if state == "carried" and reply.status == 201:
        assert reply.every("warning") == []
    if reply.status == 403:
        (reason, *_) = reply.json()["errors"][0]["detail"]["reasons"]
        assert reason["code"] == ("REVOKED" if state == "revoked" and caller != "scanner" else "RIGHT_MISSING")


def test_row_020_and_021_a_right_to_add_is_no_right_to_move(world: World) -> None:
    """A scanner signs: no form of PUT lets it create or move a tag, in the path or in the query, in any spelling."""
    digest, content, kind = world.manifest("admitted")
    spellings = ("?tag=moved", "?tag=fresh&tag=moved", "?tag=%6doved", "?tag=moved&tag=moved")
    for target in (*(f"{digest}{query}" for query in spellings), "moved", "fresh"):
        before = world.whole.count(*TABLES)
        reply = world.ask(
            "scanner", "PUT", f"/v2/{REPOSITORY}/manifests/{target}", body=content, headers={"content-type": kind}
        )
        check(world, reply, "403", before)


def test_row_021_every_tag_of_a_query_is_judged_by_the_rule_of_tags(world: World) -> None:
    """Tags that may not move are immutable in every spelling of a PUT, and one that is refused refuses all."""
    whole = world.whole
    whole.rules({"registry": {"config": {"rules": {"TAG001": {"level": "enforce", "immutable_tags": ["v*"]}}}}})
    first, second = image("immutable 1"), image("immutable 2")
    for artifact in (first, second):
        assert whole.push("pusher", artifact).status == 201
        assert whole.attach("pusher", signed_bundle(KEY, subject=artifact.digest)).status == 201
    assert whole.put("pusher", first, "v1").status == 201
    for target in ("v1", f"{second.digest}?tag=v1", f"{second.digest}?tag=fresh&tag=v1", f"{second.digest}?tag=%761"):
        before = whole.count("tag", "manifest")
        reply = whole.put("pusher", second, target)
        assert (reply.status, reply.code) == (403, "DENIED")
        assert whole.count("tag", "manifest") == before
        seen = world.ask("reader", "HEAD", f"/v2/{REPOSITORY}/manifests/v1")
        assert seen.one("docker-content-digest") == first.digest
    whole.rules()


@pytest.mark.parametrize(("state", "caller", "cell"), matrix.cells(matrix.UPLOAD_START))
def test_row_014_uploads_begin(world: World, state: str, caller: str, cell: str) -> None:
    before = world.whole.count(*TABLES)
    content = f"whole of {caller}".encode()
    repository = REPOSITORY
    match state:
        case "session":
            query = ""
        case "whole":
            query = f"?digest={digest_of(content)}"
        case _:
            query = f"?mount={digest_of(world.blobs[state.removeprefix('mount-')])}&from={REPOSITORY}"
    body = content if state == "whole" else b""
    check(world, world.ask(caller, "POST", f"/v2/{repository}/blobs/uploads/{query}", body=body), cell, before)


@pytest.mark.parametrize(("method", "caller", "cell"), matrix.cells(matrix.SESSION))
def test_row_014_a_session_is_its_own_principals(world: World, method: str, caller: str, cell: str) -> None:
    location = world.ask("pusher", "POST", f"/v2/{REPOSITORY}/blobs/uploads/").one("location")
    content = f"session {next(COUNTER)}".encode()
    if method == "PUT":
        location += f"?digest={digest_of(content)}"
    before = world.whole.count(*TABLES)
    reply = world.ask(caller, method, location, body=content if method in ("PATCH", "PUT") else b"")
    check(world, reply, cell, before)
    if reply.status == 404 and caller not in ("outsider", "auditor") and method != "HEAD":
        assert reply.code == "BLOB_UPLOAD_UNKNOWN"


@pytest.mark.parametrize(("state", "caller", "cell"), matrix.cells(matrix.MOUNT))
def test_row_019_and_102_a_mount_gives_what_a_pull_would(world: World, state: str, caller: str, cell: str) -> None:
    digest = digest_of(world.blobs[state])
    source = f"from={REPOSITORY}&"
    for number, query in enumerate((source, "")):
        # A repository for each, so that what one was given is not found by the next.
        target = f"other/{caller}-{state}-{number}"
        token = world.whole.token(caller, f"repository:{target}:pull,push", f"repository:{REPOSITORY}:pull")
        reply = world.whole.client.send(
            "POST", f"/v2/{target}/blobs/uploads/?{query}mount={digest}", token=token, host="registry.example.test"
        )
        assert reply.status == int(cell), reply.body
        seen = world.whole.client.send("GET", f"/v2/{target}/blobs/{digest}", token=token, host="registry.example.test")
        assert seen.status == (200 if cell == "201" else 404)


def test_row_102_naming_what_another_repository_has_gives_nothing(world: World) -> None:
    """A manifest that names a blob, a child or a subject of another project stays incomplete, and reads nothing there."""
    whole, foreign = world.whole, world.images["admitted"]
    reply = whole.put("outsider", foreign, repository=ELSEWHERE)
    assert (reply.status, reply.one("registry-gateway-state")) == (201, "held")
    assert any("CLOSURE_INCOMPLETE" in warning for warning in reply.every("warning"))
    for blob in foreign.blobs:
        assert world.ask("outsider", "GET", f"/v2/{ELSEWHERE}/blobs/{blob.digest}").status == 404
    parent = world.images["parent"]
    assert whole.put("outsider", parent, repository=ELSEWHERE).status == 201
    child = world.images["carried"].digest
    assert world.ask("outsider", "GET", f"/v2/{ELSEWHERE}/manifests/{child}").status == 404
    assert world.ask("outsider", "GET", f"/v2/{ELSEWHERE}/referrers/{foreign.digest}").json()["manifests"] == []


def test_row_023_deletes(made_world: Made, tmp_path: Path) -> None:
    """In a world of its own, since it takes it apart; tables and rows are in an order that leaves each its object."""
    with made_world.open(tmp_path / "state") as world:
        for state, caller, cell in matrix.cells(matrix.BLOB_DELETE):
            delete(world, caller, f"blobs/{digest_of(world.blobs[state])}", cell)
        for tag, caller, cell in matrix.cells(matrix.TAG_DELETE):
            delete(world, caller, f"manifests/{tag}", cell)
        for state, caller, cell in matrix.cells(matrix.MANIFEST_DELETE):
            delete(world, caller, f"manifests/{world.manifest(state)[0]}", cell)
        # The tombstone is over the bytes: it outlives the row, and they do not come back.
        again = world.whole.put("pusher", world.images["revoked"])
        assert (again.status, again.code) == (403, "DENIED")


def delete(world: World, caller: str, what: str, cell: str) -> None:
    """Assert what ``caller`` gets for a DELETE."""
    before = world.whole.count(*TABLES)
    check(world, world.ask(caller, "DELETE", f"/v2/{REPOSITORY}/{what}"), cell, before)
