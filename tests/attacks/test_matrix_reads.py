"""Every read route x every state x every caller, against the table written by hand: security.md rows 1, 27 and 102.

Each question is asked in every form that a client has for it: GET, HEAD, with a condition, with a range. Whoever may not
see an object learns neither its bytes nor its state nor that it is there.
"""

from collections.abc import Iterator

import pytest

from gateway.oci.names import ProjectName
from tests.attacks import matrix
from tests.support.api import Reply
from tests.support.images import digest_of
from tests.support.matrix_world import CALLERS, REPOSITORY, Made, World
from tests.support.whole import OPERATOR, run

STATES = {"h": "held", "d": "distrusted", "r": "revoked"}


@pytest.fixture(scope="module")
def world(made_world: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made_world.open(tmp_path_factory.mktemp("matrix") / "state") as opened:
        yield opened


def check(reply: Reply, cell: str, *, content: bytes | None, allowed: int = 200, kept_away: bytes = b"") -> None:
    """Assert that the answer is the one of ``cell``: the status, the state header, and whether the bytes are there."""
    status, state = int(cell[:3]), STATES.get(cell[3:])
    assert reply.status == (allowed if status == 200 else status), reply.body
    assert reply.every("registry-gateway-state") == ([state] if state else [])
    if status == 200:
        if content is not None:
            assert reply.body == content
        assert len(reply.every("docker-content-digest")) == 1
        assert reply.every("cache-control") == (["private, no-store"] if state else [])
        return
    assert kept_away == b"" or kept_away not in reply.body
    assert reply.every("etag") == reply.every("docker-content-digest") == reply.every("content-range") == []
    if status == 401:
        assert reply.one("www-authenticate").startswith('Bearer realm="https://')


@pytest.mark.parametrize(("state", "caller", "cell"), matrix.cells(matrix.MANIFEST_BY_DIGEST))
def test_row_001_a_manifest_by_digest(world: World, state: str, caller: str, cell: str) -> None:
    digest, content, _ = world.manifest(state)
    target = f"/v2/{REPOSITORY}/manifests/{digest}"
    check(world.ask(caller, "GET", target), cell, content=content, kept_away=content)
    check(world.ask(caller, "HEAD", target), cell, content=b"")
    known = world.ask(caller, "GET", target, headers={"if-none-match": f'"{digest}"'})
    check(known, cell, content=b"", allowed=304)


@pytest.mark.parametrize(
    ("view", "tag", "caller", "cell"),
    [
        *((False, *cell) for cell in matrix.cells(matrix.MANIFEST_BY_TAG)),
        *((True, *cell) for cell in matrix.cells(matrix.MANIFEST_BY_TAG_WITH_VIEW)),
    ],
)
def test_row_001_a_manifest_by_tag(world: World, view: bool, tag: str, caller: str, cell: str) -> None:
    state = tag if tag != "moved" else "second" if cell.endswith("h") else "first"
    _, content, _ = world.manifest(state)
    name = world.evidence[tag].tag if tag in world.evidence else tag
    headers = {"registry-gateway-view": "pending"} if view else {}
    target = f"/v2/{REPOSITORY}/manifests/{name}"
    check(world.ask(caller, "GET", target, headers=headers), cell, content=content, kept_away=content)
    check(world.ask(caller, "HEAD", target, headers=headers), cell, content=b"")


@pytest.mark.parametrize(("state", "caller", "cell"), matrix.cells(matrix.BLOB))
def test_row_001_and_102_a_blob(world: World, state: str, caller: str, cell: str) -> None:
    content = world.blobs[state]
    digest = digest_of(content)
    target = f"/v2/{REPOSITORY}/blobs/{digest}"
    check(world.ask(caller, "GET", target), cell, content=content, kept_away=content)
    check(world.ask(caller, "HEAD", target), cell, content=b"")
    part = world.ask(caller, "GET", target, headers={"range": "bytes=1-3"})
    check(part, cell, content=content[1:4], allowed=206)
    # A range that no blob has must not tell those that are hidden from those that are not there.
    beyond = world.ask(caller, "GET", target, headers={"range": "bytes=99999999-"})
    assert beyond.status == (416 if cell.startswith("200") else int(cell[:3]))
    known = world.ask(caller, "GET", target, headers={"if-none-match": f'"{digest}"'})
    check(known, cell, content=b"", allowed=304)


@pytest.mark.parametrize(("state", "caller", "cell"), matrix.cells(matrix.REFERRERS))
def test_row_001_referrers(world: World, state: str, caller: str, cell: str) -> None:
    subject, _, _ = world.manifest(state)
    for query in ("", "?artifactType=application/vnd.dev.sigstore.bundle.v0.3%2Bjson"):
        reply = world.ask(caller, "GET", f"/v2/{REPOSITORY}/referrers/{subject}{query}")
        if cell == "401":
            check(reply, cell, content=None)
            continue
        assert reply.status == 200
        assert len(reply.json()["manifests"]) == int(cell)


@pytest.mark.parametrize("caller", CALLERS)
def test_row_001_tags(world: World, caller: str) -> None:
    reply = world.ask(caller, "GET", f"/v2/{REPOSITORY}/tags/list")
    expected = {tag: cell for tag, column, cell in matrix.cells(matrix.TAGS) if column == caller}
    if set(expected.values()) == {"401"}:
        check(reply, "401", content=None)
        return
    assert reply.status == 200
    assert {tag: "yes" if tag in reply.json()["tags"] else "no" for tag in expected} == expected
    # A page of one at a time lists the same, whatever stands between the visible ones.
    names, target = [], f"/v2/{REPOSITORY}/tags/list?n=1"
    while target:
        page = world.ask(caller, "GET", target)
        names += page.json()["tags"]
        link = page.every("link")
        target = link[0].partition(">")[0][1:] if link else ""
    assert names == reply.json()["tags"]


@pytest.fixture
def signing(world: World) -> Iterator[World]:
    """The same world while its writers have the level ``signing``."""

    def set_level(full: bool) -> None:
        run(
            world.whole.parts.projects.set_project(
                ProjectName.parse("team"),
                mode=None,
                visibility=None,
                writers_read_held=full,
                by=OPERATOR,
                reason="test",
                now=world.whole.now,
            )
        )

    set_level(False)
    yield world
    set_level(True)


@pytest.mark.parametrize("state", ["admitted", "held", "distrusted", "revoked", "absent"])
def test_the_level_signing(signing: World, state: str) -> None:
    expected = {question: cell for row, question, cell in matrix.cells(matrix.SIGNING) if row == state}
    digest, content, _ = signing.manifest(state)
    blob = signing.blobs[state if state == "absent" else f"of-{state}"]
    target = f"/v2/{REPOSITORY}/blobs/{digest_of(blob)}"
    check(signing.ask("writer", "GET", f"/v2/{REPOSITORY}/manifests/{digest}"), expected["manifest"], content=content)
    check(signing.ask("writer", "GET", f"/v2/{REPOSITORY}/manifests/{state}"), expected["tag"], content=content)
    check(signing.ask("writer", "HEAD", target), expected["head"], content=b"")
    check(signing.ask("writer", "GET", target), expected["get"], content=blob, kept_away=blob)
    mount = f"/v2/other/signing-{state}/blobs/uploads/?mount={digest_of(blob)}&from={REPOSITORY}"
    assert signing.ask("partner", "POST", mount, also=f"other/signing-{state}").status == int(expected["mount"])
    referrers = signing.ask("writer", "GET", f"/v2/{REPOSITORY}/referrers/{digest}").json()["manifests"]
    assert len(referrers) == int(expected["referrers"])
